"""Folds of ``lms.integration``: configurations and runs. Both live in the company's settings stream."""

from __future__ import annotations

from hub.domain.rows import Row, applied
from projections.folds.base import PlainEvent, Projection, blank, columns_of
from projections.tables import TABLES

CONFIG = TABLES["lms_integration_config"]
RUN = TABLES["sync_run"]
CONFIG_COLUMNS = columns_of(CONFIG)
RUN_COLUMNS = columns_of(RUN)


def _config_keys(event: PlainEvent) -> tuple[str, ...]:
    if "config_id" not in event:
        return ()
    return tuple(key for key in (event["config_id"], event["demoted_id"]) if key)


def fold_config(row: Row | None, event: PlainEvent, row_id: str) -> Row | None:
    """A configuration; the one that is no longer primary loses just that."""
    if row_id == event["demoted_id"]:
        return {**row, "is_primary_lms": False, "updated_at": event["recorded_at"]} if row else None
    changes, cleared = event["config"] or {}, event["config_cleared"]
    if row is None:
        row = blank(CONFIG)
        row["id"] = row_id
        row["company_id"] = event["company_id"]
        row["created_at"] = event["recorded_at"]
        row["created_by_user_id"] = event["performed_by"]
        row["fold_state"] = {}
    elif not changes and not cleared:
        return None
    new = applied(row, CONFIG_COLUMNS, changes, cleared)
    if event["performed_by"] is not None:
        new["updated_by_user_id"] = event["performed_by"]
    new["updated_at"] = event["recorded_at"]
    return new


def _run_keys(event: PlainEvent) -> tuple[str, ...]:
    return (event["run_id"],) if event.get("run_id") else ()


def fold_run(row: Row | None, event: PlainEvent, row_id: str) -> Row | None:
    """A run: its row begins with it and ends with it."""
    if row is None:
        row = blank(RUN)
        row["id"] = row_id
        row["company_id"] = event["company_id"]
        row["lms_integration_id"] = event["config_id"]
        row["created_at"] = event["recorded_at"]
        row["fold_state"] = {}
    new = applied(row, RUN_COLUMNS, event["run"] or {})
    new["updated_at"] = event["recorded_at"]
    return new


PROJECTIONS = (
    Projection(CONFIG, _config_keys, fold_config, CONFIG_COLUMNS),
    Projection(RUN, _run_keys, fold_run, RUN_COLUMNS),
)
