"""Values of a source, read into plain values: the parsing rules that all connectors share.

Every parser has the form ``(value, field, reading) -> plain value or None``. None means *not said*: an empty text, a
dash, an epoch of 0. What cannot be read raises :class:`~hub.errors.Unusable` with field, rule and expectation, and
nothing else is ever raised. Messages never repeat a value: it may be personal.

Numbers come as ``int`` scaled by the column's digits (see :mod:`hub.domain.units`); days and moments are read by
:mod:`connectors.parse_dates`. Nothing is guessed: what may be read in two ways is refused, and a setting decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn

from hub.domain.units import scaled
from hub.errors import Unusable


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source writes what can be written in several ways; each is a setting of the source."""

    date_format: str | None = None
    """``strptime`` format of its dates, such as ``%d.%m.%Y``; ISO 8601 is understood besides."""
    time_zone: str | None = None
    """IANA zone of its times without an offset; None: an offset is required."""
    decimal_mark: str | None = None
    """``.`` or ``,``; None: where a number may be read in two ways it is refused."""
    zone: str = "UTC"
    """The company's zone, in which a moment becomes a day."""


ISO = Reading()
Parser = Callable[[object, str, Reading], Any]

NOTHING = frozenset({"", "-", "–", "—"})
SPREADSHEET_ERRORS = frozenset({"#N/A", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!"})
TRUE_FALSE: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on", "ja", "wahr", "oui", "vrai", "sí", "si", "sim"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off", "nein", "falsch", "non", "faux", "não"), False),
}
"""What is understood as true or false where a connector has no table of its own; compared case-folded."""

JSON_LIMIT = 64 * 1024

_NUMBER = re.compile(r"([+-]?)([.,][0-9]+|[0-9]+(?:[.,'’ \u00a0\u202f][0-9]+)*)")
_SEPARATORS = re.compile(r"[.,'’ \u00a0\u202f]")


def refuse(field: str, rule: str, expected: str) -> NoReturn:
    """Raise the Unusable of a field that breaks a rule."""
    raise Unusable(f"{field} breaks the rule '{rule}': expected {expected}.", field=field, rule=rule, expected=expected)


# -- text ----------------------------------------------------------------------------------------------------


def plain(value: object, field: str) -> str | None:
    """A scalar as trimmed text (numbers as they are written); None where nothing is left."""
    if isinstance(value, str):
        return checked(value, field).strip() or None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        refuse(field, "type", "a text or a number")
    return _number_text(value, field)


def checked(value: str, field: str) -> str:
    """A text that tables can hold: no NUL, no half of a surrogate pair, no error value of a spreadsheet."""
    if "\x00" in value:
        refuse(field, "no NUL", "text without the character U+0000")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            refuse(field, "encoding", "text that can be encoded as UTF-8")
    if value.startswith("#") and value.strip() in SPREADSHEET_ERRORS:
        refuse(field, "no spreadsheet error", "a value, not the error of a formula such as #N/A")
    return value


def text(limit: int | None = None) -> Parser:
    """A parser of text of at most ``limit`` characters."""

    def parse(value: object, field: str, _: Reading) -> str | None:
        found = plain(value, field)
        if found is not None and limit is not None and len(found) > limit:
            refuse(field, "length", f"at most {limit} characters")
        return found

    return parse


def https_link(value: object, field: str, _: Reading) -> str | None:
    """A link of at most 500 characters; https only."""
    found = plain(value, field)
    if found is None or found in NOTHING:
        return None
    if len(found) > 500 or not re.fullmatch(r"https://[^\s/]+(/\S*)?", found, re.IGNORECASE):
        refuse(field, "https link", "an address that begins with https://, of at most 500 characters")
    return found


def currency(value: object, field: str, _: Reading) -> str | None:
    """The three letters of a currency in ISO 4217."""
    found = said(value, field)
    if found is not None and not re.fullmatch(r"[A-Za-z]{3}", found):
        refuse(field, "currency", "the three letters of ISO 4217, such as EUR")
    return found and found.upper()


def one_of(allowed: type[StrEnum]) -> Parser:
    """A parser of one of the enumerated values; case and surrounding blanks do not matter."""
    values = {member.value.casefold(): member.value for member in allowed}

    def parse(value: object, field: str, _: Reading) -> str | None:
        found = said(value, field)
        if found is not None and found.casefold() not in values:
            refuse(field, "enumerated value", "one of " + ", ".join(values.values()))
        return None if found is None else values[found.casefold()]

    return parse


def said(value: object, field: str) -> str | None:
    """As :func:`plain`; a dash says nothing either."""
    found = plain(value, field)
    return None if found in NOTHING else found


def boolean(table: Mapping[str, bool] = TRUE_FALSE) -> Parser:
    """A parser of booleans by a table of case-folded texts; a text that is not in it is an error, not false."""

    def parse(value: object, field: str, _: Reading) -> bool | None:
        if isinstance(value, bool):
            return value
        found = said(value, field)
        if found is not None and found.casefold() not in table:
            refuse(field, "true or false", "one of " + ", ".join(sorted(table)))
        return None if found is None else table[found.casefold()]

    return parse


# -- numbers -------------------------------------------------------------------------------------------------


def decimal(digits: int, low: int | None, high: int) -> Parser:
    """A parser of numbers from ``low`` to ``high``: an ``int`` scaled by ``10**digits``, rounded half away from zero."""

    def parse(value: object, field: str, reading: Reading) -> int | None:
        found = number(value, field, reading)
        if found is None:
            return None
        if found > high or (low is not None and found < low) or found < -high:
            refuse(field, "range", f"a number from {-high if low is None else low} to {high}")
        return scaled(found, digits)

    return parse


def whole(value: object, field: str, reading: Reading) -> int | None:
    """A whole number from 0 to 2147483647."""
    found = number(value, field, reading)
    if found is None:
        return None
    if found != found.to_integral_value() or not 0 <= found <= 2_147_483_647:
        refuse(field, "whole number", "a whole number from 0 to 2147483647")
    return int(found)


def seconds_of(unit: int) -> Parser:
    """A parser of a time in units of ``unit`` seconds: whole seconds, rounded down."""

    def parse(value: object, field: str, reading: Reading) -> int | None:
        found = number(value, field, reading)
        if found is None:
            return None
        if not 0 <= found * unit <= 2_147_483_647:
            refuse(field, "range", f"a number from 0 to {2_147_483_647 // unit}")
        return int(found * unit)

    return parse


def percent(value: object, field: str, reading: Reading) -> int | None:
    """A percentage in hundredths, with or without its sign, held to 0..100."""
    if isinstance(value, str):
        value = checked(value, field).strip().removesuffix("%").rstrip()
    found = number(value, field, reading, below=1000)
    return None if found is None else max(0, min(10_000, scaled(found, 2)))


def number(value: object, field: str, reading: Reading = ISO, *, below: int | None = None) -> Decimal | None:
    """A number with point or comma and with thousands separators, exactly.

    ``1,234`` may be a thousand or one and a bit: it is refused, unless the source's decimal mark is declared or only
    one of both is ``below`` what the field can hold.
    """
    found = said(value, field)
    if found is None:
        return None
    if not isinstance(value, str):
        return Decimal(found)
    match = _NUMBER.fullmatch(found) if len(found) <= 40 else None
    if match is None:
        refuse(field, "number", "a number such as 1234.5")
    body = f"0{match[2]}" if match[2][0] in ".," else match[2]
    digits = _unseparated(body, reading.decimal_mark, below)
    if digits is None:
        refuse(field, "unambiguous number", "a number such as 1234.50, or the setting decimal_mark")
    return Decimal(match[1] + digits)


def _unseparated(body: str, mark: str | None, below: int | None) -> str | None:
    """The digits with a point at most; None where the separators make no number or more than one."""
    marks = _SEPARATORS.findall(body)
    parts = _SEPARATORS.split(body)
    if not marks:
        return body
    last_is_mark = marks[-1] in ".," and marks[-1] not in marks[:-1]
    if mark is not None:
        last_is_mark = last_is_mark and marks[-1] == mark
    groups = parts[:-1] if last_is_mark else parts
    as_number = "".join(groups) + ("." + parts[-1] if last_is_mark else "")
    grouping = marks[:-1] if last_is_mark else marks
    if len(set(grouping)) > 1 or (mark is not None and mark in grouping):
        return None
    if grouping and not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        return None
    may_be_thousands = len(marks) == 1 and len(parts[1]) == 3 and len(parts[0]) <= 3 and not parts[0].startswith("0")
    if last_is_mark and may_be_thousands and mark is None and (below is None or int("".join(parts)) < below):
        return None
    return as_number


def _number_text(value: float | Decimal, field: str) -> str:
    """A number as it would be written, without an exponent."""
    if isinstance(value, int) and -(10**30) < value < 10**30:
        return str(value)
    exact = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else "NaN")
    if not exact.is_finite() or not -(10**15) < exact < 10**15:
        refuse(field, "number", "a finite number of at most 15 digits")
    if exact == exact.to_integral_value():
        return str(int(exact))
    return format(exact, "f")


# -- JSON ----------------------------------------------------------------------------------------------------


def json_value(value: object, field: str, _: Reading) -> Any:
    """A JSON document given as text or as objects: objects, at most 64 KiB, without NUL and without NaN."""
    if isinstance(value, str):
        if not checked(value, field).strip():
            return None
        if len(value) > JSON_LIMIT:
            refuse(field, "length", f"JSON of at most {JSON_LIMIT} bytes")
        try:
            value = json.loads(value, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            refuse(field, "JSON", "a JSON document")
    _check_json(value, field)
    return value


def json_list(value: object, field: str, reading: Reading) -> list[Any] | None:
    """A JSON list; a single object stands for a list of one."""
    found = json_value(value, field, reading)
    if found is None:
        return None
    if not isinstance(found, list | dict):
        refuse(field, "JSON list", "a JSON list")
    return found if isinstance(found, list) else [found]


def names(value: object, field: str, reading: Reading) -> tuple[str, ...] | None:
    """A list of ids: a JSON list, or a text with commas, semicolons or bars between them."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        value = [part for part in re.split(r"[,;|]", value) if part.strip()]
    found = json_list(value, field, reading) or ()
    return tuple(name for name in (plain(part, field) for part in found) if name is not None) or None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check_json(value: object, field: str) -> None:
    """Hold every part of a document against what a table can hold."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        refuse(field, "JSON", "a JSON document")
    if len(written.encode("utf-8", "surrogatepass")) > JSON_LIMIT:
        refuse(field, "length", f"JSON of at most {JSON_LIMIT} bytes")
    for part in _texts(value):
        checked(part, field)


def _texts(value: object) -> Collection[str]:
    found: list[str] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
    return found
