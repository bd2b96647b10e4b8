"""Check constraints as data: the same rule gives the SQL of the constraint and the row check in Python.

A rule names the constraint it belongs to; rules of one table with the same name are one constraint, joined by AND in
the order of their declaration. Limits are in the unit of the column (whole percent, minutes), not in the scaled
integers of plain values. As in SQL, a rule holds where one of its values is NULL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Between:
    """``low <= column <= high``."""

    name: str
    column: str
    low: int
    high: int

    @property
    def sql(self) -> str:
        return f"{self.column} BETWEEN {self.low} AND {self.high}"


@dataclass(frozen=True)
class AtLeast:
    """``column >= low``."""

    name: str
    column: str
    low: int

    @property
    def sql(self) -> str:
        return f"{self.column} >= {self.low}"


@dataclass(frozen=True)
class MoreThan:
    """``column > low``."""

    name: str
    column: str
    low: int

    @property
    def sql(self) -> str:
        return f"{self.column} > {self.low}"


@dataclass(frozen=True)
class AtMostColumn:
    """``column <= other``, both columns of the same row and of the same type."""

    name: str
    column: str
    other: str

    @property
    def sql(self) -> str:
        return f"{self.column} <= {self.other}"


@dataclass(frozen=True)
class ByteLength:
    """The binary value is exactly ``length`` bytes long."""

    name: str
    column: str
    length: int

    @property
    def sql(self) -> str:
        return f"octet_length({self.column}) = {self.length}"


Rule = Between | AtLeast | MoreThan | AtMostColumn | ByteLength


def constraints(rules: Iterable[Rule]) -> dict[str, str]:
    """The SQL condition of each constraint by its name, in the order of declaration."""
    grouped: dict[str, list[str]] = {}
    for rule in rules:
        grouped.setdefault(rule.name, []).append(rule.sql)
    return {name: " AND ".join(parts) for name, parts in grouped.items()}


def one_of(column: str, values: Iterable[str]) -> str:
    """The SQL condition of an enumeration: the column is one of the values (compared exactly)."""
    listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({listed})"
