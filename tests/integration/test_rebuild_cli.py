"""``hub projections`` as a person meets it: what is printed, the exit status, and what each command leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from tests.support.cli import Cli, Starter
from tests.support.rebuilding import filled

DAMAGE = "UPDATE hub.employee SET job_title = 'King' WHERE id = (SELECT min(id::text)::uuid FROM hub.employee)"


@pytest.fixture(scope="module")
def cli(make_database: Callable[[str | None], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    folder = tmp_path_factory.mktemp("filled")
    with filled(make_database(None), folder) as made, Starter() as starter:
        yield Cli(folder / "home", made.environment, starter=starter)


def test_compare_repair_rebuild_rollback_and_drop(cli: Cli) -> None:
    """A damaged row is named without its values and mended; a rebuild, a rollback and a drop say what they did."""
    with psycopg.connect(cli.environment["HUB_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(DAMAGE)
    found = cli.run("projections", "compare", "--json")
    assert found.status == 1
    assert [(row["table"], row["columns"]) for row in found.json()["rows"]] == [("employee", "job_title")]
    assert "1 rows differ from their log" in found.err
    assert "King" not in found.out + found.err
    assert cli.run("projections", "rebuild").status == 1
    mended = cli.run("projections", "compare", "employee", "--repair", "--reason", "TICKET-7")
    assert (mended.status, mended.err) == (0, "1 rows were rewritten.\n")
    built = cli.run("projections", "rebuild")
    assert built.status == 0
    assert "Swapped after" in built.err
    kept = cli.run("projections", "status")
    assert "tables before the last rebuild are kept" in kept.out
    assert "another version" not in kept.out
    assert cli.run("projections", "rollback", "--reason", "as an exercise").status == 0
    assert cli.run("projections", "drop-old").out == "Dropped: hub_old.\n"
    assert cli.run("projections", "drop-old").out == "Nothing to drop.\n"
    refused = cli.run("projections", "rollback")
    assert refused.status == 1
    assert len(refused.err.splitlines()) == 1


def test_older_tables_are_told(cli: Cli) -> None:
    """Tables that an older version of a fold made are told by `hub status`, until they are rebuilt."""
    with psycopg.connect(cli.environment["HUB_DATABASE_URL"], autocommit=True) as connection:
        row = connection.execute("SELECT obj_description('hub'::regnamespace)").fetchone()
        assert row is not None
        older = row[0].replace('"employee": 1', '"employee": 0')
        connection.execute(sql.SQL("COMMENT ON SCHEMA hub IS {}").format(older))
    assert "Made by another version of the folds: employee;" in cli.run("status").out
    assert cli.run("projections", "rebuild").status == 0
    assert "another version" not in cli.run("status").out
