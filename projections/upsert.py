"""Writes plain rows: many by COPY, a few by prepared statements; both leave the same rows.

Rows of an entity go through a temporary table and replace what has their key; rows of the audit trail and of
histories are only ever added, so they go straight in, and a key that is there already is an error. A transaction
writes a table at most once by COPY, since its temporary table is emptied at the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson
import psycopg
from sqlalchemy import Column, Table

from hub.domain.rows import Row
from projections.copyformat import encoder
from projections.plain import full_name, kind_of, names_of, quoted, scale_of


def only_added(table: Table) -> bool:
    """Whether rows of the table are never changed: the audit trail and the histories."""
    return table.info["part"] == "history" or table.name == "lms_audit_trail"


def staging_name(table: Table) -> str:
    """The temporary table that rows of the table are copied into."""
    return "pg_temp." + quoted(f"{table.schema}_{table.name}_staging")


@lru_cache(maxsize=256)
def staging_sql(table: Table) -> str:
    """Makes the temporary table, where the connection has it not yet."""
    return f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging_name(table)} (LIKE {full_name(table)}) ON COMMIT DELETE ROWS"


@lru_cache(maxsize=256)
def copy_sql(table: Table) -> str:
    """The COPY that takes what the table's encoder makes."""
    target = full_name(table) if only_added(table) else staging_name(table)
    return f"COPY {target} ({_listed(names_of(table))}) FROM STDIN (FORMAT binary)"


@lru_cache(maxsize=256)
def upsert_sql(table: Table) -> str:
    """Moves what lies in the temporary table into the table."""
    names = _listed(names_of(table))
    return f"INSERT INTO {full_name(table)} ({names}) SELECT {names} FROM {staging_name(table)} {_replacing(table)}"


@lru_cache(maxsize=256)
def row_sql(table: Table) -> str:
    """Writes one row; its parameters come from ``params``."""
    values = ", ".join(_placeholder(column) for column in table.columns)
    statement = f"INSERT INTO {full_name(table)} ({_listed(names_of(table))}) VALUES ({values})"
    return statement if only_added(table) else f"{statement} {_replacing(table)}"


@lru_cache(maxsize=256)
def delete_sql(table: Table) -> str:
    """Deletes the rows of a list of ids (its one parameter)."""
    return f"DELETE FROM {full_name(table)} WHERE id = ANY(%s::uuid[])"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def _replacing(table: Table) -> str:
    key = table.primary_key.columns.keys()
    others = [quoted(name) for name in names_of(table) if name not in key]
    return f"ON CONFLICT ({_listed(key)}) DO UPDATE SET {', '.join(f'{name} = EXCLUDED.{name}' for name in others)}"


def _placeholder(column: Column[Any]) -> str:
    # Without a cast a parameter has the type of its column. Casting to varchar(50) would cut a text that is too long.
    kind = kind_of(column)
    if kind == "time":
        return "timestamptz '1970-01-01 00:00:00+00' + %s::interval"
    return "date '1970-01-01' + %s::int4" if kind == "date" else "%s"


def params(table: Table, row: Row) -> list[str | None]:
    """The parameters of ``row_sql``: all as text, so that one prepared statement serves whatever the values are."""
    values = _fields(table)(row)
    return [None if value is None else as_text(value) for as_text, value in zip(_as_texts(table), values, strict=True)]


@lru_cache(maxsize=256)
def _fields(table: Table) -> Callable[[Row], tuple[Any, ...]]:
    return itemgetter(*names_of(table))


@lru_cache(maxsize=256)
def _as_texts(table: Table) -> tuple[Callable[[Any], str], ...]:
    return tuple(_as_text(column) for column in table.columns)


def _as_text(column: Column[Any]) -> Callable[[Any], str]:
    """How a plain value is written for PostgreSQL; exact, whatever its size."""
    kind = kind_of(column)
    if kind == "time":
        return lambda value: f"{value} microseconds"
    if kind == "numeric":
        exponent = f"e-{scale_of(column)}"
        return lambda value: f"{value}{exponent}"
    if kind == "json":
        return lambda value: value if isinstance(value, str) else orjson.dumps(value).decode()
    if kind == "bytes":
        return lambda value: "\\x" + value.hex()
    return str


def prepare(connection: psycopg.Connection[Any], tables: Iterable[Table]) -> None:
    """Make the temporary tables of these tables, in a transaction of its own; once per connection, before ``store``.

    Name only tables that the connection writes: every commit empties them all.
    """
    with connection.transaction():
        for table in tables:
            if not only_added(table):
                connection.execute(staging_sql(table))


def store(cursor: psycopg.Cursor[Any], table: Table, rows: Sequence[Row], *, small: bool) -> None:
    """Write plain rows, whole: ``small`` by one statement each (best in a pipeline), else by COPY (never in a pipeline).

    A row's key may occur once in ``rows``. Up to about 15 rows small is faster.
    """
    if not small:
        store_encoded(cursor, table, encoder(table)(rows) if rows else b"")
        return
    for row in rows:
        cursor.execute(row_sql(table), params(table, row), prepare=True)


def store_encoded(cursor: psycopg.Cursor[Any], table: Table, data: bytes) -> None:
    """Write what the table's encoder made, by COPY; no bytes: nothing is done."""
    if not data:
        return
    with cursor.copy(copy_sql(table)) as copy:
        copy.write(data)
    if not only_added(table):
        cursor.execute(upsert_sql(table), prepare=True)


def delete(cursor: psycopg.Cursor[Any], table: Table, ids: Sequence[str]) -> None:
    """Delete the rows with these ids; unknown ids are passed over."""
    if ids:
        cursor.execute(delete_sql(table), (list(ids),), prepare=True)
