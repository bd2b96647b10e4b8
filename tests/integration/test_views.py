"""What analysts see: rows that explain themselves, and nothing beneath the views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from hub.log.sql import statement
from hub.vault import store
from projections import migrations, views
from projections.tables import TABLES

COMPANY, LMS, EMPLOYEE, MANAGER, DEPARTMENT, TEAM, USER, ACCOUNT, STRANGER, COURSE, ROW, UNMATCHED, EVENT = (
    UUID(int=number) for number in range(1, 14)
)
VIEWS = sorted(views.texts())
FRESH_OFFSETS = [("lms.learning", 0, 0), ("lms.learning", 1, 42)]


def insert(connection: psycopg.Connection[Any], table: str, **values: Any) -> None:
    """One row of a table, by its column names."""
    query = psycopg.sql.SQL("INSERT INTO hub.{} ({}) VALUES ({})").format(
        psycopg.sql.Identifier(table),
        psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, values)),
        psycopg.sql.SQL(", ").join(psycopg.sql.Placeholder() * len(values)),
    )
    connection.execute(query, [Jsonb(v) if isinstance(v, dict) else v for v in values.values()])


def fill(connection: psycopg.Connection[Any]) -> None:
    """A company with one linked and one unmatched enrollment in the same course."""
    own = {"company_id": COMPANY}
    insert(connection, "company", id=COMPANY, code="ACME", name="Acme")
    insert(connection, "department", id=DEPARTMENT, code="LOG", name="Logistics", **own)
    insert(connection, "team", id=TEAM, code="N", name="Night", **own)
    insert(connection, "employee", id=MANAGER, employee_number="1", given_name="Bo", family_name="Ek", **own)
    insert(connection, "employee", id=EMPLOYEE, employee_number="2", given_name="Ada", family_name="Lind",
           manager_employee_id=MANAGER, department_id=DEPARTMENT, team_id=TEAM, **own)  # fmt: skip
    insert(connection, "user", id=USER, login="ada", employee_id=EMPLOYEE, **own)
    insert(connection, "lms_integration_config", id=LMS, lms_name="Learn", lms_code="learn",
           authentication_config={"token": "sealed"}, **own)  # fmt: skip
    of_lms = {**own, "lms_integration_id": LMS}
    insert(connection, "lms_account", id=ACCOUNT, employee_id=EMPLOYEE, matched_by="email", **of_lms)
    insert(connection, "lms_account", id=STRANGER, display_name="Somebody", **of_lms)
    # Two courses with the same course_id: no enrollment may be doubled by that.
    for number, key in enumerate(("fire", "another key with the alias fire")):
        row = UUID(int=COURSE.int + 1000 * number)
        insert(connection, "course", id=row, course_id="fire", course_key=key, course_category="Safety", **of_lms)
    enrollment = {
        "course_id": "fire",
        "course_name": "Fire safety",
        "course_code": "F1",
        "enrollment_date": "2024-02-01",
    }
    state = {"cycle": 2, "valid_from": 19754, "valid_until": 20119, "revoked_on": None, "waived": False,
             "course_version": "3", "account_id": str(ACCOUNT), "certificate_id": "C-1", "certificate_issuer": "FD"}  # fmt: skip
    insert(connection, "lms_course_enrollment", id=ROW, enrollment_number="E-1", employee_id=EMPLOYEE,
           enrollment_status="Certified", score_achieved="40", max_score="50", fold_state=state,
           **enrollment, **of_lms)  # fmt: skip
    insert(connection, "lms_course_enrollment", id=UNMATCHED, enrollment_number="E-2", enrollment_status="Expired",
           fold_state={"cycle": 1, "account_id": str(STRANGER)}, **enrollment, **of_lms)  # fmt: skip
    soon = {"cycle": 1, "valid_until": (datetime.now(UTC).date() - date(1970, 1, 1)).days + 45}
    insert(connection, "lms_course_enrollment", id=UUID(int=70), enrollment_number="E-3", employee_id=EMPLOYEE,
           enrollment_status="Certified", due_date="2024-03-01", fold_state=soon, **enrollment, **of_lms)  # fmt: skip
    told = {"period_start": 19754, "period_end": 19755, "closed": True, "definition_version": 1, "as_of": 1_706_868_000_000_000,
            "parts": {"api_response_time_ms": {"p50": 10, "p95": 50, "p99": 100}}, "reasons": {"error_rate": "no_data"}}  # fmt: skip
    insert(
        connection,
        "lms_integration_monitoring",
        id=UUID(int=71),
        monitoring_date="2024-02-01",
        fold_state=told,
        **of_lms,
    )
    insert(connection, "lms_analytics_dashboard", id=UUID(int=72), dashboard_name="Executive", dashboard_type="Executive", report_date="2024-02-01",
           additional_metrics={"parts": {}, "reasons": {"roi_analysis": "no_input_event"}}, fold_state=told, **own)  # fmt: skip
    insert(connection, "lms_course_enrollment_history", id=ROW, version=1, event_id=EVENT, recorded_at="2024-02-01 09:00Z",
           occurred_at="2024-02-01 09:00Z", own_activity=True, late=False, retracted=False, employee_id=EMPLOYEE, course_id="fire",
           enrollment_status="Certified", enrollment_date="2024-02-01", completion_date="2024-02-01", **of_lms)  # fmt: skip
    insert(connection, "lms_learning_progress", id=UUID(int=50), enrollment_id=ROW, employee_id=EMPLOYEE,
           course_id="fire", lesson_id="1", **of_lms)  # fmt: skip
    insert(connection, "lms_audit_trail", id=EVENT, enrollment_id=ROW, performed_by_user_id=USER,
           additional_context={"event_type": "lms.enrollment.certified.v1", "actor": "user", "occurred_at": "2024-02-01T09:00:00.000000Z"}, **of_lms)  # fmt: skip
    insert(connection, "sync_run", id=UUID(int=60), started_at="2024-02-01 10:00Z", ended_at="2024-02-01 10:01:30Z",
           records_read=3, changed=1, unchanged=1, unmatched=0, stored=0, rejected=0, **of_lms)  # fmt: skip
    for topic, partition, offset in FRESH_OFFSETS:
        insert(connection, "projection_offset", topic=topic, partition=partition, next_offset=offset,
               chain=bytes(32), event_count=offset)  # fmt: skip


@pytest.fixture(scope="module")
def url(make_database: Callable[[str | None], str]) -> str:
    """A database with all schemas of the hub and a few rows; read only, by agreement."""
    url = make_database(None)
    migrations.upgrade(url)
    with psycopg.connect(url) as connection:
        store.create(connection)
        connection.execute(statement("schema"))
        fill(connection)
    return url


@pytest.fixture
def owner(url: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def analyst(owner: psycopg.Connection[dict[str, Any]]) -> psycopg.Connection[dict[str, Any]]:
    owner.execute(f"SET ROLE {views.ROLE}")
    return owner


def only(connection: psycopg.Connection[dict[str, Any]], query: str) -> dict[str, Any]:
    rows = connection.execute(query).fetchall()
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("view", VIEWS)
def test_the_analyst_reads_every_view(analyst: psycopg.Connection[dict[str, Any]], view: str) -> None:
    """The role needs no right but that on the view, and every view shows the rows beneath."""
    assert analyst.execute(f"SELECT * FROM analytics.{view}").fetchall()


def test_the_analyst_changes_nothing(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """Views are for reading, also the one that PostgreSQL could write through."""
    rights = owner.execute(
        "SELECT c.relname FROM pg_class c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS wish "
        "WHERE c.relnamespace = 'analytics'::regnamespace AND has_table_privilege(%s, c.oid, wish)",
        [views.ROLE],
    ).fetchall()
    assert rights == []
    owner.execute(f"SET ROLE {views.ROLE}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("DELETE FROM analytics.freshness")


def test_the_analyst_reads_nothing_else(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """Every table of the hub, the vault, the log and the bookkeeping is refused, and nothing can be created."""
    tables = owner.execute(
        "SELECT format('%I.%I', schemaname, tablename) AS name, schemaname FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert {"hub", "ops", "vault", "log"} == {table["schemaname"] for table in tables}
    assert len(tables) > len(TABLES)
    owner.execute(f"SET ROLE {views.ROLE}")
    attempts = [f"SELECT * FROM {table['name']}" for table in tables]
    attempts += [f"CREATE TABLE {schema}.mine (a integer)" for schema in ("analytics", "hub", "public")]
    for attempt in attempts:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), owner.transaction():
            owner.execute(attempt)


def test_everything_has_a_comment(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """Each view and each of its columns explains itself; what comes from a table says what the table says."""
    missing = owner.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relnamespace = 'analytics'::regnamespace "
        "AND (coalesce(col_description(c.oid, a.attnum), '') = '' OR obj_description(c.oid, 'pg_class') IS NULL)"
    ).fetchall()
    assert missing == []
    inherited = "SELECT col_description('analytics.enrollments'::regclass, attnum) AS comment FROM pg_attribute WHERE "
    row = only(owner, inherited + "attrelid = 'analytics.enrollments'::regclass AND attname = 'due_date'")
    assert row["comment"] == TABLES["lms_course_enrollment"].columns["due_date"].comment


def test_secrets_and_state_are_not_shown(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """Credentials, even sealed, and the engine's own state are not the analyst's."""
    names = owner.execute("SELECT attname FROM pg_attribute WHERE attrelid IN "
                          "(SELECT oid FROM pg_class WHERE relnamespace = 'analytics'::regnamespace)").fetchall()  # fmt: skip
    assert {"authentication_config", "fold_state"}.isdisjoint(row["attname"] for row in names)


def test_an_enrollment_in_one_row(analyst: psycopg.Connection[dict[str, Any]]) -> None:
    """Employee, department, course, cycle, validity and integration stand beside the enrollment, which shows once."""
    row = only(analyst, "SELECT * FROM analytics.enrollments WHERE enrollment_number = 'E-1'")
    wanted = {
        "employee_name": "Ada Lind",
        "department_name": "Logistics",
        "team_name": "Night",
        "course_category": "Safety",
        "course_version": "3",
        "cycle": 2,
        "enrollment_status": "Certified",
        "is_completed": True,
        "is_unmatched": False,
        "is_waived": False,
        "account_id": ACCOUNT,
        "certificate_id": "C-1",
        "certificate_issuer": "FD",
        "lms_code": "learn",
        "company_code": "ACME",
        "score_percent": 80,
        "revoked_on": None,
    }
    assert {name: row[name] for name in wanted} == wanted
    assert (row["valid_from"].isoformat(), row["valid_until"].isoformat()) == ("2024-02-01", "2025-01-31")


def test_an_unmatched_enrollment_is_flagged(analyst: psycopg.Connection[dict[str, Any]]) -> None:
    """Nobody's enrollment is shown with the account's name; access that ran out is no completion."""
    row = only(analyst, "SELECT * FROM analytics.enrollments WHERE is_unmatched")
    assert (row["employee_name"], row["account_name"], row["is_completed"]) == (None, "Somebody", False)
    assert only(analyst, "SELECT * FROM analytics.accounts WHERE is_unmatched")["display_name"] == "Somebody"


def test_a_lapsed_certificate_stays_completed(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """Expired with a completion date lapsed; it was completed on that date."""
    owner.execute(
        "UPDATE hub.lms_course_enrollment SET enrollment_status = 'Expired', completion_date = '2024-02-01' WHERE id = %s",
        [ROW],
    )
    assert only(owner, "SELECT is_completed FROM analytics.enrollments WHERE enrollment_number = 'E-1'")["is_completed"]
    owner.rollback()


def test_people_without_quoting(analyst: psycopg.Connection[dict[str, Any]]) -> None:
    """Users and employees read without knowing that ``user`` is a reserved word."""
    assert only(analyst, "SELECT * FROM analytics.users")["employee_name"] == "Ada Lind"
    assert only(analyst, "SELECT * FROM analytics.employees WHERE employee_number = '2'")["manager_name"] == "Bo Ek"


def test_audit_begins_with_the_exact_event(analyst: psycopg.Connection[dict[str, Any]]) -> None:
    """The thirteen actions are coarse: the event type is the first column, then time and actor."""
    row = only(analyst, "SELECT * FROM analytics.audit")
    assert list(row)[:4] == ["event_type", "recorded_at", "occurred_at", "actor"]
    assert (row["event_type"], row["performed_by_login"]) == ("lms.enrollment.certified.v1", "ada")
    assert row["enrollment_number"] == "E-1"
    assert row["occurred_at"] == datetime(2024, 2, 1, 9, tzinfo=UTC)


def test_runs_say_whether_they_add_up(analyst: psycopg.Connection[dict[str, Any]]) -> None:
    """A record that nobody accounts for shows."""
    row = only(analyst, "SELECT * FROM analytics.sync_runs")
    assert (row["adds_up"], row["duration_seconds"]) == (False, 90)


def test_figures_with_parts_and_reasons(analyst: psycopg.Connection[dict[str, Any]]) -> None:
    """What a figure was computed from, and why there is none, stand beside it."""
    health = only(analyst, "SELECT * FROM analytics.integration_health")
    assert [health[f"api_response_time_p{share}_ms"] for share in (50, 95, 99)] == [10, 50, 100]
    assert (health["lms_code"], health["is_closed"], health["is_restated"]) == ("learn", True, False)
    assert health["reasons"] == {"error_rate": "no_data"}
    board = only(analyst, "SELECT * FROM analytics.dashboards")
    assert (board["period_start"], board["period_last_day"]) == (date(2024, 2, 1), date(2024, 2, 1))
    assert board["reasons"] == {"roi_analysis": "no_input_event"}


def test_departments_and_certificates_of_today(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """Of the present people; what is completed is not overdue, and what is overdue counts until it is completed."""
    logistics = "WHERE department_code = 'LOG'"
    row = only(owner, f"SELECT * FROM analytics.completion_by_department {logistics}")
    assert (row["people"], row["enrollments"], row["completed"], row["completion_rate"]) == (1, 2, 2, 100)
    nobody = only(owner, "SELECT * FROM analytics.completion_by_department WHERE department_id IS NULL")
    assert (nobody["people"], nobody["enrollments"], nobody["completion_rate"]) == (1, 0, None)
    certificate = only(owner, "SELECT * FROM analytics.expiring_certificates")
    assert (certificate["employee_name"], certificate["within_days"]) == ("Ada Lind", 60)
    assert certificate["days_left"] in (44, 45, 46)
    assert only(owner, f"SELECT * FROM analytics.overdue_by_department {logistics}")["overdue"] == 0
    owner.execute(
        "UPDATE hub.lms_course_enrollment SET enrollment_status = 'In Progress' WHERE enrollment_number = 'E-3'"
    )
    row = only(owner, f"SELECT * FROM analytics.overdue_by_department {logistics}")
    assert (row["people_overdue"], row["overdue"], row["oldest_due_date"]) == (1, 1, date(2024, 3, 1))
    owner.execute("UPDATE hub.employee SET leave_start_date = '2024-01-01' WHERE employee_number = '2'")
    assert only(owner, f"SELECT * FROM analytics.overdue_by_department {logistics}")["overdue"] == 0
    owner.rollback()


def test_freshness(analyst: psycopg.Connection[dict[str, Any]]) -> None:
    """Per topic and partition: the last offset that the tables contain, none where nothing is folded."""
    rows = analyst.execute(
        "SELECT topic, partition, next_offset, complete_up_to FROM analytics.freshness ORDER BY 2"
    ).fetchall()
    assert [tuple(row.values()) for row in rows] == [("lms.learning", 0, 0, None), ("lms.learning", 1, 42, 41)]
