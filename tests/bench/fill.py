"""Fills the tables of a prepared database with many rows of other learners, so that indexes have their real depth.

The rows are copies of what the hub itself made, under new ids; foreign keys hold, and the values repeat as they do in life.
"""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Table

from projections.plain import full_name, quoted
from projections.tables import TABLES

PER_ENROLLMENT = {"lms_course_enrollment": 1, "lms_learning_progress": 1, "lms_audit_trail": 2}
"""Rows of each table per enrollment."""
STEP = 10_000


def fill(url: str, rows: int) -> None:
    """Make about ``rows`` enrollments, with progress and audit rows in proportion, and let the server look at them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # the copies refer to what is there
        seed(connection)
        for name, share in PER_ENROLLMENT.items():
            _multiply(connection, TABLES[name], rows * share)
        connection.execute("VACUUM (ANALYZE)")


def seed(connection: psycopg.Connection[Any]) -> None:
    """One enrollment and one lesson of it to copy from, where there is none."""
    row = connection.execute("SELECT id FROM hub.lms_course_enrollment LIMIT 1").fetchone()
    if row is None:
        raise ValueError("there is no enrollment to copy")


def _multiply(connection: psycopg.Connection[Any], table: Table, rows: int) -> None:
    found = connection.execute(f"SELECT count(*) FROM {full_name(table)}").fetchone()
    known = found[0] if found else 0
    new = {
        "id": "gen_random_uuid()",
        "enrollment_number": "'E-' || substr(upper(md5(random()::text)), 1, 12)",
        "created_at": "created_at - random() * interval '400 days'",
        "timestamp": "timestamp - random() * interval '400 days'",
        "lesson_id": "'lesson-' || n",
        "employee_id": "(SELECT id FROM hub.employee OFFSET 0 LIMIT 1)",
    }
    names = [column.name for column in table.columns]
    listed = ", ".join(map(quoted, names))
    values = ", ".join(new.get(name, quoted(name)) for name in names)
    for done in range(known, rows, STEP):
        connection.execute(
            f"INSERT INTO {full_name(table)} ({listed}) SELECT {values} FROM (SELECT *, row_number() OVER () + {done} AS n "
            f"FROM {full_name(table)}, generate_series(1, 1 + {STEP} / {max(known, 1)}) LIMIT {STEP}) AS copied"
        )
