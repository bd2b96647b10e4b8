"""What a worker does when the broker fails it: it joins again with a new consumer, and ends only where Kafka answers."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, UnknownError

from hub.log.port import Record
from hub.worker import tail, watchdog
from hub.worker.lane import Lane
from hub.worker.tail import Group, Tail
from hub.worker.watchdog import Hangs, Watchdog
from hub.works import Starts

HERE = TopicPartition("lms.learning", 3)
DEADLINE = 60.0
LOOKS = 5
"""Of the watchdog, after which it is seen that it does nothing."""


class Kept:
    """A work that keeps the offsets it was given."""

    topics: tuple[str, ...] = ("lms.learning",)

    def __init__(self) -> None:
        self.offsets: list[int] = []

    def own(self, partitions: Sequence[tuple[str, int]]) -> Starts:
        return dict.fromkeys(partitions, len(self.offsets))

    def take(self, records: Sequence[Record]) -> Starts:
        self.offsets += [record.offset for record in records]
        return {}

    def settle(self) -> Starts:
        return {}


@dataclass
class Scripted:
    """Takes the place of a consumer: fails where it is told to, and gives a record at a time until then."""

    starts: KafkaError | None = None
    ends: KafkaError | None = None
    after: int = 1
    """Records before ``polls``."""
    polls: KafkaError | None = None
    lives_on: bool = False
    """It never ends."""
    stopped: bool = False
    position: int = 0
    listener: Any = None
    late: list[Any] = field(default_factory=list)

    def subscribe(self, _: list[str], listener: object) -> None:
        self.listener = listener

    async def start(self) -> None:
        if self.starts is not None:
            raise self.starts
        # As the client does: in a task of its own, which hears nothing of what the listener raises.
        self.late.append(asyncio.create_task(self.listener.on_partitions_assigned({HERE})))

    async def stop(self) -> None:
        if self.lives_on:
            await asyncio.Event().wait()
        self.stopped = True
        await self.listener.on_partitions_assigned({HERE})  # an assignment that was on its way

    async def beginning_offsets(self, partitions: set[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: set[TopicPartition]) -> dict[TopicPartition, int]:
        if self.ends is not None:
            raise self.ends
        return dict.fromkeys(partitions, 9)

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.position = offset

    async def commit(self) -> None:
        raise UnknownError

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        assert not self.stopped
        await asyncio.sleep(0.001)
        if self.after == 0:
            if self.polls is not None:
                raise self.polls
            return {}
        self.after -= 1
        self.position += 1
        record = ConsumerRecord(*HERE, self.position - 1, 0, 0, b"key", b"value", None, 3, 5, ())
        return {HERE: [record]}


@dataclass
class Scripts:
    """Takes the place of a group: gives one scripted consumer after the other."""

    consumers: list[Scripted]
    bootstrap_servers: str = "127.0.0.1:1"
    prefix: str = ""
    given: int = 0

    def consumer(self, _: str) -> Scripted:
        self.given += 1
        return self.consumers[self.given - 1]


def _followed(
    monkeypatch: pytest.MonkeyPatch, consumers: list[Scripted], until: Callable[[Kept], bool]
) -> tuple[Tail, Kept]:
    """A tail and its work, after it followed these consumers one after the other."""
    monkeypatch.setattr(tail, "FIRST_REST", 0.0)
    work = Kept()

    async def run() -> Tail:
        made = Tail(Lane("fold", 1, work), Scripts(consumers))  # type: ignore[arg-type]
        await made.start()
        deadline = time.monotonic() + DEADLINE
        while not (until(work) or made.crashed) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for one in consumers:
            one.lives_on = False
        await made.stop()
        return made

    return asyncio.run(run()), work


@pytest.mark.parametrize(
    "failing",
    [
        Scripted(after=2, polls=UnknownError()),
        Scripted(after=2, polls=KafkaError("Unexpected error during coordination")),
        Scripted(ends=KafkaTimeoutError("Failed to get offsets by times in 40000 ms")),
    ],
    ids=["a code that the client does not know", "coordination", "offsets not told in time"],
)
def test_it_joins_again(monkeypatch: pytest.MonkeyPatch, failing: Scripted) -> None:
    """The consumer that failed is ended, and the next one goes on where the work is; a second failure changes nothing."""
    failing = replace(failing)
    away = Scripted(starts=KafkaConnectionError("Unable to bootstrap"))
    count = 5 if failing.ends is None else 3
    found, work = _followed(monkeypatch, [failing, away, Scripted(after=3)], lambda work: len(work.offsets) >= count)
    assert not found.crashed
    assert work.offsets == list(range(count))
    assert found.lane.failure is None
    assert failing.stopped
    assert away.stopped


def test_the_time_without_an_assignment_is_no_silence() -> None:
    """A tail that takes over after a long time without a broker does not hang, though nothing could be asked for meanwhile."""

    async def told() -> list[str | None]:
        made = Tail(Lane("fold", 1, Kept()), Scripts([Scripted()]))  # type: ignore[arg-type]
        made._consumer = Scripted()
        found = []
        for again in (False, True):
            if again:
                await made.on_partitions_assigned({HERE})
            else:
                made._ready.set()
                made.polled = time.monotonic() - watchdog.SILENT_SECONDS - 1
            found.append(watchdog.hanging(made, 0.0, time.monotonic()))
        return found

    before, after = asyncio.run(told())
    assert "nothing was asked for" in str(before)
    assert after is None


def test_a_consumer_that_does_not_end_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could take partitions that nobody reads then."""
    monkeypatch.setattr(tail, "FAREWELL", 0.05)
    failing = Scripted(polls=UnknownError(), lives_on=True)
    found, _ = _followed(monkeypatch, [failing], lambda _: False)
    assert found.crashed
    assert found.lane.failure == "fold: its consumer did not end within 0 seconds"


def _watched(monkeypatch: pytest.MonkeyPatch, bootstrap: str) -> Watchdog:
    """A watchdog that looked at a tail without an assignment until it ended it, or for so many times."""
    looks: list[bool] = []
    really = watchdog.reachable

    async def counted(servers: str) -> bool:
        looks.append(await really(servers))
        return looks[-1]

    monkeypatch.setattr(watchdog, "UNASSIGNED_SECONDS", 0.01)
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(watchdog, "exit_after", lambda _: None)
    monkeypatch.setattr(watchdog, "reachable", counted)

    async def run() -> Watchdog:
        made = Watchdog([Tail(Lane("fold", 1, Kept()), Group(bootstrap, ""))], None, 1.0)
        await made.start()
        while not made.crashed and len(looks) < LOOKS:
            await asyncio.sleep(0.01)
        await made.stop()
        return made

    try:
        return asyncio.run(run())
    finally:
        monkeypatch.undo()


def test_nothing_hangs_while_kafka_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is away; a worker without an assignment ends where a broker takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        there = f"127.0.0.1:{listening.getsockname()[1]}"
        ended = _watched(monkeypatch, f"127.0.0.1:1,{there}")
        assert isinstance(ended.crash_reason, Hangs)
    assert not _watched(monkeypatch, f"127.0.0.1:1,{there}").crashed
