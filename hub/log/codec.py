"""Events to bytes and back, on the hot path: plain values in Confluent's wire format, Avro inside.

A record is the byte 0, the schema id as four bytes big-endian, and the Avro body. An event is a dict of plain values
(``hub.domain.units``) with its ``type``; decimals are integers scaled as their field says, JSON and sealed values text.
Reading goes by a copy of the schema without logical types, so no natural value is ever built, and old shapes
are lifted to the newest, so whoever folds knows only that one. ``hub.log.plain`` is the way to natural values.

fastavro reads; writing is done by the check of every field itself (``hub.log.avro_write``), which costs a quarter.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from struct import Struct
from typing import Any

from fastavro import parse_schema, schemaless_reader

from hub.errors import Unusable
from hub.log.avro_decimals import Scales, read_decimals, scales_of
from hub.log.avro_form import resolved, stripped
from hub.log.avro_write import Write, writer
from hub.log.schema_registry import Registry, packaged

Event = dict[str, Any]

_HEADER = Struct(">BI")
_MAGIC = 0


class Codec:
    """Encodes and decodes by one registry; what a type needs is prepared when it is first met. Thread-safe."""

    def __init__(self, registry: Callable[[], Registry] = packaged) -> None:
        self._registry = registry
        self._writers: dict[str, tuple[bytes, Write]] = {}
        self._readers: dict[int, tuple[str, Any, Any, Scales]] = {}

    def encode(self, event: Event) -> bytes:
        """The bytes of an event in the newest shape of its type. Fields that are absent take their defaults.

        The event is left as it is. The same event always gives the same bytes.

        Raises:
            Unusable: the type is unknown, a field is missing, unknown, of the wrong type, or personal and not sealed.
        """
        type_name = event.get("type", "")
        header, write = self._writers.get(type_name) or self._prepare_writer(type_name)
        return header + write(event)

    def decode(self, value: bytes | memoryview) -> Event:
        """The event of a record's value, in the newest shape of its type, with its ``type``.

        Raises:
            Unusable: it does not start with the byte 0 and a known schema id, or the body does not end where it should.
        """
        if len(value) < _HEADER.size:
            raise _unreadable(
                "wire format", "at least 5 bytes", f"A record of {len(value)} bytes is too short to name its schema."
            )
        magic, schema_id = _HEADER.unpack_from(value)
        if magic != _MAGIC:
            raise _unreadable(
                "first byte", "the byte 0", f"A record starts with the byte {magic}, which no known wire format does."
            )
        type_name, writer, reader, scales = self._readers.get(schema_id) or self._prepare_reader(schema_id)
        buffer = BytesIO(value)
        buffer.seek(_HEADER.size)
        try:
            event: Event = schemaless_reader(buffer, writer, reader)  # type: ignore[assignment]
        except Exception as problem:
            raise _unreadable(
                "body", "the whole Avro body", f"The body of a {type_name} is cut short or damaged."
            ) from problem
        if buffer.tell() != len(value):
            extra = len(value) - buffer.tell()
            raise _unreadable(
                "body",
                "nothing after the last field",
                f"A {type_name} is followed by {extra} bytes that belong to nothing.",
            )
        read_decimals(event, scales)
        event["type"] = type_name
        return event

    def _prepare_writer(self, type_name: str) -> tuple[bytes, Write]:
        newest = self._registry().newest(type_name)
        prepared = (_HEADER.pack(_MAGIC, newest.id), writer(type_name, resolved(newest.schema)))
        self._writers[type_name] = prepared
        return prepared

    def _prepare_reader(self, schema_id: int) -> tuple[str, Any, Any, Scales]:
        written = self._registry().by_id(schema_id)
        newest = self._registry().newest(written.type)
        reader = None if newest is written else parse_schema(stripped(newest.schema))
        prepared = (written.type, parse_schema(stripped(written.schema)), reader, scales_of(resolved(newest.schema)))
        self._readers[schema_id] = prepared
        return prepared


def _unreadable(field: str, expected: str, message: str) -> Unusable:
    return Unusable(message, field=field, rule="Confluent wire format with Avro", expected=expected)


_default = Codec()
encode = _default.encode
decode = _default.decode
