"""Folds of ``lms.operations``: computed figures, a row per stream, its id the stream's."""

from __future__ import annotations

from sqlalchemy import Table

from hub.domain.figures import METRICS, PART_OF
from hub.domain.rows import STATE, Row, applied, loaded
from projections.folds.base import PlainEvent, Projection, blank, columns_of
from projections.tables import TABLES

KEPT = ("kind", "subject", "period", "period_start", "period_end", "closed", "definition_version", "as_of")
"""What the row keeps of its last event beside the figures."""


def _projection(table: Table) -> Projection:
    columns = columns_of(table)
    part = PART_OF[table.name]

    def keys(event: PlainEvent) -> tuple[str, ...]:
        return (event["stream_id"],) if event.get("table") == table.name else ()

    def fold(row: Row | None, event: PlainEvent, row_id: str) -> Row | None:
        if row is None:
            row = blank(table)
            row["id"] = row_id
            row["company_id"] = event["company_id"]
            row["lms_integration_id"] = event["integration_id"]
            row["created_at"] = event["recorded_at"]
        new = applied(row, columns, event[part] or {}, event["cleared"])
        state = {name: event[name] for name in KEPT if event[name] is not None}
        if METRICS not in columns:
            state |= {name: loaded(event[name]) for name in ("parts", "reasons")}
        if event["type"] == "lms.figures.restated.v1":
            state["restated_at"] = event["recorded_at"]
        elif row[STATE] and "restated_at" in row[STATE]:
            state["restated_at"] = row[STATE]["restated_at"]
        new[STATE] = state
        new["updated_at"] = event["recorded_at"]
        return new

    return Projection(table, keys, fold, columns)


PROJECTIONS = tuple(_projection(TABLES[name]) for name in PART_OF)
