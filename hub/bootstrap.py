"""The one place where real parts are chosen and put together.

A :class:`Hub` is everything a command or a server needs: database, log, keys, commands, and on the PostgreSQL log the
runners that fold and decide inside this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from hub import vault
from hub.deciding.commands import Commands
from hub.deciding.decider import Decider
from hub.deciding.ports import Surroundings
from hub.domain.sealing import from_text
from hub.errors import Retriable
from hub.log import codec
from hub.log.manage import KafkaTarget, LogTarget, PostgresTarget, init, open_log
from hub.log.partition import partition_for
from hub.log.port import EventLog, NewRecord
from hub.postgres.embedded import embedded
from hub.postgres.patience import with_patience
from hub.runners import DECIDE_BATCH, DECIDE_LOCK, FOLD_BATCH, FOLD_LOCK, Runner, tune
from hub.settings import Settings
from hub.vault import Keyring, PostgresKeyStore, load_master_key
from hub.works import Deciding, Folding, Work
from projections import audit, folds, migrations
from projections.engine.fold_watch import FoldWatch
from projections.engine.folder import Folder
from projections.engine.pg_deciding import PgDeciding
from projections.engine.pg_store import PgStore
from projections.rowfit import row_check

POOL = 24
"""Connections that a process opens at most for short questions; it begins with one."""


def clock() -> int:
    """The wall clock, microseconds since 1970 UTC."""
    return time.time_ns() // 1000


class Hub:
    """The hub's parts, put together over an open database and log."""

    def __init__(self, settings: Settings, url: str, stack: ExitStack) -> None:
        self.settings = settings
        self.url = url
        self._stack = stack
        self.closing = False
        self.pool = ConnectionPool(url, min_size=1, max_size=POOL, kwargs={"autocommit": True}, open=True)
        stack.callback(self.pool.close)
        self.keyring = Keyring(
            PostgresKeyStore(self.connection),
            load_master_key(settings.master_key.get_secret_value() if settings.master_key else None, settings.home),
        )
        self.log: EventLog = open_log(target_of(settings, url), settings.partitions)
        stack.callback(self.log.close)
        self.watch = FoldWatch(self.connect)
        stack.callback(self.watch.close)
        self.deciding = PgDeciding(self.connection, self.watch)
        self.around = self._surroundings()
        self.commands = Commands(self.around, lambda: self.closing)
        self._runners: list[Runner] = []

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of one's own (autocommit); the caller closes it."""
        return psycopg.connect(self.url, autocommit=True)

    def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """A connection of the pool, in autocommit mode."""
        return self.pool.connection()

    def open_texts(self, texts: Sequence[str]) -> list[str | None]:
        """Open sealed texts; None where the key was destroyed."""
        return self.keyring.open_many([from_text(text) for text in texts])

    def folder_over(self, connection: psycopg.Connection[Any]) -> Folder:
        """A folder over this connection, which nobody else uses; the caller closes it."""
        return Folder(PgStore(connection, self.open_texts), codec.decode, clock)

    def decider(self, stopped: Callable[[], bool] | None = None) -> Decider:
        """A decider; it gives up waiting for the folds when ``stopped`` says so (default: when the hub closes)."""
        return Decider(self.around, stopped or (lambda: self.closing))

    def folding(self) -> Folding:
        """The work of folding, over connections of its own; the caller closes it."""
        return Folding(self.connect, self.open_texts, clock)

    def start_runners(self, share: Sequence[int] | None = None) -> None:
        """Fold and decide these partitions (none: all) in this process, or stand by where another process does.

        On Kafka nothing is started: workers do it.
        """
        if self._runners or self.settings.on_kafka:
            return
        folding = self.folding()
        self._stack.callback(folding.close)
        works: tuple[tuple[str, int, int, Work], ...] = (
            ("fold", FOLD_LOCK, FOLD_BATCH, folding),
            ("decide", DECIDE_LOCK, DECIDE_BATCH, Deciding(self.decider(), self.deciding.take_over)),
        )
        tune(alone=share is None)
        parts = range(self.settings.partitions) if share is None else share
        for name, lock, batch, work in works:
            runner = Runner(name, lock, batch, self.log, self.connect, work, parts)
            runner.start()
            self._runners.append(runner)
        self._stack.callback(self._stop_runners)

    def failures(self) -> list[str]:
        """Why a runner of this process does not get on; empty where all is well."""
        return [f"{runner.name}: {runner.failure}" for runner in self._runners if runner.failure is not None]

    def _stop_runners(self) -> None:
        self.closing = True
        for runner in self._runners:
            runner.stop()
        self.log.close()
        for runner in self._runners:
            runner.join(10)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            store=self.deciding,
            fold=folds.fold,
            check=row_check(self.open_texts),
            open=self.open_texts,
            encode=codec.encode,
            decode=codec.decode,
            clock=clock,
            append=self._append,
            read=self._read,
            risk=audit.risk_of,
            partition_of=partial(_partition_of, partitions=self.settings.partitions),
        )

    def _append(self, topic: str, records: Sequence[tuple[str, bytes]]) -> list[tuple[str, int, int]]:
        given = [NewRecord(key.encode(), value) for key, value in records]
        return [(at.topic, at.partition, at.offset) for at in self.log.append(topic, given)]

    def _read(self, topic: str, partition: int, offset: int) -> bytes:
        records = self.log.read({(topic, partition): offset}, 1)
        if not records:
            raise Retriable(f"{topic}/{partition}/{offset}: is not in the log")
        return records[0].value


def _partition_of(key: str, partitions: int) -> int:
    return partition_for(key.encode(), partitions)


def target_of(settings: Settings, url: str) -> LogTarget:
    """Where the log lies."""
    if settings.kafka_bootstrap_servers:
        return KafkaTarget(settings.kafka_bootstrap_servers, settings.kafka_topic_prefix)
    return PostgresTarget(url)


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The database's URL: the one given, with the hub's patience, else the embedded server, started where nobody has."""
    if settings.database_url is not None:
        yield with_patience(settings.database_url.get_secret_value())
        return
    with embedded(settings.home) as url:
        yield url


def prepare(settings: Settings, url: str) -> None:
    """Bring tables, keys and log up to date; repeating it changes nothing."""
    migrations.upgrade(url)
    with psycopg.connect(url) as connection:
        vault.create(connection)
    init(target_of(settings, url), settings.partitions)


@contextmanager
def open_hub(settings: Settings, *, runners: bool = True) -> Iterator[Hub]:
    """A hub that is ready to work. ``runners``: fold and decide in this process, where the log lies in PostgreSQL."""
    with ExitStack() as stack:
        url = stack.enter_context(database(settings))
        prepare(settings, url)
        hub = Hub(settings, url, stack)
        if runners:
            hub.start_runners()
        yield hub
