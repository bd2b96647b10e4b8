"""What is checked and converted before an event is written, and after one was read.

Avro writers take much on trust: fields that they do not know they drop, and any value passes as a truth value. A fact must
not be lost to a misspelt name, so every field of an event is looked at here, once, by rules compiled from the
schema. The check that a personal field is sealed stands here too: it is the last gate before the log.
Messages name fields and types and never repeat a value, which may be personal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hub.domain.sealing import PREFIX
from hub.errors import Unusable
from hub.log.avro_form import Schema, traits_of

Convert = Callable[[Any], Any]


class _Rule(NamedTuple):
    python_type: type | tuple[type, ...]
    convert: Convert | None
    expected: str
    nullable: bool = False


class Checker:
    """The rules of one record, compiled from its schema; ``prefix`` stands before a nested field's name in errors."""

    def __init__(self, type_name: str, schema: Schema, prefix: str = "") -> None:
        self._type = type_name
        self._prefix = prefix
        self._rules = {
            field["name"]: _rule(type_name, prefix + field["name"], field["type"]) for field in schema["fields"]
        }
        self._required = frozenset(field["name"] for field in schema["fields"] if "default" not in field)

    def checked(self, event: dict[str, Any]) -> dict[str, Any]:
        """A copy as the Avro writer wants it: decimals as bytes, nested records named, ``type`` left out.

        Raises:
            Unusable: a field is missing, unknown, of the wrong type or size, or personal and not sealed.
        """
        body: dict[str, Any] = {}
        rules = self._rules
        for name, value in event.items():
            if (rule := rules.get(name)) is None:
                if name == "type" and not self._prefix:
                    continue
                raise self._broken(name, "declared fields only", "a field of the schema", "is not declared")
            python_type, convert, expected, nullable = rule
            if value is None:
                if not nullable:
                    raise self._broken(name, "required", expected, "may not be None")
                body[name] = None
            elif not isinstance(value, python_type) or (python_type is int and isinstance(value, bool)):
                raise self._broken(name, "type", expected, f"is of the type {type(value).__name__}")
            elif convert is None:
                body[name] = value
            else:
                try:
                    body[name] = convert(value)
                except ValueError:
                    raise self._broken(name, "value", expected, "has a value that does not fit") from None
        if not self._required <= body.keys():
            missing = min(self._required - body.keys())
            raise self._broken(missing, "required", rules[missing].expected, "is missing")
        return body

    def _broken(self, name: object, rule: str, expected: str, what: str) -> Unusable:
        field = f"{self._prefix}{name}"
        return Unusable(
            f"The field {field} of {self._type} {what}; expected: {expected}.",
            field=field,
            rule=rule,
            expected=expected,
        )


def _rule(type_name: str, path: str, schema: Any) -> _Rule:
    nullable = isinstance(schema, list)
    traits = traits_of(schema)
    if traits["type"] == "record":
        return _Rule(dict, _record(type_name, path, traits, nullable), "a dict of its fields", nullable)
    if traits.get("logicalType") == "decimal":
        precision, scale = traits["precision"], traits["scale"]
        return _Rule(int, _decimal(precision), f"an int scaled by 10**{scale}, at most {precision} digits", nullable)
    if traits.get("hub.sealed"):
        return _Rule(str, _sealed, f"personal data sealed, in the text form '{PREFIX}…'", nullable)
    kind: str = traits.get("logicalType") or traits["type"]
    return _SIMPLE[kind]._replace(nullable=nullable)


def _record(type_name: str, path: str, schema: Schema, nullable: bool) -> Convert:
    checker = Checker(type_name, schema, f"{path}.")
    if not nullable:
        return checker.checked
    name = f"{schema['namespace']}.{schema['name']}"
    # Told which branch of the union it is, the writer need not try the whole record against the branches first.
    return lambda value: (name, checker.checked(value))


def _decimal(precision: int) -> Convert:
    limit = 10**precision

    def convert(value: int) -> bytes:
        if not -limit < value < limit:
            raise ValueError
        return value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, "big", signed=True)

    return convert


def _whole(bits: int) -> Convert:
    limit = 1 << (bits - 1)

    def convert(value: int) -> int:
        if not -limit <= value < limit:
            raise ValueError
        return value

    return convert


def _text(value: str) -> str:
    if not value.isascii():
        value.encode()  # a lone surrogate has no bytes: UnicodeEncodeError is a ValueError
    return value


def _texts(value: list[Any] | tuple[Any, ...]) -> list[str]:
    if not all(isinstance(one, str) for one in value):
        raise ValueError
    return [_text(one) for one in value]


def _sealed(value: str) -> str:
    if not value.startswith(PREFIX):
        raise ValueError
    return _text(value)


_SIMPLE: dict[str, _Rule] = {
    "string": _Rule(str, _text, "a text"),
    "uuid": _Rule(str, None, "a UUID as text"),
    "timestamp-micros": _Rule(int, _whole(64), "an int, microseconds since 1970 UTC"),
    "date": _Rule(int, _whole(32), "an int, days since 1970"),
    "long": _Rule(int, _whole(64), "an int of 64 bits"),
    "boolean": _Rule(bool, None, "True or False"),
    "bytes": _Rule(bytes, None, "bytes"),
    "array": _Rule((list, tuple), _texts, "a list of texts"),
}


class Scales(NamedTuple):
    """Where the decimals of a record lie: its own fields, and its nested records that have any."""

    own: tuple[str, ...]
    nested: tuple[tuple[str, Scales], ...]


def scales_of(schema: Schema) -> Scales:
    """The places of the decimals, found once per schema."""
    fields = [(field["name"], traits_of(field["type"])) for field in schema["fields"]]
    own = tuple(name for name, traits in fields if traits.get("logicalType") == "decimal")
    nested = [(name, scales_of(traits)) for name, traits in fields if traits["type"] == "record"]
    return Scales(own, tuple((name, scales) for name, scales in nested if any(scales)))


def read_decimals(record: dict[str, Any], scales: Scales) -> None:
    """Turn the decimals of a record that was just read from bytes into scaled integers, in place."""
    for name in scales.own:
        if (raw := record[name]) is not None:
            record[name] = int.from_bytes(raw, "big", signed=True)
    for name, below in scales.nested:
        if (inner := record[name]) is not None:
            read_decimals(inner, below)
