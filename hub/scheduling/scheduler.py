"""The scheduler: a part of `hub serve` that pulls, probes and rests every integration when its time has come.

One thread plans, a bounded number of workers carry out what is due, the longest due first, and a listener wakes the
planner when settings or runs change. Any number of servers may do this at once: whoever has the lock of an integration
looks again whether the step is still due.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable

import psycopg

from hub.bootstrap import Hub, clock, target_of
from hub.domain.units import SECOND
from hub.errors import HubError
from hub.intake.guard import HeldRun
from hub.intake.service import Intake, RunUnderWay
from hub.integrations import commands as acts
from hub.integrations.telling import tell
from hub.log.manage import open_log
from hub.log.port import LogClosedError
from hub.logging import logger
from hub.looking import note
from hub.scheduling.plan import Standing, Step, next_step
from hub.scheduling.standings import standings, unended

TOPIC = "lms.integration"
AT_ONCE = 16
"""Runs and probes at once, unless the settings say otherwise; they mostly wait for their LMSs."""
LOOK_SECONDS = 60.0
"""So often it looks although nothing was told, and so often it looks for runs whose process is gone."""
AGAIN_SECONDS = 1.0
FOLD_SECONDS = 5.0
BUSY_PAUSE = 2 * SECOND
"""Before a step is tried again whose integration was busy elsewhere."""
TROUBLE_PAUSE = 15 * SECOND
"""After a step that failed; a run that was told as failed has a later time of its own."""
READ = 5_000
RUNS = ("sync", "full")

log = logger(__name__)
Due = tuple[int, int, Standing, Step]


class Scheduler:
    """A part that `hub serve` starts. ``at_once``: steps that are carried out at the same time, at most."""

    def __init__(self, hub: Hub, at_once: int = AT_ONCE, now: Callable[[], int] = clock) -> None:
        self._hub = hub
        self._now = now
        self._log = open_log(target_of(hub.settings, hub.url), hub.settings.partitions)
        self._stop = threading.Event()
        self._news = threading.Event()
        self._lock = threading.Lock()
        self._due: queue.PriorityQueue[Due | tuple[int, int]] = queue.PriorityQueue()
        self._count = itertools.count()
        self._taken: set[str] = set()
        """Integrations with a step in the queue or in hand."""
        self._not_before: dict[str, int] = {}
        self._said: set[str] = set()
        self._swept = float("-inf")
        self._failure: BaseException | None = None
        names = [("scheduler", self._plan), ("scheduler-news", self._listen)]
        names += [(f"sync-{number}", self._work) for number in range(at_once)]
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in names]

    def start(self) -> None:
        """Begin; what was missed before is made up for at once."""
        for thread in self._threads:
            thread.start()

    def failures(self) -> list[str]:
        """Why it does not get on; empty where all is well. What is wrong with one integration is no failure of it."""
        return [] if self._failure is None else [f"scheduler: {self._failure}"]

    def close(self) -> None:
        """End. Runs in hand are given up and told as failed; they go on where whoever serves next begins."""
        self._stop.set()
        self._hub.closing = True
        self._news.set()
        self._log.close()
        for _ in self._threads:
            self._due.put((-1, next(self._count)))
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(10)

    # -- planning --------------------------------------------------------------------------------------------

    def _plan(self) -> None:
        while not self._stop.is_set():
            self._news.clear()
            try:
                if time.monotonic() - self._swept >= LOOK_SECONDS:
                    self._sweep()
                patience = self._look()
                self._failure = None
            except Exception as problem:
                patience = AGAIN_SECONDS
                self._note(problem)
            self._news.wait(patience)

    def _look(self) -> float:
        """Queue what is due; returns the seconds until something else may be."""
        now = self._now()
        found, problems = standings(self._hub.connection)
        for text in set(problems) - self._said:
            self._said.add(text)
            log.warning("an integration cannot be scheduled", problem=text)
        following = now + int(LOOK_SECONDS * SECOND)
        for one in found:
            step = next_step(one, now)
            with self._lock:
                if one.integration_id in self._taken:
                    continue
                at = max(step.at, self._not_before.get(one.integration_id, 0))
                if at <= now:
                    self._taken.add(one.integration_id)
                    self._due.put((step.at, next(self._count), one, step))
                else:
                    following = min(following, at)
        return max(0.0, (following - now) / SECOND)

    def _sweep(self) -> None:
        """Tell of runs whose process is gone."""
        intake = Intake(self._hub)
        for company_id, code, integration_id in unended(self._hub.connection):
            if integration_id not in self._taken:
                intake.tell_interrupted(company_id, code)
        self._swept = time.monotonic()

    def _listen(self) -> None:
        """Wake the planner when something of the topic is folded."""
        at: dict[tuple[str, int], int] = {}
        while not self._stop.is_set():
            try:
                if not at:
                    at = {(TOPIC, part): end for part, end in self._log.ends(TOPIC).items()}
                if not self._log.wait(at, LOOK_SECONDS):
                    continue
                while records := self._log.read(at, READ):
                    for record in records:
                        at[record.topic, record.partition] = record.offset + 1
                self._hub.watch.wait(at, FOLD_SECONDS)
                self._news.set()
            except LogClosedError:
                return
            except Exception as problem:
                if self._stop.is_set():
                    return
                self._note(problem)
                self._stop.wait(AGAIN_SECONDS)

    # -- doing -----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        intake = Intake(self._hub)
        while True:
            due = self._due.get()
            if self._stop.is_set() or len(due) == 2:
                return
            self._carry_out(intake, due[2], due[3])

    def _carry_out(self, intake: Intake, one: Standing, step: Step) -> None:
        """Do it, whatever comes of it, and let the planner look at the integration again."""
        pause = 0
        try:
            pause = self._do(intake, one, step)
        except Exception as problem:
            pause = TROUBLE_PAUSE
            self._explain(one, step, problem)
        with self._lock:
            self._taken.discard(one.integration_id)
            self._not_before[one.integration_id] = self._now() + pause
        self._news.set()

    def _do(self, intake: Intake, one: Standing, step: Step) -> int:
        """Carry out a step; returns the microseconds before the next one may be tried, beyond what is planned."""
        company_id, code = one.company_id, one.code
        try:
            if step.what in RUNS:
                full, trigger = step.what == "full", step.trigger
                intake.sync_if(company_id, code, lambda: self._is_due(one, RUNS), full=full, trigger=trigger)
            elif step.what == "probe":
                intake.probe(company_id, code, is_due=lambda: self._is_due(one, ("probe",)))
            else:
                begins = step.what == "maintenance_begins"
                tell(self._hub.commands, acts.maintenance(company_id, code, begins=begins))
        except RunUnderWay:
            return BUSY_PAUSE
        except HeldRun:
            return 0
        return 0

    def _is_due(self, one: Standing, what: tuple[str, ...]) -> bool:
        """Whether a step of this kind is due on what is known now."""
        found, _ = standings(self._hub.connection, one.integration_id)
        now = self._now()
        steps = [next_step(known, now) for known in found]
        return any(step.what in what and step.at <= now for step in steps)

    def _explain(self, one: Standing, step: Step, problem: Exception) -> None:
        """Most of it was told by the run itself."""
        if self._stop.is_set():
            return
        if isinstance(problem, HubError | psycopg.OperationalError):
            text = str(problem) if isinstance(problem, HubError) else type(problem).__name__
            log.warning("a step failed", integration=one.code, step=step.what, problem=text)
        else:
            log.error("a step failed", integration=one.code, step=step.what, exc_info=problem)

    def _note(self, problem: Exception) -> None:
        if self._stop.is_set():
            return
        note(log, "scheduler", problem, self._failure)
        self._failure = problem
