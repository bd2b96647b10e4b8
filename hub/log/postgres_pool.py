"""Connections to the log's database, shared by threads, and what the database's errors mean for the log.

A pool of our own in place of ``psycopg_pool``: after an outage the next call connects at once, without the delay of a
background retry, and no call pays a round trip to test its connection (whether the server ended it shows locally).
"""

from __future__ import annotations

import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Any

import psycopg
from psycopg import errors

from hub.errors import Fatal, Refused
from hub.log.port import LogClosedError, LogUnavailable

CONNECTION_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 5,
    "application_name": "hub log",
    "tcp_user_timeout": 30_000,  # milliseconds; without it a cut network is noticed after a quarter of an hour
}
MAX_CONNECTIONS = 10


class Pool:
    """At most ``MAX_CONNECTIONS`` connections; a call that finds none free waits for one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[psycopg.Connection] = []
        self._lock = Lock()
        self._free = BoundedSemaphore(MAX_CONNECTIONS)
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """A connection in autocommit mode; one that broke takes the idle ones with it, which broke for the same reason.

        Raises:
            LogUnavailable: the database cannot be reached; nothing was sent.
            LogClosedError: the pool was closed.
        """
        with self._free:
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def demand_open(self) -> None:
        """Raises ``LogClosedError`` once the pool was closed."""
        if self._closed:
            raise LogClosedError("The log was closed.")

    def close(self) -> None:
        """Close all idle connections now, and those in use when they are given back."""
        with self._lock:
            self._closed = True
        self._drop_idle()

    def _take(self) -> psycopg.Connection:
        with self._lock:
            self.demand_open()
            kept = self._idle.pop() if self._idle else None
        if kept is not None and _has_something_to_say(kept):
            kept.close()
            self._drop_idle()
            kept = None
        return kept or connect(self._url)

    def _give_back(self, connection: psycopg.Connection) -> None:
        broken = connection.broken or connection.closed
        with self._lock:
            keep = not (broken or self._closed)
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()
            self._drop_idle()

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def connect(url: str) -> psycopg.Connection:
    """A new connection whose commits are durable, whatever the default of the role or the database.

    Raises:
        LogUnavailable: the database cannot be reached.
    """
    with translated("Nothing was sent."):
        connection = psycopg.connect(url, **CONNECTION_OPTIONS)
        try:
            connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
            )
        except BaseException:
            connection.close()
            raise
        return connection


def _has_something_to_say(connection: psycopg.Connection) -> bool:
    """Whether an idle connection got anything: a server that ends it says good-bye. Costs no round trip."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        return bool(selector.select(0))


@contextmanager
def translated(known: str) -> Iterator[None]:
    """Turn errors of the database into errors of the log; ``known`` says what is known of the outcome.

    Raises:
        LogUnavailable: the server is away, stopping, standing by or too busy.
        Refused: the log was not initialised, or the role may not use it.
        Fatal: anything else, such as two records at one offset.
    """
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction) as error:
        raise LogUnavailable(f"The database of the log is not available ({_plain(error)}). {known}") from error
    except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
        raise Refused("This database has no event log; 'hub log init' makes one.", rule="log is initialised") from error
    except errors.InsufficientPrivilege as error:
        raise Refused(
            f"The database role may not use the log ({_plain(error)}).", rule="role may use schema log"
        ) from error
    except psycopg.Error as error:
        raise Fatal(f"The database refused an operation of the log ({_plain(error)}).") from error


def _plain(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
