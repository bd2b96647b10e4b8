"""Questions about a day in the past: SQL functions in schema ``analytics``, by two clocks.

*When it happened* (``on_day``) and *as known on* (``known_on``; NULL: all that is known now); a date is the end of that day
in the time zone of the company. Each ``*.sql`` file here is one function. They are made anew whenever their text differs
from what the database has, which ``analytics.asof_text()`` tells, and analysts (role ``hub_analyst``) may call them. They
run with the rights of their owner and name their tables as text, so tables may be changed or swapped beneath them.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from psycopg.errors import DependentObjectsStillExist
from sqlalchemy import Connection, text

from hub.errors import Fatal

SCHEMA = "analytics"
ROLE = "hub_analyst"
_FOLDER = Path(__file__).parent
_TEXT = "asof_text"
_OWN = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = to_regnamespace(:schema) AND p.proname = ANY(:names) ORDER BY 1
"""


@cache
def texts() -> dict[str, str]:
    """The SQL of each function by its name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("*.sql"))}


def are_current(connection: Connection) -> bool:
    """Whether the database has these functions with these texts."""
    if connection.execute(text(f"SELECT to_regprocedure('{SCHEMA}.{_TEXT}()')")).scalar() is None:
        return False
    return connection.execute(text(f"SELECT {SCHEMA}.{_TEXT}()")).scalar() == _digest()


def create(connection: Connection) -> None:
    """Make the functions anew where they differ; the schema and the role of the analysts exist (see ``projections.views``).

    Raises:
        Fatal: something of somebody else depends on one of them; nothing of that is dropped.
    """
    if are_current(connection):
        return
    _drop(connection)
    for statements in texts().values():
        _run(connection, statements)
    _run(
        connection,
        f"CREATE FUNCTION {SCHEMA}.{_TEXT}() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''{_digest()}''';"
        f"COMMENT ON FUNCTION {SCHEMA}.{_TEXT}() IS 'Which text of the functions as of a day this is.'",
    )
    for name in _own(connection):
        _run(connection, f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {name} TO {ROLE}")


def _drop(connection: Connection) -> None:
    own = _own(connection)
    if not own:
        return
    try:
        _run(connection, f"DROP FUNCTION {', '.join(own)}")
    except DependentObjectsStillExist as error:
        raise Fatal(
            f"Something of your own depends on a function in schema {SCHEMA}, which has to be made anew; "
            f"drop yours, upgrade, and create it again ({error.diag.message_detail})."
        ) from error


def _own(connection: Connection) -> list[str]:
    """Our functions that the database has, with their arguments."""
    names = [*texts(), _TEXT]
    return list(connection.execute(text(_OWN), {"schema": SCHEMA, "names": names}).scalars())


def _digest() -> str:
    return hashlib.sha256("\0".join(texts().values()).encode()).hexdigest()[:16]


def _run(connection: Connection, statements: str) -> None:
    """Run SQL as it is: the driver's own cursor, since percent signs and colons in it are no parameters."""
    connection.connection.cursor().execute(statements)
