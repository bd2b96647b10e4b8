"""The folder: hands batches of records to the store, exactly once, whoever runs it.

It refuses a gap (a record beyond the next offset), skips what is folded already, keeps the rows of recent batches in
memory, and isolates a record that the database will not take. The transaction moves each partition's offset from the
value this folder left; where that fails somebody else has folded, and everything in memory is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from hub.domain.heads import Head
from hub.domain.rows import Row
from hub.errors import Fatal, Retriable, Unusable
from hub.log.port import Record
from projections.engine.batch import NONE_DISCARDED, Batch, Counts, Decoded, Discarded, Reached, Writes, decoded

CACHE_ROWS = 10_000


class OwnershipLost(Fatal):
    """Somebody else folded this partition: the stored offset is not the one that this folder left."""


class RowsRewritten(Retriable):
    """Somebody else wrote rows of this partition; nothing is wrong, but what is remembered of them is."""


class Gap(Fatal):
    """A record lies beyond the next offset to be folded; records in between were not handed over."""


class RowRefused(Unusable):
    """The database does not take a row of the batch."""


class FoldStore(Protocol):
    """Where folded rows live."""

    def reached(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Reached]:
        """How far these partitions are folded; a new one is at its beginning."""

    def load(
        self, streams: Sequence[str], rows: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, Head], dict[tuple[str, str], Row]]:
        """Heads of streams, and rows by table and id; what does not exist is left out."""

    def commit(self, writes: Writes) -> None:
        """Write everything in one transaction.

        Raises OwnershipLost where a partition is not where it should be, RowsRewritten where it is but its rows were
        rewritten, Retriable where a referred row is not there yet or the database is away, RowRefused where a row does not fit.
        """

    def settle(self) -> None:
        """Wait until everything handed over is written. Raises as ``commit`` does."""


class Folder:
    """Folds batches onto a store. Not thread-safe; one per runner. ``discarded``: needed by who folds from the beginning
    (see :mod:`projections.engine.discards`); live, a discard finds its record parked. ``keeps``: so many rows it remembers."""

    def __init__(
        self,
        store: FoldStore,
        decode: Callable[[bytes], Mapping[str, Any]],
        clock: Callable[[], int],
        discarded: Discarded = NONE_DISCARDED,
        keeps: int = CACHE_ROWS,
    ) -> None:
        self._store = store
        self._keeps = keeps
        self._discarded = discarded
        self._decode = decode
        self._clock = clock
        self._at: dict[tuple[str, int], Reached] = {}
        self._heads: dict[str, Head] = {}
        self._rows: dict[tuple[str, str], Row] = {}

    def own(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Take over these partitions, and no others; returns the offset at which each goes on."""
        self._forget()
        self._at = dict(self._store.reached(partitions))
        return {where: reached.next_offset for where, reached in self._at.items()}

    def fold(self, records: Sequence[Record]) -> Counts:
        """Fold records of owned partitions, in offset order per partition.

        Raises OwnershipLost, Gap (both: stop, nothing was written), Retriable (nothing was written; hand over again).
        """
        fresh = self._fresh(records)
        if not fresh:
            return Counts()
        try:
            return self._fold(decoded(fresh, self._decode))
        except Exception:  # goes on to the caller: whatever went wrong, what is remembered may be ahead of the store
            self._forget()
            raise

    def settle(self) -> None:
        """Wait until everything that was folded is written. Raises as :meth:`fold` does."""
        try:
            self._store.settle()
        except Exception:  # goes on to the caller: whatever went wrong, what is remembered may be ahead of the store
            self._forget()
            raise

    def _fresh(self, records: Sequence[Record]) -> list[Record]:
        """The records not folded yet, without a gap before them."""
        wanted = {where: reached.next_offset for where, reached in self._at.items()}
        fresh = []
        for record in records:
            where = (record.topic, record.partition)
            want = wanted.get(where)
            if want is None or record.offset < want:
                continue
            if record.offset > want:
                raise Gap(f"{record.topic}/{record.partition}: offset {record.offset} came where {want} was expected")
            wanted[where] = want + 1
            fresh.append(record)
        return fresh

    def _fold(self, records: list[Decoded]) -> Counts:
        at = {where: self._at[where] for where in {(one.record.topic, one.record.partition) for one in records}}
        heads, rows = self._loaded(records)
        batch = Batch(heads, rows, self._clock(), self._discarded)
        writes = batch.fold(at, records)
        try:
            self._store.commit(writes)
        except RowRefused as problem:
            self._forget()
            return self._isolate(records, problem)
        self._at.update(writes.reached)
        self._remember(batch)
        return batch.counts

    def _isolate(self, records: list[Decoded], problem: RowRefused) -> Counts:
        """Fold halves until the record that is not taken stands alone; that one is parked."""
        if len(records) == 1:
            only = records[0]
            if only.problem is not None:
                raise Fatal(f"a dead letter cannot be written: {problem}") from problem
            return self._fold([only._replace(problem=problem)])
        middle = len(records) // 2
        first, second = self._fold(records[:middle]), self._fold(records[middle:])
        return Counts(first.folded + second.folded, first.skipped + second.skipped, first.parked + second.parked)

    def _loaded(self, records: list[Decoded]) -> tuple[dict[str, Head], dict[tuple[str, str], Row]]:
        """Heads and rows of the batch: what is known from batches before, the rest from the store in one go."""
        streams: dict[str, None] = {}
        rows: dict[str, dict[str, None]] = {}
        for one in records:
            if one.event is None:
                continue
            stream = one.event.get("stream_id") if "version" in one.event else None
            if stream is not None and stream not in self._heads:
                streams[stream] = None
            for projection, key in one.targets:
                if (projection.name, key) not in self._rows:
                    rows.setdefault(projection.name, {})[key] = None
        if streams or rows:
            heads, found = self._store.load(list(streams), {table: list(keys) for table, keys in rows.items()})
            self._heads.update(heads)
            self._rows.update(found)
        return self._heads, self._rows

    def _remember(self, batch: Batch) -> None:
        if len(batch.rows) > self._keeps or len(batch.heads) > self._keeps:
            self._store.settle()
            self._forget()

    def _forget(self) -> None:
        self._heads, self._rows = {}, {}


__all__ = ["FoldStore", "Folder", "Gap", "OwnershipLost", "Retriable", "RowRefused", "RowsRewritten"]
