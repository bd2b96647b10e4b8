"""``<name>_history``: every version that a row of the directory ever had, derived from the declaration of its table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Date, Integer, PrimaryKeyConstraint, Table, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP

from projections.tables.base import Base, add_checks
from projections.tables.organization import Company, Department, Team
from projections.tables.people import Employee, User

RECORDED_WITH = (Company, Department, Team, User, Employee)
"""The declarations whose rows keep their past versions."""


def history_of(parent: Table) -> Table:
    """The history of a table: its columns but ``fold_state``, and which event made the version, when.

    No foreign keys: each row is written in the transaction of its parent's, which has them.
    """
    name = f"{parent.name}_history"
    own = {column.name: column for column in _version_columns()}
    copied = [_copy(column) for column in parent.columns if column.name != "fold_state" and column.name not in own]
    history = Table(
        name,
        parent.metadata,
        *copied,
        *own.values(),
        PrimaryKeyConstraint("id", "version", name=f"{name}_pkey"),
        schema=parent.schema,
        comment=f"Every version that a row of {parent.name} had; the highest one is the present row.",
        info={"part": "history", "rules": parent.info["rules"], "history_of": parent.name},
    )
    add_checks(history)
    return history


def _copy(column: Column[Any]) -> Column[Any]:
    return Column(column.name, column.type, nullable=column.nullable, comment=column.comment, info=dict(column.info))


def _version_columns() -> list[Column[Any]]:
    return [
        Column("version", Integer(), nullable=False, comment="Version of the stream that the event made: 1, 2, 3, ..."),
        Column("event_id", Uuid(), nullable=False, comment="Event that made this version."),
        Column(
            "effective_from", Date(), nullable=False, comment="Day on which it happened: first day of this version."
        ),
        Column(
            "recorded_at", TIMESTAMP(timezone=True), nullable=False, comment="When the hub recorded the event (UTC)."
        ),
    ]


HISTORY: dict[str, Table] = {
    table.name: history_of(table) for table in (Base.metadata.tables[f"hub.{d.__tablename__}"] for d in RECORDED_WITH)
}
"""The history table of each table that has one, by the name of its parent."""
