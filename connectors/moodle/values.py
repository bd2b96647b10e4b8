"""Values of Moodle's answers: ids, epoch seconds, flags, numbers and texts, read into plain values.

Whatever cannot be read raises :class:`~hub.errors.Unusable` with field, rule and expectation, never the value.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from connectors.parse import ISO, decimal, percent, plain, refuse
from hub.domain.units import SECOND

Row = Mapping[str, Any]
Key = int | str | None
"""An id as it was written."""

SECONDS_OF_2100: Final = 4_102_444_800
MOST: Final = 9_999_999_999
_TAG = re.compile(r"<[^>]*>")
_FLAGS: Final = {True: True, False: False, "1": True, "0": False, "true": True, "false": False}
_score = decimal(4, None, MOST)


def moodle_id(row: Row, name: str = "id") -> str:
    """An id as text. Raises Unusable where it is missing or no number from 1."""
    value = row.get(name)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if type(value) is not int or value < 1:
        refuse(name, "required", "an id of Moodle, a whole number from 1")
    return str(value)


def key_of(row: object) -> Key:
    """A row's id as it was written, to recognise the row by; None where it has none that could be one."""
    value = row.get("id") if isinstance(row, dict) else None
    return value if isinstance(value, int | str) else None


def epoch(row: Row, name: str) -> int | None:
    """Epoch seconds as microseconds; None where it is missing or 0, which means never."""
    value = row.get(name)
    if not value or value == "0":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if type(value) is not int or not 0 < value < SECONDS_OF_2100:
        refuse(name, "epoch seconds", "seconds since 1970 before the year 2100, or 0")
    return value * SECOND


def flag(row: Row, name: str) -> bool | None:
    """True or false; None where it is missing or null. A value that is neither is an error, not false."""
    value = row.get(name)
    if value is None or value is True or value is False:
        return value
    found = _FLAGS.get(value) if isinstance(value, str | int) else None
    if found is None:
        refuse(name, "true or false", "true, false, 1 or 0")
    return found


def count(row: Row, name: str) -> int:
    """A small whole number; 0 where it is missing."""
    value = row.get(name)
    if value is None:
        return 0
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if type(value) is not int or value < 0:
        refuse(name, "whole number", "a whole number from 0")
    return value


def points(row: Row, name: str) -> int | None:
    """A score in ten-thousandths; None where there is none."""
    value = row.get(name)
    if (type(value) is float or type(value) is int) and -MOST <= value <= MOST:
        return round(value * 10_000)
    scaled: int | None = _score(value, name, ISO)
    return scaled


def share(row: Row, name: str) -> int | None:
    """A percentage in hundredths, held to 0..100; None where there is none."""
    value = row.get(name)
    if (type(value) is float or type(value) is int) and -MOST <= value <= MOST:
        return max(0, min(10_000, round(value * 100)))
    return percent(value, name, ISO)


def text(row: Row, name: str, limit: int) -> str | None:
    """A text without HTML entities, cut to what the column holds; None where nothing is told."""
    found = plain(row.get(name), name)
    if found is None:
        return None
    found = html.unescape(found) if "&" in found else found
    return found if len(found) <= limit else found[: limit - 1].rstrip() + "…"


def rows(value: object, name: str) -> list[Row]:
    """A list of objects; empty where it is missing. Raises Unusable for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        refuse(name, "type", "a list of objects")
    return value


def part(row: object, name: str) -> Row:
    """An object inside a row; an empty one where it is none."""
    value = row.get(name) if isinstance(row, dict) else None
    return value if isinstance(value, dict) else {}


def custom(row: Row, short_name: str | None) -> str | None:
    """The value of a custom field; None where there is no such field, or nothing in it."""
    if short_name is None:
        return None
    for one in rows(row.get("customfields"), "customfields"):
        if one.get("shortname") == short_name:
            return plain(one.get("value"), f"customfields.{short_name}")
    return None


def written(row: Any) -> bytes:
    """A row as bytes, in the order of its members."""
    try:
        return orjson.dumps(row)
    except TypeError:  # numbers and texts that are legal in JSON alone
        return json.dumps(row).encode()


def prose(row: Row, name: str) -> str | None:
    """A text that people wrote, without its markup; None where nothing is left."""
    value = row.get(name)
    if not value:
        return None
    return " ".join(html.unescape(_TAG.sub(" ", plain(value, name) or "")).split()) or None
