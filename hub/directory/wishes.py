"""From a record of a directory file to what it wants: which row, with which values, under which ids.

Nothing is asked of the tables here and no key of a person is made; personal texts stay in the clear until
:meth:`Wish.values` seals them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.parse import Reading
from hub.directory.columns import COLUMNS, Column, column_of, key_of
from hub.directory.reading import Told
from hub.domain import ids
from hub.domain.sealing import Sealer, to_text
from hub.domain.values import EmploymentStatus
from hub.errors import Unusable

PEOPLE = frozenset({"employee", "user"})
"""Kinds with a key of their own, under which their personal values are sealed."""
MUST_EXIST = ("department_id", "team_id")
"""Columns whose row must be known before the one that names it."""


@dataclass(slots=True)
class Wish:
    """A row as the file wants it. ``clear`` holds personal texts, ``plain`` all other values."""

    told: Told
    stream: str
    plain: dict[str, Any] = field(default_factory=dict)
    clear: dict[str, str] = field(default_factory=dict, repr=False)
    cleared: list[str] = field(default_factory=list)
    effective_from: int | None = None

    @property
    def kind(self) -> str:
        """Kind of the record."""
        return self.told.kind

    def values(self, sealer: Sealer) -> dict[str, Any]:
        """All values, the personal ones sealed with the person's key, which must be prepared."""
        return self.plain | {name: to_text(sealer.seal(self.stream, text)) for name, text in self.clear.items()}


class Wishes:
    """Makes wishes of the records of one file."""

    def __init__(self, company_id: str, sealer: Sealer, zone: str, today: int) -> None:
        """``zone``: the company's; ``today``: the day there, in days since 1970."""
        self._company_id = company_id
        self._sealer = sealer
        self._reading = Reading(zone=zone)
        self._today = today
        self._positions: dict[str, str] = {}

    def wish(self, told: Told) -> Wish:
        """What a record wants.

        Raises:
            Unusable: the record cannot be read, a value breaks its rule, or the file told of this row already.
        """
        if told.problem is not None:
            raise told.problem
        said = self._said(told)
        key = key_of(told.kind)
        if said.get(key.name) is None:
            raise _broken(key.name, "required", f"a value that names the {told.kind}")
        wish = Wish(told, self.stream(told.kind, said[key.name]))
        for column in COLUMNS[told.kind]:
            if column.name in said:
                self._put(wish, column, said[column.name])
        if told.kind == "employee":
            self._derive_status(wish)
        self._once(wish, key.name)
        return wish

    def stream(self, kind: str, key: str) -> str:
        """The stream and row that a key names."""
        if kind == "company":
            return ids.company_id(key)
        if kind == "department":
            return ids.department_id(self._company_id, key)
        if kind == "team":
            return ids.team_id(self._company_id, key)
        return self._sealer.pseudonym(self._company_id, kind, key)

    def _said(self, told: Told) -> dict[str, Any]:
        """Column → value as it is read; None where the cell is empty."""
        said: dict[str, Any] = {}
        for header, cell in told.cells.items():
            column = column_of(told.kind, header)
            if column is None:
                continue
            if column.name in said:
                raise _broken(header, "one column for one value", f"the {column.name} in one column only")
            said[column.name] = column.parse(cell, column.name, self._reading)
        return said

    def _put(self, wish: Wish, column: Column, value: Any) -> None:
        if value is None:
            if column.clears:
                wish.cleared.append(column.fills)
        elif column.fills == "effective_from":
            wish.effective_from = value
        elif column.names is not None:
            named = self.stream(column.names, value)
            if named == wish.stream:
                raise _broken(column.name, "another one", f"a {column.names} other than the {wish.kind} itself")
            wish.plain[column.fills] = named
        elif column.personal:
            wish.clear[column.fills] = value
        else:
            wish.plain[column.fills] = value

    def _derive_status(self, wish: Wish) -> None:
        """Who has a last day that is over has left, where the file tells no status."""
        last_day = wish.plain.get("termination_date")
        if "employment_status" not in wish.plain and last_day is not None and last_day < self._today:
            wish.plain["employment_status"] = EmploymentStatus.TERMINATED.value
        _check_order(wish.plain, "leave_start_date", "leave_end_date")
        _check_order(wish.plain, "hire_date", "termination_date")

    def _once(self, wish: Wish, key: str) -> None:
        if wish.kind == "company" and wish.stream != self._company_id:
            raise _broken(key, "company of the import", "the code of the company that the file is imported for")
        first = self._positions.setdefault(wish.stream, wish.told.position)
        if first != wish.told.position:
            raise _broken(key, "once per file", f"one record for each {wish.kind}; {first} tells of it already")


def check_known(wish: Wish, known: Mapping[str, bool]) -> None:
    """Hold what a row names against what there is (stream → whether it exists).

    Raises:
        Unusable: a department or team that it names does not exist.
    """
    for column in COLUMNS[wish.kind]:
        if column.fills in MUST_EXIST and not known.get(wish.plain.get(column.fills, ""), True):
            expected = f"the code of a {column.names} that is known or in the file"
            raise _broken(column.name, f"known {column.names}", expected)


def _check_order(values: Mapping[str, Any], first: str, last: str) -> None:
    if values.get(first) is not None and values.get(last) is not None and values[first] > values[last]:
        raise _broken(last, "order of days", f"a day on or after {first}")


def _broken(name: str, rule: str, expected: str) -> Unusable:
    return Unusable(f"{name} breaks the rule '{rule}': expected {expected}.", field=name, rule=rule, expected=expected)
