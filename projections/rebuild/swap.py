"""Puts one set of read tables in the place of another, in one short transaction beside readers and writers.

The transaction takes every view and table for itself; it waits for that a moment only, gives way, and tries again, so a
writer waits less than a second in all. Who read before the swap ends first (a transaction never sees both sets), who
comes after finds the new tables under the old names, prepared statements and functions included. Views for analysts are
replaced in place, so views that somebody made on them stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from hub.errors import Fatal, Refused, Retriable
from projections import views
from projections.plain import full_name
from projections.rebuild import pair
from projections.rebuild.compare import NOT_OF_THE_LOG
from projections.rebuild.pair import LIVE, OLD
from projections.tables import SCHEMA

Offsets = dict[tuple[str, int], int]

TAKE_MS = 300
"""So long it waits for the tables before it gives way."""
HELD_SECONDS = 0.9
"""So long it may have them, what it waited included; longer, and it gives up and changes nothing."""
GIVE_WAY_SECONDS = 0.5
"""Between two attempts."""

_AWAY = f"{SCHEMA}_away"
"""Name of a schema for a moment, while two exchange theirs."""
_OFFSETS = "SELECT topic, partition, next_offset FROM {schema}.projection_offset"
_CHAINS = "SELECT topic, partition, next_offset, chain, event_count FROM {schema}.projection_offset ORDER BY 1, 2"
# On a rollback the old pair may hold such rows that were resolved since.
_CARRY_DROPPED = "DELETE FROM {schema}.dead_letter WHERE topic = 'lms.observations'"
_CARRY_WAITING = """
INSERT INTO {schema}.dead_letter ({columns}) SELECT {columns} FROM hub.dead_letter WHERE topic = 'lms.observations'
"""
_CARRY_MOMENTS = """
UPDATE {schema}.dead_letter AS given SET {assigned}
FROM hub.dead_letter AS here WHERE here.id = given.id
"""
_CARRY_EPOCHS = """
UPDATE {schema}.projection_offset AS given SET epoch = here.epoch + 1, updated_at = here.updated_at
FROM hub.projection_offset AS here WHERE (here.topic, here.partition) = (given.topic, given.partition)
"""
_GRANTS = """
SELECT format('GRANT %%s ON %%I.%%I TO %%s', string_agg(given.privilege_type, ', '), %(schema)s::text, c.relname,
              CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(given.grantee)) END)
FROM pg_class c, aclexplode(c.relacl) AS given
WHERE c.relnamespace = 'hub'::regnamespace AND c.relkind = 'r' AND given.grantee <> c.relowner GROUP BY c.relname, given.grantee
UNION ALL
SELECT format('GRANT %%s ON SCHEMA %%I TO %%s', string_agg(given.privilege_type, ', '), %(schema)s::text,
              CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(given.grantee)) END)
FROM pg_namespace n, aclexplode(n.nspacl) AS given
WHERE n.nspname = 'hub' AND given.grantee <> n.nspowner GROUP BY given.grantee
"""
_DEPENDENT = """
SELECT DISTINCT coalesce(v.oid::regclass::text, p.oid::regprocedure::text)
FROM pg_depend d JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid LEFT JOIN pg_class v ON v.oid = r.ev_class
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
WHERE t.relnamespace = 'hub'::regnamespace AND coalesce(v.oid, p.oid) IS NOT NULL
AND NOT (v.relnamespace IS NOT DISTINCT FROM to_regnamespace('analytics') AND v.relname = ANY(%s)) ORDER BY 1
"""
_OLDER = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
AND age(backend_xmin) > age(%s::text::xid)
"""
_HOLDERS = """
SELECT DISTINCT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.granted AND l.pid <> pg_backend_pid() AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND c.relnamespace = 'hub'::regnamespace ORDER BY 1
"""


class Busy(Retriable):
    """Somebody reads or writes the tables for longer; nothing was changed."""


def demand_own_only(connection: psycopg.Connection[Any]) -> None:
    """Raises Refused where a view or function of somebody else is bound to the tables: it would stay with the old ones."""
    found = [name for (name,) in connection.execute(_DEPENDENT, (list(views.texts()),)).fetchall()]
    if found:
        raise Refused(
            f"schema {SCHEMA}: {', '.join(found)} would go on reading the old tables; expected views and functions of your "
            "own to read schema analytics, or to be dropped first and created again after",
            field=SCHEMA, rule="only the hub's own views", expected="nothing else that is bound to the tables",
        )  # fmt: skip


def offsets(connection: psycopg.Connection[Any], schema: str = SCHEMA) -> Offsets:
    """How far a set of tables is folded."""
    return {(row[0], row[1]): row[2] for row in connection.execute(_in(_OFFSETS, schema))}


@contextmanager
def held(connection: psycopg.Connection[Any], *, readers_too: bool) -> Iterator[None]:
    """A transaction in which nobody folds; with ``readers_too`` nobody reads either, not even in a transaction begun before.

    Raises Busy where that is not to be had at once, or was held too long; then nothing is changed.
    """
    begun = time.monotonic()
    names = [f"{views.SCHEMA}.{name}" for name in views.texts()] + [full_name(table) for table in LIVE.values()]
    what = (
        f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE"  # views first, as readers do
        if readers_too
        else "LOCK TABLE hub.projection_offset, hub.dead_letter IN SHARE ROW EXCLUSIVE MODE"
    )
    try:
        with connection.transaction():
            # Maintenance gives way to who waits as long as a deadlock is allowed; only a superuser may shorten that.
            connection.execute(
                "SELECT set_config('deadlock_timeout', '100ms', true) FROM pg_roles WHERE rolname = current_user AND rolsuper"
            )
            connection.execute(f"SET LOCAL statement_timeout = {TAKE_MS}")
            connection.execute(what)
            connection.execute(f"SET LOCAL statement_timeout = {int(HELD_SECONDS * 1000)}")
            yield
            if time.monotonic() - begun > HELD_SECONDS:
                raise Busy("the swap took too long; it is tried again")
    except (errors.QueryCanceled, errors.LockNotAvailable, errors.DeadlockDetected) as problem:
        raise Busy("somebody reads or writes the tables; it is tried again") from problem


def marker(connection: psycopg.Connection[Any]) -> str:
    """A point in time, as the database counts: whoever reads with a view from before it is seen by :func:`exchange`."""
    row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::xid::text").fetchone()
    return str(row[0]) if row else "0"


def holders(connection: psycopg.Connection[Any]) -> list[int]:
    """Process numbers of the database sessions that use the tables at the moment."""
    return [pid for (pid,) in connection.execute(_HOLDERS).fetchall()]


def exchange(
    connection: psycopg.Connection[Any], schema: str, catch_up: Callable[[Offsets], object], complete: str
) -> float:
    """Put the tables of ``schema`` in the place of the live ones, which are kept as the old pair; returns seconds held.

    ``catch_up`` folds the rest into them, on connections of its own. ``complete``: a :func:`marker` taken when they held
    all but that rest; who sees an older state of the database must not meet them.

    Raises Busy (try again), Fatal where both sets do not stand at the same records.
    """
    keys = pair.foreign_keys_sql(schema)  # the text takes its time
    begun = time.monotonic()
    with held(connection, readers_too=True):
        if connection.execute(_OLDER, (complete,)).fetchone() is not None:
            raise Busy("somebody reads in a transaction that began before; it is tried again")
        catch_up(offsets(connection))
        if _chains(connection, SCHEMA) != _chains(connection, schema):
            raise Fatal(
                "the tables that were built did not fold the records that the live ones did; nothing was changed "
                "(`hub projections compare` names what differs)"
            )
        _carry(connection, schema)
        connection.execute(keys)
        connection.execute(
            f"ALTER SCHEMA {SCHEMA} RENAME TO {_AWAY}; ALTER SCHEMA {schema} RENAME TO {SCHEMA}; "
            f"ALTER SCHEMA {_AWAY} RENAME TO {OLD}"
        )
        connection.execute("".join(views.texts().values()).replace("CREATE VIEW", "CREATE OR REPLACE VIEW"))
    return time.monotonic() - begun


def _carry(connection: psycopg.Connection[Any], schema: str) -> None:
    """Take over what does not come from the log: see docs/decisions/0014-rebuild.md."""
    columns = pair.listed(LIVE["dead_letter"])
    connection.execute(_in(_CARRY_DROPPED, schema))
    connection.execute(_CARRY_WAITING.format(schema=schema, columns=columns))
    kept = [name for name in LIVE["dead_letter"].columns.keys() if name in NOT_OF_THE_LOG["dead_letter"]]  # noqa: SIM118  no mapping
    assigned = ", ".join(f"{name} = here.{name}" for name in kept)
    connection.execute(_CARRY_MOMENTS.format(schema=schema, assigned=assigned))
    connection.execute(_in(_CARRY_EPOCHS, schema))
    for (grant,) in connection.execute(_GRANTS, {"schema": schema}).fetchall():
        connection.execute(grant)


def _chains(connection: psycopg.Connection[Any], schema: str) -> list[Any]:
    return connection.execute(_in(_CHAINS, schema)).fetchall()


def _in(text: str, schema: str) -> str:
    return text.format(schema=schema)
