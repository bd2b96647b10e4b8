"""Reading from Kafka: consumers without a group, each used by one thread at a time.

A consumer keeps its place: reading on from where its last read ended costs no request beside the fetches that are under way
anyway. So a consumer is given to whoever asks for the partitions and offsets that it stands at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from time import monotonic
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from hub.errors import Fatal
from hub.log.kafka_client import MAX_MESSAGE_BYTES, client_options, translated
from hub.log.port import MAX_READ_BYTES, LogClosedError, LogUnavailable, gone, shares

FETCH_WAIT_MS = 250
"""How long the broker holds a fetch that has nothing to give; a consumer that moves elsewhere may have to wait so long."""
MAX_IDLE = 4
AHEAD = 20_000
"""Records that one reader holds beyond what was asked for, at most."""
NOTHING_CHANGED = "Nothing was changed."

Places = dict[TopicPartition, int]


class Bounds:
    """Begins and ends of partitions, asked over a connection of its own: one that fetches answers only after its fetch."""

    def __init__(self, bootstrap_servers: str, timeout: float) -> None:
        self._options = client_options(bootstrap_servers, timeout)
        self._consumer: Any = None
        self._turn = Lock()

    def begins(self, partitions: Iterable[TopicPartition]) -> Places:
        """The offset of the first record of each partition."""
        return self._ask("beginning_offsets", partitions)

    def ends(self, partitions: Iterable[TopicPartition]) -> Places:
        """The offset that the next record of each partition will get."""
        return self._ask("end_offsets", partitions)

    def close(self) -> None:
        """Leave the broker."""
        with self._turn:
            self._drop()

    def _ask(self, what: str, partitions: Iterable[TopicPartition]) -> Places:
        with self._turn, translated(NOTHING_CHANGED):
            if self._consumer is None:
                self._consumer = KafkaConsumer(
                    **self._options, group_id=None, allow_auto_create_topics=False, metrics_enabled=False
                )
            try:
                return dict(getattr(self._consumer, what)(list(partitions)))
            except KafkaError:
                self._drop()
                raise

    def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close(autocommit=False, timeout_ms=1000)


class Reader:
    """One consumer, the place where it stands, and what it fetched beyond it. For one thread at a time."""

    def __init__(self, bootstrap_servers: str, timeout: float, bounds: Bounds) -> None:
        self._bounds = bounds
        with translated(NOTHING_CHANGED):
            self._consumer = KafkaConsumer(
                **client_options(bootstrap_servers, timeout),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                fetch_max_wait_ms=FETCH_WAIT_MS,
                fetch_max_bytes=MAX_READ_BYTES,
                max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
        self.places: Places = {}
        """Partition → the offset of the next record to give."""
        self._fetched: dict[TopicPartition, deque[Any]] = {}
        self.count = 0
        """How many records are fetched and not given yet."""
        self.size = 0
        """How many bytes their values have."""

    def place(self, starts: Places) -> None:
        """Stand at the given offsets, or at the end where an offset lies past it.

        Raises:
            RecordsGone: an offset lies before the beginning.
        """
        if starts.keys() != self.places.keys():
            self._consumer.assign(list(starts))
            self.places, self._fetched = {}, {tp: deque() for tp in starts}
            self.count = self.size = 0
        moved = [tp for tp, start in starts.items() if self.places.get(tp) != start]
        if not moved:
            return
        begins, ends = self._bounds.begins(moved), self._bounds.ends(moved)
        for tp in moved:
            if starts[tp] < begins[tp]:
                raise gone(tp.topic, tp.partition, starts[tp], begins[tp])
            while self._fetched[tp]:
                self._pop(tp)
            self.places[tp] = min(starts[tp], ends[tp])
            self._consumer.seek(tp, self.places[tp])

    def fetch(self, starts: Places, limit: int, timeout: float) -> int:
        """Fetch up to ``limit`` records, waiting up to ``timeout`` seconds for the first; returns how many came.

        Raises:
            Fatal: the offsets of a partition are not contiguous.
        """
        with translated(NOTHING_CHANGED):
            polled = self._consumer.poll(timeout_ms=int(timeout * 1000), max_records=limit)
        came = 0
        for tp, records in polled.items():
            kept = self._fetched[tp]
            due = self.places[tp] + len(kept)
            for record in records:
                if record.offset != due:
                    raise Fatal(
                        f"{tp.topic}/{tp.partition} has no record at offset {due}, but one at {record.offset}: a topic of the log "
                        "is neither compacted nor written in transactions."
                    )
                due += 1
                self.size += len(record.value or b"")
            kept.extend(records)
            self.count += len(records)
            came += len(records)
            while kept and self.places[tp] < starts[tp]:  # the start was past the end when the reader was placed
                self._pop(tp)
        return came

    def take(self, limit: int) -> list[Any]:
        """Give up to ``limit`` fetched records, divided fairly, about ``MAX_READ_BYTES`` at most."""
        available = {tp: len(kept) for tp, kept in self._fetched.items()}
        taken = []
        for tp, count in shares(available, limit).items():
            room = MAX_READ_BYTES // len(available)
            for _ in range(count):
                if room <= 0:
                    break
                record = self._pop(tp)
                room -= len(record.value or b"")
                taken.append(record)
        return taken

    def behind(self) -> bool:
        """Whether there are records after the place where the reader stands; asks the broker."""
        ends = self._bounds.ends(self.places)
        return any(place < ends[tp] for tp, place in self.places.items())

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close(autocommit=False, timeout_ms=1000)

    def _pop(self, tp: TopicPartition) -> Any:
        record = self._fetched[tp].popleft()
        self.places[tp] += 1
        self.count -= 1
        self.size -= len(record.value or b"")
        return record


class Readers:
    """Readers for as many threads as ask at once; idle ones are kept for whoever goes on from where they stand."""

    def __init__(self, bootstrap_servers: str, timeout: float) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._timeout = timeout
        self.bounds = Bounds(bootstrap_servers, timeout)
        self._idle: list[Reader] = []
        self._busy = 0
        self._changed = Condition()
        self.closed = False

    @contextmanager
    def reader(self, starts: Places) -> Iterator[Reader]:
        """A reader, preferably one that stands at ``starts``. One whose use failed is closed, since its place is unsure."""
        with self._changed:
            self.demand_open()
            self._busy += 1
            found = self._choose(starts)
        keep = False
        try:
            if found is None:
                found = Reader(self._bootstrap_servers, self._timeout, self.bounds)
            yield found
            keep = True
        finally:
            if found is not None and (self.closed or not keep):
                found.close()
                found = None
            with self._changed:
                self._busy -= 1
                if found is not None:
                    self._idle.append(found)
                self._changed.notify_all()

    def demand_open(self) -> None:
        """Raises ``LogClosedError`` once the readers were closed."""
        if self.closed:
            raise LogClosedError("The log was closed.")

    def close(self) -> None:
        """Close all readers, those in use as soon as they are given back, which is awaited."""
        with self._changed:
            self.closed = True
            self._changed.wait_for(lambda: self._busy == 0, self._timeout)
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()
        self.bounds.close()

    def _choose(self, starts: Places) -> Reader | None:
        standing = [reader for reader in self._idle if reader.places == starts]
        assigned = [reader for reader in self._idle if reader.places.keys() == starts.keys()]
        oldest = self._idle[:1] if len(self._idle) >= MAX_IDLE else []
        for reader in standing + assigned + oldest:
            self._idle.remove(reader)
            return reader
        return None


def read_some(reader: Reader, starts: Places, limit: int, timeout: float) -> list[Any]:
    """What is there from the given offsets on, up to ``limit`` records; waits only for what the broker said is there.

    Raises:
        LogUnavailable: the broker has records and did not give any in ``timeout`` seconds.
    """
    reader.place(starts)
    _gather(reader, starts, limit)
    deadline = monotonic() + timeout
    while not reader.count and reader.behind():
        if monotonic() > deadline:
            raise LogUnavailable("Kafka did not give records that it says it has. Nothing was changed.")
        reader.fetch(starts, limit, 1.0)
        _gather(reader, starts, limit)
    return reader.take(limit)


def _gather(reader: Reader, starts: Places, limit: int) -> None:
    """Take over what the consumer holds already, more than the limit: a fair share needs records of every partition."""
    wanted = min(limit * len(starts), max(limit, AHEAD))
    while reader.count < wanted and reader.size < MAX_READ_BYTES and reader.fetch(starts, wanted - reader.count, 0):
        pass
