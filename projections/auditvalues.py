"""Rows as an auditor reads them: what the audit trail shows of the values before and after an event.

Forms: timestamps are ISO 8601 in UTC (``2024-05-03T10:15:30Z``, with six decimals where there are any), days ISO, bytes
hexadecimal, JSON as it is. A numeric is a JSON number: the shortest form of ``value / 10**scale`` is the exact decimal
for up to 15 digits, and trailing zeros say nothing that the column's scale does not; longer numerics are text.

A personal column shows its sealed text and never anything else, since an audit row is kept when the person's key is
destroyed; what is not sealed is masked, as secrets are. ``fold_state`` and the two row times are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Column, Table

from hub.domain.rows import STATE, Row, same, value_of
from hub.domain.sealing import is_sealed
from hub.domain.units import DAY, day, unscaled
from projections.plain import kind_of, names_of, personal_of, scale_of

MASK = "••••"
SECRETS = frozenset({"authentication_config"})
QUIET = frozenset({"created_at", "updated_at", STATE})
"""Columns that are never shown: the audit row has its own time, and the state is not for readers."""

EXACT_DIGITS = 15  # of a decimal that a double gives back unchanged
_MINUTES = tuple(f"{minute // 60:02}:{minute % 60:02}:" for minute in range(1440))
_SECONDS = tuple(f"{second:02}" for second in range(60))

Shown = Callable[[Any], Any]


@lru_cache(maxsize=16_384)
def iso_day(value: int) -> str:
    """The ISO text of a day (days since 1970)."""
    return day(value).isoformat()


def iso_time(value: int) -> str:
    """The ISO 8601 text of microseconds since 1970, in UTC; nothing is rounded."""
    days, rest = divmod(value, DAY)
    minute, rest = divmod(rest, 60_000_000)
    second, micros = divmod(rest, 1_000_000)
    fraction = f".{micros:06}Z" if micros else "Z"
    return f"{iso_day(days)}T{_MINUTES[minute]}{_SECONDS[second]}{fraction}"


def values(table: Table, row: Row, names: Iterable[str]) -> dict[str, Any]:
    """The readable values of some columns, for orjson (JSON text is an ``orjson.Fragment``).

    A name that is no column is looked up below ``fold_state`` and shown as it lies there.
    """
    shown = _shown(table)
    found: dict[str, Any] = {}
    for name in names:
        value = value_of(row, name)
        found[name] = value if value is None or name not in shown else shown[name](value)
    return found


def differences(
    table: Table, old: Row | None, changes: Collection[str], new: Row | None
) -> tuple[str | None, str | None, str | None]:
    """Old values, new values and ``{field: [old, new]}`` of what differs, each as JSON text for jsonb.

    ``changes`` are the names that may differ: columns, or what lies below ``fold_state``. Of a first row (``old`` is None)
    and of a removed one (``new`` is None) all columns that are not NULL are shown, the values on the other side are None.
    Where nothing differs, all three are None.
    """
    if old is None or new is None:
        return _whole(table, changes, old, new)
    shown, json = _shown(table), _json_columns(table)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in changes:
        was, now = value_of(old, name), value_of(new, name)
        if was == now or name in QUIET or _alike(was, now, is_json=name in json):
            continue
        form = shown.get(name)
        before[name] = was if was is None or form is None else form(was)
        after[name] = now if now is None or form is None else form(now)
    if not before:
        return None, None, None
    return _text(before), _text(after), _text({name: (was, after[name]) for name, was in before.items()})


def _whole(
    table: Table, changes: Collection[str], old: Row | None, new: Row | None
) -> tuple[str | None, str | None, str | None]:
    """All that is known of a first row, or of one that is removed."""
    row = new if new is not None else old
    if row is None:
        return None, None, None
    known = {name: value for name in _visible(table) if (value := row.get(name)) is not None}
    for name in changes:
        if name not in row and (value := value_of(row, name)) is not None:
            known[name] = value
    if not known:
        return None, None, None
    for name, form in _shown(table).items():
        if name in known:
            known[name] = form(known[name])
    if new is None:
        return _text(known), None, _text({name: (value, None) for name, value in known.items()})
    return None, _text(known), _text({name: (None, value) for name, value in known.items()})


@lru_cache(maxsize=256)
def _visible(table: Table) -> tuple[str, ...]:
    return tuple(name for name in names_of(table) if name not in QUIET)


def _text(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()


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
def _shown(table: Table) -> dict[str, Shown]:
    """How the values of a column are shown, for those that are not shown as they are."""
    found = {column.name: _form(column) for column in table.columns}
    return {name: form for name, form in found.items() if form is not None}


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
        "json": lambda value: orjson.Fragment(value) if isinstance(value, str) else value,
    }
    return forms.get(kind)


def _number(precision: int, scale: int) -> Shown:
    if precision > EXACT_DIGITS:
        return lambda value: str(unscaled(value, scale))
    unit = 10**scale
    return lambda value: value / unit if scale else value
