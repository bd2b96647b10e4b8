"""A second set of the read tables in a schema of its own: what it is made of, and when it gets its indexes and keys.

It is loaded without foreign keys (partitions are folded in any order) and without indexes. What a fold looks rows up by,
primary and unique keys of entities, it has from the beginning; audit trail and histories are only added to and get even
their primary keys afterwards. Every step may be repeated: what is there already is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import ForeignKeyConstraint, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import (
    AddConstraint,
    CreateIndex,
    CreateTable,
    ExecutableDDLElement,
    SetColumnComment,
    SetTableComment,
)

from hub.errors import Refused
from projections.plain import full_name, names_of, quoted
from projections.rebuild import stamp
from projections.tables import SCHEMA, TABLES, metadata
from projections.upsert import only_added

NEXT, OLD = f"{SCHEMA}_next", f"{SCHEMA}_old"
"""Schemas of the tables that are being built, and of those that were replaced."""
MEMORY = "256MB"
"""What the database may use to sort for one index."""

LIVE: dict[str, Table] = {name: table for name, table in TABLES.items() if table.schema == SCHEMA}
"""The read tables, in an order in which a table comes after those it refers to."""

_NOT_VALID = """
SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint
WHERE contype = 'f' AND NOT convalidated AND connamespace = to_regnamespace(%s) ORDER BY 1, 2
"""
_KEYS = "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint WHERE contype = 'f' AND connamespace = %s::regnamespace"
_HAS_PRIMARY = "SELECT 1 FROM pg_constraint WHERE contype = 'p' AND conrelid = %s::regclass"

Connect = Callable[[], psycopg.Connection[Any]]


@cache
def tables(schema: str) -> Mapping[str, Table]:
    """The read tables' declarations in a schema, by their names and in the order of :data:`LIVE`."""
    if schema == SCHEMA:
        return LIVE
    other = MetaData()
    made = {
        table.name: table.to_metadata(other, schema=schema, referred_schema_fn=lambda _, to, *__: to)
        for table in metadata.sorted_tables
        if table.schema == SCHEMA
    }
    for table in made.values():
        for column in table.columns:
            column.name = str(column.name)  # a copy's is a kind of text that JSON takes for no key
    return {name: made[name] for name in LIVE}


def exists(connection: psycopg.Connection[Any], schema: str) -> bool:
    """Whether the database has this schema."""
    row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (schema,)).fetchone()
    return bool(row and row[0])


def create(connection: psycopg.Connection[Any], schema: str, begun_with: str = "") -> bool:
    """Make the empty tables, in one transaction. Those that were begun by the same program are kept, with what they hold.

    ``begun_with``: what else must have been the same when they were begun. Returns whether they were kept.
    """
    if stamp.of(connection, schema) == stamp.mine() and stamp.begun_with(connection, schema) == begun_with:
        return True
    drop(connection, schema)
    with connection.transaction():
        connection.execute(f"CREATE SCHEMA {schema}")
        for table in tables(schema).values():
            _run(connection, CreateTable(table, include_foreign_key_constraints=[]))
            if only_added(table):
                connection.execute(f"ALTER TABLE {full_name(table)} DROP CONSTRAINT {table.name}_pkey")
            _run(connection, SetTableComment(table))
            for column in table.columns:
                if column.comment:
                    _run(connection, SetColumnComment(column))
        stamp.put(connection, schema, begun_with)
    return False


def drop(connection: psycopg.Connection[Any], schema: str) -> bool:
    """Drop a second set of tables, in one transaction; False where there is none.

    Raises Refused where something of somebody else depends on it; then nothing is dropped.
    """
    if schema not in (NEXT, OLD):
        raise ValueError(f"{schema} is no second set of tables")
    if not exists(connection, schema):
        return False
    found = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace",
                               (schema,)).fetchall()  # fmt: skip
    try:
        with connection.transaction():
            if found:
                names = ", ".join(f"{schema}.{quoted(name)}" for (name,) in found)
                connection.execute(f"DROP TABLE {names}")
            connection.execute(f"DROP SCHEMA {schema}")
    except errors.DependentObjectsStillExist as problem:
        raise Refused(
            f"schema {schema}: something of your own depends on it ({problem.diag.message_detail}); expected nothing to",
            field=schema, rule="nothing depends on it", expected="drop what depends on it first",
        ) from problem  # fmt: skip
    return True


def primary_keys(connect: Connect, schema: str, threads: int) -> None:
    """Give the tables that are only added to their primary keys."""
    _together(connect, threads, (_Primary(table) for table in tables(schema).values() if only_added(table)))


def indexes(connect: Connect, schema: str, threads: int) -> None:
    """Build all indexes that are missing, several at once, and let the planner look at the tables."""
    primary_keys(connect, schema, threads)
    made = [
        CreateIndex(index, if_not_exists=True)
        for table in tables(schema).values()
        for index in sorted(table.indexes, key=lambda one: str(one.name))
    ]
    _together(connect, threads, (_Statement(_text(one)) for one in made))
    _together(connect, threads, (_Statement(f"ANALYZE {full_name(table)}") for table in tables(schema).values()))


def drop_foreign_keys(connection: psycopg.Connection[Any], schema: str) -> None:
    """Take the foreign keys away, so that partitions may be folded in any order."""
    with connection.transaction():
        for table, name in connection.execute(_KEYS, (schema,)).fetchall():
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


@cache
def foreign_keys_sql(schema: str) -> str:
    """The statements that add all foreign keys; rows that are there already are not looked at."""
    return ";\n".join(
        f"{_text(AddConstraint(key))} NOT VALID"
        for table in tables(schema).values()
        for key in sorted(table.foreign_key_constraints, key=_name)
    )


def validate_foreign_keys(connection: psycopg.Connection[Any]) -> int:
    """Look at all rows of the live tables that were not looked at yet; readers and writers go on. Returns how many keys."""
    waiting = connection.execute(_NOT_VALID, (SCHEMA,)).fetchall()
    for table, name in waiting:
        connection.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    return len(waiting)


def key_of(table: Table) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    return tuple(table.primary_key.columns.keys())


def listed(table: Table) -> str:
    """All columns, quoted, with commas between."""
    return ", ".join(map(quoted, names_of(table)))


class _Statement:
    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(self._text)


class _Primary:
    def __init__(self, table: Table) -> None:
        self._table = table

    def __call__(self, connection: psycopg.Connection[Any]) -> None:
        table = self._table
        if connection.execute(_HAS_PRIMARY, (full_name(table),)).fetchone() is None:
            columns = ", ".join(map(quoted, key_of(table)))
            connection.execute(
                f"ALTER TABLE {full_name(table)} ADD CONSTRAINT {table.name}_pkey PRIMARY KEY ({columns})"
            )


def _together(connect: Connect, threads: int, work: Iterable[Callable[[psycopg.Connection[Any]], None]]) -> None:
    """Do some work on several connections; the first failure is raised once the others are done."""

    def one(do: Callable[[psycopg.Connection[Any]], None]) -> None:
        with connect() as connection:
            connection.execute(f"SET maintenance_work_mem = '{MEMORY}'")
            do(connection)

    with ThreadPoolExecutor(threads, "rebuild-index") as pool:
        for done in [pool.submit(one, do) for do in work]:
            done.result()


def _name(key: ForeignKeyConstraint) -> str:
    return str(key.name)


def _text(element: ExecutableDDLElement) -> str:
    return str(element.compile(dialect=postgresql.dialect())).replace("%%", "%")  # type: ignore[no-untyped-call]


def _run(connection: psycopg.Connection[Any], element: ExecutableDDLElement) -> None:
    connection.execute(_text(element))
