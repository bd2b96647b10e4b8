"""The compiled writer and reader beside the library that they stand in for."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.log import codec
from hub.log.avro_form import Schema, resolved, traits_of
from hub.log.avro_read import reader
from hub.log.avro_schema import declared
from hub.log.golden import example
from hub.log.schema_registry import packaged
from tests.support.bare_schema import bare
from tests.unit.test_codec import SCHEMAS, TYPES, records

PARSED = {name: parse_schema(bare(packaged().newest(name).schema)) for name in TYPES}


@pytest.mark.parametrize("name", sorted(declared()))
def test_fastavro_writes_the_same_bytes(name: str) -> None:
    """A filled record of every type: fastavro reads what the hub writes, and writes it again byte for byte."""
    body = codec.encode({"type": name, **example(packaged().newest(name).schema)})[5:]
    written = BytesIO()
    schemaless_writer(written, PARSED[name], schemaless_reader(BytesIO(body), PARSED[name], None))
    assert written.getvalue() == body


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TYPES).flatmap(lambda name: st.tuples(st.just(name), records(SCHEMAS[name]))))
def test_fastavro_reads_the_same_values(case: tuple[str, dict[str, Any]]) -> None:
    """Any event of any type: both readers see the same in the same bytes."""
    name, body = case
    value = codec.encode({"type": name, **body})
    read = schemaless_reader(BytesIO(value[5:]), PARSED[name], None)
    assert codec.decode(value) == {"type": name, **_as_read(read, SCHEMAS[name])}


def _as_read(record: Any, schema: Schema) -> dict[str, Any]:
    """What fastavro read without logical types, in the form that the hub gives it."""
    found = {}
    for field in schema["fields"]:
        value, traits = record[field["name"]], traits_of(field["type"])
        if value is not None and traits.get("logicalType") == "decimal":
            value = int.from_bytes(value, "big", signed=True)
        elif value is not None and traits["type"] == "record":
            inner = _as_read(value, traits)
            may_be_empty = all(isinstance(one["type"], list) for one in traits["fields"])
            value = {key: one for key, one in inner.items() if one is not None} if may_be_empty else inner
        found[field["name"]] = value
    return found


NUMBERS = {"type": "record", "name": "n", "namespace": "t", "fields": [{"name": "n", "type": "long"}]}
TEXTS = {
    "type": "record", "name": "l", "namespace": "t", "fields": [{"name": "l", "type": {"type": "array", "items": "string"}}]
}  # fmt: skip


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_number_is_read(value: int) -> None:
    """Of one byte or ten."""
    written = BytesIO()
    schemaless_writer(written, parse_schema(NUMBERS), {"n": value})
    body = written.getvalue()
    assert reader(resolved(NUMBERS))(body, 0) == ({"n": value}, len(body))


def test_lists_in_blocks_are_read() -> None:
    """Avro lets a writer cut a list into blocks and say their size in bytes, which ours does not."""
    assert reader(resolved(TEXTS))(b"\x02\x02a\x03\x08\x02b\x02c\x00", 0) == ({"l": ["a", "b", "c"]}, 10)


@pytest.mark.parametrize("body", [b"\xff" * 10 + b"\x01", b"\x80" * 11])
def test_a_number_without_end_is_damage(body: bytes) -> None:
    """More than 64 bits are no number of ours."""
    with pytest.raises((ValueError, IndexError)):
        reader(resolved(NUMBERS))(body, 0)


def test_a_length_below_zero_is_damage() -> None:
    """Taken for a length, it would read backwards."""
    schema = {**TEXTS, "fields": [{"name": "l", "type": "string"}]}
    with pytest.raises(ValueError, match="below zero"):
        reader(resolved(schema))(b"\x01abc", 0)
