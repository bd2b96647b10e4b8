"""Events folded per second into enrollment, progress and audit rows, by one process and by two.

The limit: the same final rows, encoded beforehand, written by one connection in the same batches and transactions into
the same tables with the same indexes and keys, with the same moves of the offsets.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from hub.bootstrap import clock, open_hub
from hub.log import codec
from hub.log.port import Record
from hub.runners import FOLD_BATCH, tune
from projections import folds
from projections.copyformat import encoder
from projections.engine.batch import Writes
from projections.engine.behind import BehindStore
from projections.engine.folder import Folder
from projections.engine.pg_store import Block, PgStore
from tests.bench import harness
from tests.bench.bench_decide import decided

LANES = 2


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


def folded_in_lanes(bed: harness.Bed, events: list[Record], lanes: int) -> tuple[float, float]:
    """Fold the same on a fresh copy by processes with a share of the partitions each, which begin together; events per second,
    and their CPU seconds per event.

    What each folds first is not counted: there a new process takes its memory from the system, which one that serves has.
    """
    with bed.copy() as url, ExitStack() as stack:
        shares = [[one for one in events if one.partition % lanes == lane] for lane in range(lanes)]
        context = multiprocessing.get_context("fork")
        begin, ended = context.Barrier(lanes), context.SimpleQueue()
        processes = [context.Process(target=_lane, args=(bed, url, share, begin, ended)) for share in shares]
        for process in processes:
            process.start()
            stack.callback(process.join)
        told = [ended.get() for _ in processes]
    spans = [span for span, _ in told]
    wall = max(end for _, end in spans) - min(start for start, _ in spans)
    counted = sum(len(share) - _uncounted(share) for share in shares)
    return counted / wall, sum(cpu for _, cpu in told) / counted


def _uncounted(share: list[Record]) -> int:
    return min(FOLD_BATCH, len(share) // 2)


def _lane(bed: harness.Bed, url: str, events: list[Record], begin: Any, ended: Any) -> None:
    tune(alone=False)
    with open_hub(harness.settings_of(bed.home, url), runners=False) as hub, hub.connect() as one, hub.connect() as two:
        store = BehindStore(PgStore(one, hub.open_texts), PgStore(two, hub.open_texts))
        folder = Folder(store, codec.decode, clock)
        folder.own(harness.partitions(hub, tuple(folds.BY_TOPIC)))
        first = _uncounted(events)
        folder.fold(events[:first])
        folder.settle()
        begin.wait()
        start, cpu = time.monotonic(), time.process_time()
        for at in range(first, len(events), FOLD_BATCH):
            folder.fold(events[at : at + FOLD_BATCH])
        folder.settle()
        ended.put(((start, time.monotonic()), time.process_time() - cpu))
        store.close()


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
    spent, limits, together = [], [], []
    for _ in range(rounds):
        one, transactions = folded(bed, events)
        limit = written(bed, transactions)
        spent.append(one)
        limits.append(limit)
        rate, cpu = folded_in_lanes(bed, events, LANES)
        together.append(rate)
        harness.note(f"fold by {LANES} processes {rate:.0f}/s, {cpu * 1e6:.0f} µs in them")
        harness.note(
            f"fold {one.rate(len(events)):.0f}/s, {one.cpu(len(events))}; limit {limit.rate(len(events)):.0f}/s, "
            f"{limit.cpu(len(events))}; {harness.trust([one, limit])}"
        )
    count = len(events)
    name = "the same rows written by one connection"
    rates = [one.rate(count) for one in spent]
    bounds = [one.rate(count) for one in limits]
    yield from harness.best_and_median("fold", rates, "events/s", bounds, name)
    yield from harness.best_and_median(f"fold by {LANES} processes", together, "events/s", bounds, name)
    mine = min(one.own + one.server for one in spent) / count * 1e6
    bound = min(one.own + one.server for one in limits) / count * 1e6
    yield harness.figure("fold CPU", mine, "µs per event", bound, name, less=True)
