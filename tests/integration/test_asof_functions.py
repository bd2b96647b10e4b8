"""The functions as of two days over rows made by hand: people, courses, lessons and links, by the one clock and the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import create_engine

from projections import asof, migrations
from projections.asof import ROLE

COMPANY, LMS, SALES, STORE, ADA, BOB, COURSE, ROW, LESSON = (UUID(int=number) for number in range(1, 10))
Ask = Callable[..., list[dict[str, Any]]]


def insert(connection: psycopg.Connection[Any], table: str, **values: Any) -> None:
    """One row of a table, by its column names."""
    query = psycopg.sql.SQL("INSERT INTO hub.{} ({}) VALUES ({})").format(
        psycopg.sql.Identifier(table),
        psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, values)),
        psycopg.sql.SQL(", ").join(psycopg.sql.Placeholder() * len(values)),
    )
    connection.execute(query, list(values.values()))


def version(connection: psycopg.Connection[Any], table: str, number: int, recorded: str, **values: Any) -> None:
    """A version of a row; its event has the number of the version."""
    of = {"company_id": COMPANY, "version": number, "event_id": UUID(int=100 + number), "recorded_at": recorded}
    insert(connection, f"{table}_history", **of, **values)


def of_directory(connection: psycopg.Connection[Any]) -> None:
    """Ada moves from sales to the store on 10 March, told on 20 March; Bob leaves at the end of March."""
    insert(connection, "company", id=COMPANY, code="ACME", time_zone="Europe/Berlin")
    made = {"created_at": "2026-01-01", "updated_at": "2026-01-01"}
    for row, code in ((SALES, "SALES"), (STORE, "STORE")):
        insert(connection, "department", id=row, company_id=COMPANY, code=code)
        version(connection, "department", 1, "2026-01-01", id=row, code=code, effective_from="2026-01-01", **made)
    for row, number in ((ADA, "E1"), (BOB, "E2")):
        insert(connection, "employee", id=row, company_id=COMPANY, employee_number=number)
    first = {"department_id": SALES, "employment_status": "Active", "effective_from": "2026-01-01", **made}
    version(connection, "employee", 1, "2026-01-01", id=ADA, manager_employee_id=BOB, **first)
    version(
        connection,
        "employee",
        2,
        "2026-03-20",
        id=ADA,
        **first | {"department_id": STORE, "effective_from": "2026-03-10"},
    )
    version(connection, "employee", 1, "2026-01-01", id=BOB, **first)
    gone = {"employment_status": "Terminated", "termination_date": "2026-03-31", "effective_from": "2026-04-01"}
    version(connection, "employee", 2, "2026-03-01", id=BOB, **first | gone)


def of_learning(connection: psycopg.Connection[Any]) -> None:
    """Ada's enrollment was Bob's until 1 April; a lesson of it, late, taken out, told again."""
    insert(connection, "lms_integration_config", id=LMS, company_id=COMPANY, lms_name="Learn", lms_code="learn")
    of = {"lms_integration_id": LMS, "course_id": "C1"}
    insert(connection, "course", id=COURSE, company_id=COMPANY, course_key="C1", **of)
    for number, day, validity in ((1, "2026-02-01", 100), (2, "2026-03-15", 10)):
        version(
            connection,
            "course",
            number,
            day,
            id=COURSE,
            occurred_at=day,
            validity_days=validity,
            course_version=f"v{number}",
            **of,
        )
    insert(connection, "lms_course_enrollment", id=ROW, company_id=COMPANY, enrollment_number="E-1", employee_id=ADA,
           course_name="One", course_code="K1", enrollment_date="2026-02-01", **of)  # fmt: skip
    told = {"id": ROW, "enrollment_date": "2026-02-01", "own_activity": True, "late": False, "retracted": False, **of}
    done = {"enrollment_status": "Completed", "completion_date": "2026-03-01"}
    version(connection, "lms_course_enrollment", 1, "2026-02-01", occurred_at="2026-02-01", employee_id=BOB,
            enrollment_status="In Progress", **told)  # fmt: skip
    version(
        connection, "lms_course_enrollment", 2, "2026-03-05", occurred_at="2026-03-01", employee_id=BOB, **told, **done
    )
    version(connection, "lms_course_enrollment", 3, "2026-04-01", occurred_at="2026-04-01", employee_id=ADA,
            former_employee_id=BOB, **told, **done)  # fmt: skip
    insert(connection, "lms_learning_progress", id=LESSON, company_id=COMPANY, enrollment_id=ROW, lesson_id="1", lesson_name="Intro",
           course_id="C1", lms_integration_id=LMS)  # fmt: skip
    part = {"id": LESSON, "enrollment_id": ROW, "lesson_id": "1", "own_activity": True}
    steps = (
        (1, "2026-02-02", "2026-02-02", 20, {}),
        (2, "2026-02-10", "2026-02-10", 60, {}),
        (3, "2026-02-20", "2026-02-05", 60, {"late": True, "attempts_count": 1}),
        (4, "2026-02-25", "2026-02-25", 20, {"retracted": True, "retracts": UUID(int=102), "attempts_count": 1}),
        (5, "2026-03-01", "2026-03-01", 90, {"attempts_count": 1}),
    )
    for number, recorded, occurred, percent, more in steps:
        version(connection, "lms_learning_progress", number, recorded, occurred_at=occurred, completion_percentage=percent,
                progress_status="In Progress", **{"late": False, "retracted": False, **part, **more})  # fmt: skip


@pytest.fixture(scope="module")
def url(make_database: Callable[[str | None], str]) -> str:
    url = make_database(None)
    migrations.upgrade(url)
    with psycopg.connect(url) as connection:
        of_directory(connection)
        of_learning(connection)
    return url


@pytest.fixture
def ask(url: str) -> Iterator[Ask]:
    """Asks a function, as an analyst."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute(f"SET ROLE {ROLE}".encode())

        def call(function: str, *given: Any) -> list[dict[str, Any]]:
            holes = ", ".join(["%s"] * len(given))
            return connection.execute(f"SELECT * FROM analytics.{function}({holes})".encode(), given).fetchall()

        yield call


@pytest.mark.parametrize(
    ("on", "known", "department"),
    [("2026-03-09", None, "SALES"), ("2026-03-10", None, "STORE"), ("2026-03-10", "2026-03-19", "SALES"),
     ("2026-03-10", "2026-03-20", "STORE"), ("2025-12-01", None, "SALES")],
)  # fmt: skip
def test_an_employee_is_where_it_was_known_to_be(ask: Ask, on: str, known: str | None, department: str) -> None:
    """A move counts from its day, and from when it was told; before the first version the first one is taken."""
    (row,) = ask("employees_asof", "acme", on, known, "E1")
    assert (row["department_code"], row["employee_number"]) == (department, "E1")
    assert row["manager_number"] == ("E2" if department == "SALES" else None)


def test_somebody_is_employed_until_the_last_day(ask: Ask) -> None:
    """On the last day still, on the next no more; as known before it was told, still."""
    employed = [ask("employees_asof", "ACME", *days, "E2")[0]["is_employed"]
                for days in (("2026-03-31", None), ("2026-04-01", None), ("2026-04-01", "2026-02-01"))]  # fmt: skip
    assert employed == [True, False, True]


def test_a_course_is_as_its_catalog_told_it(ask: Ask) -> None:
    """Validity and version of the day; the first description reaches back, but is not known before it was told."""
    told = [ask("courses_asof", "ACME", on, None)[0] for on in ("2026-01-01", "2026-03-14", "2026-03-15")]
    assert [(row["validity_days"], row["course_version"]) for row in told] == [(100, "v1"), (100, "v1"), (10, "v2")]
    assert ask("courses_asof", "ACME", "2026-03-15", "2026-01-15") == []


@pytest.mark.parametrize(
    ("employee", "on", "known", "verdict"),
    [("E2", "2026-03-02", "2026-03-31", "valid"), ("E2", "2026-03-02", None, "never enrolled"),
     ("E1", "2026-03-02", None, "valid"), ("E1", "2026-03-02", "2026-03-31", "known only later"),
     ("E2", "2026-03-02", "2026-03-04", "not completed"), ("E1", "2026-03-15", None, "lapsed"), ("E1", "2026-02-28", None, "completed later"),
     ("E1", "2026-01-31", None, "never enrolled")],
)  # fmt: skip
def test_a_completion_is_of_whom_it_was_known_to_be(
    ask: Ask, employee: str, on: str, known: str | None, verdict: str
) -> None:
    """A link that was changed counts from when it was recorded; validity is the course's of the day asked about."""
    (row,) = ask("completion_asof", "ACME", employee, "K1", on, known)
    assert (row["verdict"], row["is_valid"]) == (verdict, verdict == "valid")


@pytest.mark.parametrize(
    ("on", "known", "percent", "attempts"),
    [("2026-02-04", None, 20, None), ("2026-02-06", None, 20, 1), ("2026-02-12", "2026-02-19", 60, None),
     ("2026-02-12", "2026-02-24", 60, 1), ("2026-02-12", None, 20, 1), ("2026-03-01", None, 90, 1)],
)  # fmt: skip
def test_a_lesson_knows_late_and_retracted_facts(
    ask: Ask, on: str, known: str | None, percent: int, attempts: int | None
) -> None:
    """What is late counts from its day and is known from its recording; what was taken out is out from then on, on all days."""
    (row,) = ask("lesson_progress_asof", "ACME", on, known)
    assert (row["completion_percentage"], row["attempts_count"]) == (percent, attempts)


def test_a_department_is_asked_about_as_it_was(ask: Ask) -> None:
    """Who was in it on the day, whether enrolled or not; a company or a person that is none is an error."""
    found = ask("completions_asof", "ACME", "C1", "2026-03-12", None, None, "STORE")
    assert [(row["employee_number"], row["verdict"]) for row in found] == [("E1", "valid")]
    assert {
        row["employee_number"] for row in ask("completions_asof", "ACME", "C1", "2026-03-12", None, None, None, True)
    } == {"E1", "E2"}
    with pytest.raises(psycopg.errors.RaiseException, match="company: NONE is not known"):
        ask("employees_asof", "NONE", "2026-03-12")


def test_functions_are_made_anew_where_their_text_differs(url: str) -> None:
    """An upgrade mends what somebody changed; what is as it should be is left alone; others may not call them."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION analytics.asof_text() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''old'''"
        )
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.begin() as connection:
        assert not asof.are_current(connection)
    migrations.upgrade(url)
    with engine.begin() as connection:
        assert asof.are_current(connection)
    engine.dispose()
    with psycopg.connect(url) as connection:
        for name in asof.texts():
            row = connection.execute(
                "SELECT bool_or(has_function_privilege('public', oid, 'EXECUTE')) FROM pg_proc WHERE proname = %s",
                (name,),
            ).fetchone()
            assert row == (False,), name
