"""A part that looks again and again: what ends it, and what does not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from hub.errors import Retriable
from hub.log.port import LogClosedError
from hub.logging import logger
from hub.looking import Looking

PATIENCE = 10.0


class Watcher(Looking):
    """Does what the test says at each look."""

    def __init__(self, looks: list[Callable[[], float]]) -> None:
        super().__init__("watcher", logger("tests"), again_seconds=0.0)
        self.looks = looks
        self.failures_seen: list[list[str]] = []
        self.done = threading.Event()

    def look(self) -> float:
        self.failures_seen.append(self.failures())
        if not self.looks:
            self.done.set()
            return PATIENCE
        return self.looks.pop(0)()


def fails(problem: Exception) -> Callable[[], float]:
    def look() -> float:
        raise problem

    return look


def run(*looks: Callable[[], float]) -> Watcher:
    watcher = Watcher(list(looks))
    watcher.start()
    assert watcher.done.wait(PATIENCE)
    watcher.close()
    return watcher


@pytest.mark.parametrize("problem", [Retriable("the database is away"), RuntimeError("a slip")])
def test_a_failure_stands_until_a_look_goes_well(problem: Exception) -> None:
    """Failed, well, well: the thread goes on, and says why only in between."""
    watcher = run(fails(problem), lambda: 0.0)
    assert watcher.failures_seen == [[], [f"watcher: {problem}"], []]
    assert watcher.failures() == []


def test_the_same_slip_is_logged_once() -> None:
    """Three failures alike are one line, another is a second; what may come back is a warning each time."""
    with capture_logs() as lines:
        run(*[fails(RuntimeError("a slip"))] * 3, fails(RuntimeError("another")), fails(Retriable("away")))
    assert [(one["log_level"], one["event"]) for one in lines] == [
        ("error", "failed"), ("error", "failed"), ("warning", "begins again"),
    ]  # fmt: skip
    assert lines[-1]["problem"] == "away"


def test_a_closed_log_is_the_end() -> None:
    """No failure, and no look after it."""
    watcher = Watcher([fails(LogClosedError("closed"))])
    watcher.start()
    watcher._thread.join(PATIENCE)
    assert not watcher._thread.is_alive()
    assert watcher.failures() == []
    assert watcher.failures_seen == [[]]
    watcher.close()


def test_what_fails_while_it_is_closed_is_not_told() -> None:
    """A look that the closing itself broke is no failure."""
    begun, end = threading.Event(), threading.Event()

    def broken() -> float:
        begun.set()
        assert end.wait(PATIENCE)
        raise RuntimeError("cut off")

    class Hurried(Watcher):
        def hurry(self) -> None:
            end.set()

    watcher = Hurried([broken])
    watcher.start()
    assert begun.wait(PATIENCE)
    with capture_logs() as lines:
        watcher.close()
    assert watcher.failures() == []
    assert lines == []
