"""Looking at a log: how much is in it, some of its records, and the newest as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hub.log.port import EventLog, LogClosedError, Record
from hub.log.topics import TOPIC_NAMES

READ = 500
WAIT_SECONDS = 60.0


class TopicStats(NamedTuple):
    """One topic: ``records`` is what can still be read, ``begins`` and ``ends`` are the offsets by partition."""

    topic: str
    partitions: int
    records: int
    begins: dict[int, int]
    ends: dict[int, int]


def stats(log: EventLog, topics: Iterable[str] = TOPIC_NAMES) -> list[TopicStats]:
    """The size of every topic, at the moment of asking."""
    found = []
    for topic in topics:
        begins, ends = log.begins(topic), log.ends(topic)
        records = sum(ends.values()) - sum(begins.values())
        found.append(TopicStats(topic, log.partitions, records, begins, ends))
    return found


def show(log: EventLog, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
    """Up to ``limit`` records of a partition from an offset on.

    Raises:
        RecordsGone: the offset lies before the beginning of the partition.
    """
    found: list[Record] = []
    while len(found) < limit:
        got = log.read({(topic, partition): offset + len(found)}, limit - len(found))
        if not got:
            break
        found += got
    return found


def tail(log: EventLog, topics: Iterable[str], last: int = 0) -> Iterator[Record]:
    """The last ``last`` records of every partition, then each new one as it comes, for ever; ends when the log is closed."""
    starts: dict[tuple[str, int], int] = {}
    for topic in topics:
        begins = log.begins(topic)
        starts |= {(topic, part): max(begins[part], end - last) for part, end in log.ends(topic).items()}
    while True:
        try:
            log.wait(starts, WAIT_SECONDS)
            records = log.read(starts, READ)
        except LogClosedError:
            return
        for record in records:
            starts[record.topic, record.partition] = record.offset + 1
            yield record
