"""What the audit trail costs as it grows, and what would help: the measured plan of ``docs/growth.md``.

``python -m tests.bench.audit_growth 250000 1000000 4000000`` prints the page's table: the trail is filled up to each of
these sizes with copies of rows that the hub made, in the order of time; at each size rows are appended as a fold does
(in transactions of 2,000), a day is counted, and a day's rows are deleted. Beside it stands the same table divided by
hash of its key.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from hub.logging import configure
from projections.plain import full_name, names_of, quoted
from projections.tables import TABLES
from tests.bench import harness

TRAIL = TABLES["lms_audit_trail"]
DIVIDED = f"{TRAIL.schema}.divided"
PARTS = 16
A_DAY = 10_000
"""Rows of a day."""
BATCH, BATCHES = 2_000, 10
ROUNDS = 5
MIB = 2**20

_DIVIDE = (
    f"CREATE TABLE {DIVIDED} (LIKE {full_name(TRAIL)} INCLUDING DEFAULTS INCLUDING INDEXES) PARTITION BY HASH (id)",
    *(f"CREATE TABLE {DIVIDED}_{n} PARTITION OF {DIVIDED} FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {n})" for n in range(PARTS)),
)  # fmt: skip
_SIZES = """
SELECT sum(pg_relation_size(relid)), sum(pg_indexes_size(relid))
FROM (SELECT relid FROM pg_partition_tree(%s) UNION SELECT %s::regclass) AS tables
"""
_DAY = "\"timestamp\" >= timestamptz '2020-01-01' + %s * interval '1 day' AND \"timestamp\" < timestamptz '2020-01-02' + %s * interval '1 day'"


@dataclass(frozen=True)
class Cost:
    """What one table costs at one size."""

    table: str
    rows: int
    heap_bytes: float
    """A row's share of the table."""
    index_bytes: float
    """A row's share of its indexes."""
    appended: float
    """Rows a second."""
    day_ms: float
    """A day counted, by the index of the specification."""
    brin_ms: float | None
    """The same by BRIN; None where it was not tried."""
    brin_bytes: int | None
    delete_ms: float
    """A day deleted."""


def measured(url: str, sizes: Sequence[int]) -> Iterator[Cost]:
    """Both tables at each size."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # the copies refer to what is there
        connection.execute(f"CREATE TEMPORARY TABLE seed AS SELECT * FROM {full_name(TRAIL)} LIMIT 400")
        connection.execute(f"TRUNCATE {full_name(TRAIL)}")
        for statement in _DIVIDE:
            connection.execute(statement)
        there = 0
        for size in sorted(sizes):
            for name in (full_name(TRAIL), DIVIDED):
                _fill(connection, name, there, size)
                connection.execute(f"VACUUM (ANALYZE) {name}")
            connection.execute("CHECKPOINT")
            for name in (full_name(TRAIL), DIVIDED):
                yield _cost(connection, name, size)
            there = size + BATCH * BATCHES


def _fill(connection: psycopg.Connection[Any], name: str, start: int, until: int) -> None:
    """Add copies of the seed, numbered from one number to the other, in the order of time."""
    new = {
        "id": "gen_random_uuid()",
        "entity_id": "gen_random_uuid()",
        "timestamp": f"timestamptz '2020-01-01' + n * interval '{86_400 / A_DAY} seconds'",
    }
    values = ", ".join(new.get(column, f"seed.{quoted(column)}") for column in names_of(TRAIL))
    connection.execute(
        f"INSERT INTO {name} ({', '.join(map(quoted, names_of(TRAIL)))}) SELECT {values} FROM generate_series(%s::bigint, %s) n "
        "JOIN (SELECT *, row_number() OVER () - 1 AS number FROM seed) AS seed ON seed.number = n %% 400 ORDER BY n",
        (start, until - 1),
    )


def _cost(connection: psycopg.Connection[Any], name: str, size: int) -> Cost:
    ((heap, indexes),) = connection.execute(_SIZES, (name, name)).fetchall()
    began = time.perf_counter()
    for number in range(BATCHES):
        _fill(connection, name, size + number * BATCH, size + (number + 1) * BATCH)
    appended = BATCH * BATCHES / (time.perf_counter() - began)
    day = size // A_DAY // 2
    by_index = _median(lambda: _count(connection, name, day))
    brin_ms = brin_bytes = None
    if name == full_name(TRAIL):
        brin_ms, brin_bytes = _by_brin(connection, name, day)
    delete = _timed(lambda: connection.execute(f"DELETE FROM {name} WHERE {_DAY}", (day + 1, day + 1)))
    return Cost(name, size, float(heap) / size, float(indexes) / size, appended, by_index, brin_ms, brin_bytes, delete)


def _by_brin(connection: psycopg.Connection[Any], name: str, day: int) -> tuple[float, int]:
    """The day by a BRIN in place of the index of the specification, which comes back afterwards; and its size."""
    with connection.transaction(force_rollback=True):
        connection.execute("DROP INDEX hub.lms_audit_trail_idx_timestamp")
        connection.execute(f'CREATE INDEX brin ON {name} USING brin ("timestamp")')
        row = connection.execute("SELECT pg_relation_size('hub.brin')").fetchone()
        return _median(lambda: _count(connection, name, day)), row[0] if row else 0


def _count(connection: psycopg.Connection[Any], name: str, day: int) -> None:
    connection.execute(f"SELECT count(*), max(action_reason) FROM {name} WHERE {_DAY}", (day, day)).fetchall()


def _median(work: Callable[[], object]) -> float:
    return statistics.median(_timed(work) for _ in range(ROUNDS))


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def lines(costs: Sequence[Cost]) -> Iterator[str]:
    """The table as Markdown."""
    yield (
        "| rows | table | bytes of a row, with indexes | appended a second | a day counted | by BRIN (size) | a day deleted |"
    )
    yield "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    for one in costs:
        name = "as specified" if one.table == full_name(TRAIL) else f"by hash in {PARTS}"
        brin = "" if one.brin_ms is None else f"{one.brin_ms:.0f} ms ({(one.brin_bytes or 0) / 1024:.0f} KiB)"
        yield (
            f"| {one.rows:,} | {name} | {one.heap_bytes:,.0f} + {one.index_bytes:,.0f} | {one.appended:,.0f} "
            f"| {one.day_ms:.0f} ms | {brin} | {one.delete_ms:.0f} ms |"
        )


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("sizes", nargs="+", type=int, metavar="ROWS")
    sizes = asked.parse_args().sizes
    configure("warning")
    with tempfile.TemporaryDirectory(prefix="hub-audit-growth-") as home, harness.Bed.open(Path(home), 1_000) as bed:
        for line in lines(list(measured(bed.databases.create(bed.template), sizes))):
            print(line)


if __name__ == "__main__":
    main()
