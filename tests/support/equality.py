"""Holding the tables of two databases against each other, row for row."""

from __future__ import annotations

from typing import Any

import psycopg
import psycopg.rows

FROM_RECORDING = frozenset({"created_at", "updated_at", "recorded_at", "stored_at", "timestamp"})
"""Columns made from the time of recording."""
FROM_OBSERVING = frozenset({"first_seen_at", "last_seen_at"})
ENTITIES = (
    "company",
    "department",
    "team",
    "employee",
    "course",
    "lms_account",
    "lms_course_enrollment",
    "lms_learning_progress",
)
EVERYTHING = (
    *ENTITIES, "user", "lms_integration_config", "sync_run", "lms_audit_trail", "xapi_statement", "dead_letter", "stream_head",
    "company_history", "department_history", "team_history", "user_history", "employee_history",
    "lms_course_enrollment_history", "lms_learning_progress_history",
)  # fmt: skip


def rows(url: str, table: str, without: frozenset[str] = frozenset()) -> dict[Any, dict[str, Any]]:
    """All rows of a table by their key, without some columns."""
    key = ("id", "version") if table.endswith("_history") else ("stream_id",) if table == "stream_head" else ("id",)
    with psycopg.connect(url) as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        cursor.execute(f'SELECT * FROM hub."{table}"')
        found = {}
        for row in cursor:
            name = tuple(row[part] for part in key)
            found[name] = {column: value for column, value in row.items() if column not in without}
    return found


def differences(first: str, second: str, tables: tuple[str, ...], without: frozenset[str] = frozenset()) -> list[str]:
    """What differs, in words: table, key, column and both values; at most twenty."""
    told: list[str] = []
    for table in tables:
        a, b = rows(first, table, without), rows(second, table, without)
        told += [f"{table}: only in the first: {key}" for key in sorted(map(str, a.keys() - b.keys()))]
        told += [f"{table}: only in the second: {key}" for key in sorted(map(str, b.keys() - a.keys()))]
        for key in a.keys() & b.keys():
            told += [
                f"{table} {key}: {column}: {a[key][column]!r} / {b[key][column]!r}"
                for column in a[key]
                if a[key][column] != b[key][column]
            ]
    return told[:20]


def copy_keys(source: str, target: str) -> None:
    """Give a database the keys of another one: they are the one primary store beside the log."""
    with psycopg.connect(source) as giver, psycopg.connect(target) as taker:
        tables = giver.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'vault' ORDER BY 1").fetchall()
        for (table,) in tables:
            with (
                giver.cursor().copy(f"COPY vault.{table} TO STDOUT (FORMAT binary)") as out,
                taker.cursor().copy(f"COPY vault.{table} FROM STDIN (FORMAT binary)") as into,
            ):
                for block in out:
                    into.write(block)
