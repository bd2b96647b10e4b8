"""Parts of a run: the spool, what is measured, what requests tell, and the lease of a rate limit."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors.contract import RequestLog
from connectors.http_limit import HOUR, Level, MemoryBucket, RateLimit
from connectors.testing.waiting import FakeTime
from hub.intake import spool
from hub.intake.comparing import Loss, _lower_median
from hub.intake.measure import Interrupted, Measures, Patience, disk_wait
from hub.intake.spool import Spool


def test_a_spool_gives_back_what_it_was_given(tmp_path: Path) -> None:
    """Every record, in order, by topic; waits stand where they stood; nothing is left of it afterwards."""
    with Spool(tmp_path) as kept:
        assert kept.append("a", [("k1", b"1"), ("k2", b"")]) == []
        kept.append("a", [("k3", b"\x00\xff" * 1000)])
        kept.append("b", [("ü", b"2")])
        kept.wait()
        kept.append("a", [("k4", b"4")])
        assert list(tmp_path.iterdir()) == []
        assert list(kept.replay()) == [
            ("a", [("k1", b"1"), ("k2", b""), ("k3", b"\x00\xff" * 1000)]),
            ("b", [("ü", b"2")]),
            None,
            ("a", [("k4", b"4")]),
        ]
        assert len(list(kept.replay())) == 4


def test_a_spool_is_read_in_bounded_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number and by bytes."""
    monkeypatch.setattr(spool, "BATCH", 3)
    monkeypatch.setattr(spool, "BATCH_BYTES", 10)
    with Spool(tmp_path) as kept:
        kept.append("a", [(str(n), b"x") for n in range(7)] + [(str(n), b"x" * 9) for n in range(3)])
        batches = [len(found[1]) for found in kept.replay() if found is not None]
    assert sum(batches) == 10
    assert max(batches) <= 3
    assert batches[:2] == [3, 3]


class Folds:
    """Folds when it is told to."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def wait(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        return self.done.wait(timeout)


def test_what_a_run_measures() -> None:
    """The time from appended to folded counts once for each record that changed; the host is sampled at least once."""
    folds, changed = Folds(), [0]
    measures = Measures(folds, lambda: changed[0])
    measures.start()
    measures.appended({("t", 0): 5})
    measures.appended({("t", 0): 9})
    changed[0] = 4
    folds.done.set()
    told = measures.finish()
    assert told["folding"]["count"] == 4
    assert told["folding"]["milliseconds"] > 0
    assert told["load"]["count"] >= 1
    assert told["run_seconds"] >= 0
    assert told["memory_mib"] > 1
    assert ("disk_wait_ms" in told) == (disk_wait() is not None)


def test_what_is_never_folded_is_not_told_of() -> None:
    """A run that fails tells no time for what nobody saw folded."""
    measures = Measures(Folds(), lambda: 3)
    measures.start()
    measures.appended({("t", 0): 5})
    assert measures.finish()["folding"] == {"count": 0, "milliseconds": 0.0}


def test_patience_ends_with_the_hub() -> None:
    """A wait for the source is counted, and given up when the hub stops."""
    calm = Patience(lambda: False)
    calm.sleep(0.0)
    with pytest.raises(Interrupted):
        Patience(lambda: True).sleep(900.0)
    stopped = Patience(lambda: True)
    with pytest.raises(Interrupted):
        stopped.sleep(5.0)
    assert (calm.seconds, stopped.seconds) == (0.0, 5.0)


def test_what_requests_tell() -> None:
    """Outcomes add up to the requests; a failure begins a series, anything answered in order ends it."""
    time = FakeTime()
    log = RequestLog(now=lambda: time.seconds)
    log.add("ok", 4.0)
    time.sleep(HOUR)
    log.add("timeout", None)
    log.add("error", 20.0)
    assert log.plain()["failing_since"] == int(HOUR * 1_000_000)
    log.recount("error", "missing")
    log.add("ok", 7.0)
    log.recount("ok", "faulty")
    log.course_seconds = {f"c{n}": float(n) for n in range(9)}
    told = log.plain()
    assert told["outcomes"] == {"ok": 1, "timeout": 1, "missing": 1, "faulty": 1}
    assert (told["requests"], told["answered"], told["milliseconds"]) == (4, 3, 31.0)
    assert (told["histogram"], told["hours"]) == ({"5": 1, "10": 1, "25": 1}, {"0": 1, "1": 3})
    assert told["courses"]["count"] == 9
    assert told["courses"]["seconds"] == 36.0
    assert told["courses"]["slowest"] == [["c8", 8.0], ["c7", 7.0], ["c6", 6.0], ["c5", 5.0], ["c4", 4.0]]
    assert told["failing_since"] == int(HOUR * 1_000_000)


@pytest.mark.parametrize("per_hour", [1, 7, 60, 1000, 5000])
@pytest.mark.parametrize("clients", [1, 3])
def test_leases_never_exceed_the_hour(per_hour: int, clients: int) -> None:
    """However many clients share the bucket, and whatever they leave of their leases, no hour sees more than allowed."""
    time, store = FakeTime(), MemoryBucket(lease_seconds=10.0)
    limits = [RateLimit(per_hour, store, time.clock) for _ in range(clients)]
    used: list[float] = []
    turn = 0
    while time.seconds < 2.5 * HOUR:
        wait = limits[turn % clients].take()
        turn += 1
        if wait:
            time.sleep(wait if turn % 5 else wait + 11.0)
        else:
            used.append(time.seconds)
            if turn % 7 == 0:
                time.sleep(1.3)
    first = 0
    for last, at in enumerate(used):
        while used[first] <= at - HOUR:
            first += 1
        assert last - first + 1 <= per_hour
    assert len(used) > 1.5 * per_hour or per_hour < 7


def test_a_lease_saves_changes_of_the_level() -> None:
    """Of a large limit, the level is changed once for many requests."""

    class Counting(MemoryBucket):
        changes = 0

        def update(self, change: object) -> None:
            Counting.changes += 1
            super().update(change)  # type: ignore[arg-type]

    limit = RateLimit(100_000, Counting(lease_seconds=10.0), FakeTime().clock)
    assert [limit.take() for _ in range(1000)] == [0.0] * 1000
    assert Counting.changes < 10


def test_a_clock_that_is_behind_gains_nothing() -> None:
    """Of clocks that differ a little, none turns the time of the bucket back."""
    store = MemoryBucket(Level(0.0, 100.0))
    RateLimit(3600, store, lambda: 99.0).take()
    assert store.level is not None
    assert store.level.at == 100.0


def test_the_lower_median() -> None:
    """Exact on a histogram."""
    assert _lower_median({1: 1, 2: 1}, 2) == 1
    assert _lower_median({1: 1, 5: 2}, 3) == 5
    assert _lower_median({3: 4}, 4) == 3


def test_where_a_loss_trips() -> None:
    """More than the share, and at least the least number; courses are judged like enrollments."""
    assert not Loss(400, 20, 0, 0).trips(5, 20)
    assert Loss(400, 21, 0, 0).trips(5, 20)
    assert not Loss(10, 10, 0, 0).trips(5, 20)
    assert Loss(1000, 0, 40, 25).trips(5, 20)
    assert Loss(0, 5, 0, 0).trips(0, 0)
    assert not Loss(100, 0, 10, 0).trips(0, 0)
    accepted = Loss(100, 50, 10, 5)
    assert Loss(90, 50, 9, 5).is_within(accepted)
    assert not Loss(90, 51, 9, 5).is_within(accepted)
    assert not Loss(90, 50, 9, 6).is_within(accepted)
    assert not Loss(90, 0, 9, 0).is_within(None)
