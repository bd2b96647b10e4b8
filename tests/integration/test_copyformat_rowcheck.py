"""The row check says of a row what PostgreSQL says; needs PostgreSQL."""

from __future__ import annotations

import struct
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Table

from hub.domain.rows import Row
from hub.errors import Unusable
from projections import plain
from projections.rowcheck import checker
from projections.tables import TABLES
from tests.integration.test_copyformat import connection, emptied, read, read_back, rows_of, write

__all__ = ["connection"]

# The others have no kind of column or rule that these lack.
CHECKED = [
    TABLES[name]
    for name in (
        "lms_course_enrollment",
        "lms_learning_progress",
        "lms_audit_trail",
        "lms_integration_config",
        "company",
        "employee_history",
        "projection_offset",
        "sync_run",
        "xapi_statement",
    )
]
NEAR: dict[str, list[Any]] = {
    "uuid": ["", "3F2504E0-4F89-11D3-9A0C-0305E82C3301", "3f2504e04f8911d39a0c0305e82c3301", "3f2504e0", 5],
    "numeric": [-1, 0, 1, 99, 100, 101, 10_000, 10_001, 99_999, 100_000, 10**8, -(10**10), 10**10, 1.5, "1"],
    "int4": [-1, 0, 1, 12, 13, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 1.5, "x"],
    "int8": [-1, 0, 2**63 - 1, 2**63, -(2**63) - 1, 1.5],
    "bool": ["maybe", 2],
    "date": ["soon", 1.5, 0, -719_162],
    "time": ["soon", 0, -62_135_596_800_000_000],
    "bytes": [b"", b"x" * 31, b"x" * 32, b"x" * 33],
    "char": ["", "a" * 63, "a" * 65, "é" * 64, "\x00" * 64],
    "json": [
        *(
            "",
            "{",
            "[1,]",
            "nul",
            "[NaN]",
            '"\\ud800"',
            '["\\u0000"]',
            '["\\\\u0000"]',
            '["\\\\\\u0000"]',
            "5",
            '"a\nb"',
        ),
        *([float("nan")], {"a": [float("-inf"), None]}, [None, "null"], ["\x00"], {"\x00": 1}, ["\\u0000"], ["\ud800"]),
        *({1: 2}, [b"x"], [2**64], {"deep": [[[{}]]]}),
    ],
}


def edges(column: Column[Any]) -> list[Any]:
    """Values on both sides of what the column takes."""
    kind = plain.kind_of(column)
    if kind != "text":
        return [None, *NEAR[kind]]
    length = getattr(column.type, "length", None) or 20
    texts = ["", "a\x00b", "\ud800", "Ab", "é" * length, "€" * (length + 1), "😀" * length, "a" * length + " "]
    return [None, *texts, *(word.lower() for word in column.info.get("enum", ()))]


def stored(connection: psycopg.Connection[Any], table: Table, row: Row, *, small: bool) -> bool:
    """Whether PostgreSQL takes the row and gives it back as it was."""
    emptied(connection, table)
    try:
        write(connection, table, [row], small=small)
        return read(connection, table, sealed=False) == [read_back(row, table)]
    except (psycopg.Error, struct.error, ValueError, TypeError, AttributeError, KeyError):
        return False


def passes(table: Table, row: Row) -> bool:
    try:
        checker(table)(row)
    except Unusable:
        return False
    return True


@pytest.mark.parametrize("table", CHECKED, ids=lambda table: table.name)
def test_the_check_passes_exactly_what_is_stored(connection: psycopg.Connection[Any], table: Table) -> None:
    """A row passes where both ways to write it succeed and it comes back equal, and only there."""

    @given(st.data(), rows_of(table), st.booleans())
    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def check(data: st.DataObject, row: Row, small: bool) -> None:
        column = data.draw(st.sampled_from(list(table.columns)))
        changed = row | {column.name: data.draw(st.sampled_from(edges(column)))}
        assert passes(table, row)
        assert passes(table, changed) is stored(connection, table, changed, small=small)

    check()


@pytest.mark.parametrize("table", CHECKED, ids=lambda table: table.name)
def test_each_near_value_is_judged_alike(connection: psycopg.Connection[Any], table: Table) -> None:
    """Every value on the edge of every column: the check and both ways of writing agree."""
    simplest: Row = {c.name: None for c in table.columns}
    for column in table.columns:
        if not column.nullable:
            simplest[column.name] = SIMPLEST[plain.kind_of(column)]
    assert passes(table, simplest)
    for column in table.columns:
        for value in edges(column):
            row = simplest | {column.name: value}
            judged = (passes(table, row), stored(connection, table, row, small=True))
            assert judged == (stored(connection, table, row, small=False),) * 2, (column.name, value)


SIMPLEST: dict[str, Any] = {
    "uuid": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "text": "a",
    "int4": 1,
    "int8": 1,
    "bool": True,
    "date": 1,
    "time": 1,
    "bytes": b"x" * 32,
}
