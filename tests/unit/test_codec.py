"""The codec: exact both ways, strict about what it writes, and plain about what it cannot read."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from typing import Any

import avro.io
import avro.schema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Unusable
from hub.log import codec
from hub.log.avro_form import traits_of
from hub.log.avro_schema import declared, schema_of
from hub.log.golden import example
from hub.log.schema_registry import Registry, Released, packaged

PROGRESSED = "lms.enrollment.progressed.v1"
TYPES = sorted(declared())
SCHEMAS = {name: schema_of(model) for name, model in declared().items()}

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
UUIDS = st.uuids().map(str)
LONGS = st.integers(-(2**63), 2**63 - 1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "uuid": UUIDS,
    "timestamp-micros": LONGS,
    "date": st.integers(-(2**31), 2**31 - 1),
    "long": LONGS,
    "string": TEXT,
    "boolean": st.booleans(),
    "bytes": st.binary(max_size=40),
}


def values(schema: Any) -> st.SearchStrategy[Any]:
    """Any plain value of a field."""
    traits = traits_of(schema)
    if isinstance(schema, list):
        return st.none() | values(traits)
    if traits["type"] == "record":
        return records(traits)
    if traits["type"] == "array":
        return st.lists(values(traits["items"]), max_size=3)
    if traits.get("logicalType") == "decimal":
        limit = 10 ** traits["precision"] - 1
        return st.integers(-limit, limit)
    if traits.get("hub.sealed"):
        return TEXT.map(lambda text: f"sealed:{text}")
    return VALUES[traits.get("logicalType", traits["type"])]


@st.composite
def records(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    """A record with its required fields and any few of the others."""
    optional = [field for field in schema["fields"] if "default" in field]
    chosen = (
        draw(st.lists(st.sampled_from(optional), max_size=8, unique_by=lambda field: field["name"])) if optional else []
    )
    required = [field for field in schema["fields"] if "default" not in field]
    return {field["name"]: draw(values(field["type"])) for field in [*required, *chosen]}


def filled(event: dict[str, Any], schema: dict[str, Any], *, nested: bool = False) -> dict[str, Any]:
    """What a reader must see: the defaults of what is left out; of a record that may be empty only what is said."""
    result: dict[str, Any] = {}
    for field in schema["fields"]:
        value = event.get(field["name"], field.get("default"))
        traits = traits_of(field["type"])
        is_record = traits["type"] == "record" and value is not None
        result[field["name"]] = filled(value, traits, nested=True) if is_record else value
    if nested and all(isinstance(field["type"], list) for field in schema["fields"]):
        return {name: value for name, value in result.items() if value is not None}
    return result


def golden(type_name: str) -> dict[str, Any]:
    return {"type": type_name, **example(SCHEMAS[type_name])}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TYPES).flatmap(lambda name: st.tuples(st.just(name), records(SCHEMAS[name]))))
def test_what_is_written_is_what_is_read(case: tuple[str, dict[str, Any]]) -> None:
    """Any event of any type reads as itself with its defaults filled in, and writes the same bytes again."""
    name, body = case
    before = orjson.dumps(body, default=bytes.hex)
    value = codec.encode({"type": name, **body})
    assert orjson.dumps(body, default=bytes.hex) == before, "encode must not touch the event"
    read = codec.decode(value)
    assert read == {"type": name, **filled(body, SCHEMAS[name])}
    assert codec.encode(read) == value
    assert codec.decode(memoryview(value)) == read


@pytest.mark.parametrize("name", TYPES)
def test_another_implementation_reads_every_type(name: str) -> None:
    """The library avro reads our bytes by the public schema, and gives natural values for the same facts."""
    public = avro.schema.parse(orjson.dumps(SCHEMAS[name]).decode())
    event = golden(name)
    value = codec.encode(event)
    assert value[:1] == b"\0"
    assert struct.unpack(">I", value[1:5])[0] == packaged().newest(name).id
    body = io.BytesIO(value[5:])
    natural = avro.io.DatumReader(public).read(avro.io.BinaryDecoder(body))
    assert body.read() == b""
    assert _plain(natural, SCHEMAS[name]) == {key: one for key, one in event.items() if key != "type"}


def _plain(natural: Any, schema: Any) -> Any:
    """What avro read, as plain values, by arithmetic of the test's own."""
    traits = traits_of(schema)
    kind = traits.get("logicalType", traits["type"])
    if kind == "record":
        return {field["name"]: _plain(natural[field["name"]], field["type"]) for field in traits["fields"]}
    if kind == "array":
        return [_plain(one, traits["items"]) for one in natural]
    if kind == "uuid":
        return str(natural)
    if kind == "decimal":
        return int(natural * 10 ** traits["scale"])
    if kind == "date":
        return natural.toordinal() - 719_163
    if kind == "timestamp-micros":
        since = natural - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return natural


def refused(event: dict[str, Any]) -> Unusable:
    with pytest.raises(Unusable) as caught:
        codec.encode(event)
    return caught.value


def without(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != name}


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"version": "7"}, "version", "type"),
        ({"version": True}, "version", "type"),
        ({"version": 7.0}, "version", "type"),
        ({"version": 2**63}, "version", "value"),
        ({"version": None}, "version", "required"),
        ({"backfill": 1}, "backfill", "type"),
        ({"backfill": None}, "backfill", "required"),
        ({"stream_id": 7}, "stream_id", "type"),
        ({"course_key": "lone \ud800"}, "course_key", "value"),
        ({"transitions": "enrollment.started"}, "transitions", "type"),
        ({"transitions": ["enrollment.started", 7]}, "transitions", "value"),
        ({"payload_sha256": "ab"}, "payload_sha256", "type"),
        ({"misspelt": None}, "misspelt", "declared fields only"),
        ({"enrollment": "all"}, "enrollment", "type"),
        ({"enrollment": {"progres": 4000}}, "enrollment.progres", "declared fields only"),
        ({"enrollment": {"type": "x"}}, "enrollment.type", "declared fields only"),
        ({"enrollment": {"progress_percentage": "40"}}, "enrollment.progress_percentage", "type"),
        ({"enrollment": {"progress_percentage": 100_000}}, "enrollment.progress_percentage", "value"),
        ({"enrollment": {"progress_percentage": -100_000}}, "enrollment.progress_percentage", "value"),
        ({"enrollment": {"completion_date": 2**31}}, "enrollment.completion_date", "value"),
        ({"enrollment": {"instructor_name": "Ada Lovelace"}}, "enrollment.instructor_name", "value"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change: dict[str, Any], field: str, rule: str) -> None:
    """Nothing is dropped, rounded or taken for something else: the error names the field and what was expected."""
    problem = refused({**golden(PROGRESSED), **change})
    assert (problem.field, problem.rule) == (field, rule)
    assert problem.expected
    assert field in str(problem)


def test_errors_do_not_repeat_personal_values() -> None:
    """A name that was not sealed must not get into logs by way of the error."""
    problem = refused({**golden(PROGRESSED), "enrollment": {"instructor_name": "Ada Lovelace"}})
    assert "Ada" not in f"{problem} {problem.__cause__} {problem.__context__}"


@pytest.mark.parametrize("name", [field["name"] for field in SCHEMAS[PROGRESSED]["fields"] if "default" not in field])
def test_a_missing_required_field_is_named(name: str) -> None:
    """Every field without a default must be given."""
    assert refused(without(golden(PROGRESSED), name)).field == name


@pytest.mark.parametrize("event", [{}, {"type": "lms.enrollment.progressed.v9"}])
def test_an_unknown_type_is_refused(event: dict[str, Any]) -> None:
    """An event without a known type has no schema to be written by."""
    assert refused(event).field == "type"


VALUE = codec.encode(golden(PROGRESSED))


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (b"", "wire format"),
        (VALUE[:4], "wire format"),
        (b"\x01" + VALUE[1:], "first byte"),
        (b'{"type":"x"}', "first byte"),
        (b"\0\xff\xff\xff\xff" + VALUE[5:], "schema id"),
        (VALUE + b"\0", "body"),
        (VALUE[:5], "body"),
    ],
)
def test_what_is_no_record_is_unusable(value: bytes, field: str) -> None:
    """Foreign, short and over-long values are told apart."""
    with pytest.raises(Unusable) as caught:
        codec.decode(value)
    assert caught.value.field == field
    assert caught.value.rule
    assert caught.value.expected


def test_a_record_cut_anywhere_is_unusable() -> None:
    """No prefix of a record passes for a record."""
    for length in range(len(VALUE)):
        with pytest.raises(Unusable):
            codec.decode(VALUE[:length])


@settings(max_examples=400, deadline=None)
@given(st.integers(5, len(VALUE) - 1), st.binary(min_size=1, max_size=6))
def test_damage_gives_an_event_or_unusable(at: int, noise: bytes) -> None:
    """Whatever the bytes, decode gives an event or says Unusable: no other error reaches a fold."""
    try:
        event = codec.decode(VALUE[:at] + noise + VALUE[at + len(noise) :])
    except Unusable:
        return
    assert event["type"] == PROGRESSED


def test_an_id_stands_for_one_shape() -> None:
    """A registry in which two shapes share an id is a mistake that must not start."""
    one = Released("lms.a.b.v1", "lms.a", 1, 7, "", "{}")
    other = Released("lms.a.c.v1", "lms.a", 1, 7, "", "{}")
    with pytest.raises(ValueError, match="assigned once"):
        Registry([one, other])
