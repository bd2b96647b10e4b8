"""The worker's parts that need no service: what hangs, what is refused, what is logged, what is tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition

from hub.errors import Refused, Retriable
from hub.log.port import Record
from hub.settings import Settings
from hub.worker import app, lane, quiet, watchdog
from hub.worker.lane import GaveUp, Lane
from hub.worker.tail import Group, OutsideLog, Tail, refuse_outside_log
from hub.works import Deciding, Starts
from projections.engine.folder import Gap

HERE = TopicPartition("lms.learning", 3)
WHERE = ("lms.observations", 1)


class Shaky:
    """A work that fails so many times before it succeeds."""

    topics: tuple[str, ...] = ("lms.learning",)

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.given: list[int] = []

    def own(self, partitions: Sequence[tuple[str, int]]) -> Starts:
        return dict.fromkeys(partitions, 0)

    def take(self, records: Sequence[Record]) -> Starts:
        self.given.append(len(records))
        if self.failures:
            self.failures -= 1
            raise Retriable("the database is away")
        return {WHERE: 4}

    def settle(self) -> Starts:
        return {}


def _record(offset: int) -> Record:
    return Record(*WHERE, offset, b"", b"value")


class Decided:
    """Takes the place of a decider; keeps the offsets it was given."""

    def __init__(self) -> None:
        self.offsets: list[int] = []

    def process(self, records: Sequence[tuple[int, int, bytes]]) -> dict[str, int]:
        self.offsets += [offset for _, offset, _ in records]
        return {}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "FIRST_PAUSE", 0.0)


@pytest.mark.parametrize("offset", [4, 5, 9])
def test_offsets_inside_the_log_are_taken(offset: int) -> None:
    """From the first record kept to the place of the next one."""
    refuse_outside_log({HERE: offset}, {HERE: 4}, {HERE: 9})


@pytest.mark.parametrize("offset", [3, 10])
def test_offsets_outside_the_log_are_refused(offset: int) -> None:
    """Before the first record kept, records were missed; behind the end, it is another log."""
    with pytest.raises(
        OutsideLog, match=f"lms.learning/3: the database goes on at offset {offset}, but the log holds 4 to 9"
    ):
        refuse_outside_log({HERE: offset}, {HERE: 4}, {HERE: 9})


def test_a_batch_is_tried_again_whole() -> None:
    """While the database is away the same records are handed over again, and the failure is told until it is over."""
    work = Shaky(2)

    async def run() -> tuple[Starts, str | None]:
        mine = Lane("fold", 10, work)
        mine.leave = False
        return await mine.take([_record(0), _record(1)]), mine.failure

    assert asyncio.run(run()) == ({WHERE: 4}, None)
    assert work.given == [2, 2, 2]


def test_a_batch_is_left_when_somebody_else_waits_for_it() -> None:
    """After the revocation of its partitions a failing batch is not tried again."""
    work = Shaky(9)

    async def run() -> Starts:
        mine = Lane("fold", 10, work)
        mine.leave = True
        return await mine.take([_record(0)])

    assert asyncio.run(run()) == {}
    assert work.given == [1]


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker does not try for ever: whoever supervises it shall see that it failed."""
    monkeypatch.setattr(lane, "PATIENCE", -1.0)

    async def run() -> None:
        mine = Lane("fold", 10, Shaky(9))
        mine.leave = False
        await mine.take([_record(0)])

    with pytest.raises(GaveUp, match="the database is away"):
        asyncio.run(run())


def test_observations_are_handed_on_once_and_without_a_gap() -> None:
    """What is decided is skipped, what is not owned is left, and a record too early is an error that decides nothing."""
    decided = Decided()
    work = Deciding(decided, lambda numbers: dict.fromkeys(numbers, 5))  # type: ignore[arg-type]
    assert work.own([WHERE]) == {WHERE: 5}
    work.take([_record(3), _record(4), _record(5), _record(6), Record("lms.observations", 2, 0, b"", b"")])
    work.take([_record(6), _record(7)])
    assert decided.offsets == [5, 6, 7]
    with pytest.raises(Gap, match="offset 9 came where 8 was expected"):
        work.take([_record(9)])
    assert decided.offsets == [5, 6, 7]


def _tail(*, ready: bool, polled: float) -> Tail:
    made = Tail(Lane("fold", 10, Shaky(0)), Group("localhost:1", ""))
    made.polled = polled
    if ready:
        made._ready.set()
    return made


@pytest.mark.parametrize(
    ("ready", "polled", "unready_for", "told"),
    [
        (True, 99.0, 0.0, None),
        (True, 100.0 - watchdog.SILENT_SECONDS - 1, 0.0, "nothing was asked for"),
        (False, 0.0, watchdog.UNASSIGNED_SECONDS - 1, None),
        (False, 0.0, watchdog.UNASSIGNED_SECONDS + 1, "no assignment"),
    ],
)
def test_what_hangs(ready: bool, polled: float, unready_for: float, told: str | None) -> None:
    """A tail hangs that asks for nothing, or that waits longer for an assignment than killed members can hold it up."""

    async def why() -> str | None:
        return watchdog.hanging(_tail(ready=ready, polled=polled), unready_for, 100.0)

    found = asyncio.run(why())
    assert (found is None) == (told is None)
    assert told is None or told in str(found)


def _shown(few: quiet.FewLines, name: str, message: str, times: int) -> list[str]:
    records = [logging.LogRecord(name, logging.ERROR, "", 0, message, (), None) for _ in range(times)]
    return [record.getMessage() for record in records if few.filter(record)]


def test_a_noisy_library_is_quiet() -> None:
    """The same message of a library is shown a few times in a period; the next period says how many were left out."""
    now = [0.0]
    few = quiet.FewLines(lambda: now[0])
    assert _shown(few, "aiokafka.conn", "connect failed", 50) == ["connect failed"] * quiet.LINES
    assert _shown(few, "aiokafka.conn", "something else", 1) == ["something else"]
    now[0] = quiet.PERIOD
    assert _shown(few, "aiokafka.conn", "connect failed", 1) == [
        f"connect failed [{50 - quiet.LINES} like this were left out]"
    ]


def test_our_own_lines_are_never_left_out() -> None:
    """Only other people's loggers are limited."""
    assert len(_shown(quiet.FewLines(), "hub.worker.tail", "batch", 50)) == 50


def test_one_filter_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that asks for quiet twice, as a command that becomes a worker does, counts each line once."""
    handler = logging.NullHandler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    quiet.install()
    quiet.install()
    assert [type(one) for one in handler.filters] == [quiet.FewLines]


def test_no_worker_on_the_postgresql_log() -> None:
    """The sentence names the setting, and what does the work instead."""
    with pytest.raises(Refused, match=r"HUB_KAFKA_BOOTSTRAP_SERVERS is not set.*'hub serve' folds and decides"):
        app.run_worker(Settings())
