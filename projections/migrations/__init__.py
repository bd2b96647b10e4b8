"""Brings a database to the shape that this version of the program needs: schemas ``hub``, ``ops`` and ``analytics``.

Migrations run by Alembic without a configuration file and only forward; which one a database is at stands in
``ops.schema_version``. Views hold no data, so they have no migrations: they are dropped before and created after
whatever has to be done. All of it is one transaction, and of several processes one does it while the others wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text

from hub.errors import Fatal
from projections import views

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
        if not pending and views.are_current(connection):
            return
        views.drop(connection)
        if pending:
            with _ALEMBIC:
                command.upgrade(_config(connection), "head")
        views.create(connection)


def current(database: str | Connection) -> str | None:
    """The revision that the database is at; None: it has none yet."""
    with _connected(database) as connection:
        return _revision(connection)


def heads() -> tuple[str, ...]:
    """The newest revisions; one, unless two branches of development were joined carelessly."""
    return tuple(ScriptDirectory.from_config(_config()).get_heads())


def _is_behind(connection: Connection) -> bool:
    """Whether revisions are to be run; refuses a database that is at a revision of which nothing is known."""
    known = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    at = _revision(connection)
    if at is not None and at not in known:
        raise Fatal(
            f"The database is at revision {at}, which this version of the program does not know (it knows up to "
            f"{known[0]}); use the version of the program that made it, or a newer one."
        )
    return at != known[0]


def _revision(connection: Connection) -> str | None:
    options = {"version_table": VERSION_TABLE, "version_table_schema": VERSION_SCHEMA}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
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
