"""The event log: the port that every adapter implements, its records and its errors.

What every adapter promises:

- **Order**: within a partition, records are read in the order of their offsets, the same for every reader and for ever.
- **Durable before visible**: nothing can be read that could still be lost when the log's server stops.
- **Nothing missing**: offsets of a partition are contiguous; a reader that goes from offset to offset sees every record.
- **Prefix**: an append that is interrupted leaves, in every partition, none, some first or all of its records, never a hole.
- **At least once**: where the outcome of an append is not known, ``LogUnavailable`` says so; appending again may repeat records.
- **Same partition everywhere**: a key lies in the partition that ``partition_for`` names, whichever the adapter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from hub.errors import Fatal, HubError, Retriable, Unusable
from hub.log.partition import partition_for

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Key and value of one record together."""

MAX_READ_BYTES = 32 * 1024 * 1024
"""About where one read stops, whatever its limit of records."""


class NewRecord(NamedTuple):
    """A record to append."""

    key: bytes
    value: bytes


class Record(NamedTuple):
    """A record of the log, where it lies and what it holds."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes


class Position(NamedTuple):
    """Where one record lies."""

    topic: str
    partition: int
    offset: int


Starts = Mapping[tuple[str, int], int]
"""(topic, partition) → the offset to begin at."""


class LogUnavailable(Retriable):
    """The server of the log cannot be reached, or did not confirm in time."""


class LogClosedError(HubError):
    """The log was closed by this process."""


class RecordsGone(Fatal):
    """An offset was asked for that the log no longer has; whoever asked has missed records."""


class RecordTooLarge(Unusable):
    """A record is larger than the log takes; nothing of its append was sent."""


class EventLog(Protocol):
    """A log of several topics, each in the same number of partitions. All methods may be called from several threads."""

    @property
    def partitions(self) -> int:
        """The number of partitions of every topic."""
        ...

    def append(self, topic: str, records: Sequence[NewRecord], *, partition: int | None = None) -> list[Position]:
        """Append records in their order, each to the partition of its key, and return their positions in the same order.

        On return all are durable. ``partition`` puts all records into one partition whatever their keys; only a copy of
        another log has reason to.

        Raises:
            RecordTooLarge: a record is above ``MAX_RECORD_BYTES``; nothing was appended.
            LogUnavailable: a prefix in each partition, nothing or everything was appended; the message says what is known.
        """
        ...

    def read(self, starts: Starts, limit: int) -> list[Record]:
        """Read what is there, from several partitions at once, without waiting.

        Returns at most ``limit`` records, in offset order within a partition and divided fairly among the partitions that
        have some at hand; about ``MAX_READ_BYTES`` at most. An offset at or past the end gives nothing.

        Raises:
            RecordsGone: a start lies before the beginning of its partition.
            LogUnavailable: the log cannot be reached.
        """
        ...

    def ends(self, topic: str) -> dict[int, int]:
        """The offset that the next record will get, for every partition of the topic."""
        ...

    def begins(self, topic: str) -> dict[int, int]:
        """The lowest offset that can still be read, for every partition; equal to the end where there is none."""
        ...

    def wait(self, starts: Starts, timeout: float) -> bool:
        """Wait until a record exists at or after any of these offsets, at most ``timeout`` seconds.

        Returns True as soon as there is one, at once if there is already; False when the time is over, the log was closed
        meanwhile or its server is away (the next read says so). Costs nothing while nothing happens: no polling.
        """
        ...

    def trim(self, topic: str, partition: int, before: int) -> None:
        """Remove the records of a partition below offset ``before``, for ever; later offsets stay as they are."""
        ...

    def close(self) -> None:
        """Release connections and threads; a thread that waits returns False. Later calls raise ``LogClosedError``."""
        ...


def demand_sizes(records: Sequence[NewRecord]) -> None:
    """Refuse an append that holds a record too large for the log.

    Raises:
        RecordTooLarge: naming the record, its size and the limit.
    """
    for number, record in enumerate(records):
        size = len(record.key) + len(record.value)
        if size > MAX_RECORD_BYTES:
            raise RecordTooLarge(
                f"Record {number} of the append has {size} bytes of key and value; the limit is {MAX_RECORD_BYTES}. "
                "Nothing of the append was sent.",
                field="value",
                rule="record size",
                expected=f"at most {MAX_RECORD_BYTES} bytes",
            )


def divide(records: Sequence[NewRecord], partitions: int, fixed: int | None) -> dict[int, list[int]]:
    """Partition → the indexes of the records that go there, in their order."""
    if fixed is not None:
        return {fixed: list(range(len(records)))}
    parts: defaultdict[int, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        parts[partition_for(record.key, partitions)].append(index)
    return parts


def shares(available: Mapping[tuple[str, int], int], limit: int) -> dict[tuple[str, int], int]:
    """Divide ``limit`` among partitions that have so many records available: equal shares, what one leaves goes to the others."""
    given = {}
    left, open_ = limit, len(available)
    for key, count in sorted(available.items(), key=lambda item: item[1]):
        given[key] = min(count, -(-left // open_))
        left, open_ = left - given[key], open_ - 1
    return given


def gone(topic: str, partition: int, start: int, begin: int) -> RecordsGone:
    """The error for a start before the beginning of the log."""
    return RecordsGone(
        f"{topic}/{partition} was to be read from offset {start}, but begins at {begin}: the records between are no longer in the log."
    )
