"""Writing Avro bodies, compiled from the schema: every field is checked and becomes bytes in one step.

Of a hundred fields of an event some twenty hold something. A general Avro writer tries each of the others against its
union; here their bytes stand ready and only what the event holds is touched, which is five times as fast. A fact must not be
lost to a misspelt name or taken for something else, so nothing is written that is not declared, of its type and
size, and sealed where it is personal. Messages name fields and types and never repeat a value, which may be personal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.domain.sealing import PREFIX
from hub.errors import Unusable
from hub.log.avro_form import Schema, traits_of

Write = Callable[[Any], bytes]

_MORE = [bytes((n & 127 | 128, n >> 7 | 128)) for n in range(1 << 14)]
_LAST = [bytes((n,)) if n < 128 else bytes((n & 127 | 128, n >> 7)) for n in range(1 << 14)]
"""Fourteen bits of a variable-length number as bytes: with more to come, and as its end."""

_NULL, _PRESENT = b"\x00", b"\x02"


def writer(type_name: str, schema: Schema, prefix: str = "") -> Write:
    """A function from a record (plain values) to its Avro bytes; ``prefix`` stands before a nested field's name in errors.

    It raises Unusable: a field is missing, unknown, of the wrong type or size, or personal and not sealed.
    """
    fields: dict[str, tuple[int, bool, Write, str]] = {}
    ready: list[bytes | None] = []
    for place, field in enumerate(schema["fields"]):
        name, nullable, traits = field["name"], isinstance(field["type"], list), traits_of(field["type"])
        write, expected = _value_writer(type_name, f"{prefix}{name}.", traits)
        fields[name] = (place, nullable, write, expected)
        ready.append(None if "default" not in field else _NULL if nullable else write(field["default"]))

    def broken(name: object, rule: str, expected: str, what: str) -> Unusable:
        field = f"{prefix}{name}"
        return Unusable(
            f"The field {field} of {type_name} {what}; expected: {expected}.", field=field, rule=rule, expected=expected
        )

    def write_record(record: dict[str, Any]) -> bytes:
        if not isinstance(record, dict):
            raise TypeError
        parts = ready.copy()
        for name, value in record.items():
            if name not in fields:
                if name == "type" and not prefix:
                    continue
                raise broken(name, "declared fields only", "a field of the schema", "is not declared")
            place, nullable, write, expected = fields[name]
            if value is None:
                if not nullable:
                    raise broken(name, "required", expected, "may not be None")
                parts[place] = _NULL
                continue
            try:
                parts[place] = _PRESENT + write(value) if nullable else write(value)
            except ValueError:
                raise broken(name, "value", expected, "has a value that does not fit") from None
            except (TypeError, AttributeError):
                raise broken(name, "type", expected, f"is of the type {type(value).__name__}") from None
        try:
            return b"".join(parts)  # type: ignore[arg-type]  # a None that is left is a missing field
        except TypeError:
            missing = next(name for name, field in fields.items() if parts[field[0]] is None)
            raise broken(missing, "required", fields[missing][3], "is missing") from None

    return write_record


def _value_writer(type_name: str, prefix: str, traits: Schema) -> tuple[Write, str]:
    if traits["type"] == "record":
        return writer(type_name, traits, prefix), "a dict of its fields"
    if traits.get("logicalType") == "decimal":
        precision, scale = traits["precision"], traits["scale"]
        return _decimal(10**precision), f"an int scaled by 10**{scale}, at most {precision} digits"
    if traits.get("hub.sealed"):
        return _sealed, f"personal data sealed, in the text form '{PREFIX}…'"
    return _WRITERS[traits.get("logicalType") or traits["type"]]


def _number(value: int) -> bytes:
    """Zig-zag, seven bits a byte, the lowest first."""
    left = value << 1 if value >= 0 else ~(value << 1)
    if left < 1 << 14:
        return _LAST[left]
    done = _MORE[left & 0x3FFF]
    left >>= 14
    while left >= 1 << 14:
        done += _MORE[left & 0x3FFF]
        left >>= 14
    return done + _LAST[left]


def _whole(bits: int) -> Write:
    limit = 1 << (bits - 1)

    def write(value: int) -> bytes:
        if value.__class__ is not int:
            raise TypeError
        if not -limit <= value < limit:
            raise ValueError
        return _number(value)

    return write


def _text(value: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError
    raw = value.encode()  # a lone surrogate has no bytes: UnicodeEncodeError is a ValueError
    return _number(len(raw)) + raw


def _sealed(value: str) -> bytes:
    if not value.startswith(PREFIX):
        raise ValueError
    return _text(value)


def _boolean(value: bool) -> bytes:
    if value.__class__ is not bool:
        raise TypeError
    return b"\x01" if value else b"\x00"


def _bytes(value: bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError
    return _number(len(value)) + value


def _decimal(limit: int) -> Write:
    def write(value: int) -> bytes:
        if value.__class__ is not int:
            raise TypeError
        if not -limit < value < limit:
            raise ValueError
        return _bytes(value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, "big", signed=True))

    return write


def _texts(value: list[str] | tuple[str, ...]) -> bytes:
    if not isinstance(value, list | tuple):
        raise TypeError
    if not value:
        return _NULL
    if not all(isinstance(one, str) for one in value):
        raise ValueError
    return b"".join((_number(len(value)), *map(_text, value), _NULL))


_WRITERS: dict[str, tuple[Write, str]] = {
    "string": (_text, "a text"),
    "uuid": (_text, "a UUID as text"),
    "timestamp-micros": (_whole(64), "an int, microseconds since 1970 UTC"),
    "date": (_whole(32), "an int, days since 1970"),
    "long": (_whole(64), "an int of 64 bits"),
    "boolean": (_boolean, "True or False"),
    "bytes": (_bytes, "bytes"),
    "array": (_texts, "a list of texts"),
}
