"""Waiting until something is folded or decided: one connection listens to what commits tell, any thread may wait.

A wait costs nothing while nothing happens. What was told while nobody listened is read from the table when a wait
begins, and again when the connection came back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

import psycopg

from projections.engine.pg_store import FOLDED

QUERY = """
SELECT topic, partition, next_offset FROM hub.projection_offset
UNION ALL SELECT 'lms.observations', partition, next_offset FROM ops.decided_offset
"""
LISTEN_SECONDS = 5.0
"""After so long without news the listener looks whether it should stop."""


class FoldWatch:
    """Knows how far every partition is folded. ``connect`` opens an autocommit connection."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._at: dict[tuple[str, int], int] = {}
        self._news = threading.Condition()
        self._closed = False
        self._listening: psycopg.Connection[Any] | None = None
        self._thread: threading.Thread | None = None

    def folded(self, topics: Collection[str] | None = None) -> dict[tuple[str, int], int]:
        """How far the partitions of these topics (none: all) are folded, as last told."""
        self._start()
        with self._news:
            return {where: offset for where, offset in self._at.items() if topics is None or where[0] in topics}

    def wait(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        """Wait until everything below these offsets is folded; False when ``timeout`` seconds are over."""
        self._start()
        deadline = time.monotonic() + timeout
        with self._news:
            while not all(self._at.get(where, 0) >= offset for where, offset in wanted.items()):
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    return False
                self._news.wait(left)
        return True

    def told(self, text: str) -> None:
        """Take one piece of news: ``topic/partition/offset`` with commas between."""
        with self._news:
            for part in filter(None, text.split(",")):
                topic, number, offset = part.rsplit("/", 2)
                where = (topic, int(number))
                self._at[where] = max(self._at.get(where, 0), int(offset))
            self._news.notify_all()

    def close(self) -> None:
        """Let every waiter go and stop listening."""
        with self._news:
            self._closed = True
            self._news.notify_all()
            thread = self._thread
        if thread is None:
            return
        # A server that is away has woken the listener by itself.
        with suppress(psycopg.Error), self._connect() as connection:
            connection.execute(f"NOTIFY {FOLDED}")
        thread.join(LISTEN_SECONDS + 1)

    def _start(self) -> None:
        with self._news:
            if self._thread is None and not self._closed:
                self._refresh_first()
                self._thread = threading.Thread(target=self._listen, name="fold-watch", daemon=True)
                self._thread.start()

    def _refresh_first(self) -> None:
        connection = self._connect()
        connection.execute(f"LISTEN {FOLDED}")
        self._listening = connection
        self._read(connection)

    def _read(self, connection: psycopg.Connection[Any]) -> None:
        for topic, number, offset in connection.execute(QUERY).fetchall():
            where = (topic, number)
            self._at[where] = max(self._at.get(where, 0), offset)

    def _listen(self) -> None:
        while not self._closed:
            connection = self._listening
            try:
                if connection is None:
                    connection = self._reconnect()
                for news in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                    self.told(news.payload)
            except psycopg.Error:
                self._listening = None
                time.sleep(0.2)
        if self._listening is not None:
            self._listening.close()

    def _reconnect(self) -> psycopg.Connection[Any]:
        connection = self._connect()
        connection.execute(f"LISTEN {FOLDED}")
        with self._news:
            self._listening = connection
            self._read(connection)
            self._news.notify_all()
        return connection
