"""The migrations make what the declarations say, once, whoever runs them, and refuse what they do not know."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine, text

from hub.errors import Fatal
from projections import migrations, views
from projections.tables import TABLES, metadata

SHAPE = {
    "columns": """
        SELECT n.nspname, c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE n.nspname IN ('hub', 'ops') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
          AND c.relname <> 'schema_version'""",
    "constraints": """
        SELECT n.nspname, c.relname, k.conname, k.contype, k.convalidated, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('hub', 'ops') AND c.relname <> 'schema_version'""",
    "indexes": """
        SELECT schemaname, tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname IN ('hub', 'ops') AND tablename <> 'schema_version'""",
    "tables": """
        SELECT n.nspname, c.relname, c.reloptions, obj_description(c.oid, 'pg_class')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('hub', 'ops') AND c.relkind = 'r' AND c.relname <> 'schema_version'""",
}


def shape(url: str) -> dict[str, set[str]]:
    """All that the catalogs say of the tables, each fact as text."""
    with psycopg.connect(url) as connection:
        return {kind: {repr(row) for row in connection.execute(query)} for kind, query in SHAPE.items()}


def run(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def declared_url(make_database: Callable[[str | None], str]) -> str:
    """A database made from the declarations by SQLAlchemy itself."""
    url = make_database(None)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA hub"))
        connection.execute(text("CREATE SCHEMA ops"))
        metadata.create_all(connection)
    return url


def test_migrations_make_what_the_declarations_say(database_url: str, declared_url: str) -> None:
    """Columns, types, defaults, NOT NULL, indexes, constraints, storage and comments are equal in both."""
    migrations.upgrade(database_url)
    migrated, declared = shape(database_url), shape(declared_url)
    assert len(migrated["tables"]) == len(TABLES)
    assert migrated == declared


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE hub.employee ALTER job_title TYPE varchar(201)",
        "ALTER TABLE hub.lms_course_enrollment ALTER currency_code SET DEFAULT 'EUR'",
        "ALTER TABLE hub.lms_course_enrollment ALTER course_code DROP NOT NULL",
        "DROP INDEX hub.lms_audit_trail_idx_action",
        "ALTER TABLE hub.lms_learning_progress DROP CONSTRAINT chk_positive_values",
        "COMMENT ON COLUMN hub.team.name IS 'Another'",
        "ALTER TABLE hub.stream_head RESET (fillfactor)",
        "ALTER TABLE ops.decided_offset ADD note text",
    ],
)
def test_the_comparison_notices(database_url: str, declared_url: str, change: str) -> None:
    """Anything else than the declarations in a database is seen by the test above."""
    migrations.upgrade(database_url)
    run(database_url, "DROP SCHEMA analytics CASCADE")
    run(database_url, change)
    assert shape(database_url) != shape(declared_url)


def test_revisions(database_url: str) -> None:
    """A new database has no revision, an upgraded one the newest; there is one newest."""
    assert migrations.current(database_url) is None
    migrations.upgrade(database_url)
    assert len(migrations.heads()) == 1
    assert migrations.current(database_url) == migrations.heads()[0]


def test_a_second_upgrade_writes_nothing(database_url: str) -> None:
    """Every start of a process asks for the upgrade; where nothing is to do, no view is made anew."""
    identities = "SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'analytics'::regnamespace ORDER BY 1"
    migrations.upgrade(database_url)
    before = run(database_url, identities)
    migrations.upgrade(database_url)
    assert len(before) == len(views.texts())
    assert run(database_url, identities) == before


def test_stale_views_are_made_anew(database_url: str) -> None:
    """Views follow the program without a revision: their text is compared, not their number."""
    migrations.upgrade(database_url)
    run(database_url, "DROP VIEW analytics.freshness; CREATE VIEW analytics.freshness AS SELECT 1 AS old")
    run(database_url, "COMMENT ON SCHEMA analytics IS 'Views of another version'")
    migrations.upgrade(database_url)
    assert run(database_url, "SELECT count(complete_up_to) FROM analytics.freshness") == [(0,)]


def test_a_view_of_somebody_else_stops_the_upgrade(database_url: str) -> None:
    """An analyst's own view is never dropped in silence; nothing was changed, and the sentence names it."""
    migrations.upgrade(database_url)
    run(database_url, "CREATE VIEW public.mine AS SELECT topic FROM analytics.freshness")
    run(database_url, "COMMENT ON SCHEMA analytics IS 'Views of another version'")
    with pytest.raises(Fatal, match="mine"):
        migrations.upgrade(database_url)
    assert run(database_url, "SELECT count(*) FROM public.mine") == [(0,)]


def test_two_processes_at_once(database_url: str) -> None:
    """Of several that start together, one upgrades and the others wait for it."""
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrations.upgrade, database_url) for _ in range(4)]:
            done.result(timeout=60)
    assert migrations.current(database_url) == migrations.heads()[0]


def test_several_databases_of_one_server_at_once(make_database: Callable[[str | None], str]) -> None:
    """The analyst role belongs to the server: whoever comes second takes it as it is."""
    urls = [make_database(None) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(migrations.upgrade, url) for url in urls]:
            done.result(timeout=60)
    assert [migrations.current(url) for url in urls] == [migrations.heads()[0]] * 3


def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    """An older program does not touch a database that a newer one made."""
    migrations.upgrade(database_url)
    run(database_url, "UPDATE ops.schema_version SET version_num = '9999'")
    with pytest.raises(Fatal, match="9999"):
        migrations.upgrade(database_url)


def test_the_transaction_is_the_caller_s(database_url: str) -> None:
    """With a connection that is in a transaction, the caller decides; rolled back, nothing is left."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        connection.begin()
        migrations.upgrade(connection)
        assert migrations.current(connection) == migrations.heads()[0]
        connection.rollback()
    assert shape(database_url)["tables"] == set()


def test_a_row_made_by_hand_gets_the_defaults(database_url: str) -> None:
    """Defaults are those of the specification, and its checks and enumerations hold in the database."""
    migrations.upgrade(database_url)
    company = "11111111-1111-5111-8111-111111111111"
    run(database_url, f"INSERT INTO hub.company (id, code) VALUES ('{company}', 'ACME')")
    insert = "INSERT INTO hub.lms_integration_config (id, company_id, lms_name, lms_code{0}) VALUES ('{1}', '{1}', 'L', '{2}'{3})"
    run(database_url, insert.format("", company, "one", ""))
    found = run(
        database_url,
        "SELECT api_version, encoding_format, is_primary_lms, is_active, error_count, max_retry_attempts, "
        "timeout_seconds, rate_limit_per_hour, created_at = updated_at, lms_type FROM hub.lms_integration_config",
    )
    assert found == [("v1", "UTF-8", False, True, 0, 3, 30, 1000, True, None)]
    for column, value in (("lms_type", "'Moodel'"), ("error_count", "4"), ("timeout_seconds", "0")):
        with pytest.raises(psycopg.errors.CheckViolation):
            run(database_url, insert.format(f", {column}", company, "two", f", {value}"))
