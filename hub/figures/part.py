"""The clock of figures as a part of ``hub serve``: a thread that looks every minute whether something is to be computed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from hub.bootstrap import Hub, clock
from hub.errors import Fatal, Retriable
from hub.figures.clock import FiguresReactor
from hub.figures.service import FigureService
from hub.logging import logger
from projections.figures.computations import COMPUTATIONS
from projections.figures.reading import Facts

LOCK = 7_204
"""Advisory lock of who computes figures: several servers would compute the same."""
LOOK_SECONDS, AGAIN_SECONDS = 60.0, 5.0

log = logger(__name__)


def service(hub: Hub) -> FigureService:
    """What computes and records figures over a hub."""
    return FigureService(hub.commands, hub.connection, COMPUTATIONS, clock)


class Figures:
    """Figures are computed, closed and restated by the clock while this runs."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._reactor = FiguresReactor(service(hub), Facts(hub.connection), clock)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin; what was missed is made up for at once."""
        self._thread.start()

    def failures(self) -> list[str]:
        """Why it does not get on; empty where all is well."""
        return [] if self._failure is None else [f"figures: {self._failure}"]

    def close(self) -> None:
        """End; a computation in hand is given up, and done again by whoever serves next."""
        self._stop.set()
        self._hub.closing = True
        self._thread.join(10)

    def look(self) -> bool:
        """Do what is due now; False where another server does."""
        with self._alone() as alone:
            if alone:
                self._reactor.react()
        return alone

    def _run(self) -> None:
        while not self._stop.is_set():
            seconds = LOOK_SECONDS
            try:
                self.look()
                self._failure = None
            except Exception as problem:
                if self._stop.is_set():
                    return
                self._note(problem)
                seconds = AGAIN_SECONDS
            self._stop.wait(seconds)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other server computes; the lock ends with its connection, whatever happens."""
        with self._hub.connect() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
            yield bool(row and row[0])

    def _note(self, problem: Exception) -> None:
        if isinstance(problem, Retriable | Fatal | psycopg.OperationalError):
            log.warning("figures begin again", problem=type(problem).__name__)
        elif str(problem) != str(self._failure):
            log.exception("figures failed", exc_info=problem)
        self._failure = problem
