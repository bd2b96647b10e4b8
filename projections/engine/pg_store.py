"""The fold store on PostgreSQL: one transaction per batch writes rows, histories, audit, heads, dead letters, offsets.

Small batches (the live tail) go by prepared statements in one pipeline, large ones by COPY. A batch that refers to a row that is
not there yet (another topic is behind) is a wait, never a poison record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import psycopg
from psycopg import errors
from sqlalchemy import Table

from hub.domain.heads import Head
from hub.domain.rows import Row
from hub.errors import Retriable
from projections import plain, upsert
from projections.copyformat import Opener, encoder, opened
from projections.engine.batch import Reached, Writes
from projections.engine.folder import OwnershipLost, RowRefused, RowsRewritten
from projections.folds import WRITE_ORDER
from projections.tables import HISTORY, SCHEMA, TABLES

SMALL = 15
"""Rows of one table below which single statements are faster than COPY."""
FOLDED = "hub_folded"
"""Channel on which every commit tells how far it came."""

NOT_TAKEN = (psycopg.IntegrityError, psycopg.DataError, errors.ProgramLimitExceeded, errors.StatementTooComplex)
"""What the database says to a row that it will never take."""
NEWS = 100
"""Partitions of one notification."""

HEADS = """
SELECT stream_id::text, last_event_id::text, version, (extract(epoch FROM recorded_at) * 1000000)::bigint, row_id::text, parked,
    observation_offset
FROM hub.stream_head WHERE stream_id = ANY(%s::uuid[])
"""
REACHED = """
SELECT topic, partition, next_offset, chain, event_count, epoch FROM hub.projection_offset
WHERE (topic, partition) IN (SELECT * FROM unnest(%s::text[], %s::int[]))
"""
FIRST = """
INSERT INTO hub.projection_offset (topic, partition, next_offset, chain, event_count, epoch)
SELECT *, 0 FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bytea[], %s::bigint[]) AS new (topic, partition)
ORDER BY topic, partition
ON CONFLICT DO NOTHING RETURNING 1
"""
MOVE = """
UPDATE hub.projection_offset AS reached
SET next_offset = moved.next_offset, chain = moved.chain, event_count = moved.event_count, updated_at = now()
FROM (
    SELECT new.*
    FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::int[])
        AS new (topic, partition, next_offset, chain, event_count, before, epoch)
    JOIN hub.projection_offset AS held USING (topic, partition)
    WHERE held.next_offset = new.before AND held.epoch = new.epoch
    ORDER BY topic, partition FOR UPDATE OF held
) AS moved
WHERE reached.topic = moved.topic AND reached.partition = moved.partition
RETURNING 1
"""
TELL = "SELECT pg_notify('hub_folded', %s)"


def news(reached: Mapping[tuple[str, int], int]) -> list[str]:
    """How far partitions came, in texts that fit the 8000 bytes of a notification."""
    parts = [f"{topic}/{number}/{offset}" for (topic, number), offset in reached.items()]
    return [",".join(parts[start : start + NEWS]) for start in range(0, len(parts), NEWS)]


def why_not(problem: psycopg.OperationalError) -> str:
    """Why the database did not do it, such as a full disk or its own end; holds no value of a row."""
    said = problem.diag.message_primary
    return "the database cannot be reached" if said is None else f"the database did not do it ({said})"


Move = tuple[str, int, int, bytes, int, int, int]
"""Topic, partition, next offset, chain, count; the offset and epoch before."""


class Block(NamedTuple):
    """Rows of one table, ready to be written: as they are where they are few, else encoded for COPY."""

    table: Table
    rows: Sequence[Row]
    data: bytes = b""


class PgStore:
    """A fold store over one connection of its own (autocommit; the store opens its own transactions).

    ``tables``: where the rows are written, if not to the tables that everybody reads; nobody is told of those.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], opener: Opener, tables: Mapping[str, Table] = TABLES
    ) -> None:
        self._connection = connection
        self._opener = opener
        self._tables = tables
        self._is_live = tables is TABLES
        schema = str(tables["stream_head"].schema)
        self._heads, self._reached, self._first, self._moved = (
            statement.replace(f" {SCHEMA}.", f" {schema}.") for statement in (HEADS, REACHED, FIRST, MOVE)
        )
        plain.adapt(connection)
        self._staged: set[Table] = set()
        """Tables that have their temporary table; made when first needed, since every commit empties all there are."""

    def reached(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Reached]:
        """How far these partitions are folded."""
        found = {where: Reached() for where in partitions}
        topics, numbers = [topic for topic, _ in partitions], [number for _, number in partitions]
        with self._translated(), self._connection.cursor() as cursor:
            cursor.execute(self._reached, (topics, numbers))
            for topic, number, offset, chain, count, epoch in cursor:
                found[topic, number] = Reached(offset, bytes(chain), count, epoch)
        return found

    def load(
        self, streams: Sequence[str], rows: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, Head], dict[tuple[str, str], Row]]:
        """Heads and rows, in one pipeline."""
        connection = self._connection
        cursors = {table: connection.cursor() for table in rows}
        with self._translated(), connection.cursor() as head_cursor:
            with connection.pipeline():
                if streams:
                    head_cursor.execute(self._heads, (list(streams),), prepare=True)
                for table, ids in rows.items():
                    plain.ask(cursors[table], self._tables[table], list(ids))
            heads = {row[0]: Head(*row[1:]) for row in head_cursor} if streams else {}
            found = {
                (table, row["id"]): row
                for table, cursor in cursors.items()
                for row in plain.rows_from(cursor, self._tables[table])
            }
        for cursor in cursors.values():
            cursor.close()
        return heads, found

    def commit(self, writes: Writes) -> None:
        """Write everything in one transaction; then tell who waits how far it came."""
        self.write(writes, self.encode(writes))

    def settle(self) -> None:
        """Everything is written when ``commit`` returns."""

    def encode(self, writes: Writes) -> list[Block]:
        """Everything that the transaction writes, as bytes where it goes by COPY; in the order of writing."""
        tables = self._tables
        blocks = [
            self._block(tables[name], list(writes.rows[name].values())) for name in WRITE_ORDER if name in writes.rows
        ]
        blocks += [self._block(tables[HISTORY[parent].name], made) for parent, made in writes.history.items()]
        blocks.append(self._block(tables["lms_audit_trail"], writes.audit))
        heads = [_head_row(stream, *head) for stream, head in writes.heads.items()]
        blocks.append(self._block(tables["stream_head"], heads))
        blocks.append(self._block(tables["dead_letter"], writes.dead))
        return [block for block in blocks if block.rows or block.data]

    def write(self, writes: Writes, blocks: Sequence[Block]) -> None:
        """Write what was encoded, in one transaction; then tell who waits how far it came."""
        connection = self._connection
        together = (
            nullcontext() if any(block.data for block in blocks) else connection.pipeline()
        )  # no COPY in a pipeline
        with self._translated():
            self._stage({block.table for block in blocks if block.data} - self._staged)
        with self._translated(), together, connection.transaction(), connection.cursor() as cursor:
            self._move(cursor, writes)
            for block in blocks:
                if block.data:
                    upsert.store_encoded(cursor, block.table, block.data)
                else:
                    upsert.store(cursor, block.table, block.rows, small=True)
            if self._is_live:
                for told in news({where: at.next_offset for where, at in writes.reached.items()}):
                    cursor.execute(TELL, (told,), prepare=True)

    def _stage(self, tables: set[Table]) -> None:
        if tables:
            upsert.prepare(self._connection, tables)
            self._staged |= tables

    def _block(self, table: Table, rows: list[Row]) -> Block:
        ready = opened(rows, table, self._opener)
        return Block(table, ready) if len(rows) < SMALL else Block(table, (), encoder(table)(ready))

    def _move(self, cursor: psycopg.Cursor[Any], writes: Writes) -> None:
        """Move the offsets from where this folder left them; in one order, so that two folders never deadlock."""
        moves: tuple[list[Move], list[Move]] = ([], [])
        for where, after in writes.reached.items():
            before = writes.expected[where]
            is_new = before.count == 0 and before.next_offset == 0
            moves[is_new].append(
                (*where, after.next_offset, after.chain, after.count, before.next_offset, before.epoch)
            )
        for statement, chosen, columns in ((self._moved, moves[False], 7), (self._first, moves[True], 5)):
            if not chosen:
                continue
            values = [list(column) for column in zip(*chosen, strict=True)][:columns]
            cursor.execute(statement, values, prepare=True)
            if len(cursor.fetchall()) != len(chosen):
                told = ", ".join(f"{topic}/{number}" for topic, number, *_ in chosen)
                if self._is_where_it_was(cursor, chosen):
                    raise RowsRewritten(f"{told}: rows were rewritten meanwhile; they are read anew")
                raise OwnershipLost(f"{told}: somebody else has folded one of these partitions meanwhile")

    def _is_where_it_was(self, cursor: psycopg.Cursor[Any], moves: Sequence[Move]) -> bool:
        """Whether nobody else has folded, so that only an epoch differs."""
        cursor.execute(self._reached, ([one[0] for one in moves], [one[1] for one in moves]))
        at = {(topic, number): offset for topic, number, offset, *_ in cursor}
        return all(at.get((one[0], one[1]), 0) == one[5] for one in moves)

    def _translated(self) -> _Translated:
        return _Translated()


class _Translated:
    """The driver's errors in the words of the folder."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, problem: BaseException | None, trace: Any) -> None:
        if isinstance(problem, errors.ForeignKeyViolation):
            name = problem.diag.constraint_name
            raise Retriable(
                f"a row that is referred to is not folded yet ({name}); the batch waits for it"
            ) from problem
        if isinstance(problem, NOT_TAKEN):
            diag = problem.diag
            raise RowRefused(
                f"{diag.column_name or diag.constraint_name or 'row'}: the database does not take it ({diag.message_primary}); "
                "expected a row that fits the table's declaration",
                field=str(diag.column_name or ""), rule=str(diag.constraint_name or diag.sqlstate),
                expected="a row that fits the table",
            ) from problem  # fmt: skip
        if isinstance(problem, psycopg.OperationalError):
            raise Retriable(f"{why_not(problem)}; the batch will be taken again") from problem


def _head_row(stream: str, kind: str, company: str, head: Head) -> Row:
    return {
        "stream_id": stream,
        "kind": kind,
        "company_id": company,
        "last_event_id": head.last_event_id,
        "version": head.version,
        "recorded_at": head.recorded_at,
        "row_id": head.row_id,
        "parked": head.parked,
        "observation_offset": head.observation_offset,
    }
