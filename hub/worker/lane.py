"""A lane: one kind of work beside the event loop, in a thread of its own, with its retries and its last resort.

The event loop must live while a batch is folded or decided, so the work runs in the lane's only thread. What may succeed
later is asked again with growing pauses; what must not go on crashes the worker and waits for ever, since an agent that
returned would be restarted by Faust and would handle a later batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, TypeVar

from hub.errors import Retriable
from hub.log.port import Record
from hub.logging import logger
from hub.worker.work import Starts, Work

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
PATIENCE = 300.0
"""Seconds of failing after which the worker gives up; a third of Kafka's patience with a member that takes nothing."""
MOST_WAITING = 20_000
"""Records that may wait for rows of other partitions before no more are taken."""

T = TypeVar("T")
log = logger(__name__)


class GaveUp(Exception):
    """A batch could not be taken for so long that the worker ends; whoever supervises it starts it again."""


class Lane:
    """Runs one work. ``interrupted``: whether the batch in hand is to be left (its records will be read again)."""

    def __init__(
        self,
        name: str,
        work: Work,
        interrupted: Callable[[], bool],
        crash: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self.name = name
        self.work = work
        self.failure: str | None = None
        """Why it does not get on; None where it does."""
        self.draining = False
        """True: no further batch is begun."""
        self._interrupted = interrupted
        self._crash = crash
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._turn = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether a batch is in hand."""
        return self._turn.locked()

    async def own(self, partitions: Sequence[tuple[str, int]]) -> Starts:
        """Take over these partitions; returns where each goes on. Retries while the database is away."""
        return await self._retried(lambda: self.work.own(partitions), lambda: False)

    async def take(self, records: Sequence[Record]) -> None:
        """Work on these records until they are done, or left since the partitions go to somebody else.

        Returns only where going on is right.
        """
        async with self._turn:
            if self.draining:
                return
            handed: Sequence[Record] = records

            def once() -> None:
                nonlocal handed
                given, handed = handed, ()
                self.work.take(given)
                if self.work.waiting > MOST_WAITING:
                    raise Retriable(f"{self.work.waiting} records wait for rows that are not folded yet")

            since = time.monotonic()
            try:
                await self._retried(once, self._interrupted)
            except Exception as problem:  # whatever it is: no exception may leave an agent's body
                await self.stand(problem)
            log.debug("batch", lane=self.name, records=len(records), seconds=round(time.monotonic() - since, 3))

    async def again(self) -> None:
        """Try what waits once more, where nothing else is in hand."""
        if self.work.waiting and not self.busy:
            await self.take(())

    async def stand(self, problem: BaseException) -> NoReturn:
        """Crash the worker, then wait for ever: nothing later may be handled."""
        self.failure = str(problem) or type(problem).__name__
        log.critical("worker stops", lane=self.name, problem=self.failure, exc_info=problem)
        await self._crash(problem)
        await asyncio.Event().wait()
        raise AssertionError from problem

    def close(self) -> None:
        """Let the thread end after the call in hand."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _retried(self, call: Callable[[], T | None], interrupted: Callable[[], bool]) -> T:
        loop = asyncio.get_running_loop()
        pause, since = FIRST_PAUSE, time.monotonic()
        while True:
            try:
                result = await loop.run_in_executor(self._thread, call)
            except Retriable as problem:
                if interrupted():
                    return None  # type: ignore[return-value]
                if time.monotonic() - since > PATIENCE:
                    raise GaveUp(f"{self.name}: no success for {PATIENCE:.0f} seconds: {problem}") from problem
                if str(problem) != self.failure:
                    self.failure = str(problem)
                    log.warning("batch will be taken again", lane=self.name, problem=self.failure)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self.failure = None
                return result  # type: ignore[return-value]
