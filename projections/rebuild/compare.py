"""Two sets of read tables held against each other, row for row: a hash per row, and one per table.

Rows are hashed by the database, all columns together, with a seed that is drawn anew each time, so nobody can make
another row with the same hash beforehand. Hashes are summed in buckets of keys; only buckets that differ are looked into,
some at a time, so memory stays flat. Equal is meant as PostgreSQL means it: 1.0 is 1.00, and JSON is compared as JSON.

Not compared is what does not come from the log: when a batch was committed, when a record was parked or resolved, and
the observations that wait behind a parked record.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from sqlalchemy import Table

from projections.plain import full_name, names_of, quoted
from projections.rebuild.pair import key_of, tables

BUCKETS = 1024
AT_ONCE = 100_000
"""Rows whose hashes are looked at one by one, at once."""
NAMED = 20
"""Rows of one table whose columns are named."""

NOT_OF_THE_LOG: Mapping[str, frozenset[str]] = {
    "projection_offset": frozenset({"epoch", "updated_at"}),
    "dead_letter": frozenset({"recorded_at", "resolved_at", "resolution"}),
}
"""Columns that a fold does not make."""
OBSERVATIONS = "topic IS DISTINCT FROM 'lms.observations'"
"""Rows of ``dead_letter`` that come from folding."""

Key = tuple[str, ...]
"""The primary key of a row, as text."""


class Side(NamedTuple):
    """One of the two sets, and the connection that reads it."""

    connection: psycopg.Connection[Any]
    schema: str

    def table(self, name: str) -> Table:
        """A table of this set."""
        return tables(self.schema)[name]


@dataclass(slots=True)
class Row:
    """A row that differs. ``columns``: those that do; none where one side lacks the row or it is not among the first."""

    key: Key
    what: str
    """``differs``, ``missing`` (only the log gives it) or ``extra`` (the log does not give it)."""
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class Result:
    """What was found of one table."""

    table: str
    rows: int
    """Rows that the log gives."""
    live: str
    """Hash of the live table."""
    log: str
    """Hash of the table that the log gives."""
    differing: list[Row] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether the table equals its log."""
        return self.live == self.log


def compare(live: Side, log: Side, name: str, *, named: int = NAMED) -> Result:
    """Compare one table of two sets that stand at the same offsets.

    ``live.connection`` is in a transaction that sees the live tables at those offsets. Columns are named of the first
    ``named`` rows that differ.
    """
    seed = secrets.randbits(62)
    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(_sums, live, name, seed)
        given = _sums(log, name, seed)
        found = other.result()
    result = Result(name, sum(count for count, _ in given.values()), _digest(found), _digest(given))
    buckets = [one for one in sorted(found.keys() | given.keys()) if found.get(one) != given.get(one)]
    for group in _groups(buckets, found, given):
        result.differing += _differing(_hashes(live, name, seed, group), _hashes(log, name, seed, group))
    _name_columns(live, log, result, named)
    return result


def columns_of(table: Table) -> list[str]:
    """The columns that come from the log."""
    return [name for name in names_of(table) if name not in NOT_OF_THE_LOG.get(table.name, ())]


def row_hash(table: Table, seed: int) -> str:
    """The SQL of a row's hash."""
    return f"hash_record_extended(ROW({', '.join(map(quoted, columns_of(table)))}), {seed})"


def key_sql(table: Table) -> str:
    """The SQL of a row's key as an array of texts."""
    return f"ARRAY[{', '.join(f'{quoted(name)}::text' for name in key_of(table))}]"


def condition(table: Table) -> str:
    """The SQL that is true for rows which come from folding."""
    return OBSERVATIONS if table.name == "dead_letter" else "true"


def _bucket(table: Table) -> str:
    return f"(hash_record_extended(ROW({', '.join(map(quoted, key_of(table)))}), 0) & {BUCKETS - 1})::int"


def _sums(side: Side, name: str, seed: int) -> dict[int, tuple[int, int]]:
    """Bucket → how many rows, and the sum of their hashes."""
    table = side.table(name)
    side.connection.execute(
        "SET enable_sort = off"
    )  # the planner takes each row for a bucket of its own, and sorts them all
    query = (
        f"SELECT {_bucket(table)}, count(*), sum({row_hash(table, seed)}) FROM {full_name(table)} "
        f"WHERE {condition(table)} GROUP BY 1"
    )
    return {bucket: (count, int(total)) for bucket, count, total in side.connection.execute(query)}


def _digest(sums: Mapping[int, tuple[int, int]]) -> str:
    return hashlib.sha256(repr(sorted(sums.items())).encode()).hexdigest()[:16]


def _groups(
    buckets: list[int], first: Mapping[int, tuple[int, int]], second: Mapping[int, tuple[int, int]]
) -> Iterator[list[int]]:
    """Buckets in groups that hold not too many rows."""
    group: list[int] = []
    held = 0
    for bucket in buckets:
        size = first.get(bucket, (0, 0))[0] + second.get(bucket, (0, 0))[0]
        if group and held + size > AT_ONCE:
            yield group
            group, held = [], 0
        group.append(bucket)
        held += size
    if group:
        yield group


def _hashes(side: Side, name: str, seed: int, buckets: list[int]) -> dict[Key, int]:
    table = side.table(name)
    query = (
        f"SELECT {key_sql(table)}, {row_hash(table, seed)} FROM {full_name(table)} "
        f"WHERE {condition(table)} AND {_bucket(table)} = ANY(%s)"
    )
    return {tuple(key): value for key, value in side.connection.execute(query, (buckets,))}


def _differing(live: Mapping[Key, int], log: Mapping[Key, int]) -> list[Row]:
    return [
        Row(key, "extra" if key not in log else "missing" if key not in live else "differs")
        for key in sorted(live.keys() | log.keys())
        if live.get(key) != log.get(key)
    ]


def _name_columns(live: Side, log: Side, result: Result, named: int) -> None:
    """Name the columns; never their values, which may tell of a person."""
    chosen = [row for row in result.differing if row.what == "differs"][:named]
    if not chosen:
        return
    keys = [row.key for row in chosen]
    first, second = _rows(live, result.table, keys), _rows(log, result.table, keys)
    for row in chosen:
        a, b = first[row.key], second[row.key]
        row.columns = tuple(name for name in a if a[name] != b[name])


def _rows(side: Side, name: str, keys: list[Key]) -> dict[Key, dict[str, Any]]:
    table = side.table(name)
    wanted = ", ".join(map(quoted, columns_of(table)))
    query = (
        f"SELECT {key_sql(table)} AS key_, {wanted} FROM {full_name(table)} WHERE {key_sql(table)} "
        f"IN (SELECT ARRAY(SELECT jsonb_array_elements_text(one)) FROM jsonb_array_elements(%s) AS one)"
    )
    with side.connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query, (as_json(keys),))
        return {tuple(row.pop("key_")): row for row in cursor}


def as_json(keys: list[Key]) -> Any:
    """Keys as a parameter."""
    return Jsonb([list(key) for key in keys])
