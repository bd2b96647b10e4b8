"""Where sealed data keys are kept: the port, its PostgreSQL adapter and its twin in memory.

What a store promises: the first key stored for a subject is the only one it ever has, whoever else tries at the same time; it is
durable on return; a destroyed key leaves its row, so that the subject never gets another one. A store sees sealed keys only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, NamedTuple, Protocol

import psycopg

from hub import silent
from hub.errors import Fatal, Retriable

Kind = Literal["subject", "company"]
ConnectionFactory = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
"""Gives a connection that is in no transaction, in the isolation level READ COMMITTED (such as a pool's ``connection``)."""


class StoredKey(NamedTuple):
    """A row: ids are UUID strings; ``sealed`` is None where the key was destroyed."""

    subject: str
    company: str
    kind: Kind
    sealed: bytes | None


class KeyStore(Protocol):
    """Keeps sealed data keys. All methods raise Retriable where the store is not available. Thread-safe."""

    def load(self, subjects: Collection[str]) -> dict[str, StoredKey]:
        """The rows of these subjects, in one query; subjects without one are left out."""

    def add(self, keys: Collection[StoredKey]) -> dict[str, StoredKey]:
        """Store the keys of subjects that have no row yet, all or none; answers with what is stored now for each of them."""

    def destroy(self, subject: str) -> bool:
        """Destroy the key of a subject (never of a company) and keep its row; True where a key was there to destroy."""

    def check_value(self, proposed: bytes) -> bytes:
        """The check value of the master key: the one stored first, which is ``proposed`` where there was none."""


class MemoryKeyStore:
    """Keeps keys as long as the process lives: for tests and trials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, StoredKey] = {}
        self._check_value: bytes | None = None

    def load(self, subjects: Collection[str]) -> dict[str, StoredKey]:
        """See ``KeyStore``."""
        with self._lock:
            return {subject: self._rows[subject] for subject in subjects if subject in self._rows}

    def add(self, keys: Collection[StoredKey]) -> dict[str, StoredKey]:
        """See ``KeyStore``."""
        with self._lock:
            return {key.subject: self._rows.setdefault(key.subject, key) for key in keys}

    def destroy(self, subject: str) -> bool:
        """See ``KeyStore``."""
        with self._lock:
            row = self._rows.get(subject)
            if row is None or row.kind != "subject" or row.sealed is None:
                return False
            self._rows[subject] = row._replace(sealed=None)
            return True

    def check_value(self, proposed: bytes) -> bytes:
        """See ``KeyStore``."""
        with self._lock:
            if self._check_value is None:
                self._check_value = proposed
            return self._check_value


class PostgresKeyStore:
    """Keeps keys in the tables that ``create`` makes."""

    def __init__(self, connect: ConnectionFactory) -> None:
        self._connect = connect

    def load(self, subjects: Collection[str]) -> dict[str, StoredKey]:
        """See ``KeyStore``."""
        with self._transaction() as connection:
            return _rows(connection.execute(_LOAD, [list(subjects)]))

    def add(self, keys: Collection[StoredKey]) -> dict[str, StoredKey]:
        """See ``KeyStore``."""
        subjects, companies, kinds, sealed = (
            (list(column) for column in zip(*keys, strict=True)) if keys else ([], [], [], [])
        )
        with self._transaction() as connection:
            connection.execute(_DURABLE)
            connection.execute(_ADD, [subjects, companies, kinds, sealed])
            # A second statement, because only its snapshot sees the rows that another process put in while the first one waited.
            return _rows(connection.execute(_LOAD, [subjects]))

    def destroy(self, subject: str) -> bool:
        """See ``KeyStore``."""
        with self._transaction() as connection:
            connection.execute(_DURABLE)
            return connection.execute(_DESTROY, [subject]).fetchone() is not None

    def check_value(self, proposed: bytes) -> bytes:
        """See ``KeyStore``."""
        with self._transaction() as connection:
            connection.execute(_DURABLE)
            connection.execute(_ADD_CHECK, [proposed])
            row = connection.execute("SELECT check_value FROM vault.master_key").fetchone()
            if row is None:
                raise Fatal("Table vault.master_key lost its only row; expected the check value of the master key.")
            return bytes(row[0])

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            # Pipelined: what a method sends reaches the server in one round trip.
            with self._connect() as connection, connection.pipeline(), connection.transaction():
                silent.mark_transaction(connection)
                yield connection
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise Fatal(
                "The database has no table vault.data_key; expected the schema that 'hub db upgrade' makes."
            ) from error
        except psycopg.OperationalError as error:
            raise Retriable("The key store in PostgreSQL was not available.") from error


def create(connection: psycopg.Connection[Any]) -> None:
    """Make schema ``vault`` and its tables where they are missing; idempotent, also for two processes at once.

    The caller commits (or hands in a connection in autocommit mode).
    """
    with connection.transaction():
        # Two concurrent "IF NOT EXISTS" may both find nothing, and one of them would fail.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('hub.vault.create', 0))")
        connection.execute(_DDL)


def _rows(cursor: psycopg.Cursor[Any]) -> dict[str, StoredKey]:
    return {row[0]: StoredKey(*row) for row in cursor}


# A key must outlive whatever it sealed, and the log may be another system: never leave this to the session's setting.
_DURABLE = "SET LOCAL synchronous_commit = on"

_LOAD = """
    SELECT subject_id::text, company_id::text, kind, sealed_key
    FROM vault.data_key WHERE subject_id = ANY(%s::uuid[])
"""

# In order of the key, so that two processes that add the same subjects wait for each other instead of deadlocking.
_ADD = """
    INSERT INTO vault.data_key (subject_id, company_id, kind, sealed_key, created_at)
    SELECT subject_id, company_id, kind, sealed_key, now()
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bytea[]) AS new (subject_id, company_id, kind, sealed_key)
    ORDER BY subject_id
    ON CONFLICT (subject_id) DO NOTHING
"""

_DESTROY = """
    UPDATE vault.data_key SET sealed_key = NULL, destroyed_at = now()
    WHERE subject_id = %s::uuid AND kind = 'subject' AND sealed_key IS NOT NULL
    RETURNING subject_id
"""

_ADD_CHECK = """
    INSERT INTO vault.master_key (check_value, created_at) VALUES (%s, now()) ON CONFLICT DO NOTHING
"""

_DDL = """
CREATE SCHEMA IF NOT EXISTS vault;
COMMENT ON SCHEMA vault IS 'Data keys, sealed by the master key; back up apart from the log, read by the hub only';

CREATE TABLE IF NOT EXISTS vault.data_key (
    subject_id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT data_key_kind_check CHECK (kind IN ('subject', 'company')),
    sealed_key bytea,
    created_at timestamptz NOT NULL,
    destroyed_at timestamptz,
    CONSTRAINT data_key_destroyed_check CHECK ((sealed_key IS NULL) = (destroyed_at IS NOT NULL))
);
COMMENT ON TABLE vault.data_key IS 'One random key per data subject and per company; a destroyed key leaves its row for ever';
COMMENT ON COLUMN vault.data_key.subject_id IS 'Employee, user or LMS account whose values the key seals; the company itself for kind company';
COMMENT ON COLUMN vault.data_key.company_id IS 'The company that the subject belongs to';
COMMENT ON COLUMN vault.data_key.kind IS 'subject: seals personal values; company: seals credentials and makes pseudonyms';
COMMENT ON COLUMN vault.data_key.sealed_key IS 'The key, sealed by the master key; NULL once destroyed';
COMMENT ON COLUMN vault.data_key.created_at IS 'When the key was made';
COMMENT ON COLUMN vault.data_key.destroyed_at IS 'When the key was destroyed (the subject was erased)';

CREATE TABLE IF NOT EXISTS vault.master_key (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT master_key_only_row_check CHECK (only_row),
    check_value bytea NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE vault.master_key IS 'By which a process sees that it was given the master key that sealed the keys of this vault';
COMMENT ON COLUMN vault.master_key.only_row IS 'Always true: there is one row';
COMMENT ON COLUMN vault.master_key.check_value IS 'Derived from the master key one way';
COMMENT ON COLUMN vault.master_key.created_at IS 'When the vault was first used';
"""
