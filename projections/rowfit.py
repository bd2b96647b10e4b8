"""Holds the rows that a decision would give against their tables, personal values opened first."""

from __future__ import annotations

from collections.abc import Callable, Collection

from hub.domain.rows import Row
from projections.copyformat import Opener, opened
from projections.plain import personal_of
from projections.rowcheck import checker
from projections.tables import TABLES


def row_check(opener: Opener) -> Callable[[str, Row, Collection[str] | None], None]:
    """(table, row, names of what changed; None: all): raises Unusable where the row does not fit its declaration."""

    def check(name: str, row: Row, changed: Collection[str] | None) -> None:
        table = TABLES[name]
        if changed is None or any(column in changed for column in personal_of(table)):
            row = opened([row], table, opener)[0]
        checker(table)(row, changed)

    return check
