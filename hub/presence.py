"""Presence: a database session by which others see that a server or a worker is there, and why it does not get on.

The database ends the session with its process, so who was killed is not seen any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
from psycopg import sql

from hub.bootstrap import Hub

SERVER, WORKER = "hub serve", "hub worker"
"""Names of the sessions."""
AGAIN_SECONDS = 1.0
TELL_SECONDS = 2.0
TOLD_LETTERS = 700
"""PostgreSQL shows the first 1024 bytes of a session's statement."""


class Presence:
    """Makes a process be seen, under this name, with why it does not get on (or nothing)."""

    def __init__(self, hub: Hub, name: str, failures: Callable[[], list[str]]) -> None:
        self._hub = hub
        self._name = name
        self.failures = failures
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Be seen from now on."""
        self._thread.start()

    def close(self) -> None:
        """Be seen no longer."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._hub.url, autocommit=True, application_name=self._name) as connection:
                    while not self._stop.is_set():
                        told = "; ".join(_told(text) for text in self.failures())
                        connection.execute(sql.SQL("SELECT {}").format(sql.Literal(told[:TOLD_LETTERS])))
                        self._stop.wait(TELL_SECONDS)
            except psycopg.Error:
                self._stop.wait(AGAIN_SECONDS)


def failures_told(query: str | None) -> list[str]:
    """The failures in the statement that a presence shows."""
    text = (query or "").partition("'")[2].rpartition("'")[0]
    return [one for one in text.split("; ") if one]


def _told(text: str) -> str:
    """A failure as the text of a statement: its first line, without what would end it."""
    line = (text.splitlines() or [""])[0]
    return line.translate({ord(letter): " " for letter in "';\\"})
