"""Decides the observations that were put aside behind a parked record, in their order, once its stream goes on.

While any of them is left, the hub's decider puts later ones of the stream aside as well and commands wait, so the order
holds. Their runs ended long ago and told them as stored; that stays as it was told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import psycopg

from hub.deciding.decider import OBSERVATIONS, Decider
from hub.deciding.ports import Settled, Snapshot, Surroundings
from hub.domain.rows import Row
from hub.errors import Retriable
from projections.engine.pg_deciding import PgDeciding, PgSnapshot
from projections.engine.pg_store import HEADS
from projections.engine.resolver import NEVER_BEGAN

LOCK = 7_205
"""First key of the advisory lock of who decides what was put aside; the second is the partition."""
AT_ONCE = 500
FREE = """
SELECT DISTINCT d.partition FROM hub.dead_letter d JOIN hub.stream_head h ON h.stream_id = d.stream_id
WHERE d.kind = 'behind' AND d.topic = 'lms.observations' AND NOT h.parked ORDER BY 1
"""
WAITING = """
SELECT d.id::text, d.stream_id::text, d."offset", d.record, d.record_size FROM hub.dead_letter d JOIN hub.stream_head h ON h.stream_id = d.stream_id
WHERE d.kind = 'behind' AND d.topic = 'lms.observations' AND d.partition = %s AND NOT h.parked
ORDER BY d."offset" LIMIT %s
"""
DONE = "DELETE FROM hub.dead_letter WHERE id = ANY(%s::uuid[])"


class _Store:
    """The deciding store as it is for these observations: their streams are free, and no offset moves."""

    def __init__(
        self, store: PgDeciding, connection: psycopg.Connection[Any], letters: Mapping[int, tuple[str, str]]
    ) -> None:
        self._store = store
        self._connection = connection
        self._letters = letters

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with self._store.snapshot(HEADS) as snapshot:
            yield _Undecided(snapshot, min(self._letters))

    def decided_offset(self, partition: int) -> int:
        return self._store.decided_offset(partition)

    def settle(self, settled: Mapping[int, Settled]) -> None:
        waiting = {one["offset"] for each in settled.values() for one in each.aside}
        done = [letter for offset, letter in self._letters.items() if offset not in waiting]
        with self._connection.transaction():
            self._connection.execute(DONE, ([letter for letter, _ in done],))
            self._connection.execute(NEVER_BEGAN, ([stream for _, stream in done],))

    def folded(self, topics: Collection[str]) -> dict[tuple[str, int], int]:
        return self._store.folded(topics)

    def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        return self._store.wait_folded(wanted, timeout)


class _Undecided:
    """A snapshot in which the observations at hand are the next ones."""

    def __init__(self, snapshot: PgSnapshot, begin: int) -> None:
        self._snapshot = snapshot
        self._begin = begin

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name)

    def rows(self, table: str, ids: Collection[str]) -> dict[str, Row]:
        return self._snapshot.rows(table, ids)

    def decided_offsets(self, partitions: Collection[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, self._begin)


def decide_waiting(
    around: Surroundings,
    store: PgDeciding,
    connect: Callable[[], AbstractContextManager[psycopg.Connection[Any]]],
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Decide what was put aside of streams that are free by now; returns how many. What a stream that was parked again
    waits for goes on waiting.

    Raises Retriable where log or database are away, or an observation is no longer in the log; Fatal never.
    """
    count = 0
    with connect() as connection:
        for (partition,) in connection.execute(FREE).fetchall():
            row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK, partition)).fetchone()
            if row is None or not row[0]:
                continue  # another process does it
            try:
                while not stopped() and (done := _some(around, store, connection, partition, stopped)):
                    count += done
            finally:
                connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCK, partition))
    return count


def _some(
    around: Surroundings,
    store: PgDeciding,
    connection: psycopg.Connection[Any],
    partition: int,
    stopped: Callable[[], bool],
) -> int:
    found = connection.execute(WAITING, (partition, AT_ONCE)).fetchall()
    if not found:
        return 0
    records = [
        (partition, offset, _whole(around, partition, offset, bytes(kept), size)) for _, _, offset, kept, size in found
    ]
    letters = {offset: (letter, stream) for letter, stream, offset, *_ in found}
    Decider(replace(around, store=_Store(store, connection, letters)), stopped).process(records)
    return len(found)


def _whole(around: Surroundings, partition: int, offset: int, kept: bytes, size: int) -> bytes:
    if len(kept) == size:
        return kept
    try:
        return around.read(OBSERVATIONS, partition, offset)
    except Retriable:
        raise Retriable(
            f"{OBSERVATIONS}/{partition}/{offset}: waits behind a parked record and is no longer in the log"
        ) from None
