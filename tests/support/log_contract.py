"""What every adapter of the event log must do. A test class inherits ``LogContract`` and gives a fixture ``log``.

``DurableLogContract`` adds what an adapter must do whose records outlive the process.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

import pytest

from hub.errors import Refused
from hub.log.copy import copy
from hub.log.look import show, stats, tail
from hub.log.memory import MemoryLog
from hub.log.partition import partition_for
from hub.log.port import (
    MAX_READ_BYTES,
    MAX_RECORD_BYTES,
    EventLog,
    LogClosedError,
    NewRecord,
    Position,
    Record,
    RecordsGone,
    RecordTooLarge,
)

PARTITIONS = 3
TOPIC = "lms.learning"
OTHER = "lms.directory"
DEADLINE = 60.0


def key_in(partition: int, number: int = 0) -> bytes:
    """The ``number``-th key that lies in a partition."""
    found = -1
    candidate = 0
    while True:
        key = b"enrollment/%d" % candidate
        found += partition_for(key, PARTITIONS) == partition
        if found == number:
            return key
        candidate += 1


def at_start(topic: str = TOPIC) -> dict[tuple[str, int], int]:
    """Starts of a reader that reads a topic from the beginning."""
    return {(topic, part): 0 for part in range(PARTITIONS)}


def read_all(log: EventLog, topic: str = TOPIC, limit: int = 1000) -> list[Record]:
    """Every record of a topic, in the order in which a reader meets them."""
    starts, found = at_start(topic), []
    while got := log.read(starts, limit):
        for record in got:
            assert record.offset == starts[record.topic, record.partition]
            starts[record.topic, record.partition] += 1
        found += got
    return found


def in_thread(work: Callable[[], object]) -> Event:
    """Run ``work`` in a thread; the event is set when it has returned."""
    done = Event()

    def run() -> None:
        work()
        done.set()

    Thread(target=run, daemon=True).start()
    return done


def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail after the deadline."""
    pause, end = Event(), monotonic() + DEADLINE
    while not condition():
        assert monotonic() < end, "the condition did not come true in time"
        pause.wait(0.02)


class LogContract:
    """Holds for every adapter."""

    def test_records_are_read_in_the_order_of_appending(self, log: EventLog) -> None:
        """Order in a partition; offsets begin at 0 and have no gaps; positions tell where the records lie."""
        first = log.append(TOPIC, [NewRecord(key_in(0), b"%d" % n) for n in range(3)])
        second = log.append(TOPIC, [NewRecord(key_in(0, 1), b"3"), NewRecord(key_in(0), b"")])
        assert first + second == [Position(TOPIC, 0, n) for n in range(5)]
        got = log.read({(TOPIC, 0): 0}, 100)
        assert got == [
            Record(TOPIC, 0, 0, key_in(0), b"0"),
            Record(TOPIC, 0, 1, key_in(0), b"1"),
            Record(TOPIC, 0, 2, key_in(0), b"2"),
            Record(TOPIC, 0, 3, key_in(0, 1), b"3"),
            Record(TOPIC, 0, 4, key_in(0), b""),
        ]

    def test_one_append_reaches_several_partitions(self, log: EventLog) -> None:
        """Positions come in the order of the records given, each in the partition of its key on every adapter."""
        keys = [b"enrollment/%d" % n for n in range(50)]
        positions = log.append(TOPIC, [NewRecord(key, key) for key in keys])
        assert [p.partition for p in positions] == [partition_for(key, PARTITIONS) for key in keys]
        by_position = {(r.partition, r.offset): r.value for r in read_all(log)}
        assert [by_position[p.partition, p.offset] for p in positions] == keys
        assert log.ends(TOPIC) == {part: sum(p.partition == part for p in positions) for part in range(PARTITIONS)}

    def test_topics_are_apart(self, log: EventLog) -> None:
        """Each topic counts its own offsets, and one read may cover several."""
        log.append(TOPIC, [NewRecord(key_in(1), b"a")])
        log.append(OTHER, [NewRecord(key_in(1), b"b")])
        got = log.read({(TOPIC, 1): 0, (OTHER, 1): 0}, 10)
        assert {(r.topic, r.partition, r.offset, r.value) for r in got} == {(TOPIC, 1, 0, b"a"), (OTHER, 1, 0, b"b")}

    def test_reading_starts_where_it_is_told(self, log: EventLog) -> None:
        """Forwards, backwards and again: a read depends on its starts alone."""
        log.append(TOPIC, [NewRecord(key_in(2), b"%d" % n) for n in range(10)])
        for start in (7, 2, 2, 9, 0):
            got = log.read({(TOPIC, 2): start}, 4)
            assert [r.offset for r in got] == list(range(start, min(start + 4, 10)))

    def test_reading_at_or_past_the_end_gives_nothing(self, log: EventLog) -> None:
        """And what is appended later is read at its own offset, by a reader that asked too early as well."""
        log.append(TOPIC, [NewRecord(key_in(0), b"0")])
        assert log.read({(TOPIC, 0): 1, (TOPIC, 1): 0}, 10) == []
        assert log.read({(TOPIC, 0): 3}, 10) == []
        log.append(TOPIC, [NewRecord(key_in(0), b"%d" % n) for n in range(1, 5)])
        assert [r.value for r in log.read({(TOPIC, 0): 3}, 10)] == [b"3", b"4"]

    def test_an_empty_append_does_nothing(self, log: EventLog) -> None:
        """No position, no record."""
        assert log.append(TOPIC, []) == []
        assert set(log.ends(TOPIC).values()) == {0}

    def test_a_read_keeps_its_limit(self, log: EventLog) -> None:
        """Over several partitions together, and what it leaves comes with the next reads."""
        for part, count in ((0, 20), (1, 20), (2, 2)):
            log.append(TOPIC, [NewRecord(key_in(part), b"x")] * count)
        assert 0 < len(log.read(at_start(), 5)) <= 5
        assert log.read(at_start(), 0) == []
        assert len(read_all(log, limit=5)) == 42

    def test_wait_is_true_at_once_where_a_record_is_there(self, log: EventLog) -> None:
        """Also for a waiter that comes late, and with a timeout of nothing to spare."""
        log.append(TOPIC, [NewRecord(key_in(1), b"x")])
        assert log.wait(at_start(), DEADLINE)
        assert log.wait({(TOPIC, 1): 0}, DEADLINE)

    def test_wait_is_false_where_nothing_comes(self, log: EventLog) -> None:
        """Neither an earlier record nor one of another partition or topic counts."""
        log.append(TOPIC, [NewRecord(key_in(1), b"x")])
        log.append(OTHER, [NewRecord(key_in(0), b"x")])
        assert not log.wait({(TOPIC, 0): 0, (TOPIC, 1): 1}, 0.1)

    def test_an_append_wakes_every_waiter(self, log: EventLog) -> None:
        """Several threads wait on the same log; a timeout far beyond the deadline shows that the append wakes them."""
        answers: list[bool] = []
        starts = {(TOPIC, 0): 0, (TOPIC, 1): 0}
        waiting = [in_thread(lambda: answers.append(log.wait(starts, 10 * DEADLINE))) for _ in range(3)]
        log.append(OTHER, [NewRecord(key_in(1), b"x")])
        log.append(TOPIC, [NewRecord(key_in(1), b"x")])
        assert all(done.wait(DEADLINE) for done in waiting)
        assert answers == [True] * 3

    def test_wait_counts_from_the_offset_given(self, log: EventLog) -> None:
        """A waiter for an offset past the end is not content with an earlier record."""
        log.append(TOPIC, [NewRecord(key_in(0), b"0")])
        assert not log.wait({(TOPIC, 0): 2}, 0.1)
        waiter = in_thread(lambda: log.wait({(TOPIC, 0): 2}, 10 * DEADLINE))
        log.append(TOPIC, [NewRecord(key_in(0), b"1")])
        assert not waiter.is_set()
        log.append(TOPIC, [NewRecord(key_in(0), b"2")])
        assert waiter.wait(DEADLINE)

    def test_two_writers_at_once(self, log: EventLog) -> None:
        """No gap, no loss, nothing twice, and each writer's records in its own order."""

        def write(writer: int) -> None:
            for n in range(0, 100, 4):
                log.append(
                    TOPIC, [NewRecord(key_in((n + i) % 3, writer), b"%d:%03d" % (writer, n + i)) for i in range(4)]
                )

        writers = [in_thread(lambda w=writer: write(w)) for writer in range(2)]
        assert all(done.wait(DEADLINE) for done in writers)
        found = read_all(log, limit=50)
        assert sorted(r.value for r in found) == sorted(b"%d:%03d" % (w, n) for w in range(2) for n in range(100))
        for writer in range(2):
            for part in range(PARTITIONS):
                mine = [r.value for r in found if r.partition == part and r.value.startswith(b"%d:" % writer)]
                assert mine == sorted(mine)

    def test_a_reader_slower_than_the_writer_misses_nothing(self, log: EventLog) -> None:
        """It reads in small steps and waits only when it has reached the end."""
        total = 300

        def write() -> None:
            for n in range(0, total, 30):
                log.append(TOPIC, [NewRecord(b"enrollment/%d" % i, b"%d" % i) for i in range(n, n + 30)])

        writer = in_thread(write)
        starts, found = at_start(), set()
        while len(found) < total:
            assert log.wait(starts, DEADLINE)
            for record in log.read(starts, 7):
                assert record.offset == starts[TOPIC, record.partition]
                starts[TOPIC, record.partition] += 1
                found.add(record.value)
        assert writer.wait(DEADLINE)
        assert log.read(starts, 7) == []

    def test_an_append_of_several_mebibytes_keeps_its_order(self, log: EventLog) -> None:
        """More than any adapter sends at once."""
        values = [b"%05d" % n + bytes(1000) for n in range(3000)]
        positions = log.append(TOPIC, [NewRecord(key_in(n % 2), value) for n, value in enumerate(values)])
        assert [p.offset for p in positions] == [n // 2 for n in range(3000)]
        found = read_all(log)
        for part in (0, 1):
            assert [r.value for r in found if r.partition == part] == values[part::2]

    @pytest.mark.parametrize("size", [1024 * 1024, MAX_RECORD_BYTES])
    def test_a_large_record_is_kept(self, log: EventLog, size: int) -> None:
        """Up to the limit, between small ones; incompressible bytes."""
        key = key_in(0)
        large = (bytes(range(256)) * (size // 256 + 1))[: size - len(key)]
        log.append(TOPIC, [NewRecord(key, b"before"), NewRecord(key, large), NewRecord(key, b"after")])
        assert [r.value for r in read_all(log)] == [b"before", large, b"after"]

    def test_a_record_above_the_limit_is_refused(self, log: EventLog) -> None:
        """With its size and the limit, and nothing of its append is stored."""
        key = key_in(0)
        too_large = bytes(MAX_RECORD_BYTES + 1 - len(key))
        with pytest.raises(RecordTooLarge, match=rf"{MAX_RECORD_BYTES + 1} bytes.*limit is {MAX_RECORD_BYTES}"):
            log.append(TOPIC, [NewRecord(key, b"x"), NewRecord(key, too_large)])
        assert set(log.ends(TOPIC).values()) == {0}

    def test_a_read_stops_at_its_limit_of_bytes(self, log: EventLog) -> None:
        """However many records are asked for; what was left is there for the next read."""
        count = MAX_READ_BYTES // (1024 * 1024) + 4
        for _ in range(count):
            log.append(TOPIC, [NewRecord(key_in(0), bytes(1024 * 1024))])
        first = log.read({(TOPIC, 0): 0}, 1000)
        assert 0 < sum(len(r.value) for r in first) <= MAX_READ_BYTES + MAX_RECORD_BYTES
        assert len(read_all(log)) == count

    def test_a_waiting_thread_does_not_hinder_closing(self, log: EventLog) -> None:
        """It returns False; later calls say that the log was closed; closing again does nothing."""
        answers: list[bool] = []
        started = Event()

        def wait() -> None:
            started.set()
            answers.append(log.wait(at_start(), 10 * DEADLINE))

        waiting = in_thread(wait)
        assert started.wait(DEADLINE)
        assert log.wait(at_start(), 0.1) is False  # the waiter is well under way by now, or soon sees a closed log
        log.close()
        log.close()
        assert waiting.wait(DEADLINE)
        assert answers == [False]
        for call in (
            lambda: log.read(at_start(), 1),
            lambda: log.ends(TOPIC),
            lambda: log.begins(TOPIC),
            lambda: log.wait(at_start(), 0),
            lambda: log.append(TOPIC, [NewRecord(b"k", b"v")]),
            lambda: log.trim(TOPIC, 0, 0),
        ):
            with pytest.raises(LogClosedError):
                call()

    def test_a_trimmed_log_begins_later(self, log: EventLog) -> None:
        """Offsets stay; who asks for what is gone is told so, and is never handed the next record in silence."""
        log.append(TOPIC, [NewRecord(key_in(0), b"%d" % n) for n in range(5)])
        log.trim(TOPIC, 0, 3)
        assert log.begins(TOPIC) == {0: 3, 1: 0, 2: 0}
        assert log.ends(TOPIC) == {0: 5, 1: 0, 2: 0}
        assert [(r.offset, r.value) for r in log.read({(TOPIC, 0): 3}, 10)] == [(3, b"3"), (4, b"4")]
        with pytest.raises(RecordsGone, match="begins at 3"):
            log.read({(TOPIC, 0): 2}, 10)
        log.trim(TOPIC, 0, 9)
        assert log.begins(TOPIC)[0] == log.ends(TOPIC)[0] == 5
        with pytest.raises(RecordsGone, match="begins at 5"):
            log.read({(TOPIC, 0): 4}, 10)
        assert log.append(TOPIC, [NewRecord(key_in(0), b"5")]) == [Position(TOPIC, 0, 5)]

    def test_a_fixed_partition_overrules_the_key(self, log: EventLog) -> None:
        """As a copy needs it."""
        assert log.append(TOPIC, [NewRecord(key_in(0), b"x")], partition=2) == [Position(TOPIC, 2, 0)]
        assert log.read({(TOPIC, 2): 0}, 1) == [Record(TOPIC, 2, 0, key_in(0), b"x")]

    def test_only_declared_topics_exist(self, log: EventLog) -> None:
        """A misspelled topic is refused, whatever is done with it."""
        for call in (
            lambda: log.append("lms.lerning", [NewRecord(b"k", b"v")]),
            lambda: log.read({("lms.lerning", 0): 0}, 1),
            lambda: log.wait({("lms.lerning", 0): 0}, 0),
            lambda: log.ends("lms.lerning"),
            lambda: log.begins("lms.lerning"),
        ):
            with pytest.raises(Refused, match=r"lms\.lerning.*lms\.learning"):
                call()

    def test_looking_at_a_log(self, log: EventLog) -> None:
        """Counts, some records, and the newest as they come."""
        log.append(TOPIC, [NewRecord(key_in(0), b"%d" % n) for n in range(5)])
        log.trim(TOPIC, 0, 1)
        (found,) = stats(log, [TOPIC])
        assert (found.partitions, found.records, found.begins[0], found.ends[0]) == (PARTITIONS, 4, 1, 5)
        assert [r.value for r in show(log, TOPIC, 0, 2, 2)] == [b"2", b"3"]
        assert [r.value for r in show(log, TOPIC, 0, 3, 10)] == [b"3", b"4"]
        newest = tail(log, [TOPIC], last=2)
        assert [next(newest).value for _ in range(2)] == [b"3", b"4"]
        log.append(TOPIC, [NewRecord(key_in(2), b"new")])
        assert next(newest).value == b"new"
        log.close()
        assert list(newest) == []

    def test_a_copy_is_the_same_log(self, log: EventLog) -> None:
        """To another adapter and back: partitions, offsets, bytes, begins, whatever the keys say."""
        source = MemoryLog(PARTITIONS)
        source.append(TOPIC, [NewRecord(b"enrollment/%d" % n, b"%d" % n) for n in range(40)])
        source.append(TOPIC, [NewRecord(key_in(0), b"astray")], partition=1)
        source.append(OTHER, [NewRecord(b"team/%d" % n, b"%d" % n) for n in range(10)])
        source.trim(OTHER, partition_for(b"team/0", PARTITIONS), 2)
        back = MemoryLog(PARTITIONS)
        assert copy(source, log, [TOPIC, OTHER]) == {TOPIC: 41, OTHER: 8}
        assert copy(log, back, [TOPIC, OTHER]) == {TOPIC: 41, OTHER: 8}
        for topic in (TOPIC, OTHER):
            assert log.begins(topic) == back.begins(topic) == source.begins(topic)
            starts = {(topic, part): begin for part, begin in source.begins(topic).items()}
            assert sorted(log.read(starts, 100)) == sorted(back.read(starts, 100)) == sorted(source.read(starts, 100))
        source.append(TOPIC, [NewRecord(key_in(2), b"later")])
        assert copy(source, log, [TOPIC, OTHER]) == {TOPIC: 1, OTHER: 0}


class FairLogContract(LogContract):
    """Holds for every adapter that has all partitions at hand; on Kafka a fetch may lack some, and the next one brings them."""

    @pytest.mark.parametrize(
        ("limit", "expected"),
        [(12, [5, 5, 2]), (3, [1, 1, 1]), (42, [20, 20, 2]), (100, [20, 20, 2]), (31, [15, 14, 2])],
    )
    def test_a_read_is_divided_fairly(self, log: EventLog, limit: int, expected: list[int]) -> None:
        """Equal shares; what a partition leaves of its share goes to the others."""
        for part, count in ((0, 20), (1, 20), (2, 2)):
            log.append(TOPIC, [NewRecord(key_in(part), b"x")] * count)
        got = [r.partition for r in log.read(at_start(), limit)]
        counts = [got.count(part) for part in range(PARTITIONS)]
        assert counts[2] == expected[2]
        assert sorted(counts[:2], reverse=True) == expected[:2]


class DurableLogContract(LogContract):
    """Holds for every adapter whose records outlive the process. Gives fixture ``opened``: opens the log of ``log`` again."""

    def test_another_process_reads_the_same(self, log: EventLog, opened: Callable[[int], EventLog]) -> None:
        """Nothing of the log is kept in the process that appended, and its appends wake waiters elsewhere."""
        log.append(TOPIC, [NewRecord(b"enrollment/%d" % n, b"%d" % n) for n in range(10)])
        other = opened(PARTITIONS)
        assert sorted(read_all(other)) == sorted(read_all(log))
        starts = {(TOPIC, part): end for part, end in log.ends(TOPIC).items()}
        waiting = in_thread(lambda: other.wait(starts, 10 * DEADLINE))
        log.append(TOPIC, [NewRecord(b"enrollment/1", b"new")])
        assert waiting.wait(DEADLINE)

    def test_another_partition_count_is_refused(self, log: EventLog, opened: Callable[[int], EventLog]) -> None:
        """The count was written when the log was made."""
        with pytest.raises(Refused, match="HUB_PARTITIONS is 4, but the log was made with 3 partitions"):
            opened(4)
