"""The log on PostgreSQL: the embedded default, for one machine without a broker.

An append is one statement, so it is stored whole or not at all. The lock on a partition's head row is held until the append
is committed: a later offset never becomes visible before an earlier one, and an append that fails takes no offset.
Connections are made when needed and taken by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hub.errors import Fatal
from hub.log import sql
from hub.log.port import (
    MAX_READ_BYTES,
    LogUnavailable,
    NewRecord,
    Position,
    Record,
    Starts,
    demand_sizes,
    divide,
    gone,
)
from hub.log.postgres_pool import Pool, translated
from hub.log.postgres_wakeup import Wakeup
from hub.log.topics import TOPICS, demand_all_there, demand_same_partitions, demand_topics

APPEND, READ, TRIM, EXPIRED = (sql.statement(name) for name in ("append", "read", "trim", "expired"))
UNKNOWN = "Whether the append was stored is not known; appending again may repeat its records."
NOTHING_CHANGED = "Nothing was changed."


class PostgresLog:
    """An ``EventLog`` in schema ``log`` of a database.

    Args:
        url: a libpq connection string or URL.
        partitions: the partition count that the log must have been made with.

    Raises:
        Refused: the database has no log, or one with another partition count.
        LogUnavailable: the database cannot be reached.
    """

    def __init__(self, url: str, partitions: int) -> None:
        self.partitions = partitions
        self._pool = Pool(url)
        try:
            ((found,),) = self._fetch("SELECT partitions FROM log.meta")
            demand_same_partitions(found, partitions)
            self._topics: dict[str, int] = dict(self._fetch("SELECT name, topic_id FROM log.topic"))
            demand_all_there(self._topics)
        except BaseException:
            self._pool.close()
            raise
        self._wakeup = Wakeup(url, self._topics)

    def append(self, topic: str, records: Sequence[NewRecord], *, partition: int | None = None) -> list[Position]:
        """See ``EventLog.append``; all or nothing."""
        demand_topics([topic])
        demand_sizes(records)
        if not records:
            return []
        parts = divide(records, self.partitions, partition)
        order = [index for indexes in parts.values() for index in indexes]
        values = {
            "topic": self._topics[topic],
            "parts": [part for part, indexes in parts.items() for _ in indexes],
            "ranks": [rank for indexes in parts.values() for rank in range(len(indexes))],
            "keys": [records[index].key for index in order],
            "values": [records[index].value for index in order],
            "head_parts": list(parts),
            "head_counts": [len(indexes) for indexes in parts.values()],
        }
        with self._pool.connection() as connection, translated(UNKNOWN):
            rows = connection.execute(APPEND, values, prepare=True).fetchall()
        bases: dict[int, int] = dict(rows)
        if bases.keys() != parts.keys():
            raise Fatal(
                f"The log has no partition {sorted(parts.keys() - bases.keys())} of {topic}; 'hub log init' adds it."
            )
        placed = {
            index: (part, bases[part] + rank) for part, indexes in parts.items() for rank, index in enumerate(indexes)
        }
        return [Position(topic, *placed[index]) for index in range(len(records))]

    def read(self, starts: Starts, limit: int) -> list[Record]:
        """See ``EventLog.read``; one statement, a second one where partitions leave of their equal share."""
        demand_topics(topic for topic, _ in starts)
        found: list[Record] = []
        open_: dict[tuple[str, int], int] = dict(starts)
        room = MAX_READ_BYTES
        while open_ and limit > 0 and room > 0:
            # With more partitions than records wanted, the later ones are left to a later read.
            asked = dict(list(open_.items())[:limit])
            share = limit // len(asked)
            got = self._read_share(asked, share, room // len(asked))
            found += got
            limit -= len(got)
            room -= sum(len(record.value) for record in got)
            counts: dict[tuple[str, int], int] = {}
            for record in got:
                counts[record.topic, record.partition] = counts.get((record.topic, record.partition), 0) + 1
            more = {key: open_[key] + share for key in asked if counts.get(key, 0) == share}
            open_ = more | {key: start for key, start in open_.items() if key not in asked}
        return found

    def ends(self, topic: str) -> dict[int, int]:
        """See ``EventLog.ends``."""
        return self._heads("next_offset", topic)

    def begins(self, topic: str) -> dict[int, int]:
        """See ``EventLog.begins``."""
        return self._heads("first_offset", topic)

    def wait(self, starts: Starts, timeout: float) -> bool:
        """See ``EventLog.wait``; one connection listens for all waiting threads."""
        demand_topics(topic for topic, _ in starts)
        self._pool.demand_open()
        return self._wakeup.wait(starts, timeout)

    def trim(self, topic: str, partition: int, before: int) -> None:
        """See ``EventLog.trim``."""
        demand_topics([topic])
        values = {"topic": self._topics[topic], "part": partition, "before": before}
        with self._pool.connection() as connection, translated(NOTHING_CHANGED):
            connection.execute(TRIM, values)

    def expire(self, now: datetime) -> int:
        """Remove the records that are older than the retention of their topic at ``now`` (aware); returns how many.

        Kafka does this by itself; here something has to call it, once a day or so.
        """
        removed = 0
        for topic in TOPICS:
            if topic.retention is None:
                continue
            values = {"topic": self._topics[topic.name], "cutoff": now.astimezone(UTC) - topic.retention}
            begins = self.begins(topic.name)
            for part, before in self._fetch(EXPIRED, values):
                self.trim(topic.name, part, before)
                removed += before - begins[part]
        return removed

    def close(self) -> None:
        """See ``EventLog.close``."""
        self._pool.close()
        self._wakeup.close()

    def _read_share(self, starts: Starts, share: int, room: int) -> list[Record]:
        keys = list(starts)
        values = {
            "numbers": list(range(len(keys))),
            "topics": [self._topics[topic] for topic, _ in keys],
            "parts": [part for _, part in keys],
            "offsets": list(starts.values()),
            "share": share,
            "room": max(1, room),
        }
        records: list[Record] = []
        due = dict(starts)
        for number, begin, offset, key, value in self._fetch(READ, values):
            topic, part = keys[number]
            if begin > starts[topic, part]:
                raise gone(topic, part, starts[topic, part], begin)
            if offset != due[topic, part]:
                raise Fatal(f"The log has no record at {topic}/{part} offset {due[topic, part]}, but one at {offset}.")
            due[topic, part] = offset + 1
            records.append(Record(topic, part, offset, key, value))
        return records

    def _heads(self, column: str, topic: str) -> dict[int, int]:
        demand_topics([topic])
        return dict(
            self._fetch(
                f"SELECT part, {column} FROM log.head WHERE topic_id = %s ORDER BY part".encode(),
                (self._topics[topic],),
            )
        )

    def _fetch(self, query: bytes | str, values: Any = None) -> list[tuple[Any, ...]]:
        """Rows of a query that changes nothing; tried again once, since a kept connection may have ended with its server."""
        query = query.encode() if isinstance(query, str) else query
        try:
            return self._fetch_once(query, values)
        except LogUnavailable:
            return self._fetch_once(query, values)

    def _fetch_once(self, query: bytes, values: Any) -> list[tuple[Any, ...]]:
        with self._pool.connection() as connection, translated(NOTHING_CHANGED):
            return connection.execute(query, values, prepare=True, binary=True).fetchall()
