"""The two kinds of work with records, folding events and deciding observations, whoever hands them over.

A work is told which partitions are its own, answers where each goes on, and takes records in offset order. It answers
from where the log must be read again: after something went wrong, and where a record waits for a row that is not folded
yet. Records that come twice are skipped; a record that comes too early is an error. Plain code that knows no thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import psycopg
from psycopg import errors

from hub import silent
from hub.deciding.decider import OBSERVATIONS, Decider
from hub.errors import Retriable
from hub.log import codec
from hub.log.port import Record
from projections import folds
from projections.copyformat import Opener
from projections.engine.behind import BatchRefused, BehindStore
from projections.engine.folder import Folder, FoldStore, Gap
from projections.engine.pg_store import PgStore, why_not

Partitions = Sequence[tuple[str, int]]
Starts = dict[tuple[str, int], int]

CAREFUL = 8
"""Batches that are written at once, not behind, after one that could not be written."""


class Work(Protocol):
    """One kind of work. Its methods are called by one thread, one at a time."""

    topics: tuple[str, ...]

    def own(self, partitions: Partitions) -> Starts:
        """These partitions, and no others, are its own from now on; returns the offset at which each goes on."""
        ...

    def take(self, records: Sequence[Record]) -> Starts:
        """Work on these, which may still be under way afterwards; returns the partitions that must be read again, and
        from which offset.

        Raises Retriable (hand over the same again: the answer may be where to read), Fatal (a record is missing, or
        somebody else works on the same partition).
        """
        ...

    def settle(self) -> Starts:
        """Wait until nothing is under way; returns and raises as :meth:`take` does."""
        ...


class Folding:
    """Folds all event topics: one connection reads, one writes a batch behind; new ones after every failure."""

    topics: tuple[str, ...] = tuple(folds.BY_TOPIC)

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], opener: Opener, clock: Callable[[], int]
    ) -> None:
        self._connect = connect
        self._opener = opener
        self._clock = clock
        self._partitions: Partitions = ()
        self._parts = ExitStack()
        self._folder: Folder | None = None
        self._careful = 0
        self._is_behind = False

    def own(self, partitions: Partitions) -> Starts:
        """See :class:`Work`. What is under way is written first, or fails. Who wrote them before and fell silent is ended."""
        self._partitions = list(partitions)
        return self._begin()

    def take(self, records: Sequence[Record]) -> Starts:
        """See :class:`Work`. After a failure nothing of this batch is written, nor of the one before."""
        if self._folder is None:
            return self._begin()
        try:
            self._folder.fold(records)
        except Retriable as problem:
            return self._failed(problem, records)
        return self._went_well()

    def settle(self) -> Starts:
        """See :class:`Work`."""
        if self._folder is None:
            return self._begin() if self._partitions else {}
        try:
            self._folder.settle()
        except Retriable as problem:
            return self._failed(problem, ())
        return {}

    def close(self) -> None:
        """Let the connections go; what is under way is written first."""
        self._folder = None
        self._parts.close()

    def _begin(self) -> Starts:
        self.close()
        self._is_behind = not self._careful
        try:
            with self._connect() as connection:
                silent.end_silent(connection)
            folder = Folder(self._store(), codec.decode, self._clock)
            found = folder.own(self._partitions)
        except psycopg.OperationalError as problem:
            raise Retriable(f"{why_not(problem)}; the batch will be taken again") from problem
        self._folder = folder
        return found

    def _store(self) -> FoldStore:
        reader = PgStore(self._session(), self._opener)
        if not self._is_behind:
            return reader
        store = BehindStore(reader, PgStore(self._session(), self._opener))
        self._parts.callback(store.close)
        return store

    def _session(self) -> psycopg.Connection[Any]:
        connection = self._parts.enter_context(self._connect())
        silent.mark_session(connection)
        return connection

    def _failed(self, problem: Retriable, records: Sequence[Record]) -> Starts:
        """A row that is refused, or refers to one that is not there, is looked for with batches written at once."""
        folder, self._folder = self._folder, None  # until it is known to be where the tables are
        if not _lacks_row(problem) and not isinstance(problem, BatchRefused):
            raise problem
        self._careful = CAREFUL
        if folder is None or self._is_behind:
            return self._begin()
        rest = _fold_some(folder, records)
        self._folder = folder
        return rest

    def _went_well(self) -> Starts:
        if self._is_behind:
            return {}
        self._careful -= 1
        return {} if self._careful > 0 else self._begin()


class Deciding:
    """Decides observations. Everything is settled when ``take`` returns."""

    topics: tuple[str, ...] = (OBSERVATIONS,)

    def __init__(self, decider: Decider, take_over: Callable[[Collection[int]], Mapping[int, int]]) -> None:
        self._decider = decider
        self._take_over = take_over
        self._at: Starts = {}

    def own(self, partitions: Partitions) -> Starts:
        """See :class:`Work`."""
        offsets = self._take_over([number for _, number in partitions])
        self._at = {(topic, number): offsets.get(number, 0) for topic, number in partitions}
        return dict(self._at)

    def take(self, records: Sequence[Record]) -> Starts:
        """See :class:`Work`."""
        reached = dict(self._at)
        fresh = [record for record in records if _is_next(record, reached)]
        if fresh:
            self._decider.process([(record.partition, record.offset, record.value) for record in fresh])
            self._at = reached
        return {}

    def settle(self) -> Starts:
        """See :class:`Work`."""
        return {}


def _is_next(record: Record, reached: Starts) -> bool:
    """Whether a record is the next of a partition that is owned; moves ``reached`` behind it then."""
    where = (record.topic, record.partition)
    want = reached.get(where)
    if want is None or record.offset < want:
        return False
    if record.offset > want:
        raise Gap(f"{record.topic}/{record.partition}: offset {record.offset} came where {want} was expected")
    reached[where] = want + 1
    return True


def _lacks_row(problem: Retriable) -> bool:
    return isinstance(problem.__cause__, errors.ForeignKeyViolation)


def _fold_some(folder: Folder, records: Sequence[Record]) -> Starts:
    """Fold of every partition as much as refers to nothing that is missing; returns where each of the others stopped.

    A database that is behind its log holds rows back crosswise: what one batch lacks may lie behind a record that itself
    waits for another partition. The order of the log has no such circle, so single records always get on.
    """
    rest: Starts = {}
    partitions: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        partitions.setdefault((record.topic, record.partition), []).append(record)
    for where, waiting in partitions.items():
        done, size = 0, len(waiting)
        while done < len(waiting) and size:
            try:
                folder.fold(waiting[done : done + size])
                done += size
            except Retriable as problem:
                if not _lacks_row(problem):
                    raise
                size //= 2
        if done < len(waiting):
            rest[where] = waiting[done].offset
    return rest
