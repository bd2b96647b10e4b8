"""Events to bytes and back, on the hot path: plain values in Confluent's wire format, Avro inside.

A record is the byte 0, the schema id as four bytes big-endian, and the Avro body. An event is a dict of plain values
(``hub.domain.units``) with its ``type``; decimals are integers scaled as their field says, JSON and sealed values text.
No natural value is ever built, and old shapes are lifted to the newest, so whoever folds knows only that one.
``hub.log.plain`` is the way to natural values.

Both ways are prepared from the schema (``hub.log.avro_read``, ``hub.log.avro_write``): a general library spends as much on
each of the many fields that an event does not use as on the others, and takes four times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

from hub.errors import Unusable
from hub.log.avro_form import Schema, resolved
from hub.log.avro_read import Read, lifted, reader
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
        self._readers: dict[int, tuple[str, Read, Schema | None]] = {}

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

        Every field is there, None where nothing is said; a nested record in which nothing must be said has only what is.

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
        type_name, read, newest = self._readers.get(schema_id) or self._prepare_reader(schema_id)
        event: Event
        try:
            event, end = read(value if isinstance(value, bytes) else bytes(value), _HEADER.size)
        except Exception as problem:
            raise _damaged(type_name) from problem
        if end > len(value):
            raise _damaged(type_name)
        if end < len(value):
            extra = len(value) - end
            raise _unreadable(
                "body",
                "nothing after the last field",
                f"A {type_name} is followed by {extra} bytes that belong to nothing.",
            )
        if newest is not None:
            event = lifted(event, newest)
        event["type"] = type_name
        return event

    def _prepare_writer(self, type_name: str) -> tuple[bytes, Write]:
        newest = self._registry().newest(type_name)
        prepared = (_HEADER.pack(_MAGIC, newest.id), writer(type_name, resolved(newest.schema)))
        self._writers[type_name] = prepared
        return prepared

    def _prepare_reader(self, schema_id: int) -> tuple[str, Read, Schema | None]:
        written = self._registry().by_id(schema_id)
        newest = self._registry().newest(written.type)
        prepared = (
            written.type,
            reader(resolved(written.schema)),
            None if newest is written else resolved(newest.schema),
        )
        self._readers[schema_id] = prepared
        return prepared


def _damaged(type_name: str) -> Unusable:
    return _unreadable("body", "the whole Avro body", f"The body of a {type_name} is cut short or damaged.")


def _unreadable(field: str, expected: str, message: str) -> Unusable:
    return Unusable(message, field=field, rule="Confluent wire format with Avro", expected=expected)


_default = Codec()
encode = _default.encode
decode = _default.decode
