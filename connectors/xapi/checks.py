"""The small checks that validation is made of: each holds one value against one rule and names the field.

Messages name the field, the rule and what was expected, never the value: it may be personal data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any

from connectors.xapi import formats
from hub.errors import Unusable

Json = dict[str, Any]

_NULL = "null is allowed only inside extensions"


def broken(field: str, rule: str, expected: str) -> Unusable:
    """The error for a field that breaks a rule."""
    return Unusable(
        f"{field or 'The statement'} breaks the rule '{rule}': expected {expected}.",
        field=field,
        rule=rule,
        expected=expected,
    )


def inside(field: str, key: str) -> str:
    """The path of a member."""
    return f"{field}.{key}" if field else key


def an_object(value: object, field: str) -> Json:
    """The value as a JSON object."""
    if not isinstance(value, dict):
        raise _wrong_type(value, field, "a JSON object")
    return value


def an_array(value: object, field: str) -> list[Any]:
    """The value as a JSON array."""
    if not isinstance(value, list):
        raise _wrong_type(value, field, "a JSON array")
    return value


def text(value: object, field: str) -> str:
    """The value as a string; it may be empty."""
    if not isinstance(value, str):
        raise _wrong_type(value, field, "a string")
    return value


def boolean(value: object, field: str) -> None:
    """true or false, not a number and not a string."""
    if not isinstance(value, bool):
        raise _wrong_type(value, field, "true or false")


def number(value: object, field: str) -> int | float:
    """The value as a finite number; not a boolean and not a string."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(value, field, "a number")
    try:
        finite = isfinite(value)
    except OverflowError:  # an integer that no float can hold
        finite = False
    if not finite:
        raise broken(field, "finite number", "a number that a 64-bit float can hold")
    return value


def _wrong_type(value: object, field: str, expected: str) -> Unusable:
    return broken(field, _NULL if value is None else "type", expected)


def known_keys(thing: Json, allowed: Iterable[str], field: str) -> None:
    """No key but the allowed ones; keys are case-sensitive."""
    for key in thing:
        if key not in allowed:
            raise broken(inside(field, key[:60]), "no unknown keys", f"one of {', '.join(sorted(allowed))}")


def required(thing: Json, keys: Iterable[str], field: str) -> None:
    """All of these keys are there."""
    for key in keys:
        if key not in thing:
            raise broken(inside(field, key), "required", "a value")


def one_of(value: object, allowed: Iterable[str], field: str) -> str:
    """One of the enumerated values, in this case."""
    found = text(value, field)
    if found not in allowed:
        raise broken(field, "enumerated value", " or ".join(sorted(allowed)))
    return found


def _formatted(holds: Callable[[str], bool], expected: str) -> Callable[[object, str], None]:
    def check(value: object, field: str) -> None:
        if not holds(text(value, field)):
            raise broken(field, "format", expected)

    return check


uuid = _formatted(formats.is_uuid, "a UUID such as 8f87ccde-bb56-4c2e-ab83-44982ef22df0")
iri = _formatted(formats.is_iri, "an IRI with a scheme")
mailto = _formatted(formats.is_mailto, "mailto: and one e-mail address")
sha1 = _formatted(formats.is_sha1, "40 hexadecimal digits")
sha2 = _formatted(formats.is_sha2, "the SHA-256, SHA-384 or SHA-512 in hexadecimal digits")
media_type = _formatted(formats.is_media_type, "a media type such as text/plain")
language_tag = _formatted(formats.is_language_tag, "a language tag of RFC 5646 such as de-AT")
duration = _formatted(formats.is_duration, "an ISO 8601 duration such as PT1H30M")
timestamp = _formatted(
    lambda value: formats.parse_timestamp(value) is not None,
    "an RFC 3339 date-time with its zone such as 2025-03-01T10:16:22.000Z",
)


def language_map(value: object, field: str) -> None:
    """Language tags to strings."""
    for tag, words in an_object(value, field).items():
        if not formats.is_language_tag(tag):
            raise broken(inside(field, tag[:60]), "language map key", "a language tag of RFC 5646 such as de-AT")
        text(words, inside(field, tag))


def extensions(value: object, field: str) -> None:
    """IRIs to any JSON, null included."""
    for key in an_object(value, field):
        if not formats.is_iri(key):
            raise broken(f"{field}[{key[:60]!r}]", "extension key", "an IRI with a scheme")


def each(thing: Json, checks: Mapping[str, Callable[[object, str], object]], field: str) -> None:
    """Hold every member that has a check against it."""
    for key, check in checks.items():
        if key in thing:
            check(thing[key], inside(field, key))
