"""What runs where the log lies in PostgreSQL: one process folds and one decides, whichever holds the lock.

Each runner takes an advisory lock of the database, so a second process waits as a stand-by and takes over when the
first is gone. Correctness does not rest on the locks: the stored offsets are compared and set.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import psycopg

from hub.errors import Fatal, Retriable
from hub.log.port import EventLog, LogClosedError, Record
from hub.logging import logger

FOLD_LOCK, DECIDE_LOCK = 7_203_001, 7_203_002
STANDBY_SECONDS = 0.25
IDLE_SECONDS = 5.0
FOLD_BATCH, DECIDE_BATCH = 2000, 2000
CYCLES = (50_000, 20, 20)
"""Thresholds of Python's search for cyclic garbage: a batch makes tens of thousands of objects, none of them in a cycle."""

log = logger(__name__)


class Work(Protocol):
    """What a runner does with the partitions once it holds the lock."""

    topics: Sequence[str]

    def begin(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Take over; returns where each partition goes on."""

    def take(self, records: Sequence[Record]) -> None:
        """Do the work of one batch; it may still be under way when this returns."""

    def settle(self) -> None:
        """Wait until nothing is under way; raises what a batch under way raised."""


class Runner:
    """A thread that reads partitions and hands batches to its work, while it holds the lock."""

    def __init__(
        self,
        name: str,
        lock: int,
        batch: int,
        event_log: EventLog,
        connect: Callable[[], psycopg.Connection[Any]],
        work: Work,
    ) -> None:
        self.name = name
        self._lock = lock
        self._batch = batch
        self._log = event_log
        self._connect = connect
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failure: BaseException | None = None
        self.working = threading.Event()
        """Set while this runner holds the lock."""

    def start(self) -> None:
        """Begin. From now on this process looks for cyclic garbage less often."""
        gc.set_threshold(*CYCLES)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after the batch in hand."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout)

    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stop.is_set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    if self._locked(connection):
                        self._work_on(connection)
            except (psycopg.OperationalError, Retriable, Fatal) as problem:
                log.warning("runner begins again", runner=self.name, problem=str(problem))
                self._stop.wait(STANDBY_SECONDS)
            except LogClosedError:
                return
            except Exception as problem:
                if str(problem) != str(self.failure):
                    log.exception("runner failed", runner=self.name)
                self.failure = problem
                self._stop.wait(1.0)
            finally:
                self.working.clear()

    def _locked(self, connection: psycopg.Connection[Any]) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (self._lock,)).fetchone()
        if row is not None and row[0]:
            return True
        self._stop.wait(STANDBY_SECONDS)
        return False

    def _work_on(self, connection: psycopg.Connection[Any]) -> None:
        partitions = [(topic, number) for topic in self._work.topics for number in range(self._log.partitions)]
        at = self._work.begin(partitions)
        self.working.set()
        while not self._stop.is_set():
            records = self._log.read(at, self._batch)
            if not records:
                self._work.settle()
                if not self._log.wait(at, IDLE_SECONDS):
                    connection.execute("SELECT 1")
                continue
            self._work.take(records)
            self.failure = None
            for record in records:
                at[record.topic, record.partition] = record.offset + 1
