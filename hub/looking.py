"""A part of ``hub serve`` that looks again and again, in a thread of its own, whether something is to be done.

What goes wrong ends no thread: it is told once, stands in ``failures()`` until a look goes well, and the next look comes
soon. A log that is closed is the end.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any

import psycopg

from hub.errors import Fatal, HubError, Retriable
from hub.log.port import LogClosedError


class Looking(ABC):
    """Calls :meth:`look` from ``start`` until ``close``."""

    def __init__(self, name: str, log: Any, again_seconds: float) -> None:
        """``again_seconds``: how long to wait after a look that failed."""
        self._name = name
        self._told = log
        self._again_seconds = again_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._failure: BaseException | None = None

    @abstractmethod
    def look(self) -> float:
        """Do what is due; returns the seconds after which something may be due again."""

    def pause(self, seconds: float) -> None:
        """Wait for the next look, at most so long."""
        self._stop.wait(seconds)

    def hurry(self) -> None:  # noqa: B027 - most parts have nothing to hurry
        """Make a look or a pause in hand end sooner; called once, at the end."""

    def start(self) -> None:
        """Begin; what was missed before is made up for at once."""
        self._thread.start()

    def failures(self) -> list[str]:
        """Why it does not get on; empty where all is well."""
        return [] if self._failure is None else [f"{self._name}: {self._failure}"]

    def close(self) -> None:
        """End; what is given up is done by whoever serves next."""
        self._stop.set()
        self.hurry()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                seconds = self.look()
                self._failure = None
                self.pause(seconds)
            except LogClosedError:
                return
            except Exception as problem:  # told in the log and in failures(); the next look begins anew
                if self._stop.is_set():
                    return
                note(self._told, self._name, problem, self._failure)
                self._failure = problem
                self._stop.wait(self._again_seconds)


def note(log: Any, name: str, problem: Exception, before: BaseException | None) -> None:
    """Log why a part begins anew; one that keeps failing alike tells once. ``before``: what it failed of the last time."""
    if isinstance(problem, Retriable | Fatal | psycopg.OperationalError):
        text = str(problem) if isinstance(problem, HubError) else type(problem).__name__
        log.warning("begins again", part=name, problem=text)
    elif str(problem) != str(before):
        log.error("failed", part=name, exc_info=problem)
