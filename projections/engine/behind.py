"""A fold store whose writer is one batch behind: while the server works on a batch, the next one is decoded and folded.

Reading and writing have a connection each. What a batch wrote is in the folder's memory until it is committed, so
reading needs nothing that is still under way. A failure is told with the next call: whoever folds then begins anew from
the stored offsets, and writes at once for a while where a row was refused, so that the record is isolated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from hub.domain.heads import Head
from hub.domain.rows import Row
from hub.errors import Retriable
from projections.engine.batch import Reached, Writes
from projections.engine.folder import RowRefused
from projections.engine.pg_store import PgStore


class BatchRefused(Retriable):
    """The database refused a row of the batch before this one; nothing of it was written."""


class BehindStore:
    """A fold store over two connections."""

    def __init__(self, reader: PgStore, writer: PgStore) -> None:
        self._reader = reader
        self._writer = writer
        self._thread = ThreadPoolExecutor(1, "fold-writer")
        self._pending: Future[None] | None = None

    def reached(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Reached]:
        """How far these partitions are folded."""
        self.wait()
        return self._reader.reached(partitions)

    def load(
        self, streams: Sequence[str], rows: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, Head], dict[tuple[str, str], Row]]:
        """Heads and rows that no batch under way has touched."""
        return self._reader.load(streams, rows)

    def commit(self, writes: Writes) -> None:
        """Write a batch once the one before is written; returns while it is under way.

        Raises what the batch before raised; BatchRefused where a row of it was refused.
        """
        blocks = self._writer.encode(writes)
        self.wait()
        self._pending = self._thread.submit(self._writer.write, writes, blocks)

    def settle(self) -> None:
        """Before the folder lets go of what it remembers: everything is written."""
        self.wait()

    def wait(self) -> None:
        """Wait until nothing is under way; raises what the last batch raised."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        try:
            pending.result()
        except RowRefused as problem:
            raise BatchRefused(str(problem)) from problem

    def close(self) -> None:
        """Let the thread end; what is under way is written first."""
        self._thread.shutdown(wait=True)
