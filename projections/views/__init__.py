"""Schema ``analytics``: views that analysts read, and the role ``hub_analyst``, which reads these and nothing else.

Each ``*.sql`` file here is one view. Its first line names the tables whose columns it shows; a column of the view that
the file does not comment has the comment of the first of these that has a column of the same name. The views are made
anew whenever their text, or a comment, differs from what the database has; a digest in the comment of the schema tells.
The views run with the rights of their owner, so the role needs none on the tables beneath.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from psycopg.errors import DependentObjectsStillExist, InsufficientPrivilege
from sqlalchemy import Connection, text

from hub.errors import Fatal
from projections.tables import TABLES

SCHEMA = "analytics"
ROLE = "hub_analyst"
_FOLDER = Path(__file__).parent
_FIRST_LINE = "-- shows: "

_CREATE_ROLE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE} NOLOGIN;
        GRANT {ROLE} TO CURRENT_USER;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- roles belong to the whole server: another database's upgrade was faster
END $$
"""
_UNCOMMENTED = """
SELECT a.attname FROM pg_attribute a
WHERE a.attrelid = to_regclass(:view) AND a.attnum > 0 AND NOT a.attisdropped
  AND col_description(a.attrelid, a.attnum) IS NULL
ORDER BY a.attnum
"""


@cache
def texts() -> dict[str, str]:
    """The SQL of each view by its name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("*.sql"))}


def are_current(connection: Connection) -> bool:
    """Whether the database has these views with these texts and comments."""
    comment = "SELECT obj_description(to_regnamespace(:schema), 'pg_namespace')"
    return connection.execute(text(comment), {"schema": SCHEMA}).scalar() == _schema_comment()


def drop(connection: Connection) -> None:
    """Drop the schema's own views, so that tables beneath may change.

    Raises:
        Fatal: a view of somebody else depends on one of them; nothing of that is dropped.
    """
    names = connection.execute(
        text("SELECT viewname FROM pg_views WHERE schemaname = :schema ORDER BY 1"), {"schema": SCHEMA}
    ).scalars()
    own = [f"{SCHEMA}.{name}" for name in names if name in texts()]
    if not own:
        return
    try:
        _run(connection, f"DROP VIEW {', '.join(own)}")
    except DependentObjectsStillExist as error:
        raise Fatal(
            f"A view of your own depends on one in schema {SCHEMA}, which has to be made anew; "
            f"drop yours, upgrade, and create it again ({error.diag.message_detail})."
        ) from error


def create(connection: Connection) -> None:
    """Create the views with their comments, and the role that may read them.

    Raises:
        Fatal: the database user may not create the role.
    """
    _create_role(connection)
    _run(connection, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}; GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}")
    for name, statements in texts().items():
        _run(connection, statements)
        _inherit_comments(connection, name, statements)
        _run(connection, f"GRANT SELECT ON {SCHEMA}.{name} TO {ROLE}")
    _run(connection, f"COMMENT ON SCHEMA {SCHEMA} IS {_quoted(_schema_comment())}")


def _create_role(connection: Connection) -> None:
    try:
        _run(connection, _CREATE_ROLE)
    except InsufficientPrivilege as error:
        raise Fatal(
            f"The user of the database may not create the role {ROLE}, which analysts read with; have an administrator "
            f"create it once and grant it to that user (CREATE ROLE {ROLE} NOLOGIN)."
        ) from error


def _inherit_comments(connection: Connection, view: str, statements: str) -> None:
    shown = statements.splitlines()[0].removeprefix(_FIRST_LINE).split(", ")
    for column in connection.execute(text(_UNCOMMENTED), {"view": f"{SCHEMA}.{view}"}).scalars().all():
        comment = next(TABLES[table].columns[column].comment for table in shown if column in TABLES[table].columns)
        _run(connection, f"COMMENT ON COLUMN {SCHEMA}.{view}.{column} IS {_quoted(comment or '')}")


def _schema_comment() -> str:
    comments = [column.comment or "" for table in TABLES.values() for column in table.columns]
    digest = hashlib.sha256("\0".join([*texts().values(), *comments, _CREATE_ROLE]).encode()).hexdigest()
    return f"Views for analysts; role {ROLE} reads these and nothing else. Text {digest[:16]}."


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _run(connection: Connection, statements: str) -> None:
    """Run SQL as it is: the driver's own cursor, since percent signs and colons in it are no parameters."""
    connection.connection.cursor().execute(statements)
