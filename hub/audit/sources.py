"""Where records to be verified come from: the log in PostgreSQL, or an exported folder; ``kafka_source`` has the third.

A source gives stored bytes as they lie there, holes and all; it judges nothing. The one over PostgreSQL reads by COPY, since
the log's own reading, made for fairness among partitions, takes several times as long as hashing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from struct import Struct
from typing import Any, Protocol

import psycopg
from psycopg import sql

from hub.audit import offline

COPY_HEAD = 19
"""Bytes before the first row of a binary COPY: signature, flags, length of an extension."""
ROW = Struct(">HiQi")
"""Before the value of a row: number of fields, length of the offset, the offset, length of the value."""
ROWS = """
COPY (
    SELECT "offset", value FROM log.record
    WHERE topic_id = {topic} AND part = {part} AND "offset" >= {start} AND "offset" < {end} ORDER BY "offset"
) TO STDOUT (FORMAT BINARY)
"""
STRAYS = """
SELECT h.part, min(r."offset") FROM log.head h JOIN log.record r USING (topic_id, part)
WHERE h.topic_id = %s AND (r."offset" >= h.next_offset OR r."offset" < h.first_offset) GROUP BY h.part ORDER BY h.part
"""


class Source(Protocol):
    """Gives the records of partitions."""

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """First and next offset of every partition of a topic that is there."""

    def records(self, topic: str, partition: int, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Offset and value of each record from ``start`` to before ``end``, ascending; what is missing is left out."""

    def strays(self, topic: str) -> dict[int, int]:
        """Partition → offset of a record that lies where no append puts one."""


class PostgresSource:
    """The log in schema ``log``, over a connection of its own (autocommit), which the caller closes."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._topics: dict[str, int] = dict(connection.execute("SELECT name, topic_id FROM log.topic").fetchall())

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """See ``Source``."""
        query = "SELECT part, first_offset, next_offset FROM log.head WHERE topic_id = %s"
        return {part: (begin, end) for part, begin, end in self._connection.execute(query, (self._topics[topic],))}

    def records(self, topic: str, partition: int, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """See ``Source``."""
        query = sql.SQL(ROWS).format(topic=self._topics[topic], part=partition, start=start, end=end)
        unpack, size = ROW.unpack_from, ROW.size
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            rows = iter(copy)
            try:
                first = next(rows, b"")
                if len(first) > COPY_HEAD + 2:  # else it is the head and the trailer
                    yield unpack(first, COPY_HEAD)[2], bytes(first[COPY_HEAD + size :])
                for row in rows:
                    if len(row) > 2:
                        yield unpack(row)[2], row[size:]  # type: ignore[misc]
            except GeneratorExit:  # a cancelled COPY may take the next statement with it: read to its end
                for _ in copy:
                    pass
                raise

    def strays(self, topic: str) -> dict[int, int]:
        """See ``Source``."""
        return dict(self._connection.execute(STRAYS, (self._topics[topic],)).fetchall())


class ExportSource:
    """A folder that ``hub audit export`` wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._stretches = {(one["topic"], one["partition"]): one for one in manifest["stretches"]}

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """See ``Source``."""
        return {part: (one["start"], one["end"]) for (name, part), one in self._stretches.items() if name == topic}

    def records(self, topic: str, partition: int, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """See ``Source``."""
        with closing(offline.segments(self._folder, self._stretches[topic, partition])) as given:  # type: ignore[type-var]
            for offset, value in given:
                if offset >= end:
                    return
                if offset >= start:
                    yield offset, value

    def strays(self, topic: str) -> dict[int, int]:  # noqa: ARG002  # the port's form
        """See ``Source``."""
        return {}
