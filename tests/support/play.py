"""One call of the real code that stops before every use of a port, and stores in which something happens in between.

To go on, the call is made again from its beginning, what its ports answered before is told again (a snapshot is a copy,
so it is as old as it was), and the next use is for real. So a pause needs no thread, a crash is a play that nobody goes on
with, and every run is repeatable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hub.deciding.ports import Settled, Surroundings
from hub.errors import HubError
from projections.engine.batch import Writes
from projections.engine.memory import MemoryDeciding, MemorySnapshot, MemoryStore, Tables


class Paused(BaseException):
    """The play stops here, before its next use of a port."""


class Crash(BaseException):
    """The process ends here."""


class Play:
    """One call of the real code that goes on one use of a port at a time."""

    def __init__(self, surroundings: Callable[[Play], Surroundings], call: Callable[[Surroundings], Any]) -> None:
        self.call = call
        self.done = False
        self.result: Any = None
        self.problem: HubError | None = None
        self.waits_at = "begin"
        self.runs = False
        """Nothing happens beside it: it goes on to its end in one step, and the folder folds while it waits."""
        self._past: list[tuple[str, Any, HubError | None]] = []
        self._told = 0
        self._may = False
        self._around = surroundings(self)

    def step(self) -> None:
        """Go on until the next use of a port is over and another one is wanted, or to the end."""
        self._told, self._may = 0, True
        try:
            self.result = self.call(self._around)
        except Paused as where:
            self.waits_at = str(where)
            return
        except HubError as problem:
            self.problem = problem
        self.done = True

    def until(self, port: str) -> None:
        """Go on until this port is the next one to be used."""
        for _ in range(50):
            if self.done or self.waits_at == port:
                return
            self.step()
        raise AssertionError(f"never came to {port}, waits at {self.waits_at}")

    def use(self, port: str, act: Callable[[], Any], *, pauses: bool = True) -> Any:
        """One use of a port: told again, or stopped at, or for real."""
        if self._told < len(self._past):
            name, result, problem = self._past[self._told]
            assert name == port, "the same past must lead to the same step"
            self._told += 1
        else:
            if pauses and not self._may and not self.runs:
                raise Paused(port)
            assert len(self._past) < 500, "a play that never ends"
            self._may = self._may and not pauses
            result, problem = None, None
            try:
                result = act()
            except HubError as raised:
                problem = raised
            self._past.append((port, result, problem))
            self._told += 1
        if problem is not None:
            raise problem
        return result


class PlayedStore(MemoryDeciding):
    """The deciding store as one play sees it."""

    def __init__(self, tables: Tables, fold: Callable[[], None], play: Play) -> None:
        super().__init__(tables, lambda: None)
        self._fold, self._play = fold, play

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        yield self._play.use("snapshot", lambda: MemorySnapshot(self._tables))

    def settle(self, settled: Mapping[int, Settled]) -> None:
        self._play.use("settle", lambda: super(PlayedStore, self).settle(settled))

    def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        def look() -> bool:
            if self._play.runs:
                self._fold()
            there = super(PlayedStore, self).wait_folded(wanted, timeout)
            if not there and not self._play.runs:
                raise Paused("wait")
            return there

        return bool(self._play.use("wait", look))


class HookedStore(MemoryStore):
    """A fold store in which something may happen just before or just after a commit."""

    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None

    def commit(self, writes: Writes) -> None:
        before, after, self.before, self.after = self.before, self.after, None, None
        if before is not None:
            before()
        super().commit(writes)
        if after is not None:
            after()
