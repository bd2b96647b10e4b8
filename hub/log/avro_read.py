"""Reading Avro bodies as plain values, by one function per record that is compiled from its schema.

Of a hundred fields of an event some thirty hold something. A general reader spends as much on a field that is null as on
one that is not; here it costs a look at one byte, and the whole event a quarter.

A nested record in which nothing must be said, such as what changed of an enrollment, holds only what is said.
Damage shows as any error, or as an end that lies elsewhere than the bytes': whoever calls looks at both. Only names of
fields stand in the source that is compiled, never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hub.log.avro_form import Schema, traits_of

Read = Callable[[bytes, int], tuple[Any, int]]
"""(bytes, where a value begins) → the value, and where it ends."""


def reader(schema: Schema, *, nested: bool = False) -> Read:
    """A function that reads records of this shape."""
    names = [field["name"] for field in schema["fields"]]
    blank = {} if nested and is_sparse(schema) else dict.fromkeys(names)
    lines = ["def read(data, at):", " record = blank.copy()"]
    scope: dict[str, Any] = {**_SCOPE, "blank": blank}
    for number, field in enumerate(schema["fields"]):
        traits = traits_of(field["type"])
        if traits["type"] == "record":
            scope[f"record{number}"] = reader(traits, nested=True)
        lines += _choice(field["type"], _assignment(field["name"], traits, f"record{number}"))
    source = "\n".join([*lines, " return record, at"])
    exec(compile(source, f"<reader of {schema['name']}>", "exec"), scope)  # noqa: S102  made of names of fields only
    read: Read = scope["read"]
    return read


def _choice(schema: Any, assignment: list[str]) -> Iterator[str]:
    """The source that reads one field, which may be null."""
    if not isinstance(schema, list):
        yield from (f" {line}" for line in assignment)
        return
    yield " if choice := data[at]:"
    yield "  if choice != 2: raise ValueError('neither null nor a value')"
    yield "  at += 1"
    yield from (f"  {line}" for line in assignment)
    yield " else: at += 1"


def _assignment(name: str, traits: Schema, record: str) -> list[str]:
    """The source that reads a value; what is short, as nearly all values are, without a call."""
    target = f"record[{name!r}]"
    kind = "decimal" if traits.get("logicalType") == "decimal" else traits["type"]
    if kind in _OF_BYTES:
        return [
            "size = data[at]",
            f"if size > 127 or size & 1: {target}, at = {kind}(data, at)",
            f"else: {target} = {_OF_BYTES[kind].format('data[at + 1 : (at := at + 1 + (size >> 1))]')}",
        ]
    if kind in ("int", "long"):
        return [
            "value = data[at]",
            f"if value > 127: {target}, at = number(data, at)",
            f"else: {target} = value >> 1 ^ -(value & 1); at += 1",
        ]
    if kind == "boolean":
        return [f"{target} = data[at] != 0", "at += 1"]
    if kind == "array":
        return [f"if data[at]: {target}, at = array(data, at)", f"else: {target} = []; at += 1"]
    return [f"{target}, at = {record}(data, at)"]


_OF_BYTES = {"string": "{}.decode()", "bytes": "{}", "decimal": "int.from_bytes({}, 'big', signed=True)"}
"""How the bytes of a value whose length stands before it become the value."""


def is_sparse(schema: Schema) -> bool:
    """Whether nothing must be said in a record."""
    return all(isinstance(field["type"], list) for field in schema["fields"])


def lifted(record: dict[str, Any], newest: Schema, *, nested: bool = False) -> dict[str, Any]:
    """A record of an old shape in the newest one.

    What it does not have takes its default, what the newest does not have is dropped; types and defaults never change
    (:mod:`hub.log.compatibility`).
    """
    new: dict[str, Any] = {}
    for field in newest["fields"]:
        name, traits = field["name"], traits_of(field["type"])
        if name not in record:
            if not (nested and is_sparse(newest)):
                default = field["default"]
                new[name] = default.copy() if isinstance(default, list) else default
        elif traits["type"] == "record" and record[name] is not None:
            new[name] = lifted(record[name], traits, nested=True)
        else:
            new[name] = record[name]
    return new


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Zig-zag, seven bits a byte, the lowest first."""
    byte = data[at]
    at += 1
    left = byte & 127
    bits = 7
    while byte > 127:
        byte = data[at]
        at += 1
        left |= (byte & 127) << bits
        bits += 7
    if bits > 70:
        raise ValueError("a number of more than 64 bits")
    return (left >> 1) ^ -(left & 1), at


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _number(data, at)
    if size < 0:
        raise ValueError("a length below zero")
    end = at + size
    return data[at:end], end


def _text(data: bytes, at: int) -> tuple[str, int]:
    raw, end = _bytes(data, at)
    return raw.decode(), end


def _decimal(data: bytes, at: int) -> tuple[int, int]:
    raw, end = _bytes(data, at)
    return int.from_bytes(raw, "big", signed=True), end


def _texts(data: bytes, at: int) -> tuple[list[str], int]:
    found: list[str] = []
    count, at = _number(data, at)
    while count:
        if count < 0:  # the size of the block in bytes stands after its count
            count, (_, at) = -count, _number(data, at)
        for _ in range(count):
            text, at = _text(data, at)
            found.append(text)
        count, at = _number(data, at)
    return found, at


_SCOPE: dict[str, Any] = {"number": _number, "string": _text, "bytes": _bytes, "decimal": _decimal, "array": _texts}
