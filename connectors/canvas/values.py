"""Values of Canvas's answers: ids, times, numbers and texts, read into plain values.

Whatever cannot be read raises :class:`~hub.errors.Unusable` with field, rule and expectation, never the value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson

from connectors.parse import Reading, decimal, plain, refuse, whole
from connectors.parse_dates import moment
from hub.domain.units import day_in

Row = Mapping[str, Any]

SHARD: Final = 10_000_000_000_000
"""A global id is the number of a shard times this, plus the local id."""

_score = decimal(4, None, 9_999_999_999)


def canvas_id(row: Row, name: str) -> str:
    """A local id as text: Canvas's own, whether it was told as a local or as a global one. Raises Unusable."""
    found = optional_id(row, name)
    if found is None:
        refuse(name, "required", "an id of Canvas")
    return found


def optional_id(row: Row, name: str) -> str | None:
    """As :func:`canvas_id`; None where it is missing."""
    value = row.get(name)
    if type(value) is not int:
        if value is None or value == "":
            return None
        text = value.rpartition("~")[2] if isinstance(value, str) else ""
        if not (text.isascii() and text.isdecimal() and len(text) < 25):
            refuse(name, "id", "a whole number")
        value = int(text)
    local = value % SHARD
    if value < 1 or local == 0:
        refuse(name, "id", "a number from 1")
    return str(local)


def text(row: Row, name: str, limit: int) -> str | None:
    """A text, cut to what the column holds; None where nothing is told."""
    found = plain(row.get(name), name)
    return found if found is None or len(found) <= limit else found[:limit].rstrip()


def time(row: Row, name: str, reading: Reading) -> int | None:
    """A moment, microseconds; None where it is null."""
    value = row.get(name)
    return None if value is None else moment(value, name, reading)


def day(at: int | None, reading: Reading) -> int | None:
    """The day of a moment in the company's zone."""
    return None if at is None else day_in(at, reading.zone)


def score(row: Row, name: str, reading: Reading) -> int | None:
    """A score in ten-thousandths; None where it is null."""
    value = row.get(name)
    return None if value is None else _score(value, name, reading)


def count(row: Row, name: str, reading: Reading) -> int | None:
    """A whole number from 0; None where it is null."""
    value = row.get(name)
    return None if value is None else whole(value, name, reading)


def part(row: Row, name: str) -> Row:
    """An object inside a row; an empty one where it is null. Raises Unusable for anything else."""
    value = row.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        refuse(name, "type", "an object")
    return value


def written(row: Any) -> bytes:
    """A row as bytes, in the order of its members."""
    try:
        return orjson.dumps(row)
    except TypeError:  # numbers and texts that are legal in JSON alone
        return json.dumps(row).encode()
