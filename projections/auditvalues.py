"""Rows as an auditor reads them: what the audit trail shows of the values before and after an event.

Forms: timestamps are ISO 8601 in UTC (``2024-05-03T10:15:30Z``, with six decimals where there are any), days ISO, bytes
hexadecimal, JSON as it is. A numeric is a JSON number: the shortest form of ``value / 10**scale`` is the exact decimal
for up to 15 digits, and trailing zeros say nothing that the column's scale does not; longer numerics are text.

What is made here are JSON objects; they become text where the audit row is written.

Of a JSON object of a computed figure only the members that differ are shown, on either side: most of it stays as it is
from one hour to the next, and the event has the whole.

A personal column shows its sealed text and never anything else, since an audit row is kept when the person's key is
destroyed; what is not sealed is masked, as secrets are. ``fold_state`` and the two row times are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Column, Table

from hub.domain.figures import PART_OF
from hub.domain.rows import STATE, Row, same
from hub.domain.sealing import is_sealed
from hub.domain.units import SECOND, day, unscaled
from projections.plain import kind_of, personal_of, scale_of

MASK = "••••"
SECRETS = frozenset({"authentication_config"})
QUIET = frozenset({"created_at", "updated_at", STATE})
"""Columns that are never shown: the audit row has its own time, and the state is not for readers."""

EXACT_DIGITS = 15  # of a decimal that a double gives back unchanged
_OF_HOUR = tuple(f":{second // 60:02}:{second % 60:02}" for second in range(3600))
_HOUR = 3600 * SECOND

Shown = Callable[[Any], Any]
Told = tuple[dict[str, Any] | None, dict[str, Any] | None, dict[str, Any] | None]
"""Old values, new values, and ``{field: [old, new]}``."""

_HIDDEN: Any = object()
"""Stands for the form of a column that is never shown."""
_BESIDE: Any = object()
"""Stands for the form of what is no column, but lies below ``fold_state``."""


@lru_cache(maxsize=16_384)
def iso_day(value: int) -> str:
    """The ISO text of a day (days since 1970)."""
    return day(value).isoformat()


@lru_cache(maxsize=16_384)
def _iso_hour(value: int) -> str:
    days, hour = divmod(value, 24)
    return f"{iso_day(days)}T{hour:02}"


def iso_time(value: int) -> str:
    """The ISO 8601 text of microseconds since 1970, in UTC; nothing is rounded."""
    hour, rest = divmod(value, _HOUR)
    second, micros = divmod(rest, SECOND)
    return f"{_iso_hour(hour)}{_OF_HOUR[second]}.{micros:06}Z" if micros else f"{_iso_hour(hour)}{_OF_HOUR[second]}Z"


def differences(table: Table, old: Row | None, changes: Collection[str], new: Row | None) -> Told:
    """Old values, new values and ``{field: [old, new]}`` of what differs, as objects of JSON.

    ``changes`` are the names that may differ: columns, or what lies below ``fold_state``, which is shown as it lies there.
    Of a first row (``old`` is None) and of a removed one (``new`` is None) all columns that are not NULL are shown, the
    values on the other side are None. Where nothing differs, all three are None.
    """
    if old is None or new is None:
        return _whole(table, changes, old, new)
    forms, json = _forms(table), _json_columns(table)
    old_state, new_state = old.get(STATE) or {}, new.get(STATE) or {}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in changes:
        form = forms.get(name, _BESIDE)
        if form is _BESIDE:
            was, now, form = old_state.get(name), new_state.get(name), None
        else:
            was, now = old.get(name), new.get(name)
        if was == now or form is _HIDDEN:
            continue
        if was is not None and now is not None and _alike(was, now, is_json=name in json):
            continue
        before[name] = was if was is None or form is None else form(was)
        after[name] = now if now is None or form is None else form(now)
        if table.name in PART_OF and isinstance(before[name], dict) and isinstance(after[name], dict):
            before[name], after[name] = _differing(before[name], after[name])
    if not before:
        return None, None, None
    return before, after, {name: [was, after[name]] for name, was in before.items()}


def _differing(was: dict[str, Any], now: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members of two objects that differ, and of members that are objects only theirs."""
    old, new = dict(was), dict(now)
    for name in was.keys() & now.keys():
        if was[name] == now[name]:
            del old[name], new[name]
        elif isinstance(was[name], dict) and isinstance(now[name], dict):
            old[name], new[name] = _differing(was[name], now[name])
    return old, new


def _whole(table: Table, changes: Collection[str], old: Row | None, new: Row | None) -> Told:
    """All that is known of a first row, or of one that is removed."""
    row = new if new is not None else old
    if row is None:
        return None, None, None
    forms, state = _forms(table), row.get(STATE) or {}
    known: dict[str, Any] = {}
    for name, value in row.items():
        if value is not None and (form := forms[name]) is not _HIDDEN:
            known[name] = value if form is None else form(value)
    for name in changes:
        if name not in row and (value := state.get(name)) is not None:
            known[name] = value
    if not known:
        return None, None, None
    if new is None:
        return known, None, {name: [value, None] for name, value in known.items()}
    return None, known, {name: [None, value] for name, value in known.items()}


def _alike(was: Any, now: Any, *, is_json: bool) -> bool:
    """Whether two values that are not equal mean the same: JSON as text and as objects, a list and a tuple."""
    if is_json:
        return bool(_objects(was) == _objects(now))
    return type(was) is not type(now) and same(was, now)


def _objects(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


@lru_cache(maxsize=256)
def _json_columns(table: Table) -> frozenset[str]:
    """The json columns whose text is JSON; a personal one holds a sealed text."""
    return frozenset(column.name for column in table.columns if kind_of(column) == "json") - set(personal_of(table))


@lru_cache(maxsize=256)
def _forms(table: Table) -> dict[str, Shown | None]:
    """How the values of each column are shown; None: as they are."""
    return {column.name: _HIDDEN if column.name in QUIET else _form(column) for column in table.columns}


def _form(column: Column[Any]) -> Shown | None:
    if column.name in SECRETS:
        return lambda _: MASK
    if column.info.get("personal"):
        return lambda value: value if is_sealed(value) else MASK
    kind = kind_of(column)
    if kind == "numeric":
        return _number(getattr(column.type, "precision", 0), scale_of(column))
    forms: dict[str, Shown] = {
        "time": iso_time,
        "date": iso_day,
        "bytes": bytes.hex,
        "json": _objects,
    }
    return forms.get(kind)


def _number(precision: int, scale: int) -> Shown:
    if precision > EXACT_DIGITS:
        return lambda value: str(unscaled(value, scale))
    unit = 10**scale
    return lambda value: value / unit if scale else value
