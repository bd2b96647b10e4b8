"""Sealing as a part of ``hub serve``: a thread that seals what grew, at intervals.

Any number of servers may do it beside each other: who comes second finds a seal younger than the interval.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg

from hub.audit.seals import Seals
from hub.bootstrap import Hub
from hub.errors import Fatal, Retriable
from hub.logging import logger
from hub.settings import Settings
from hub.vault import MasterKey, load_master_key

HOUR = 3600.0
AGAIN_SECONDS = 30.0

log = logger(__name__)


def seals_of(hub: Hub) -> Seals:
    """The seals of a hub.

    Raises Fatal where its master key is not the one of the vault.
    """
    hub.keyring.check_master_key()
    return Seals(hub.connection, master_key(hub.settings))


def master_key(settings: Settings) -> MasterKey:
    """The master key that the settings name."""
    return load_master_key(settings.master_key.get_secret_value() if settings.master_key else None, settings.home)


class Sealing:
    """Seals what grew while this runs."""

    def __init__(self, hub: Hub, interval: float = HOUR) -> None:
        """``interval``: seconds between two seals."""
        self._hub = hub
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealing", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin; what grew since the last seal is sealed at once where that is older than the interval."""
        self._thread.start()

    def failures(self) -> list[str]:
        """Why it does not get on; empty where all is well."""
        return [] if self._failure is None else [f"sealing: {self._failure}"]

    def close(self) -> None:
        """End; a seal in hand is finished."""
        self._stop.set()
        self._thread.join(10)

    def look(self) -> int:
        """Seal what grew, unless the last seal is younger than the interval; returns how many lines were written."""
        # A little less than the interval, or every second look of a lone server would find its own seal too young.
        return len(seals_of(self._hub).seal(not_before=timedelta(seconds=self._interval * 0.9)))

    def _run(self) -> None:
        while not self._stop.is_set():
            seconds = self._interval
            try:
                self.look()
                self._failure = None
            except Exception as problem:
                if self._stop.is_set():
                    return
                self._note(problem)
                seconds = min(AGAIN_SECONDS, self._interval)
            self._stop.wait(seconds)

    def _note(self, problem: Exception) -> None:
        if isinstance(problem, Retriable | Fatal | psycopg.OperationalError):
            log.warning("sealing begins again", problem=type(problem).__name__)
        elif str(problem) != str(self._failure):
            log.exception("sealing failed", exc_info=problem)
        self._failure = problem
