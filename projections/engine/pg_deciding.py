"""The deciding store on PostgreSQL: consistent snapshots, and the offset of the observations with their outcomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, LiteralString, Protocol

import psycopg
from psycopg import IsolationLevel

from hub import silent
from hub.domain import ids
from hub.domain.heads import Applied, Head
from hub.domain.rows import Row
from hub.errors import Fatal, Retriable
from projections import plain
from projections.engine.fold_watch import FoldWatch
from projections.engine.pg_store import HEADS, TELL, news, why_not
from projections.tables import TABLES


class Settled(Protocol):
    """What is stored once a partition's observations are decided."""

    expected: int
    reached: int
    outcomes: dict[str, dict[str, int]]
    aside: list[dict[str, Any]]


Connections = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

WAITING = """
EXISTS (SELECT FROM hub.dead_letter d
        WHERE d.stream_id = stream_head.stream_id AND d.kind = 'behind' AND d.topic = 'lms.observations')
"""
"""A stream's put-aside observations are decided before anything else of it, so it is as if it were still parked."""
HEADS_OR_WAITING: LiteralString = HEADS.replace(", parked,\n", f", parked OR {WAITING},\n")
APPLIED = """
SELECT id::text, additional_context->>'causation_id', (additional_context->>'topic') || '/' ||
       (additional_context->>'partition') || '/' || (additional_context->>'offset')
FROM hub.lms_audit_trail WHERE id = ANY(%s::uuid[])
"""
HISTORY = """
WITH RECURSIVE told AS (
    SELECT id, additional_context, 1 AS back FROM hub.lms_audit_trail WHERE id = %s::uuid
    UNION ALL
    SELECT a.id, a.additional_context, told.back + 1
    FROM told JOIN hub.lms_audit_trail a ON a.id = (told.additional_context->>'follows')::uuid
)
SELECT (additional_context->>'topic') || '/' || (additional_context->>'partition') || '/' || (additional_context->>'offset')
FROM told ORDER BY back DESC
"""
PEOPLE_CHANGED = """
SELECT count(DISTINCT e.employee_id)
FROM hub.lms_audit_trail a
JOIN hub.lms_course_enrollment e ON e.id = (a.additional_context->>'enrollment_id')::uuid
WHERE a.timestamp >= to_timestamp(%s / 1000000.0) AND a.additional_context->>'correlation_id' = %s
"""
DECIDED = "SELECT partition, next_offset FROM ops.decided_offset WHERE partition = ANY(%s)"
MOVE = """
UPDATE ops.decided_offset AS reached SET next_offset = moved.next_offset
FROM (
    SELECT partition, new.next_offset
    FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS new (partition, before, next_offset)
    JOIN ops.decided_offset AS held USING (partition)
    WHERE held.next_offset = new.before
    ORDER BY partition FOR UPDATE OF held
) AS moved
WHERE reached.partition = moved.partition RETURNING reached.partition
"""
FIRST = """
INSERT INTO ops.decided_offset (partition, next_offset, epoch) SELECT part, 0, 0 FROM unnest(%s::int[]) AS part ORDER BY part
ON CONFLICT DO NOTHING
"""
OUTCOME = """
INSERT INTO ops.run_outcome AS o (run_id, partition, changed, unchanged, unmatched, stored, rejected)
VALUES (%(run)s, %(partition)s, %(changed)s, %(unchanged)s, %(unmatched)s, %(stored)s, %(rejected)s)
ON CONFLICT (run_id, partition) DO UPDATE SET changed = o.changed + excluded.changed,
    unchanged = o.unchanged + excluded.unchanged, unmatched = o.unmatched + excluded.unmatched,
    stored = o.stored + excluded.stored, rejected = o.rejected + excluded.rejected
"""
ASIDE = """
INSERT INTO hub.dead_letter (id, company_id, lms_integration_id, kind, topic, partition, "offset", stream_id, record,
    record_size, record_sha256, run_id)
VALUES (%(id)s, %(company)s, %(integration)s, 'behind', 'lms.observations', %(partition)s, %(offset)s, %(stream)s, %(record)s,
    %(size)s, %(sha)s, %(run)s)
ON CONFLICT DO NOTHING
"""
OUTCOMES = ("changed", "unchanged", "unmatched", "stored", "rejected")
IN_PLAY_BY = ("lms_integration_id", "course_id")
EMPLOYEE_KEYS = ("employee_number", "custom_identifier", "email", "login_name")


class PgSnapshot:
    """Reads on one connection inside one repeatable-read transaction."""

    def __init__(self, connection: psycopg.Connection[Any], heads: LiteralString) -> None:
        self._connection = connection
        self._heads = heads

    def heads(self, streams: Collection[str]) -> dict[str, Head]:
        """Heads of streams."""
        if not streams:
            return {}
        found = self._connection.execute(self._heads, (plain.array_of(streams),), prepare=True, binary=True)
        return {row[0]: Head(*row[1:]) for row in found}

    def rows(self, table: str, row_ids: Collection[str]) -> dict[str, Row]:
        """Rows by id."""
        return self._rows(table, list(row_ids), "id")

    def of_company(self, table: str, company_id: str) -> dict[str, Row]:
        """All rows of a company."""
        return self._rows(table, [company_id], "company_id")

    def _rows(self, table: str, keys: list[str], by: str) -> dict[str, Row]:
        if not keys:
            return {}
        with self._connection.cursor() as cursor:
            plain.ask(cursor, TABLES[table], keys, by=by)
            return {row["id"]: row for row in plain.rows_from(cursor, TABLES[table])}

    def applied(self, events: Collection[str]) -> dict[str, Applied]:
        """Which of these events are in the audit trail."""
        if not events:
            return {}
        found = self._connection.execute(APPLIED, (plain.array_of(events),), prepare=True)
        return {row[0]: Applied(row[1], row[2]) for row in found}

    def employees_by(self, company_id: str, column: str, values: Collection[str]) -> dict[str, list[str]]:
        """Case-folded value → employees of the company, not terminated, that have it."""
        if column not in EMPLOYEE_KEYS:
            raise ValueError(f"{column} is no key of an employee")
        query = (
            f"SELECT lower({column}), id::text FROM hub.employee WHERE company_id = %s AND lower({column}) = ANY(%s) "
            "AND employment_status IS DISTINCT FROM 'Terminated'"
        )
        found: dict[str, list[str]] = {}
        for value, employee in self._connection.execute(query, (company_id, list(values))):
            found.setdefault(value, []).append(employee)
        return found

    def stream_rows(self, enrollment_row_ids: Collection[str]) -> list[str]:
        """Ids of all lessons of these enrollments."""
        query = "SELECT id::text FROM hub.lms_learning_progress WHERE enrollment_id = ANY(%s::uuid[]) ORDER BY id"
        return [row[0] for row in self._connection.execute(query, (list(enrollment_row_ids),))]

    def in_play(self, column: str, value: str) -> int:
        """Distinct employees with an enrollment that has not ended."""
        if column not in IN_PLAY_BY:
            raise ValueError(f"{column} does not tell what is in play")
        query = (
            f"SELECT count(DISTINCT employee_id) FROM hub.lms_course_enrollment WHERE {column} = %s "
            "AND enrollment_status IN ('Not Started', 'In Progress', 'On Hold')"
        )
        return self._count(query, (value,))

    def changed_people(self, run_id: str, since: int) -> int:
        """Distinct employees of the enrollments that events of this run changed."""
        return self._count(PEOPLE_CHANGED, (since, run_id))

    def _count(self, query: str, parameters: Sequence[Any]) -> int:
        row = self._connection.execute(query, parameters).fetchone()
        return int(row[0]) if row else 0

    def decided_offsets(self, partitions: Collection[int]) -> dict[int, int]:
        """How far these partitions are decided."""
        return dict(self._connection.execute(DECIDED, (list(partitions),)).fetchall())

    def history(self, head: Head) -> list[str]:
        """Positions of a stream's applied events, oldest first: the trail is followed back from the head."""
        if head.last_event_id is None:
            return []
        return [row[0] for row in self._connection.execute(HISTORY, (head.last_event_id,))]


class PgDeciding:
    """State for decisions, and where their progress is kept."""

    def __init__(self, connections: Connections, watch: FoldWatch) -> None:
        self._connections = connections
        self._watch = watch

    @contextmanager
    def snapshot(self, heads: LiteralString = HEADS_OR_WAITING) -> Iterator[PgSnapshot]:
        """A consistent view of the tables. ``heads``: the query of the heads, for whoever decides what was put aside."""
        with _reached(), self._connections() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            try:
                with connection.transaction():
                    yield PgSnapshot(connection, heads)
            finally:
                if not connection.closed:
                    connection.isolation_level = None
                    connection.read_only = None

    def decided_offset(self, partition: int) -> int:
        """The first observation of the partition that is not decided yet."""
        with _reached(), self._connections() as connection:
            row = connection.execute(
                "SELECT next_offset FROM ops.decided_offset WHERE partition = %s", (partition,)
            ).fetchone()
        return int(row[0]) if row else 0

    def take_over(self, partitions: Collection[int]) -> dict[int, int]:
        """How far these partitions are decided (those that are); who settled them before and fell silent is ended."""
        with _reached(), self._connections() as connection:
            silent.end_silent(connection)
            return dict(connection.execute(DECIDED, (list(partitions),)).fetchall())

    def settle(self, settled: Mapping[int, Settled]) -> None:
        """Move the stored offsets by compare-and-set, with the outcomes and what is put aside, in one transaction."""
        with _reached(), self._connections() as connection, connection.transaction(), connection.cursor() as cursor:
            silent.mark_transaction(connection)
            _move(cursor, settled)
            parts = sorted(settled.items())
            outcomes = [_outcome(part, run, counts) for part, one in parts for run, counts in one.outcomes.items()]
            if outcomes:
                cursor.executemany(OUTCOME, outcomes)
            if aside := [_aside(part, waiting) for part, one in parts for waiting in one.aside]:
                cursor.executemany(ASIDE, aside)
            for told in news({("lms.observations", partition): one.reached for partition, one in settled.items()}):
                cursor.execute(TELL, (told,))

    def folded(self, topics: Collection[str]) -> dict[tuple[str, int], int]:
        """How far these topics are folded."""
        return self._watch.folded(topics)

    def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        """Wait until everything below these offsets is folded."""
        return self._watch.wait(wanted, timeout)


@contextmanager
def _reached() -> Iterator[None]:
    """The driver's errors in the words of the decider."""
    try:
        yield
    except psycopg.OperationalError as problem:
        raise Retriable(f"{why_not(problem)}; try again") from problem


def _move(cursor: psycopg.Cursor[Any], settled: Mapping[int, Settled]) -> None:
    """Move the offsets from where this decider began; sorted, so that two deciders never deadlock."""
    if first := [part for part, one in settled.items() if one.expected == 0]:
        cursor.execute(FIRST, (first,))
    begun, reached = [one.expected for one in settled.values()], [one.reached for one in settled.values()]
    cursor.execute(MOVE, (list(settled), begun, reached), prepare=True)
    if missed := settled.keys() - {part for (part,) in cursor.fetchall()}:
        raise Fatal(f"lms.observations/{min(missed)}: another decider has moved the offset meanwhile")


def _outcome(partition: int, run: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {"run": run, "partition": partition} | {name: counts.get(name, 0) for name in OUTCOMES}


def _aside(partition: int, one: Mapping[str, Any]) -> dict[str, Any]:
    seen = one["observation"]
    return {
        "id": ids.waiting_record("lms.observations", partition, one["offset"]),
        "company": seen["company_id"],
        "integration": seen["integration_id"],
        "partition": partition,
        "offset": one["offset"],
        "stream": seen["stream_id"],
        "record": one["value"][: 64 * 1024],
        "size": len(one["value"]),
        "sha": hashlib.sha256(one["value"]).digest(),
        "run": seen["run_id"],
    }
