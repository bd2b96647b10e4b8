"""What a projection is: the table, the key of the row that an event concerns, and a pure fold.

A fold takes (row or none, event) and gives the new row, or none where the event changes nothing there. It reads no
clock, no sequence and no other row: a row is a function of its stream's events alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Table

from hub.domain.rows import Row

PlainEvent = Mapping[str, Any]
"""An event as plain values, with ``type``."""


@dataclass(frozen=True, slots=True)
class Projection:
    """One read table and the fold that fills it."""

    table: Table
    keys: Callable[[PlainEvent], tuple[str, ...]]
    """The ids of the rows of this table that an event concerns."""
    fold: Callable[[Row | None, PlainEvent, str], Row | None]
    """(row or none, event, row id) → row, or none for no change."""
    columns: frozenset[str]
    version: int = 1
    """Raised with every change of ``keys`` or ``fold`` after which the same log gives other rows (docs/rebuild.md)."""
    name: str = field(init=False)
    """The name of the table; stored positions and documentation use it, so it never changes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.table.name)


@lru_cache(maxsize=256)
def _nothing(table: Table) -> Row:
    return dict.fromkeys(table.columns.keys())


def blank(table: Table) -> Row:
    """A row of this table with every column unknown."""
    return _nothing(table).copy()


def columns_of(table: Table) -> frozenset[str]:
    """The names of a table's columns, without ``fold_state``."""
    return frozenset(table.columns.keys()) - {"fold_state"}
