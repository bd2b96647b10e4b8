"""Seals: signed lines on what each partition of the log held, in one numbered sequence.

Promises: a seal says what the folds computed (``hub.projection_offset``); lines are numbered without a gap and each names
the digest of the one before, whoever seals at the same time; a line is durable on return and never changes; a file of
seals is only ever appended to, and not where it disagrees with the database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from hub.audit import keys
from hub.audit.offline import NO_SEAL, Mark, Seal, compare, digest, list_statement, read_seals, statement, to_line
from hub.errors import Fatal, Refused
from hub.vault import MasterKey

LOCK = 7_206
"""Advisory lock of who writes seals, held for one transaction."""
COLUMNS = "number, kind, sealed_at, previous, key_id, signature, topic, partition, records, head, public_key, reason"
LAST = f"SELECT {COLUMNS} FROM ops.chain_seal ORDER BY number DESC LIMIT 1"
SINCE = f"SELECT {COLUMNS} FROM ops.chain_seal WHERE number > %s ORDER BY number"
GROWN = """
SELECT o.topic, o.partition, o.event_count, o.chain
FROM hub.projection_offset o
LEFT JOIN LATERAL (
    SELECT max(s.records) AS records FROM ops.chain_seal s WHERE s.topic = o.topic AND s.partition = o.partition
) sealed ON true
WHERE o.event_count > coalesce(sealed.records, 0)
ORDER BY o.topic, o.partition
"""
ADD = f"INSERT INTO ops.chain_seal ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
"""Gives a connection that is in no transaction."""


class Seals:
    """The seals of one database."""

    def __init__(self, connect: Connect, master: MasterKey, now: Callable[[], datetime] | None = None) -> None:
        """``now`` gives an aware moment; default: the wall clock."""
        self._connect = connect
        self._master = master
        self._now = now or (lambda: datetime.now(UTC))

    def seal(self, *, not_before: timedelta | None = None) -> list[Seal]:
        """Seal every partition that grew since its last seal; makes the first key where there is none.

        ``not_before``: nothing is done where the last line is younger than this. Raises Fatal where the key does not open.
        """
        with self._writing() as (connection, last, key):
            lines = _Lines(connection, last, key, self._now())
            if not_before is not None and last is not None and lines.now - moment_of(last) < not_before:
                return []
            if last is None:
                lines.introduce(key, None)
            for topic, partition, records, head in connection.execute(GROWN).fetchall():
                lines.add("seal", topic=topic, partition=partition, records=records, head=bytes(head).hex())
            return lines.made

    def rotate(self, reason: str | None = None) -> Seal:
        """Put a new key in force, signed by the one before, whose private half is destroyed. What grew is sealed first."""
        self.seal()
        with self._writing() as (connection, last, key):
            lines = _Lines(connection, last, key, self._now())
            lines.introduce(keys.replace(connection, self._master), reason)
            return lines.made[-1]

    def archive(self, topic: str, partition: int, head: Mark, reason: str) -> Seal:
        """Record that the records before ``head`` are taken out of the log and kept elsewhere. Touches nothing of the log."""
        with self._writing() as (connection, last, key):
            lines = _Lines(connection, last, key, self._now())
            if last is None:
                lines.introduce(key, None)
            told: dict[str, Any] = {"records": head.records, "head": head.head.hex(), "reason": reason}
            lines.add("archive", topic=topic, partition=partition, **told)
            return lines.made[-1]

    def sign(self, kind: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """A list, such as that of a pack's files, with the key in force and its signature."""
        with self._writing() as (_, _, key):
            named = {**told, "key": key.id}
            return named | {"signature": key.sign(list_statement(kind, named))}

    def all(self, since: int = 0) -> list[Seal]:
        """All lines above a number, in order."""
        with self._connect() as connection:
            return [_seal(row) for row in connection.execute(SINCE, (since,))]

    def export(self, path: Path) -> int:
        """Append the lines that a file does not have yet; returns how many.

        Raises Refused where the file has other lines than the database: one of the two was altered.
        """
        seals = self.all()
        try:
            kept = read_seals(path) if path.exists() else []
        except (ValueError, UnicodeDecodeError) as problem:
            raise Refused(f"{path}: {problem}; expected a file that this command wrote", field="file") from None
        differing = compare(kept, seals)
        if differing:
            first = differing[0]
            raise Refused(
                f"{path}: {first.where} {first.text}; nothing was written, for one of the two was altered",
                field="file", rule="the same seals", expected="a beginning of the seals of this hub",
            )  # fmt: skip
        fresh = seals[len(kept) :]
        with path.open("a", encoding="utf-8") as file:
            file.writelines(to_line(seal) + "\n" for seal in fresh)
            file.flush()
            os.fsync(file.fileno())
        return len(fresh)

    @contextmanager
    def _writing(self) -> Iterator[tuple[psycopg.Connection[Any], Seal | None, keys.SigningKey]]:
        """A transaction in which nobody else writes seals: the connection, the last line and the key in force."""
        with self._connect() as connection, connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = on")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            keys.create(connection)
            row = connection.execute(LAST).fetchone()
            last = None if row is None else _seal(row)
            key = keys.in_force(connection, self._master)
            if key is None and last is not None:
                raise Fatal(
                    "The vault has no signing key, but the log has been sealed before; expected the vault as it was backed up."
                )
            yield connection, last, key or keys.replace(connection, self._master)


class _Lines:
    """Lines that are being written, each after the one before."""

    def __init__(
        self, connection: psycopg.Connection[Any], last: Seal | None, key: keys.SigningKey, now: datetime
    ) -> None:
        self._connection, self._last, self._key = connection, last, key
        self.now = now.astimezone(UTC)
        self.made: list[Seal] = []

    def introduce(self, key: keys.SigningKey, reason: str | None) -> None:
        """A new key, signed by the one in force; from now on it signs."""
        self.add("key", public_key=key.public.hex(), reason=reason)
        self._key = key

    def add(self, kind: str, **told: Any) -> None:
        """Sign and store a line."""
        number, previous = (1, NO_SEAL) if self._last is None else (self._last.number + 1, digest(self._last))
        seal = Seal(number, kind, text_of(self.now), previous, self._key.id, **told)
        seal = seal._replace(signature=self._key.sign(statement(seal)))
        values = (
            seal.number, seal.kind, self.now, bytes.fromhex(seal.previous), seal.key, bytes.fromhex(seal.signature), seal.topic,
            seal.partition, seal.records, _raw(seal.head), _raw(seal.public_key), seal.reason,
        )  # fmt: skip
        self._connection.execute(ADD, values)
        self._last = seal
        self.made.append(seal)


def text_of(moment: datetime) -> str:
    """A moment as seals tell it: UTC, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(seal: Seal) -> datetime:
    """When a line was signed (aware)."""
    return datetime.strptime(seal.sealed_at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _raw(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _seal(row: tuple[Any, ...]) -> Seal:
    number, kind, sealed_at, previous, key, signature, topic, partition, records, head, public_key, reason = row
    return Seal(
        number, kind, text_of(sealed_at), previous.hex(), key, signature.hex(), topic, partition, records,
        None if head is None else head.hex(), None if public_key is None else public_key.hex(), reason,
    )  # fmt: skip


__all__ = ["LOCK", "Seals", "moment_of", "text_of"]
