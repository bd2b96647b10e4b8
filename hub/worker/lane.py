"""A lane: one kind of work beside the event loop, in a thread of its own, with its retries.

The event loop must live while a batch is folded or decided, so the work runs in the lane's only thread. What may succeed
later is tried again with growing pauses, for as long as nobody else is waiting for the partitions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg

from hub.errors import Retriable
from hub.log.port import Record
from hub.logging import logger
from hub.works import Starts, Work

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
PATIENCE = 300.0
"""Seconds of failing after which the worker gives up."""

log = logger(__name__)


class GaveUp(Exception):
    """A batch could not be taken for so long that the worker ends; whoever supervises it starts it again."""


class Lane:
    """Runs one work."""

    def __init__(self, name: str, batch: int, work: Work) -> None:
        self.name = name
        self.batch = batch
        """Records handed over at once, at most."""
        self.work = work
        self.failure: str | None = None
        """Why it does not get on; None where it does."""
        self.leave = True
        """True: the batch in hand is to be left (its partitions go to somebody else, or the process ends)."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def left(self) -> bool:
        """Whether the batch in hand is to be left; for the work's own waits."""
        return self.leave

    async def own(self, partitions: Sequence[tuple[str, int]]) -> Starts:
        """Take over these partitions; returns where each goes on.

        Raises what the work raises, GaveUp.
        """
        found = await self._retried(partial(self.work.own, partitions), lambda: False)
        return found or {}

    async def take(self, records: Sequence[Record]) -> Starts:
        """Work on these records; returns where the log is to be read again. All is well too where the batch was left.

        Raises what the work raises, GaveUp.
        """
        return await self._retried(partial(self.work.take, records), self.left) or {}

    async def settle(self) -> Starts:
        """Wait until nothing is under way; returns where the log is to be read again.

        Raises what the work raises, GaveUp.
        """
        return await self._retried(self.work.settle, self.left) or {}

    def close(self) -> None:
        """Let the thread end after the call in hand."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _retried(self, call: Callable[[], Starts], left: Callable[[], bool]) -> Starts | None:
        loop = asyncio.get_running_loop()
        pause, since = FIRST_PAUSE, time.monotonic()
        while True:
            try:
                result = await loop.run_in_executor(self._thread, call)
            except (Retriable, psycopg.OperationalError) as problem:
                if left():
                    return None
                if time.monotonic() - since > PATIENCE:
                    raise GaveUp(f"{self.name}: no success for {PATIENCE:.0f} seconds: {problem}") from problem
                if str(problem) != self.failure:
                    self.failure = str(problem)
                    log.warning("batch will be taken again", lane=self.name, problem=self.failure)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self.failure = None
                return result
