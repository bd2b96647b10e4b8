"""Events folded per second into enrollment, progress and audit rows, by one process.

The limit: the same final rows, encoded beforehand, written by one connection in the same batches and transactions into
the same tables with the same indexes and keys, with the same moves of the offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hub.bootstrap import clock
from hub.log import codec
from hub.log.port import Record
from hub.runners import FOLD_BATCH
from projections import folds
from projections.copyformat import encoder
from projections.engine.batch import Writes
from projections.engine.behind import BehindStore
from projections.engine.folder import Folder
from projections.engine.pg_store import Block, PgStore
from tests.bench import harness
from tests.bench.bench_decide import decided


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


Prepared = tuple[Writes, list[Block]]
"""One transaction: how far it goes, and its rows as bytes."""


def prepared(store: PgStore, writes: Writes) -> Prepared:
    """The transaction of a batch, encoded; by COPY, few as its rows may be."""
    blocks = store.encode(writes)
    return writes, [
        block if block.data else Block(block.table, (), encoder(block.table)(block.rows)) for block in blocks
    ]


def folded(bed: harness.Bed, events: list[Record]) -> tuple[harness.Spent, list[Prepared]]:
    """Fold events on a fresh copy; what it took, and all that was written."""
    with bed.hub() as hub, hub.connect() as reading, hub.connect() as writing:
        writer = PgStore(writing, hub.open_texts)
        store = BehindStore(PgStore(reading, hub.open_texts), writer)
        recorder, meter = Recorder(store), bed.meter()
        folder = Folder(recorder, codec.decode, clock)
        folder.own(harness.partitions(hub, tuple(folds.BY_TOPIC)))
        with meter.running():
            for start in range(0, len(events), FOLD_BATCH):
                folder.fold(events[start : start + FOLD_BATCH])
            folder.settle()
        store.close()
        return meter.spent, [prepared(writer, writes) for writes in recorder.written]


def written(bed: harness.Bed, transactions: list[Prepared]) -> harness.Spent:
    """The limit on a fresh copy."""
    with bed.hub() as hub, hub.connect() as connection:
        store, meter = PgStore(connection, hub.open_texts), bed.meter()
        with meter.running():
            for writes, blocks in transactions:
                store.write(writes, blocks)
        return meter.spent


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
