"""Value formats of xAPI, held strictly, and JSON read strictly.

The standard library takes much that xAPI refuses (UUIDs in braces, week dates, ``NaN``, a key given twice). So each
format is a pattern that the whole text must match, and a value is converted only after it matched.
All patterns are ASCII: a digit of another script is no digit here.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import isinf
from typing import Any, Final, NamedTuple, NoReturn

from hub.domain.units import SECOND, micros, moment
from hub.errors import Unusable

MAX_DEPTH: Final = 200
"""Levels of nesting that are read; a statement needs about ten, and deeper ones exhaust the stack of later readers."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIMESTAMP = re.compile(
    r"(?P<local>\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d):(?P<second>[0-5]\d|60)"
    r"(?:\.(?P<fraction>\d+))?(?:Z|(?P<sign>[+-])(?P<hours>[01]\d|2[0-3]):(?P<minutes>[0-5]\d))",
    re.ASCII,
)
_DURATION = re.compile(
    r"P(?:(?P<W>\d+(?:\.\d+)?)W|(?=.*\d)"
    r"(?:(?P<Y>\d+(?:\.\d+(?=Y$))?)Y)?(?:(?P<M>\d+(?:\.\d+(?=M$))?)M)?(?:(?P<D>\d+(?:\.\d+(?=D$))?)D)?"
    r"(?:T(?=\d)(?:(?P<h>\d+(?:\.\d+(?=H$))?)H)?(?:(?P<m>\d+(?:\.\d+(?=M$))?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?)",
    re.ASCII,
)
_LANGUAGE_TAG = re.compile(
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})"  # language, with extended languages
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"  # script, region
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+"
    r"|en-gb-oed|sgn-(?:be-fr|be-nl|ch-de)"  # registered before the shape was fixed, as are those in i-
    r"|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu))",
    re.ASCII | re.IGNORECASE,
)
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f\x7f]+")
_MAILTO = re.compile(r"mailto:[^@\s,;?<>\x00-\x1f]+@[^@\s,;?<>\x00-\x1f]+")
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
_SHA2 = re.compile(r"(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w!#$&^.+-]*/[A-Za-z0-9][\w!#$&^.+-]*(?:\s*;.*)?", re.ASCII)
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")
"""A surrogate as it is or escaped; where escaped, the other half may follow, which only the read value tells."""

_UNIT_SECONDS: Final = {"W": 604_800, "D": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST_SECONDS: Final = 10**11


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its standard form; any version and variant, either case."""
    return _UUID.fullmatch(text) is not None


def is_language_tag(text: str) -> bool:
    """Whether the text has the shape of an RFC 5646 tag; no registry is asked."""
    return _LANGUAGE_TAG.fullmatch(text) is not None


def is_iri(text: str) -> bool:
    """Whether the text has a scheme and something after it, without spaces; nothing is normalised."""
    return _IRI.fullmatch(text) is not None


def is_mailto(text: str) -> bool:
    """Whether the text is ``mailto:`` and one address."""
    return _MAILTO.fullmatch(text) is not None


def is_sha1(text: str) -> bool:
    """Whether the text is a SHA-1 in hex."""
    return _SHA1.fullmatch(text) is not None


def is_sha2(text: str) -> bool:
    """Whether the text is a SHA-256, SHA-384 or SHA-512 in hex."""
    return _SHA2.fullmatch(text) is not None


def is_media_type(text: str) -> bool:
    """Whether the text is ``type/subtype``, perhaps with parameters."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def is_duration(text: str) -> bool:
    """Whether the text is an ISO 8601 duration with designators, a fraction only on its last component."""
    return _DURATION.fullmatch(text) is not None


def parse_timestamp(text: str) -> int | None:
    """Microseconds since 1970 UTC, or None where the text is no RFC 3339 date-time with a known zone.

    Digits past the microsecond are cut. A leap second, which only the last minute of a UTC day can have, is the
    first moment of the next day. ``-00:00`` says that the zone is unknown and is refused.
    """
    found = _TIMESTAMP.fullmatch(text)
    if found is None or text.endswith("-00:00"):
        return None
    offset = (int(found["hours"] or 0) * 3600 + int(found["minutes"] or 0) * 60) * SECOND
    try:
        local = micros(datetime.fromisoformat(found["local"]).replace(tzinfo=UTC))
        minute = moment(local + offset if found["sign"] == "-" else local - offset)
        if found["second"] == "60" and (minute.hour, minute.minute) != (23, 59):
            return None
        value = micros(minute) + int(found["second"]) * SECOND + int((found["fraction"] or "")[:6].ljust(6, "0"))
        moment(value)
    except (ValueError, OverflowError):
        return None
    return value


class Length(NamedTuple):
    """How long a duration is."""

    seconds: Decimal | None
    """Seconds, cut to hundredths; None where the duration has no fixed length."""
    reason: str
    """Why there are no seconds; empty where there are."""


def duration_length(text: str) -> Length:
    """The length of a duration for time sums.

    A year or month has no fixed length, so a duration that counts them gives no seconds, with the reason.
    Zero years and months, which some senders always write, do no harm.

    Raises:
        Unusable: The text is no duration.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Unusable("A duration must be an ISO 8601 duration such as PT1H30M.", rule="format", expected="duration")
    for unit, name in (("Y", "years"), ("M", "months")):
        if (found[unit] or "").strip("0."):
            return Length(None, f"{name} have no fixed length")
    if len(text) > 100:
        return Length(None, "longer than a time sum can hold")
    total = sum((Fraction(found[unit]) * size for unit, size in _UNIT_SECONDS.items() if found[unit]), Fraction())
    if total > _LONGEST_SECONDS:
        return Length(None, "longer than a time sum can hold")
    return Length(Decimal(int(total * 100)).scaleb(-2), "")


# -- JSON -------------------------------------------------------------------------------------------------


def load_json(raw: bytes | str) -> Any:
    """The value of a JSON text in UTF-8 (a byte order mark is skipped), as plain Python objects.

    Stricter than ``json.loads``: no key twice in one object, no ``NaN``, ``Infinity`` or number that overflows, no
    half of a character (a lone surrogate), no NUL byte, and at most MAX_DEPTH levels.

    Raises:
        Unusable: The text breaks one of these rules; the message says which and, where known, at which place.
    """
    text = raw if isinstance(raw, str) else _decoded(raw)
    if "\0" in text:
        raise _not_json(f"holds a NUL byte at character {text.index(chr(0))}", "text without NUL bytes")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(f"breaks off or is malformed at character {error.pos} ({error.msg})", "valid JSON") from error
    except RecursionError as error:
        raise _too_deep() from error
    if _HALF_CHARACTER.search(text) or text.count("[") + text.count("{") > MAX_DEPTH:
        _inspect(value)
    return value


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_json(f"is not UTF-8 at byte {error.start}", "UTF-8") from error


def _not_json(fault: str, expected: str) -> Unusable:
    return Unusable(f"The JSON text {fault}.", rule="strict JSON", expected=expected)


def _too_deep() -> Unusable:
    return _not_json(f"is nested more than {MAX_DEPTH} levels deep", f"at most {MAX_DEPTH} levels")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Unusable(
            f"The JSON text gives the key {twice[:60]!r} twice in one object.",
            field=twice[:60],
            rule="unique keys",
            expected="each key once",
        )
    return members


def _no_constant(name: str) -> NoReturn:
    raise _not_json(f"holds {name}, which is no JSON number", "a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise _not_json("holds a number that overflows", "a number that a 64-bit float can hold")
    return value


def _whole(text: str) -> int:
    # Up to 300 digits a float can hold it, and `int` refuses to read thousands of digits anyway.
    if len(text) > 300:
        _finite(text)
    return int(text)


def _inspect(value: Any) -> None:
    """Look through the value for too many levels and half characters, without recursion."""
    level, depth = [value], 0
    while level:
        depth += 1
        inner: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if _HALF_CHARACTER.search(item):
                    _check_text(item)
            elif isinstance(item, dict):
                inner += item
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if depth > MAX_DEPTH and any(isinstance(item, dict | list) for item in level):
            raise _too_deep()
        level = inner


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _not_json("holds half of a character (a lone surrogate)", "whole characters") from error


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole
)
