"""The compiled writer beside the library that it stands in for."""

from __future__ import annotations

from io import BytesIO

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer

from hub.log import codec
from hub.log.avro_form import stripped
from hub.log.avro_schema import declared
from hub.log.golden import example
from hub.log.schema_registry import packaged


@pytest.mark.parametrize("name", sorted(declared()))
def test_fastavro_writes_the_same_bytes(name: str) -> None:
    """A filled record of every type: fastavro reads what the hub writes, and writes it again byte for byte."""
    public = packaged().newest(name).schema
    schema = parse_schema(stripped(public))
    body = codec.encode({"type": name, **example(public)})[5:]
    written = BytesIO()
    schemaless_writer(written, schema, schemaless_reader(BytesIO(body), schema, None))
    assert written.getvalue() == body
