"""Resolves records of the log that are put aside: folds a parked one again or passes it over, then what waits behind it.

All of it happens in one transaction that holds the row of the partition's offset and raises its epoch. So whoever folds
the partition, in whichever process, waits meanwhile, drops what it remembers, and goes on. Each record is judged by the
same rule as every other; what was resolved leaves the table, as a fold from the beginning would never have put it there.
Where a record cannot be folded (again), it is parked with its reason, and the rest goes on waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from hub.domain import ids
from hub.domain.heads import NOTHING, Head
from hub.domain.rows import Row
from hub.errors import Refused
from hub.log.port import Record
from projections.copyformat import Opener
from projections.engine.batch import Batch, Decoded, Writes, decoded
from projections.engine.folder import RowRefused
from projections.engine.pg_store import PgStore

OBSERVATIONS = "lms.observations"
OPEN = """
SELECT id::text, topic, partition, "offset", stream_id::text AS stream, record, record_size AS size, chain
FROM hub.dead_letter WHERE kind <> 'rejected' AND topic <> 'lms.observations'
"""
ONE = f"{OPEN} AND id = %s"
WAITING = f'{OPEN} AND (id = %s OR (stream_id = %s AND topic = %s)) ORDER BY "offset"'
HOLD = "SELECT 1 FROM hub.projection_offset WHERE topic = %s AND partition = %s FOR UPDATE"
RAISE = "UPDATE hub.projection_offset SET epoch = epoch + 1 WHERE topic = %s AND partition = %s"
GONE = "DELETE FROM hub.dead_letter WHERE id = ANY(%s::uuid[])"
FREE = "UPDATE hub.stream_head SET parked = %s WHERE stream_id = %s"
NEVER_BEGAN = """
DELETE FROM hub.stream_head h WHERE stream_id = ANY(%s::uuid[]) AND version = 0 AND NOT parked
  AND NOT EXISTS (SELECT FROM hub.dead_letter d WHERE d.stream_id = h.stream_id AND d.kind = 'behind')
"""
"""Removes the head of a stream of which nothing was ever applied, once nothing waits for it any more."""

Read = Callable[[str, int, int], bytes]
"""(topic, partition, offset) → value."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that is put aside."""

    id: str
    topic: str
    partition: int
    offset: int
    stream: str | None
    record: bytes
    size: int
    chain: bytes


class Change(NamedTuple):
    """A row that a replay changes."""

    table: str
    id: str
    before: Row | None
    after: Row


@dataclass(slots=True)
class Resolved:
    """What became of a record and of those behind it."""

    outcomes: list[tuple[str, str]] = field(default_factory=list)
    """(id of the letter, discarded, folded, void or parked)"""
    changes: list[Change] = field(default_factory=list)
    problem: str | None = None
    """Why one of them cannot be folded."""

    @property
    def still(self) -> str | None:
        """The letter that is parked now."""
        return next((letter for letter, outcome in self.outcomes if outcome == "parked"), None)


class Resolver:
    """Resolves parked records on PostgreSQL. ``connect``: a connection of one's own; ``read``: the log."""

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[psycopg.Connection[Any]]],
        opener: Opener,
        decode: Callable[[bytes], Mapping[str, Any]],
        read: Read,
        clock: Callable[[], int],
    ) -> None:
        self._connect = connect
        self._opener = opener
        self._decode = decode
        self._read = read
        self._clock = clock

    def resolve(self, letter_id: str, *, discard: bool = False, rehearse: bool = False) -> Resolved | None:
        """Fold a parked record again, or discard it, and go on with those behind it; None where it is no longer parked.

        ``rehearse``: find out what would happen; nothing is written.

        Raises Refused where another record of its stream waits before it, or where it could not be read and its stream has
        gone on; Retriable where a row that is referred to is not there yet, or the database is away.
        """
        with self._connect() as connection:
            store = PgStore(connection, self._opener)
            with connection.transaction(force_rollback=rehearse):
                letter = _one(connection, letter_id)
                if letter is None:
                    return None
                connection.execute(HOLD, (letter.topic, letter.partition))
                if _one(connection, letter_id) is None:  # resolved while we waited
                    return None
                resolved = self._all(connection, store, letter, discard=discard)
                connection.execute(RAISE, (letter.topic, letter.partition))
                return resolved

    def _all(self, connection: psycopg.Connection[Any], store: PgStore, letter: Waiting, *, discard: bool) -> Resolved:
        waiting = _waiting(connection, letter)
        if waiting[0].id != letter.id:
            raise Refused(
                f"id: {waiting[0].id} of the same stream waits before it; expected that one to be resolved first",
                field="id", rule="in the order of the log", expected=waiting[0].id,
            )  # fmt: skip
        result = Resolved()
        while waiting and result.still is None:
            one = waiting.pop(0)
            outcome = "discarded" if discard and one.id == letter.id else self._fold(store, one, result)
            result.outcomes.append((one.id, outcome))
            if outcome != "parked":
                connection.execute(GONE, ([one.id],))
            if outcome == "discarded":
                connection.execute(GONE, (self._told_by(one),))
        if letter.stream is not None:
            connection.execute(FREE, (result.still is not None, letter.stream))
            connection.execute(NEVER_BEGAN, ([letter.stream],))
        return result

    def _told_by(self, letter: Waiting) -> list[str]:
        """The letter of the observation that the record was decided from: decided again, it would only say the same."""
        (one,) = decoded([Record(*_where(letter), b"", self._value(letter))], self._decode)
        topic, *place = str((one.event or {}).get("causation_id")).split("/")
        return [ids.waiting_record(topic, *map(int, place))] if topic == OBSERVATIONS else []

    def _value(self, letter: Waiting) -> bytes:
        return letter.record if len(letter.record) == letter.size else self._read(*_where(letter))

    def _fold(self, store: PgStore, letter: Waiting, result: Resolved) -> str:
        """Fold one record; what the database refuses of it is undone, and it is parked."""
        (one,) = decoded([Record(*_where(letter), b"", self._value(letter))], self._decode)
        try:
            return self._folded(store, letter, one, result)
        except RowRefused as problem:
            return self._folded(store, letter, one._replace(problem=problem), result)

    def _folded(self, store: PgStore, letter: Waiting, one: Decoded, result: Resolved) -> str:
        heads, rows = _loaded(store, one)
        stream = None if one.event is None else one.event.get("stream_id")
        if letter.stream is not None and stream is not None:
            heads[stream] = heads.get(stream, NOTHING)._replace(parked=False)
        known = dict(rows)
        batch = Batch(heads, rows, self._clock())
        batch.one(one, letter.chain)
        if batch.counts.skipped and letter.stream is None:
            raise Refused(
                "record: it can be read now, but its stream has gone on without it; expected it to be discarded",
                field="record", rule="follows the last event of its stream", expected="a discard",
            )  # fmt: skip
        store.write(batch.writes, store.encode(batch.writes))
        if batch.counts.parked:
            result.problem = batch.writes.dead[0]["message"]
            return "parked"
        result.changes += _changes(batch.writes, known)
        return "folded" if batch.counts.folded else "void"


def _one(connection: psycopg.Connection[Any], letter_id: str) -> Waiting | None:
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        return cursor.execute(ONE, (letter_id,)).fetchone()


def _waiting(connection: psycopg.Connection[Any], letter: Waiting) -> list[Waiting]:
    """The record and all that wait in its stream, in the order of the log."""
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        return cursor.execute(WAITING, (letter.id, letter.stream, letter.topic)).fetchall()


def _where(letter: Waiting) -> tuple[str, int, int]:
    return letter.topic, letter.partition, letter.offset


def _loaded(store: PgStore, one: Decoded) -> tuple[dict[str, Head], dict[tuple[str, str], Row]]:
    """Heads and rows that the record concerns."""
    if one.event is None:
        return {}, {}
    wanted: dict[str, list[str]] = {}
    for projection, key in one.targets:
        wanted.setdefault(projection.name, []).append(key)
    streams = [one.event["stream_id"]] if "version" in one.event else []
    return store.load(streams, wanted)


def _changes(writes: Writes, known: Mapping[tuple[str, str], Row]) -> list[Change]:
    return [
        Change(table, key, known.get((table, key)), row)
        for table, rows in writes.rows.items()
        for key, row in rows.items()
    ]
