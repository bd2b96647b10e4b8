"""Reads rows of a table as plain values: PostgreSQL converts, so that Python has nothing left to convert.

A plain row is a dict with every column: uuid as text, timestamp as microseconds and date as days since 1970 (UTC),
numeric scaled to a whole number (see :mod:`hub.domain.units`), json as objects. Which kinds of column there are is said
here once, for all that is derived from a declaration.

A personal column of an entity holds the sealed text in memory and the opened text in the database, which keeps the
sealed text below ``fold_state["sealed"]``. Rows come out of here as folds left them: sealed, and without that key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import orjson
import psycopg
from psycopg.types.json import set_json_loads
from sqlalchemy import CHAR, TIMESTAMP, BigInteger, Boolean, Column, Date, Integer, LargeBinary, Numeric, String, Table
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB

from hub.domain.rows import STATE, Row

SEALED = "sealed"
"""The key below ``fold_state`` that keeps the sealed texts, by column; in the database only."""

Kind = Literal["uuid", "char", "text", "int8", "int4", "numeric", "bool", "date", "time", "json", "bytes"]

# A subclass comes before its base: CHAR is a String, BigInteger an Integer.
_KINDS: tuple[tuple[type[Any], Kind], ...] = (
    (UuidType, "uuid"),
    (CHAR, "char"),
    (String, "text"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Numeric, "numeric"),
    (Boolean, "bool"),
    (Date, "date"),
    (TIMESTAMP, "time"),
    (JSONB, "json"),
    (LargeBinary, "bytes"),
)
_ARRAYS: dict[Kind, str] = {"uuid": "uuid[]", "text": "text[]", "int4": "int4[]", "int8": "int8[]"}


def kind_of(column: Column[Any]) -> Kind:
    """The kind of plain value that a column has.

    Raises:
        TypeError: the declaration has a type that plain values do not know.
    """
    for type_, kind in _KINDS:
        if isinstance(column.type, type_):
            return kind
    raise TypeError(f"The type {column.type!r} of {column.name} has no plain value")


def scale_of(column: Column[Any]) -> int:
    """The number of decimal places by which plain values of the column are scaled; 0 for all but numerics."""
    return (column.type.scale or 0) if isinstance(column.type, Numeric) else 0


@lru_cache(maxsize=256)
def names_of(table: Table) -> tuple[str, ...]:
    """The names of all columns in the order of their declaration."""
    return tuple(column.name for column in table.columns)


@lru_cache(maxsize=256)
def personal_of(table: Table) -> tuple[str, ...]:
    """The names of the columns with personal data."""
    return tuple(column.name for column in table.columns if column.info.get("personal"))


def quoted(name: str) -> str:
    """A name as SQL writes it; names come from declarations alone."""
    return '"' + name.replace('"', '""') + '"'


def full_name(table: Table) -> str:
    """The quoted name of a table with its schema."""
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)


def select_list(table: Table) -> str:
    """The SELECT list of all columns, in the order of their declaration, that makes PostgreSQL return plain values."""
    return ", ".join(_expression(column) for column in table.columns)


def _expression(column: Column[Any]) -> str:
    name, kind = quoted(column.name), kind_of(column)
    if kind == "uuid":
        return f"{name}::text"
    if kind == "time":
        return f"(extract(epoch from {name}) * 1000000)::int8"  # extract gives a numeric: nothing is rounded
    if kind == "date":
        return f"{name} - date '1970-01-01'"
    if kind == "numeric":
        return f"({name} * {10 ** scale_of(column)})::int8"
    return name


@lru_cache(maxsize=256)
def load_sql(table: Table, by: str = "id") -> str:
    """The statement that reads all rows whose column ``by`` is one of a list (its one parameter), in no order."""
    array = _ARRAYS[kind_of(table.columns[by])]
    return f"SELECT {select_list(table)} FROM {full_name(table)} WHERE {quoted(by)} = ANY(%s::{array})"


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Make a connection read json by orjson, which takes a quarter of the time; to be called once per connection."""
    set_json_loads(orjson.loads, connection)


def array_of(uuids: Iterable[str]) -> str:
    """Uuids as PostgreSQL writes an array of them, for a parameter cast to ``uuid[]``; psycopg's way costs some µs each."""
    return f"{{{','.join(uuids)}}}"


def ask(cursor: psycopg.Cursor[Any], table: Table, keys: Sequence[Any], by: str = "id") -> None:
    """Ask for the rows with these keys, prepared and in binary; ``rows_from`` takes the answer. Usable in a pipeline."""
    given = array_of(keys) if kind_of(table.columns[by]) == "uuid" else list(keys)
    cursor.execute(load_sql(table, by), (given,), prepare=True, binary=True)


def rows_from(cursor: psycopg.Cursor[Any], table: Table, sealed: bool = True) -> list[Row]:
    """The rows that a statement with ``select_list(table)`` found; the cursor must give tuples.

    With ``sealed`` the sealed texts stand in the personal columns again, as they did before the row was written;
    without, the row is as the database has it.
    """
    names = names_of(table)
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    if sealed and STATE in table.columns and personal_of(table):
        for row in rows:
            _put_back(row)
    return rows


def _put_back(row: Row) -> None:
    state: dict[str, Any] | None = row[STATE]
    if state and (kept := state.pop(SEALED, None)):
        row.update(kept)
        row[STATE] = state or None
