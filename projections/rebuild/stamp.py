"""By which versions of the folds, and for which shape of the tables, a set of read tables was made.

It stands in the comment of the tables' schema, so it goes with them when the schema is renamed. Each projection declares
its version beside its fold; the audit trail, which has no fold of its own, here.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from projections import folds
from projections.rebuild import shape
from projections.tables import SCHEMA

AUDIT_VERSION = 1
"""Raised with every change after which the same log gives another audit trail or other heads of streams."""
_SAYS = "Read tables, folded from the event log; every one can be deleted and built again. Made by: "
_COMMENT = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')"


class Stamp(NamedTuple):
    """What made a set of tables."""

    shape: str
    """Digest of the tables' declarations."""
    versions: dict[str, int]
    """Version by the name of the projection, which is that of its table."""


@cache
def versions() -> dict[str, int]:
    """The versions of this program's projections."""
    found = {one.name: one.version for group in folds.BY_TOPIC.values() for one in group}
    return {**found, "lms_audit_trail": AUDIT_VERSION}


def mine() -> Stamp:
    """What this program would make."""
    return Stamp(hashlib.sha256(shape.text().encode()).hexdigest()[:16], versions())


def of(connection: psycopg.Connection[Any], schema: str = SCHEMA) -> Stamp | None:
    """What made the tables of a schema; None where it does not say, or where there is no such schema."""
    said = _said(connection, schema)
    return Stamp(said["shape"], said["versions"]) if said else None


def begun_with(connection: psycopg.Connection[Any], schema: str) -> str:
    """What was told with :func:`put`."""
    return str(_said(connection, schema).get("begun_with", ""))


def put(connection: psycopg.Connection[Any], schema: str = SCHEMA, begun_with: str = "") -> None:
    """Say that this program made the tables of a schema, and what it began with; in the caller's transaction."""
    text = _SAYS + json.dumps({**mine()._asdict(), "begun_with": begun_with}, sort_keys=True)
    connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(text)))


def _said(connection: psycopg.Connection[Any], schema: str) -> dict[str, Any]:
    row = connection.execute(_COMMENT, (schema,)).fetchone()
    _, found, told = (row[0] or "").partition(_SAYS) if row else ("", "", "")
    return dict(json.loads(told)) if found else {}


def differing(connection: psycopg.Connection[Any]) -> dict[str, tuple[int | None, int]]:
    """Projections whose live tables were made by another version: theirs (None: not made at all) and this program's.

    Tables that do not say who made them count as made by the first versions.
    """
    said = of(connection)
    theirs = dict.fromkeys(versions(), 1) if said is None else said.versions
    return {name: (theirs.get(name), now) for name, now in versions().items() if theirs.get(name) != now}
