"""What a worker does with records: fold events, decide observations. Plain code that knows no Faust.

A work is told which partitions are its own, answers where each goes on, and takes records in offset order. It answers
from where the log must be read again, where a record waits for a row that is not folded yet. Records that come twice are
skipped; a record that comes too early stops the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import psycopg
from psycopg import errors

from hub.deciding.decider import OBSERVATIONS, Decider
from hub.errors import Retriable
from hub.log.port import Record
from projections import folds
from projections.engine.folder import Folder, Gap

Partitions = Sequence[tuple[str, int]]
Starts = dict[tuple[str, int], int]


class Work(Protocol):
    """One kind of work. Its methods are called by one thread, one at a time."""

    topics: tuple[str, ...]

    def own(self, partitions: Partitions) -> Starts:
        """These partitions, and no others, are its own from now on; returns the offset at which each goes on."""
        ...

    def take(self, records: Sequence[Record]) -> Starts:
        """Work on these; returns the partitions that could not be finished, and the offset at which each has to go on.

        Raises Retriable (hand over the same again), Fatal (stop the worker: a record is missing, or somebody else works
        on the same partition).
        """
        ...


class Folding:
    """Folds all event topics over a connection of its own, which it opens again when it was lost."""

    topics: tuple[str, ...] = tuple(folds.BY_TOPIC)

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        folder_over: Callable[[psycopg.Connection[Any]], Folder],
    ) -> None:
        self._connect = connect
        self._folder_over = folder_over
        self._partitions: Partitions = ()
        self._connection: psycopg.Connection[Any] | None = None
        self._folder: Folder | None = None

    def own(self, partitions: Partitions) -> Starts:
        """See :class:`Work`."""
        self._partitions = list(partitions)
        return self._open().own(self._partitions)

    def take(self, records: Sequence[Record]) -> Starts:
        """See :class:`Work`."""
        folder = self._open()
        try:
            folder.fold(records)
        except Retriable as problem:
            if not _lacks_row(problem):
                raise
            return _fold_some(folder, records)
        return {}

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> Folder:
        """The folder; a new one, told what it owns, where the connection was lost."""
        if self._folder is not None and self._connection is not None and not self._connection.closed:
            return self._folder
        try:
            self._connection = self._connect()
        except psycopg.OperationalError as problem:
            raise Retriable("the database cannot be reached; the batch will be taken again") from problem
        self._folder = self._folder_over(self._connection)
        self._folder.own(self._partitions)
        return self._folder


class Deciding:
    """Decides observations."""

    topics: tuple[str, ...] = (OBSERVATIONS,)

    def __init__(self, decider: Decider, decided_offset: Callable[[int], int]) -> None:
        self._decider = decider
        self._decided_offset = decided_offset
        self._at: Starts = {}

    def own(self, partitions: Partitions) -> Starts:
        """See :class:`Work`."""
        self._at = {(topic, number): self._decided_offset(number) for topic, number in partitions}
        return dict(self._at)

    def take(self, records: Sequence[Record]) -> Starts:
        """See :class:`Work`."""
        reached = dict(self._at)
        fresh = [record for record in records if _is_next(record, reached)]
        if fresh:
            self._decider.process([(record.partition, record.offset, record.value) for record in fresh])
            self._at = reached
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
