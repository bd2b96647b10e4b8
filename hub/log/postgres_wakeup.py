"""Waking those who wait for records of the PostgreSQL log: one connection that listens, one thread, any number of waiters.

Every append announces the new ends of its partitions in the transaction that stores the records. The thread keeps the ends it
heard of, so a waiter asks the database nothing. After connecting it listens first and reads all ends second: what was appended
before is in the ends, what comes later is announced.
"""

from __future__ import annotations

import selectors
import socket
from threading import Condition, Thread

import psycopg

from hub.errors import HubError
from hub.log.port import Starts
from hub.log.postgres_pool import connect, translated

RETRY_SECONDS = 1.0
"""Between two attempts to connect while the database is away."""


class Wakeup:
    """Waits for records on behalf of all threads of one log."""

    def __init__(self, url: str, topics: dict[str, int]) -> None:
        self._url = url
        self._topics = topics
        self._ends: dict[tuple[int, int], int] = {}
        self._changed = Condition()
        self._closed = False
        self._thread: Thread | None = None
        self._stop_read, self._stop_write = socket.socketpair()

    def wait(self, starts: Starts, timeout: float) -> bool:
        """True as soon as a record exists at or after one of the offsets, False after ``timeout`` seconds or when closed."""
        wanted = [((self._topics[topic], part), offset) for (topic, part), offset in starts.items()]

        def there() -> bool:
            return any(self._ends.get(key, 0) > offset for key, offset in wanted)

        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = Thread(target=self._run, name="hub-log-wakeup", daemon=True)
                self._thread.start()
            self._changed.wait_for(lambda: self._closed or there(), timeout)
            return not self._closed and there()

    def close(self) -> None:
        """End the thread and wake all waiters."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._stop_write.send(b"x")
        if self._thread is not None:
            self._thread.join()
        self._stop_read.close()
        self._stop_write.close()

    def _run(self) -> None:
        while not self._closed:
            try:
                with connect(self._url) as connection, translated("Nothing was sent."):
                    self._listen(connection)
            except HubError:  # whatever it is, the next read or append says it; the waiters only wait
                self._stopped(RETRY_SECONDS)

    def _listen(self, connection: psycopg.Connection) -> None:
        connection.execute("LISTEN hub_log")
        rows = connection.execute("SELECT topic_id, part, next_offset FROM log.head").fetchall()
        with self._changed:
            self._ends = {(topic, part): end for topic, part, end in rows}
            self._changed.notify_all()
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop_read, selectors.EVENT_READ)
            selector.register(connection.fileno(), selectors.EVENT_READ)
            # Messages that arrived with the answer of the query are already in memory: look before waiting.
            while not self._closed:
                self._hear(connection)
                selector.select()

    def _hear(self, connection: psycopg.Connection) -> None:
        connection.pgconn.consume_input()
        heard: dict[tuple[int, int], int] = {}
        while message := connection.pgconn.notifies():
            topic, *ends = message.extra.split()
            for end in ends:
                part, _, offset = end.partition(b":")
                heard[int(topic), int(part)] = int(offset)
        if heard:
            with self._changed:
                self._ends.update(heard)
                self._changed.notify_all()

    def _stopped(self, timeout: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop_read, selectors.EVENT_READ)
            selector.select(timeout)
