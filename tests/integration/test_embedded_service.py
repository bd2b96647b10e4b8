"""The databases that tests are handed."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.support.services import Databases


def test_a_database_is_fresh_and_empty(database_url: str, databases: Databases) -> None:
    """No table and no schema of anybody; another one is another database."""
    with psycopg.connect(database_url) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        assert connection.execute(tables).fetchone() == (0,)
    other = databases.create()
    assert other != database_url
    databases.drop(other)


def test_a_template_is_copied(make_database: Callable[[str | None], str]) -> None:
    """What was in the template is in the copy, and what is done to the copy stays there."""
    template = make_database(None)
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with psycopg.connect(make_database(template)) as connection:
        assert connection.execute("DELETE FROM kept RETURNING n").fetchall() == [(7,)]
    with psycopg.connect(template) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_a_dropped_database_is_gone_whoever_uses_it(databases: Databases) -> None:
    """A connection that a test forgot does not keep the database."""
    url = databases.create()
    forgotten = psycopg.connect(url)
    databases.drop(url)
    with pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")
    forgotten.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_what_is_left_is_dropped_at_the_end(postgres_url: str) -> None:
    """Closing drops all that was made."""
    made = Databases(postgres_url)
    urls = [made.create(), made.create()]
    made.close()
    for url in urls:
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url)
