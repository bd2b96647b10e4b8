"""Brings a database to the shape that this version of the program needs: schemas ``hub``, ``ops`` and ``analytics``.

Migrations run by Alembic without a configuration file and only forward; which one a database is at stands in
``ops.schema_version``. Views hold no data, so they have no migrations: they are dropped before and created after
whatever has to be done. All of it is one transaction, and of several processes one does it while the others wait.
Alembic takes long to import, which is spared where the database is at the newest revision already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Connection, NullPool, create_engine, text

from hub.errors import Fatal
from projections import asof, views

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "schema_version"
VERSION_SCHEMA = "ops"
_LOCK = 0x6875625F736368  # "hub_sch": any number will do that no other part of the hub locks
_ALEMBIC = Lock()  # Alembic keeps the migration that runs in a module: one at a time in a process


def upgrade(database: str | Connection) -> None:
    """Bring the database to the newest shape; where it has it already, nothing is written.

    ``database`` is a libpq URL, or an SQLAlchemy connection, whose transaction is then the caller's where it has begun
    one. On an error nothing was changed.

    Raises:
        Fatal: the database was made by a newer version of the program, or its user may not create the analyst role.
    """
    with _connected(database) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {VERSION_SCHEMA}"))
        pending = _is_behind(connection)
        if not pending and views.are_current(connection) and asof.are_current(connection):
            return
        views.drop(connection)
        if pending:
            from alembic import command  # noqa: PLC0415

            is_new = _revision(connection) is None
            with _ALEMBIC:
                command.upgrade(_config(connection), "head")
            if is_new:
                _sign(connection)
        views.create(connection)
        asof.create(connection)


def current(database: str | Connection) -> str | None:
    """The revision that the database is at; None: it has none yet."""
    with _connected(database) as connection:
        return _revision(connection)


def heads() -> tuple[str, ...]:
    """The newest revisions; one, unless two branches of development were joined carelessly."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return tuple(ScriptDirectory.from_config(_config()).get_heads())


def _sign(connection: Connection) -> None:
    """Let new tables say by which versions of the folds they are filled."""
    from projections.rebuild import stamp  # noqa: PLC0415

    driver: Any = connection.connection.dbapi_connection
    stamp.put(driver)


def _is_behind(connection: Connection) -> bool:
    """Whether revisions are to be run; refuses a database that is at a revision of which nothing is known."""
    at = _revision(connection)
    if at == _newest():
        return False
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    known = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    if at is not None and at not in known:
        raise Fatal(
            f"The database is at revision {at}, which this version of the program does not know (it knows up to "
            f"{known[0]}); use the version of the program that made it, or a newer one."
        )
    return at != known[0]


def _newest() -> str:
    """The newest revision, as its file says; their names are in the order of revisions."""
    newest = max((Path(__file__).parent / "versions").glob("v*.py"))
    found = re.search(r'^revision = "(.+)"$', newest.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _revision(connection: Connection) -> str | None:
    table = f"{VERSION_SCHEMA}.{VERSION_TABLE}"
    if connection.execute(text("SELECT to_regclass(:table)"), {"table": table}).scalar() is None:
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {table}")).scalar()
    return found


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(database: str | Connection) -> Iterator[Connection]:
    if isinstance(database, str):
        # psycopg opens the connection itself, so that whatever libpq understands is understood here.
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database), poolclass=NullPool)
        with engine.begin() as connection:
            yield connection
    elif database.in_transaction():
        yield database
    else:
        with database.begin():
            yield database
