"""Holds the rows that a decision would give against their tables, personal values opened first."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

from sqlalchemy import Table

from hub.domain.rows import Row
from projections.copyformat import Opener, opened
from projections.plain import personal_of
from projections.rowcheck import checker
from projections.tables import TABLES


def row_check(opener: Opener) -> Callable[[str, Row, Collection[str] | None], None]:
    """(table, row, names of what changed; None: all): raises Unusable where the row does not fit its declaration."""

    def check(name: str, row: Row, changed: Collection[str] | None) -> None:
        table = TABLES[name]
        if changed is None:  # NULL breaks no rule but that of a column that must be given
            changed = {column for column, value in row.items() if value is not None} | required_of(table)
        if any(column in changed for column in personal_of(table)):
            row = opened([row], table, opener)[0]
        checker(table)(row, changed)

    return check


@lru_cache(maxsize=256)
def required_of(table: Table) -> frozenset[str]:
    """The columns that must be given."""
    return frozenset(column.name for column in table.columns if not column.nullable)
