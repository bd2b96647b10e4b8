"""Fills the tables of a prepared database with many rows, so that indexes have their real depth.

The rows are copies of what the hub itself made, under new ids; foreign keys hold, and values repeat as they do in life.
"""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Table

from projections.plain import full_name, quoted
from projections.tables import TABLES

SHARES = {
    "lms_course_enrollment": 1,
    "lms_learning_progress": 1,
    "lms_audit_trail": 2,
    "lms_course_enrollment_history": 2,
    "lms_learning_progress_history": 1,
}
"""Rows of each table per enrollment."""
SEED = 400
"""Rows of each table that are copied."""
NEW = {
    "id": "gen_random_uuid()",
    "enrollment_number": "'E-' || substr(upper(md5(random()::text)), 1, 12)",
    "created_at": "created_at - random() * interval '400 days'",
    "timestamp": "timestamp - random() * interval '400 days'",
}
"""Columns that a copy does not share with its original."""


def fill(url: str, rows: int) -> None:
    """Add about ``rows`` enrollments, with progress and audit rows in proportion, and let the server look at them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # the copies refer to what is there
        for name, share in SHARES.items():
            _multiply(connection, TABLES[name], rows * share)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _multiply(connection: psycopg.Connection[Any], table: Table, rows: int) -> None:
    names = [column.name for column in table.columns]
    values = ", ".join(NEW.get(name, quoted(name)) for name in names)
    connection.execute(
        f"INSERT INTO {full_name(table)} ({', '.join(map(quoted, names))}) SELECT {values} FROM "
        f"(SELECT * FROM {full_name(table)} LIMIT {SEED}) AS seed, generate_series(1, %s)",
        (rows // SEED,),
    )
