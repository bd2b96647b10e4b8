"""Dead letters as a part of ``hub serve``: acts that were not followed are followed, what is parked is told, and a source
of too many is stopped."""

from __future__ import annotations

import threading

import psycopg

from hub.bootstrap import Hub
from hub.deadletters import limit
from hub.deadletters.parking import Parking
from hub.errors import Fatal, HubError, Retriable
from hub.logging import logger

LOOK_SECONDS, AGAIN_SECONDS = 30.0, 5.0

log = logger(__name__)


class DeadLetterPart:
    """Looks twice a minute; where nothing is to be done, a look is a few short queries."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._parking = Parking(hub)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deadletters", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin; what was left over is done at once."""
        self._thread.start()

    def failures(self) -> list[str]:
        """Why it does not get on; empty where all is well."""
        return [] if self._failure is None else [f"deadletters: {self._failure}"]

    def close(self) -> None:
        """End; what is in hand is given up, and done by whoever serves next."""
        self._stop.set()
        self._hub.closing = True
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            seconds = LOOK_SECONDS
            try:
                self._parking.react()
                limit.react(self._hub)
                self._failure = None
            except Exception as problem:
                if self._stop.is_set():
                    return
                self._note(problem)
                seconds = AGAIN_SECONDS
            self._stop.wait(seconds)

    def _note(self, problem: Exception) -> None:
        if isinstance(problem, Retriable | Fatal | psycopg.OperationalError):
            log.warning("dead letters are looked at again", problem=type(problem).__name__)
        elif str(problem) != str(self._failure):
            log.error("dead letters failed", exc_info=problem if not isinstance(problem, HubError) else None)
        self._failure = problem
