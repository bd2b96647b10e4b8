"""``hub asof``, ``hub transcript`` and ``hub enrollments``: what they print, what they change and how they refuse."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from hub.cli import asof, enrollments, transcript
from hub.cli.frame import Root
from hub.domain import ids
from hub.intake.service import Intake
from tests.support import learning
from tests.support.site import COMPANY, furnish, site

CSV = """email,course_id,course_name,enrollment_status,progress_percentage,completion_date,certificate_id,valid_from,valid_until,changed_at
learner0@example.org,C-1,Safety,In Progress,40,,,,,2026-01-10T10:00:00Z
learner1@example.org,C-1,Safety,Certified,100,2026-01-10,CERT-7,2026-01-10,2026-07-10,2026-01-10T10:00:00Z
learner1@example.org,C-2,Fire,Completed,100,2026-02-10,,,,2026-02-10T10:00:00Z
"""
FIRST, SECOND, THIRD = (one["employee_number"] for one in learning.learners(3))
YESTERDAY = str(date.today() - timedelta(days=2))  # noqa: DTZ011  two days are enough for any zone
app = typer.Typer(cls=Root, pretty_exceptions_enable=False)
app.add_typer(asof.app, name="asof")
app.add_typer(enrollments.app, name="enrollments")
transcript.register(app)

Run = Callable[..., str]


@pytest.fixture(scope="module")
def environment(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A hub that runs, with two learners' records taken in and a user."""
    folder = tmp_path_factory.mktemp("asof")
    (folder / "in.csv").write_text(CSV, encoding="utf-8")
    with site("postgresql", make_database(None), folder, None) as made, made.open() as hub:
        furnish(hub, 8)
        Intake(hub).import_file(COMPANY, "csv", str(folder / "in.csv"), {})
        with hub.connection() as connection:
            user = ids.derived(COMPANY, "user", "bo")
            connection.execute(
                'INSERT INTO hub."user" (id, company_id, login) VALUES (%s, %s, %s)', (user, COMPANY, "bo")
            )
        yield made.environment


@pytest.fixture
def run(environment: dict[str, str]) -> Iterator[Run]:
    """Runs a command in this process; ``status`` is what it must end with."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level

    def call(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, arguments, env=environment)
        assert done.exit_code == status, done.output
        return done.output

    yield call
    root.handlers[:], root.level = kept[0], kept[1]


def number(environment: dict[str, str], employee: str, course: str) -> str:
    """The number of somebody's enrollment."""
    query = """
        SELECT enrollment_number FROM hub.lms_course_enrollment e JOIN hub.employee p ON p.id = e.employee_id
        WHERE p.employee_number = %s AND e.course_id = %s
    """
    with psycopg.connect(environment["HUB_DATABASE_URL"]) as connection:
        row = connection.execute(query, (employee, course)).fetchone()
    assert row is not None
    return str(row[0])


def verdict(run: Run, employee: str, on: str, *known: str) -> str:
    """Why somebody held the course on a day, or not."""
    (row,) = json.loads(
        run("asof", "completions", "--course", "C-1", "--on", on, "--employee", employee, *known, "--json")
    )
    return str(row["verdict"])


def test_a_completion_and_each_absence_is_one_sentence(run: Run) -> None:
    """Held, lapsed, not yet, never, not known yet: each says the day that decides it."""
    ask = ("asof", "completions", "--course", "C-1", "--employee")
    assert (
        "held a valid completion of Safety (C-1) on 2026-05-03, as known now: completed on 2026-01-10, lapses on 2026-07-10"
        in run(*ask, SECOND, "--on", "2026-05-03")
    )
    assert "held no valid completion" in run(*ask, SECOND, "--on", "2026-07-10")
    assert verdict(run, SECOND, "2026-07-10") == "lapsed"
    assert verdict(run, SECOND, "2026-07-09") == "valid"
    assert verdict(run, SECOND, "2026-01-09") in ("completed later", "never enrolled")
    assert verdict(run, THIRD, "2026-05-03") == "never enrolled"
    assert "no enrollment had begun" in run(*ask, THIRD, "--on", "2026-05-03")
    assert verdict(run, FIRST, "2026-05-03") in ("not completed", "never enrolled")
    assert verdict(run, SECOND, "2026-05-03", "--known", YESTERDAY) == "known only later"


def test_a_name_that_nothing_has_is_refused(run: Run) -> None:
    """A slip of the pen is no absence: one line, status 1."""
    assert "employee: none is E0" in run("transcript", "--employee", "E0", status=1)
    assert "course: none is C-9" in run("asof", "completions", "--course", "C-9", "--on", "2026-05-03", status=1)
    assert "department: none is XX" in run("asof", "employees", "--department", "XX", "--on", "2026-05-03", status=1)


def test_everybody_can_be_asked_about(run: Run) -> None:
    """Who was never enrolled is shown where everybody is asked about, and only there."""
    ask = ("asof", "completions", "--course", "C-1", "--on", "2026-05-03")
    assert "1 of 2 held" in run(*ask)
    assert {row["verdict"] for row in json.loads(run(*ask, "--everybody", "--json"))} >= {"valid", "never enrolled"}


def test_the_other_questions_answer_by_day_too(run: Run) -> None:
    """Enrollments and employees as of a day; before anything was known there is nothing."""
    (row,) = json.loads(
        run("asof", "enrollments", "--on", "2026-05-03", "--course", "C-1", "--employee", SECOND, "--json")
    )
    assert (row["enrollment_status"], row["is_valid"], row["valid_until"]) == ("Certified", True, "2026-07-10")
    (row,) = json.loads(
        run("asof", "enrollments", "--on", "2026-08-03", "--course", "C-1", "--employee", SECOND, "--json")
    )
    assert (row["enrollment_status"], row["is_valid"]) == ("Expired", False)
    assert "there were no such enrollments" in run("asof", "enrollments", "--on", "2026-05-03", "--known", YESTERDAY)
    assert SECOND in run("asof", "employees", "--on", "2026-05-03")
    assert "there were no such courses" in run("asof", "courses", "--on", "2026-05-03", "--known", YESTERDAY)
    assert "there were no such lessons" in run("asof", "lessons", "--on", "2026-05-03")


def test_a_transcript_is_the_record_of_a_day(run: Run) -> None:
    """All courses with validity, certificate and source; the same in table, JSON and CSV."""
    told = json.loads(run("transcript", "--employee", SECOND, "--on", "2026-05-03", "--format", "json"))
    assert {one["course_id"]: one["certificate_id"] for one in told["enrollments"]} == {"C-1": "CERT-7", "C-2": None}
    assert all(one["lms_code"] == "csv" and one["event_id"] for one in told["enrollments"])
    rows = list(
        csv.DictReader(io.StringIO(run("transcript", "--employee", SECOND, "--on", "2026-05-03", "--format", "csv")))
    )
    assert [one["enrollment_number"] for one in rows] == [one["enrollment_number"] for one in told["enrollments"]]
    text = run("transcript", "--employee", SECOND, "--on", "2026-05-03")
    assert "as known now" in text
    assert "CERT-7" in text
    assert "No enrollment had begun" in run("transcript", "--employee", THIRD)


def test_a_correction_needs_a_user_a_reason_and_a_justification(run: Run, environment: dict[str, str]) -> None:
    """Each of them missing is refused; then the answer shows the values before and after."""
    name = number(environment, SECOND, "C-2")
    correct = ("enrollments", "correct", name, "--set", "completion_date=2026-03-01")
    run(*correct, status=2)
    assert "no user has the login nobody" in run(*correct, "--as", "nobody", "--reason", "list", status=1)
    assert "justification" in run(*correct, "--as", "bo", "--reason", "list", status=1)
    answer = run(*correct, "--as", "bo", "--reason", "list", "--justification", "signed sheet")
    assert "completion_date: 2026-02-10 → 2026-03-01" in answer
    told = run("enrollments", "history", name, "--json")
    (corrected,) = [one for one in json.loads(told) if one["event_type"] == "lms.enrollment.corrected.v1"]
    assert (corrected["performed_by_login"], corrected["action_reason"]) == ("bo", "list")


def test_what_does_not_fit_is_refused_by_its_name(run: Run, environment: dict[str, str]) -> None:
    """A value that is none, a column that no person may set, an enrollment that is none."""
    name = number(environment, FIRST, "C-1")
    end = ("--as", "bo", "--reason", "x")
    assert "completion_date: soon" in run(
        "enrollments", "correct", name, "--set", "completion_date=soon", *end, status=1
    )
    assert "score_achieved: 1.234" in run(
        "enrollments", "correct", name, "--set", "score_achieved=1.234", *end, status=1
    )
    assert "enrollment_status: Done" in run(
        "enrollments", "correct", name, "--set", "enrollment_status=Done", *end, status=1
    )
    assert "employee_id=1 cannot be set" in run(
        "enrollments", "correct", name, "--set", "employee_id=1", *end, status=1
    )
    assert "enrollment: E-NONE is none" in run("enrollments", "waive", "E-NONE", *end, status=1)


def test_a_fact_is_taken_out_by_its_event_and_stays_in_the_past(run: Run, environment: dict[str, str]) -> None:
    """From then on the completion is out, on every day; the history keeps it; a second time changes nothing."""
    name = number(environment, SECOND, "C-1")
    (event,) = [
        one["event_id"] for one in json.loads(run("enrollments", "history", name, "--json")) if one["version"] == 1
    ]
    retract = (
        "enrollments",
        "retract",
        event[:13],
        "--as",
        "bo",
        "--reason",
        "other site",
        "--justification",
        "checked",
    )
    assert "taken out" in run(*retract)
    assert verdict(run, SECOND, "2026-05-03") != "valid"
    assert "nothing was to be changed" in run(*retract)
    assert "taken out later" in run("enrollments", "history", name)
    own = [one["event_id"] for one in json.loads(run("enrollments", "history", name, "--json")) if one["retracts"]]
    again = ("enrollments", "retract", own[0], "--as", "bo", "--reason", "x", "--justification", "x")
    assert "told by no source and no person" in run(*again, status=1)


def test_a_deadline_is_set_and_an_open_enrollment_is_waived(run: Run, environment: dict[str, str]) -> None:
    """Both act on the enrollment that is named, and a certificate that is not there cannot be revoked."""
    name = number(environment, FIRST, "C-1")
    end = ("--as", "bo", "--reason", "leave", "--justification", "agreed")
    assert "→ 2027-01-31" in run("enrollments", "due", name, "2027-01-31", *end)
    assert "nothing was to be changed" in run("enrollments", "revoke", name, *end)
    assert "waived" in run("enrollments", "waive", name, *end)
    assert "has not ended" in run("enrollments", "waive", name, *end, status=1)
