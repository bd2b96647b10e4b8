"""What runs where the log lies in PostgreSQL: threads that fold and decide a share of the partitions.

Who works on a partition holds an advisory lock of the database for it, one for folding and one for deciding. A runner
takes those of its share that are free and asks for the others now and then, so a second server stands by and takes over
what the first leaves. Correctness does not rest on the locks: the stored offsets are compared and set.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from hub.errors import Fatal, Retriable
from hub.log.port import EventLog, LogClosedError
from hub.logging import logger
from hub.works import Starts, Work

FOLD_LOCK, DECIDE_LOCK = 7_203_001, 7_203_002
"""First keys of the advisory locks; the second is the partition."""
STANDBY_SECONDS = 0.25
IDLE_SECONDS = 5.0
TELL_SECONDS = 2.0
"""For so long a runner may begin again in vain before it says that it does not get on."""
FOLD_BATCH, DECIDE_BATCH = 3000, 4000
CYCLES = (500_000, 10, 10)
"""Thresholds of Python's search for cyclic garbage. A batch holds up to 150,000 objects and leaves none in a cycle; a search
among them would take a tenth of its time, and 50 ms at once. What else leaves some is found in the end."""
HANDOVER_SECONDS, IN_A_LANE_SECONDS = 0.0005, 0.005
"""How long a thread may keep the interpreter after another asked for it. The thread that writes folded rows asks after each of
some hundred calls of a batch. Where its process works alone, each wait is time in which a processor has nothing to do; where
every processor has its lane, handing over often only costs."""
LOCK = "SELECT part FROM unnest(%s::int[]) AS part WHERE pg_try_advisory_lock(%s, part)"

log = logger(__name__)


def tune(*, alone: bool) -> None:
    """Set this process up for folding and deciding in batches. ``alone``: no other process does so beside it."""
    gc.set_threshold(*CYCLES)
    sys.setswitchinterval(HANDOVER_SECONDS if alone else IN_A_LANE_SECONDS)


class Runner:
    """A thread that reads partitions and hands batches to its work, while it holds their locks.

    Args:
        name: what its failures begin with.
        lock: the first key of its locks.
        batch: records handed over at once, at most.
        event_log: where records are read.
        connect: opens a connection, which holds the locks.
        work: what is done with the records.
        share: the partitions, of each of the work's topics, that it may work on.
    """

    def __init__(
        self,
        name: str,
        lock: int,
        batch: int,
        event_log: EventLog,
        connect: Callable[[], psycopg.Connection[Any]],
        work: Work,
        share: Sequence[int],
    ) -> None:
        self.name = name
        self._lock = lock
        self._batch = batch
        self._log = event_log
        self._connect = connect
        self._work = work
        self._share = frozenset(share)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failure: BaseException | None = None
        """Why it does not get on; None where it does, or may in a moment."""
        self._hindered: float | None = None
        """When it was stopped by what may be over soon; None where something has gone well since."""
        self._under_way = False
        """A batch was taken, which may still fail."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after the batch in hand."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    self._work_on(connection)
            except (psycopg.OperationalError, Retriable, Fatal) as problem:
                log.warning("runner begins again", runner=self.name, problem=str(problem))
                self._hinder(problem)
                self._stop.wait(STANDBY_SECONDS)
            except LogClosedError:
                return
            except Exception as problem:
                if str(problem) != str(self.failure):
                    log.exception("runner failed", runner=self.name)
                self.failure = problem
                self._stop.wait(1.0)

    def _hinder(self, problem: Exception) -> None:
        """What may be over at once is told only when it is not."""
        self._under_way = False
        if self._hindered is None:
            self._hindered = time.monotonic()
        elif time.monotonic() - self._hindered > TELL_SECONDS:
            self.failure = problem

    def _get_on(self) -> None:
        self.failure = self._hindered = None

    def _work_on(self, connection: psycopg.Connection[Any]) -> None:
        """Hold what is free of the share, and work on it."""
        held: frozenset[int] = frozenset()
        at: Starts = {}
        due = 0.0
        while not self._stop.is_set():
            if held != self._share and time.monotonic() >= due:
                more = self._locked(connection, self._share - held)
                if more:
                    held |= more
                    at = self._work.own([(topic, part) for topic in self._work.topics for part in sorted(held)])
                due = time.monotonic() + STANDBY_SECONDS
            if held:
                self._step(connection, at, IDLE_SECONDS if held == self._share else STANDBY_SECONDS)
            else:
                self._stop.wait(STANDBY_SECONDS)

    def _step(self, connection: psycopg.Connection[Any], at: Starts, patience: float) -> None:
        """Take one batch, or wait for records; ``at`` moves along."""
        records = self._log.read(at, self._batch)
        if not records:
            at |= self._work.settle()
            self._get_on()
            if not self._log.wait(at, patience):
                connection.execute("SELECT 1")
            return
        again = self._work.take(records)
        if self._under_way:  # what was taken before is done by now
            self._get_on()
        self._under_way = True
        for record in records:
            at[record.topic, record.partition] = record.offset + 1
        if again:
            at |= again
            self._stop.wait(STANDBY_SECONDS)

    def _locked(self, connection: psycopg.Connection[Any], parts: frozenset[int]) -> frozenset[int]:
        """Those of these partitions whose lock was free; they are held from now on, for as long as the connection is."""
        return frozenset(part for (part,) in connection.execute(LOCK, (sorted(parts), self._lock)))
