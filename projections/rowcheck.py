"""Holds plain rows against a table's declaration, before an event is appended that could not be folded.

A row passes where PostgreSQL takes it *and* gives it back as it was; foreign and unique keys are not looked at. So
this is stricter than PostgreSQL where that would store something else (text whose trailing spaces are cut, a uuid in
capitals, NaN in JSON, JSON numbers that are no double), and where its own types end: years 1 to 9999.
Personal columns hold the clear text here. No message repeats a value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import orjson
from sqlalchemy import Column, Table

from hub.domain.rows import STATE, Row
from hub.errors import Unusable
from projections.plain import kind_of, scale_of
from projections.tables.rules import AtLeast, AtMostColumn, Between, ByteLength, MoreThan, Rule

FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, in days since 1970
FIRST_MICRO, LAST_MICRO = FIRST_DAY * 86_400_000_000, (LAST_DAY + 1) * 86_400_000_000 - 1

_is_uuid_text = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_has_escaped_nul = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000").search


class Checker(Protocol):
    """Checks the rows of one table."""

    def __call__(self, row: Row, changed: Collection[str] | None = None) -> None:
        """Check a row, or only the columns in ``changed`` and the rules that involve them.

        A name in ``changed`` that is no column stands for ``fold_state``.

        Raises:
            Unusable: the first violation in the order of the columns, with field, rule and what was expected.
        """


@dataclass(frozen=True, slots=True)
class _Demand:
    """What every value that is not NULL must be; a later demand may rely on an earlier one."""

    holds: Callable[[Any], bool]
    rule: str
    expected: str


@dataclass(frozen=True, slots=True)
class _ColumnCheck:
    table: str
    name: str
    nullable: bool
    demands: tuple[_Demand, ...]
    pairs: tuple[AtMostColumn, ...]

    def __call__(self, row: Row) -> None:
        value = row.get(self.name)
        if value is None:
            if not self.nullable:
                raise self.broken(self.name, "required", "given")
            return
        for demand in self.demands:
            if not demand.holds(value):
                raise self.broken(self.name, demand.rule, demand.expected)
        for rule in self.pairs:
            low, high = row.get(rule.column), row.get(rule.other)
            if low is not None and high is not None and low > high:
                raise self.broken(rule.column, rule.name, f"at most {rule.other}")

    def broken(self, field: str, rule: str, expected: str) -> Unusable:
        message = f"{field} of {self.table} must be {expected} (rule: {rule})."
        return Unusable(message, field=field, rule=rule, expected=expected)


@lru_cache(maxsize=256)
def checker(table: Table) -> Checker:
    """The check of a table's rows, made once from its declaration."""
    rules: tuple[Rule, ...] = table.info["rules"]
    pairs = [rule for rule in rules if isinstance(rule, AtMostColumn)]
    position = {column.name: number for number, column in enumerate(table.columns)}
    # A rule on two columns is checked with the later one, so that both were found to be of their type.
    later = {rule: max(rule.column, rule.other, key=position.__getitem__) for rule in pairs}
    checks = {
        column.name: _ColumnCheck(
            table.name,
            column.name,
            bool(column.nullable),
            tuple(_demands(column, rules)),
            tuple(rule for rule in pairs if later[rule] == column.name),
        )
        for column in table.columns
    }
    also = {name: {later[rule] for rule in pairs if name in (rule.column, rule.other)} for name in checks}
    also = {name: names for name, names in also.items() if names}
    every = tuple(checks.values())

    @lru_cache(maxsize=1024)  # events change the same few sets of columns
    def of(changed: frozenset[str]) -> tuple[_ColumnCheck, ...]:
        names = {name if name in checks else STATE for name in changed}
        for name in also.keys() & names:
            names |= also[name]
        return tuple(checks[name] for name in sorted(names & checks.keys(), key=position.__getitem__))

    def check(row: Row, changed: Collection[str] | None = None) -> None:
        for column_check in every if changed is None else of(frozenset(changed)):
            column_check(row)

    return check


def _demands(column: Column[Any], rules: Collection[Rule]) -> list[_Demand]:
    """What the type, the enumeration and the rules of the column demand."""
    demands = _typed(column)
    if enum := column.info.get("enum"):
        demands.append(_Demand(frozenset(enum).__contains__, "enum", f"one of {', '.join(enum)}"))
    unit = 10 ** scale_of(column)
    own = (rule for rule in rules if rule.column == column.name and not isinstance(rule, AtMostColumn))
    demands.extend(_of_rule(rule, unit) for rule in own)
    return demands


def _typed(column: Column[Any]) -> list[_Demand]:
    kind = kind_of(column)
    if kind in ("text", "char"):
        return _of_text(getattr(column.type, "length", None), exact=kind == "char")
    if kind == "numeric":
        return [_of_numeric(getattr(column.type, "precision", 0), scale_of(column))]
    if kind == "json":
        return [_Demand(_is_json, "json", "JSON without the character NUL that can be stored and read back")]
    return [
        {
            "uuid": _Demand(_is_uuid, "uuid", "a uuid in lower-case letters (8-4-4-4-12)"),
            "int4": _whole(-(2**31), 2**31 - 1),
            "int8": _whole(-(2**63), 2**63 - 1),
            "bool": _Demand(lambda value: isinstance(value, bool), "type", "true or false"),
            "date": _in_range(FIRST_DAY, LAST_DAY, "a day of the years 1 to 9999"),
            "time": _in_range(FIRST_MICRO, LAST_MICRO, "a time of the years 1 to 9999"),
            "bytes": _Demand(lambda value: isinstance(value, bytes), "type", "bytes"),
        }[kind]
    ]


def _in_range(low: int, high: int, expected: str) -> _Demand:
    return _Demand(lambda value: type(value) is int and low <= value <= high, "range", expected)


def _whole(low: int, high: int) -> _Demand:
    return _in_range(low, high, f"a whole number from {low} to {high}")


def _of_numeric(precision: int, scale: int) -> _Demand:
    limit = 10**precision - 1
    return _in_range(
        -limit, limit, f"a number with at most {precision - scale} digits before the point and {scale} after it"
    )


def _of_text(length: int | None, *, exact: bool) -> list[_Demand]:
    demands = [
        _Demand(lambda value: isinstance(value, str), "type", "text"),
        _Demand(lambda value: "\x00" not in value, "NUL", "text without the character NUL"),
        _Demand(_is_unicode, "unicode", "text of whole Unicode characters"),
    ]
    if length is not None and exact:
        demands.append(_Demand(lambda value: len(value) == length, "length", f"text of {length} characters"))
    elif length is not None:
        demands.append(_Demand(lambda value: len(value) <= length, "length", f"text of at most {length} characters"))
    return demands


def _of_rule(rule: Rule, unit: int) -> _Demand:
    """A rule on one column; its limits are in the unit of the column, plain values are scaled."""
    if isinstance(rule, Between):
        low, high = rule.low * unit, rule.high * unit
        return _Demand(lambda value: low <= value <= high, rule.name, f"from {rule.low} to {rule.high}")
    if isinstance(rule, AtLeast):
        least = rule.low * unit
        return _Demand(lambda value: value >= least, rule.name, f"at least {rule.low}")
    if isinstance(rule, MoreThan):
        below = rule.low * unit
        return _Demand(lambda value: value > below, rule.name, f"more than {rule.low}")
    if isinstance(rule, ByteLength):
        return _Demand(lambda value: len(value) == rule.length, rule.name, f"{rule.length} bytes long")
    raise TypeError(f"The rule {rule.name} concerns more than one column")


def _is_uuid(value: Any) -> bool:
    return isinstance(value, str) and _is_uuid_text(value) is not None


def _is_unicode(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_json(value: Any) -> bool:
    try:
        if isinstance(value, str):
            data = value.encode()
            orjson.loads(data)
        else:
            data = orjson.dumps(value)
            if b"null" in data and not _all_finite(value):
                return False
    except (TypeError, ValueError):
        return False
    return b"\\u0000" not in data or _has_escaped_nul(data) is None


def _all_finite(value: Any) -> bool:
    """Whether no number is NaN or infinite, which would silently be written as null."""
    if isinstance(value, dict):
        return all(map(_all_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_all_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
