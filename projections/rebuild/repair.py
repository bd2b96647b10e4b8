"""Rewrites rows that differ from their log, from a second set of tables that stands at the same offsets.

All in the caller's transaction, in which nobody folds: see :func:`projections.rebuild.swap.held`. What does not come
from the log (when a record was parked, when it was resolved) stays as it is in rows that exist.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from hub.errors import Fatal
from projections.plain import full_name, quoted
from projections.rebuild.compare import Key, as_json, columns_of, condition, key_sql, row_hash
from projections.rebuild.pair import LIVE, NEXT, key_of, listed, tables

_KEYS = "SELECT ARRAY(SELECT jsonb_array_elements_text(one)) FROM jsonb_array_elements(%(keys)s) AS one"
RAISE_EPOCHS = "UPDATE hub.projection_offset SET epoch = epoch + 1"


def repair(connection: psycopg.Connection[Any], keys: Mapping[str, Sequence[Key]]) -> None:
    """Make these rows of the live tables what the log gives; whoever remembers rows drops them.

    Raises Fatal where they still differ afterwards; the caller's transaction must then not be committed.
    """
    chosen = [name for name in LIVE if keys.get(name)]
    for name in chosen:  # what is referred to before what refers to it
        connection.execute(_write(name), {"keys": as_json(list(keys[name]))})
    for name in reversed(chosen):
        connection.execute(_remove(name), {"keys": as_json(list(keys[name]))})
    for name in chosen:
        row = connection.execute(_left(name), {"keys": as_json(list(keys[name]))}).fetchone()
        if row is None or row[0]:
            raise Fatal(f"{name}: rows still differ after they were rewritten; nothing was changed")
    connection.execute(RAISE_EPOCHS)


def companies(connection: psycopg.Connection[Any], keys: Mapping[str, Sequence[Key]]) -> dict[str, dict[str, int]]:
    """Whose rows these are: company → table → how many. Rows of no company belong to every company."""
    everybody = [row[0] for row in connection.execute("SELECT id::text FROM hub.company ORDER BY 1").fetchall()]
    found: dict[str, dict[str, int]] = {company: {} for company in everybody}
    for name, wanted in keys.items():
        for company, count in _owners(connection, name, list(wanted)):
            for one in [company] if company in found else everybody:
                found[one][name] = found[one].get(name, 0) + count
    return {company: told for company, told in found.items() if told}


def _owners(connection: psycopg.Connection[Any], name: str, keys: list[Key]) -> list[tuple[str | None, int]]:
    live, log = LIVE[name], tables(NEXT)[name]
    owner = "id" if name == "company" else "company_id" if "company_id" in live.columns else None
    if owner is None:
        return [(None, len(keys))]
    query = (
        f"SELECT owner::text, count(*) FROM (SELECT {key_sql(log)} AS key, {owner} AS owner FROM {full_name(log)} "
        f"UNION SELECT {key_sql(live)}, {owner} FROM {full_name(live)}) AS both_ WHERE key IN ({_KEYS}) GROUP BY 1"
    )
    return connection.execute(query, {"keys": as_json(keys)}).fetchall()


def _write(name: str) -> str:
    live, log = LIVE[name], tables(NEXT)[name]
    key = ", ".join(map(quoted, key_of(live)))
    others = [quoted(column) for column in columns_of(live) if column not in key_of(live)]
    return (
        f"INSERT INTO {full_name(live)} ({listed(live)}) SELECT {listed(live)} FROM {full_name(log)} AS given "
        f"WHERE {key_sql(log)} IN ({_KEYS}) "
        f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{column} = EXCLUDED.{column}' for column in others)}"
    )


def _remove(name: str) -> str:
    live, log = LIVE[name], tables(NEXT)[name]
    same = " AND ".join(f"given.{quoted(column)} = here.{quoted(column)}" for column in key_of(live))
    return (
        f"DELETE FROM {full_name(live)} AS here WHERE {key_sql(live)} IN ({_KEYS}) AND {condition(live)} "
        f"AND NOT EXISTS (SELECT FROM {full_name(log)} AS given WHERE {same})"
    )


def _left(name: str) -> str:
    seed = secrets.randbits(62)
    sides = [
        f"(SELECT {key_sql(table)} AS key, {row_hash(table, seed)} AS hash FROM {full_name(table)} "
        f"WHERE {key_sql(table)} IN ({_KEYS}) AND {condition(table)})"
        for table in (LIVE[name], tables(NEXT)[name])
    ]
    return f"SELECT count(*) FROM {sides[0]} AS a FULL JOIN {sides[1]} AS b USING (key) WHERE a.hash IS DISTINCT FROM b.hash"
