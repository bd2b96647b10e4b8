"""Folds of ``lms.directory``: one row per stream, its id the stream's."""

from __future__ import annotations

from hub.domain.rows import Row, applied
from hub.domain.units import DAY
from projections.folds.base import PlainEvent, Projection, blank, columns_of
from projections.tables import TABLES

TABLE_OF = {
    "company": "company",
    "department": "department",
    "team": "team",
    "user": "user",
    "employee": "employee",
    "account": "lms_account",
    "course": "course",
}
"""Kind of stream → table."""


def _projection(kind: str, name: str) -> Projection:
    table = TABLES[name]
    columns = columns_of(table)

    def keys(event: PlainEvent) -> tuple[str, ...]:
        return (event["stream_id"],) if event["stream_kind"] == kind else ()

    def fold(row: Row | None, event: PlainEvent, row_id: str) -> Row | None:
        if row is None:
            row = blank(table)
            row["id"] = row_id
            if "company_id" in columns:
                row["company_id"] = event["company_id"]
            if "lms_integration_id" in columns:
                row["lms_integration_id"] = event["integration_id"]
            if "is_active" in columns:
                row["is_active"] = True
            row["created_at"] = event["recorded_at"]
            row["fold_state"] = {}
        new = applied(row, columns, event["change"], event["cleared"])
        if "effective_from" in columns:
            day = event["effective_from"]
            new["effective_from"] = event["occurred_at"] // DAY if day is None else day
        new["updated_at"] = event["recorded_at"]
        return new

    return Projection(table, keys, fold, columns)


PROJECTIONS = tuple(_projection(kind, name) for kind, name in TABLE_OF.items())
