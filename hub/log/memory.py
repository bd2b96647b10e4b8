"""The log in memory: for tests. It keeps every promise of the port within one process, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Condition

from hub.log.port import (
    MAX_READ_BYTES,
    LogClosedError,
    NewRecord,
    Position,
    Record,
    Starts,
    demand_sizes,
    divide,
    gone,
    shares,
)
from hub.log.topics import TOPIC_NAMES, demand_partitions, demand_topics


class MemoryLog:
    """An ``EventLog`` whose records end with it."""

    def __init__(self, partitions: int = 12) -> None:
        demand_partitions(partitions)
        self.partitions = partitions
        self._records: dict[tuple[str, int], list[NewRecord]] = {
            (topic, part): [] for topic in TOPIC_NAMES for part in range(partitions)
        }
        self._begins = dict.fromkeys(self._records, 0)
        self._changed = Condition()
        self._closed = False

    def append(self, topic: str, records: Sequence[NewRecord], *, partition: int | None = None) -> list[Position]:
        """See ``EventLog.append``; all or nothing."""
        demand_topics([topic])
        demand_sizes(records)
        parts = divide(records, self.partitions, partition)
        positions: dict[int, Position] = {}
        with self._changed:
            self._demand_open()
            for part, indexes in parts.items():
                kept = self._records[topic, part]
                for offset, index in enumerate(indexes, len(kept)):
                    kept.append(records[index])
                    positions[index] = Position(topic, part, offset)
            self._changed.notify_all()
        return [positions[index] for index in range(len(records))]

    def read(self, starts: Starts, limit: int) -> list[Record]:
        """See ``EventLog.read``."""
        demand_topics(topic for topic, _ in starts)
        found: list[Record] = []
        with self._changed:
            self._demand_open()
            for (topic, part), start in starts.items():
                if start < self._begins[topic, part]:
                    raise gone(topic, part, start, self._begins[topic, part])
            available = {key: max(0, len(self._records[key]) - start) for key, start in starts.items()}
            for (topic, part), count in shares(available, limit).items():
                room = MAX_READ_BYTES // len(starts)
                start = starts[topic, part]
                for offset, record in enumerate(self._records[topic, part][start : start + count], start):
                    if room <= 0:
                        break
                    found.append(Record(topic, part, offset, *record))
                    room -= len(record.value)
        return found

    def ends(self, topic: str) -> dict[int, int]:
        """See ``EventLog.ends``."""
        demand_topics([topic])
        with self._changed:
            self._demand_open()
            return {part: len(self._records[topic, part]) for part in range(self.partitions)}

    def begins(self, topic: str) -> dict[int, int]:
        """See ``EventLog.begins``."""
        demand_topics([topic])
        with self._changed:
            self._demand_open()
            return {part: self._begins[topic, part] for part in range(self.partitions)}

    def wait(self, starts: Starts, timeout: float) -> bool:
        """See ``EventLog.wait``."""
        demand_topics(topic for topic, _ in starts)
        with self._changed:
            self._demand_open()
            self._changed.wait_for(lambda: self._closed or self._has_any(starts), timeout)
            return not self._closed and self._has_any(starts)

    def trim(self, topic: str, partition: int, before: int) -> None:
        """See ``EventLog.trim``; the offsets stay, so the bytes go and the places remain."""
        demand_topics([topic])
        with self._changed:
            self._demand_open()
            kept = self._records[topic, partition]
            begin = max(self._begins[topic, partition], min(before, len(kept)))
            kept[:begin] = [NewRecord(b"", b"")] * begin
            self._begins[topic, partition] = begin

    def close(self) -> None:
        """See ``EventLog.close``."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _has_any(self, starts: Starts) -> bool:
        return any(len(self._records[key]) > start for key, start in starts.items())

    def _demand_open(self) -> None:
        if self._closed:
            raise LogClosedError("The log was closed.")
