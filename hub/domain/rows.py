"""Rows as decisions and folds see them: plain values by column, and what has no column below ``fold_state``.

``apply`` is the whole of what a fold does with new values, so deciding and folding cannot disagree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]
"""One row: column → plain value (see :mod:`hub.domain.units`)."""

STATE = "fold_state"


def value_of(row: Row | None, name: str) -> Any:
    """The value of a column, or of what the row keeps beside its columns; None where unknown."""
    if row is None:
        return None
    if name in row:
        return row[name]
    return (row.get(STATE) or {}).get(name)


def applied(row: Row, columns: frozenset[str], changes: Mapping[str, Any], cleared: Iterable[str] = ()) -> Row:
    """A copy of ``row`` with new values; what is no column goes below ``fold_state``. The row given is untouched."""
    new = row.copy()
    state: dict[str, Any] | None = None
    for name, value in changes.items():
        if value is None:
            continue
        if name in columns:
            new[name] = value
        else:
            if state is None:
                state = dict(new.get(STATE) or {})
            state[name] = value
    for name in cleared:
        if name in columns:
            new[name] = None
        else:
            if state is None:
                state = dict(new.get(STATE) or {})
            state.pop(name, None)
    if state is not None:
        new[STATE] = state
    return new


def dumped(value: Any) -> str:
    """Objects as canonical JSON text: what events carry and what rows are compared by."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def loaded(value: Any) -> Any:
    """A JSON value of a row, held as text (just folded) or as objects (just read), as objects."""
    return json.loads(value) if isinstance(value, str) else value


def same(known: Any, value: Any) -> bool:
    """Whether two plain values are equal; JSON is compared by what it says, not by how it is written."""
    if isinstance(value, str) and isinstance(known, (dict, list)):
        try:
            return dumped(json.loads(value)) == dumped(known)
        except ValueError:
            return False
    if isinstance(value, tuple):
        value = list(value)
    return bool(known == value)


class Changes:
    """Collects the new values of one row: only what differs from what is known is kept."""

    def __init__(self, row: Row | None) -> None:
        self.row = row
        self.new: dict[str, Any] = {}

    def known(self, name: str) -> Any:
        """The value as it will be."""
        return self.new[name] if name in self.new else value_of(self.row, name)

    def put(self, name: str, value: Any) -> bool:
        """Take a value where one is given and it differs; tells whether it does."""
        if value is None:
            return False
        known = value_of(self.row, name)
        if known == value or same(known, value):
            self.new.pop(name, None)
            return False
        self.new[name] = value
        return True

    def first(self, name: str, value: Any) -> bool:
        """Take a value only where none is known yet."""
        return self.known(name) is None and self.put(name, value)

    def most(self, name: str, value: Any) -> bool:
        """Take a value only where it is greater than what is known."""
        known = self.known(name)
        return value is not None and (known is None or value > known) and self.put(name, value)

    def unknown(self, *names: str) -> tuple[str, ...]:
        """Those of these values that are known and become unknown, as an event names them."""
        return tuple(name for name in names if value_of(self.row, name) is not None)

    def add(self, name: str, more: int | None) -> bool:
        """Add to a count."""
        return bool(more) and self.put(name, (self.known(name) or 0) + (more or 0))
