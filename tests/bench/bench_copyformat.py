"""What it costs to load, check, show and encode plain rows: ``python -m tests.bench.bench_copyformat``.

CPU time of this process per row, best of several rounds; the server's share of loading is not in it.
"""

from __future__ import annotations

import random
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import orjson
import psycopg
from sqlalchemy import Column, NullPool, Table, create_engine, text

from hub.domain.rows import Row
from projections import auditvalues, copyformat, plain, rowcheck, upsert
from projections.tables import TABLES, metadata
from tests.support import services

ROWS = 1000
ROUNDS = 15
BENCHED = ("lms_course_enrollment", "lms_learning_progress", "lms_audit_trail")
CHANGED = {
    "progress_percentage",
    "time_spent_minutes",
    "last_access_date",
    "total_access_count",
    "updated_at",
    "attempt",
}


def main() -> list[dict[str, Any]]:
    """All figures as ``{"bench", "value", "unit"}``."""
    found = [figure for name in BENCHED for figure in _in_memory(TABLES[name])]
    found += _differences(TABLES["lms_course_enrollment"])
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service = stack.enter_context(services.postgres(home))
        databases = stack.enter_context(closing(services.Databases(service.address)))
        connection = stack.enter_context(_database(databases.create()))
        found += [figure for name in BENCHED for figure in _loading(connection, TABLES[name])]
    return found


def sample(table: Table, count: int) -> list[Row]:
    """Rows as folds make them: a few companies, many repeated words, every fifth value NULL."""
    chance = random.Random(1)
    ids = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(200)]
    return [{column.name: _value(column, chance, ids) for column in table.columns} for _ in range(count)]


def _value(column: Column[Any], chance: random.Random, ids: list[str]) -> Any:
    kind = plain.kind_of(column)
    if column.nullable and column.name != "fold_state" and chance.random() < 0.2:
        return None
    if "enum" in column.info:
        return chance.choice(column.info["enum"])
    values: dict[str, Callable[[], Any]] = {
        "uuid": lambda: str(uuid.UUID(int=chance.getrandbits(128))) if column.primary_key else chance.choice(ids),
        "text": lambda: f"{chance.randrange(10**6 if column.name == 'enrollment_number' else 300)} {column.name}"[:10],
        "int4": lambda: chance.randrange(3000),
        "numeric": lambda: chance.randrange(10_001),
        "bool": lambda: chance.random() < 0.5,
        "date": lambda: 19_000 + chance.randrange(700),
        "time": lambda: 1_700_000_000_000_000 + chance.randrange(10**13),
        "json": lambda: {"occurred_at": 1_700_000_000_000_000, "raw": chance.randrange(1000), "attempt": 1},
    }
    return values[kind]()


def _best(bench: str, run: Callable[[], Any], count: int = ROWS) -> dict[str, Any]:
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return {"bench": bench, "value": round(min(spent) / count * 1e6, 2), "unit": "µs of CPU per row"}


def _in_memory(table: Table) -> list[dict[str, Any]]:
    rows = sample(table, ROWS)
    encode, check = copyformat.encoder(table), rowcheck.checker(table)
    changed = CHANGED & set(plain.names_of(table)) | {"attempt"}
    return [
        _best(f"encode {table.name}", lambda: encode(rows)),
        _best(f"params {table.name}", lambda: [upsert.params(table, row) for row in rows]),
        _best(f"check {table.name}", lambda: [check(row) for row in rows]),
        _best(f"check {len(changed)} changed {table.name}", lambda: [check(row, changed) for row in rows]),
    ]


def _differences(table: Table) -> list[dict[str, Any]]:
    rows = sample(table, ROWS)
    pairs = [
        (old, old | {name: new[name] for name in CHANGED if name in new})
        for old, new in zip(rows, rows[::-1], strict=True)
    ]
    return [
        _best(
            "differences of an update",
            lambda: [auditvalues.differences(table, old, CHANGED, new) for old, new in pairs],
        ),
        _best(
            "differences of a first row", lambda: [auditvalues.differences(table, None, CHANGED, row) for row in rows]
        ),
    ]


def _database(url: str) -> psycopg.Connection[Any]:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.begin() as made:
        made.execute(text("CREATE SCHEMA hub; CREATE SCHEMA ops"))
        metadata.create_all(made)
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SET session_replication_role = replica")  # foreign keys are not what is measured
    plain.adapt(connection)
    return connection


def _loading(connection: psycopg.Connection[Any], table: Table) -> list[dict[str, Any]]:
    rows = [_allowed(row) for row in sample(table, ROWS)]
    upsert.prepare(connection, [table])
    with connection.transaction(), connection.cursor() as cursor:
        upsert.store(cursor, table, rows, small=False)
    keys = [row["id"] for row in rows]

    def load() -> None:
        with connection.cursor() as cursor:
            plain.ask(cursor, table, keys)
            plain.rows_from(cursor, table)

    return [_best(f"load {table.name}", load)]


def _allowed(row: Row) -> Row:
    return row | {name: 50_00 for name in ("progress_percentage", "completion_percentage") if name in row}


if __name__ == "__main__":
    print(orjson.dumps(main(), option=orjson.OPT_INDENT_2).decode())
