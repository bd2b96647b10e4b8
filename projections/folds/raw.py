"""Folds of what came in raw: xAPI statements by their ids, and rejected records with what became of them."""

from __future__ import annotations

from hub.domain import ids
from hub.domain.rows import Row
from projections.folds.base import PlainEvent, Projection, blank, columns_of
from projections.tables import TABLES

STATEMENT = TABLES["xapi_statement"]
DEAD_LETTER = TABLES["dead_letter"]
RECEIVED = "lms.statement.received.v1"
REJECTED = "lms.record.rejected.v1"
RESOLVED = {"lms.deadletter.replayed.v1": "replayed", "lms.deadletter.discarded.v1": "discarded"}


def _statement_keys(event: PlainEvent) -> tuple[str, ...]:
    if not event["type"].startswith("lms.statement."):
        return ()
    return (ids.statement_row(event["integration_id"], event["statement_id"]),)


def fold_statement(row: Row | None, event: PlainEvent, row_id: str) -> Row | None:
    """A statement: what it is when it comes, who voided it when that comes; in either order."""
    new = dict(row) if row else blank(STATEMENT)
    if row is None:
        new["id"] = row_id
        new["company_id"] = event["company_id"]
        new["lms_integration_id"] = event["integration_id"]
        new["statement_id"] = event["statement_id"]
        new["stored_at"] = event["recorded_at"]
    if event["type"] == RECEIVED:
        if new["digest"] is not None:
            return None
        new["stream_id"] = event["target_stream"]
        new["digest"] = event["digest"]
        new["kind"] = event["kind"]
    elif new["voided_by"] is None:
        new["voided_by"] = event["voided_by"]
    else:
        return None
    return new


def _rejected_keys(event: PlainEvent) -> tuple[str, ...]:
    if event["type"] == REJECTED:
        return (event["event_id"],)
    return (event["stream_id"],) if event["type"] in RESOLVED and event["kind"] == "rejected" else ()


def fold_rejected(row: Row | None, event: PlainEvent, row_id: str) -> Row | None:
    """A rejected record, once however often it is seen, and what became of it. One that was taken in again, and is then
    rejected as before, is open again; what was discarded stays so."""
    if event["type"] in RESOLVED:
        return _resolved(row, event["recorded_at"], RESOLVED[event["type"]])
    if row is not None:
        return _resolved(row, None, None) if row["resolution"] == "replayed" else None
    new = blank(DEAD_LETTER)
    new["id"] = row_id
    new["kind"] = "rejected"
    new["lms_integration_id"] = event["integration_id"]
    for name in ("company_id", "stream_id", "field", "rule", "expected", "message", "record_size", "record_sha256"):
        new[name] = event[name]
    for name in ("source_name", "source_position", "run_id", "recorded_at"):
        new[name] = event[name]
    sealed = event["record"]
    new["record"] = event["observation"] if sealed is None else sealed.encode()
    return new


def _resolved(row: Row | None, at: int | None, how: str | None) -> Row | None:
    if row is None:
        return None
    return {**row, "resolved_at": at, "resolution": how}


PROJECTIONS = (
    Projection(STATEMENT, _statement_keys, fold_statement, columns_of(STATEMENT)),
    Projection(DEAD_LETTER, _rejected_keys, fold_rejected, columns_of(DEAD_LETTER)),
)
