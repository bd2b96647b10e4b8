"""Events folded per second into enrollment, progress and audit rows, by one process.

The limit: the same final rows, encoded beforehand, written by one connection in the same batches and transactions into
the same tables with the same indexes and keys, with the same moves of the offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from hub.bootstrap import Hub, clock
from hub.log import codec
from hub.log.port import Record
from hub.runners import FOLD_BATCH
from projections import folds, upsert
from projections.copyformat import encoder, opened
from projections.engine.batch import Reached, Writes
from projections.engine.behind import BehindStore
from projections.engine.folder import Folder
from projections.engine.pg_store import MOVE, TELL, PgStore
from projections.folds import WRITE_ORDER
from projections.tables import TABLES
from tests.bench import harness
from tests.bench.bench_decide import decided

MOVES = list[tuple[Any, ...]]


@dataclass
class Recorder:
    """A fold store that keeps what it wrote."""

    store: BehindStore
    written: list[Writes] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def commit(self, writes: Writes) -> None:
        """Write, and keep it."""
        self.store.commit(writes)
        self.written.append(writes)


@dataclass
class Prepared:
    """One transaction as bytes."""

    moves: MOVES
    blocks: list[tuple[str, bytes]]


def prepared(hub: Hub, writes: Writes) -> Prepared:
    """The transaction of a batch, encoded."""
    tables = {name: list(writes.rows.get(name, {}).values()) for name in WRITE_ORDER}
    tables["lms_audit_trail"] = writes.audit
    tables["stream_head"] = [
        {
            "stream_id": stream, "kind": kind, "company_id": company, "last_event_id": head.last_event_id, "version": head.version,
            "recorded_at": head.recorded_at, "row_id": head.row_id, "parked": head.parked,
        }
        for stream, (kind, company, head) in writes.heads.items()
    ]  # fmt: skip
    blocks = [
        (name, encoder(TABLES[name])(opened(rows, TABLES[name], hub.open_texts)))
        for name, rows in tables.items()
        if rows
    ]
    return Prepared([_move(where, writes) for where in sorted(writes.reached)], blocks)


def _move(where: tuple[str, int], writes: Writes) -> tuple[Any, ...]:
    before: Reached = writes.expected[where]
    after = writes.reached[where]
    return (after.next_offset, after.chain, after.count, *where, before.next_offset, before.epoch)


def folded(bed: harness.Bed, events: list[Record]) -> tuple[harness.Spent, list[Prepared]]:
    """Fold events on a fresh copy; what it took, and all that was written."""
    with bed.hub() as hub, hub.connect() as reading, hub.connect() as writing:
        store = BehindStore(PgStore(reading, hub.open_texts), PgStore(writing, hub.open_texts))
        recorder, meter = Recorder(store), bed.meter()
        folder = Folder(recorder, codec.decode, clock)
        folder.own(harness.partitions(hub, tuple(folds.BY_TOPIC)))
        with meter.running():
            for start in range(0, len(events), FOLD_BATCH):
                folder.fold(events[start : start + FOLD_BATCH])
            folder.settle()
        store.close()
        return meter.spent, [prepared(hub, writes) for writes in recorder.written]


def written(bed: harness.Bed, transactions: list[Prepared]) -> harness.Spent:
    """The limit on a fresh copy."""
    with bed.hub() as hub, hub.connect() as connection:
        upsert.prepare(connection, TABLES.values())
        meter = bed.meter()
        with meter.running():
            for one in transactions:
                _write(connection, one)
        return meter.spent


def _write(connection: psycopg.Connection[Any], one: Prepared) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        for move in one.moves:
            cursor.execute(MOVE, move, prepare=True)
            if cursor.rowcount != 1:
                raise ValueError("a partition is not where the recorded transaction expects it")
        for name, data in one.blocks:
            upsert.store_encoded(cursor, TABLES[name], data)
        cursor.execute(TELL, (",".join(f"{move[3]}/{move[4]}/{move[0]}" for move in one.moves),), prepare=True)


def run(bed: harness.Bed, observations: int, rounds: int) -> Iterator[harness.Figure]:
    """The figures."""
    with bed.hub() as hub:
        events = decided(bed, hub, observations)[1]
    spent, limits = [], []
    for _ in range(rounds):
        one, transactions = folded(bed, events)
        limit = written(bed, transactions)
        spent.append(one)
        limits.append(limit)
        harness.note(
            f"fold {one.rate(len(events)):.0f}/s, {one.cpu(len(events))}; limit {limit.rate(len(events)):.0f}/s, "
            f"{limit.cpu(len(events))}; {harness.trust([one, limit])}"
        )
    count = len(events)
    name = "the same rows written by one connection"
    rates = [one.rate(count) for one in spent]
    yield from harness.best_and_median("fold", rates, "events/s", [one.rate(count) for one in limits], name)
    mine = min(one.own + one.server for one in spent) / count * 1e6
    bound = min(one.own + one.server for one in limits) / count * 1e6
    yield harness.figure("fold CPU", mine, "µs per event", bound, name, less=True)
