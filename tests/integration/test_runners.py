"""Runners share partitions by locks: each takes what is free of its share, and what others leave."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import psycopg
import pytest

from hub.errors import Retriable
from hub.log.memory import MemoryLog
from hub.log.port import NewRecord, Record
from hub.runners import CYCLES, HANDOVER_SECONDS, IN_A_LANE_SECONDS, Runner, tune
from hub.works import Starts

SECONDS = 30.0
PARTITIONS = 4
TOPIC = "lms.learning"


class Noting:
    """A work that notes what it was given, and fails when it is told to."""

    topics: tuple[str, ...] = (TOPIC,)

    def __init__(self) -> None:
        self.owned: set[int] = set()
        self.taken: list[tuple[int, int]] = []
        self.fails = False
        self.unwritten: Retriable | None = None
        """Why what was taken is not done in the end."""
        self._news = threading.Condition()

    def own(self, partitions: Sequence[tuple[str, int]]) -> Starts:
        with self._news:
            self.owned = {part for _, part in partitions}
            self._news.notify_all()
        return dict.fromkeys(partitions, 0)

    def take(self, records: Sequence[Record]) -> Starts:
        with self._news:
            if self.fails:
                self.fails = False
                raise Retriable("not now")
            self.taken += [(record.partition, record.offset) for record in records]
            self._news.notify_all()
        return {}

    def settle(self) -> Starts:
        if self.unwritten is not None:
            raise self.unwritten
        return {}

    def until_owned(self, wanted: set[int]) -> None:
        """Wait until these partitions are its own."""
        with self._news:
            assert self._news.wait_for(lambda: self.owned == wanted, SECONDS), self.owned

    def until_taken(self, wanted: set[tuple[int, int]]) -> None:
        """Wait until these records, (partition, offset), were taken."""
        with self._news:
            assert self._news.wait_for(lambda: wanted <= set(self.taken), SECONDS), self.taken


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that nobody announces."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Scene:
    """Runners on one database and one memory log."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url, self.stack = url, stack
        self.log = MemoryLog(PARTITIONS)

    def run(self, work: Noting, share: Sequence[int]) -> Runner:
        """A runner that has begun."""
        runner = Runner("test", 4711, 10, self.log, lambda: psycopg.connect(self.url, autocommit=True), work, share)
        self.stack.callback(runner.join, SECONDS)
        self.stack.callback(self.log.close)
        self.stack.callback(runner.stop)
        runner.start()
        return runner


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(database_url, stack)


def test_what_is_free_is_taken_and_the_rest_when_it_is_left(scene: Scene) -> None:
    """The second may have everything: it has at once what the first does not hold, and all once the first has ended."""
    first, second = Noting(), Noting()
    running = scene.run(first, [0, 2])
    first.until_owned({0, 2})
    scene.run(second, range(PARTITIONS))
    second.until_owned({1, 3})
    running.stop()
    scene.log.append(TOPIC, [NewRecord(b"wakes whoever waits", b"")], partition=0)
    running.join(SECONDS)
    second.until_owned({0, 1, 2, 3})


def test_a_failed_batch_is_read_again(scene: Scene) -> None:
    """The work is given its partitions anew and begins where it says."""
    work = Noting()
    work.fails = True
    scene.log.append(TOPIC, [NewRecord(b"a", b""), NewRecord(b"b", b"")], partition=1)
    scene.run(work, [1])
    work.until_taken({(1, 0), (1, 1)})


def test_what_lasts_is_told_and_what_is_over_is_not(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that begins again in vain for a while says why, though each batch is taken before it fails, as where a disk is
    full; when a batch is done it says so no longer."""
    monkeypatch.setattr("hub.runners.TELL_SECONDS", 0.0)
    work = Noting()
    work.unwritten = Retriable("no room")
    scene.log.append(TOPIC, [NewRecord(b"a", b"")], partition=1)
    runner = scene.run(work, [1])
    until(lambda: runner.failure is not None)
    assert str(runner.failure) == "no room"
    assert len(work.taken) > 1
    work.unwritten = None
    until(lambda: runner.failure is None)


@pytest.mark.parametrize(("alone", "seconds"), [(True, HANDOVER_SECONDS), (False, IN_A_LANE_SECONDS)])
def test_a_process_is_set_up_for_batches(alone: bool, seconds: float) -> None:
    cycles, handover = gc.get_threshold(), sys.getswitchinterval()
    try:
        tune(alone=alone)
        assert gc.get_threshold() == CYCLES
        assert sys.getswitchinterval() == pytest.approx(seconds)
    finally:
        gc.set_threshold(*cycles)
        sys.setswitchinterval(handover)
