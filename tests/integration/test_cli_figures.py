"""``hub figures`` on the embedded database: an open period, a close and a restatement, as a person sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.postgres.embedded import embedded
from tests.support.cli import Cli, Starter

PEOPLE = "employee_number,given_name,family_name,email\n" + "".join(
    f"E{number},Ada,Hale{number},ada{number}@example.org\n" for number in range(1, 7)
)
TODAY = datetime.now(UTC).date()
PAST = TODAY - timedelta(days=40)
HEAD = "email,course_id,course_name,enrollment_status,enrollment_date,completion_date\n"


def learned(number: int, status: str, completed: str = "") -> str:
    return f"ada{number}@example.org,C1,Safety,{status},{PAST},{completed}\n"


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A company with four people in a course since forty days; one had completed it that day."""
    folder = tmp_path_factory.mktemp("figures")
    with Starter() as starter, embedded(folder / "home"):
        cli = Cli(folder / "home", starter=starter)
        (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
        rows = [learned(number, "In Progress") for number in (2, 3, 4)]
        (folder / "first.csv").write_text(HEAD + learned(1, "Completed", str(PAST)) + "".join(rows), encoding="utf-8")
        (folder / "late.csv").write_text(HEAD + learned(2, "Completed", str(PAST)), encoding="utf-8")
        cli.ok("companies", "add", "ACME", "Acme Inc.")
        cli.ok("integrations", "add", "hr", "--name", "Lists", "--type", "Corporate LMS", "--method", "File Upload")
        cli.ok("directory", "import", folder / "people.csv")
        cli.ok("import", folder / "first.csv", "--integration", "hr")
        cli.ok("figures", "compute")
        yield cli


@pytest.fixture
def files(cli: Cli) -> Path:
    return cli.home.parent


def test_open_periods_are_shown(cli: Cli) -> None:
    """Told as of today, not closed; computing again tells nothing that is not new."""
    (row,) = cli.ok("figures", "show", "--type", "Executive", "--period", "Daily", "--json").json()
    assert (row["report_date"], row["is_closed"]) == (str(TODAY), False)
    assert row["total_enrollments"] >= 3
    again = cli.ok("figures", "compute", "--json").json()
    differing = [figure for one in again["events"] for figure in one["figures"]]
    assert differing == []
    assert (again["recorded"], again["restated"]) == (0, 0)
    assert again["computed"] > 6


def test_monitoring_of_today(cli: Cli) -> None:
    """The import of today is a run; a file has no network, and nobody compared."""
    (row,) = cli.ok("figures", "show", "--table", "monitoring", "--integration", "HR", "--json").json()
    assert row["monitoring_date"] == str(TODAY)
    assert row["sync_success_rate"] == 100
    assert row["reasons"]["data_accuracy_score"] == "not_run"
    assert row["reasons"]["network_latency_ms"] == "not_applicable"
    assert row["reasons"]["availability_percentage"] == "no_data"
    assert row["parts"]["sync_success_rate"] == {"numerator": 1, "denominator": 1}


def test_explain_tells_definition_values_and_rows(cli: Cli) -> None:
    """Numerator and denominator in words and numbers, the reasons, and the runs or enrollments behind one row."""
    told = cli.ok("figures", "explain", "sync_success_rate", "--integration", "hr").out
    assert "runs completed" in told
    assert "runs ended" in told
    assert "import" in told
    found = cli.ok(
        "figures", "explain", "total_enrollments", "--type", "Executive", "--period", "Daily", "--json"
    ).json()
    assert found["definition"]["table"] == "lms_analytics_dashboard"
    assert len(found["computed_from"]) == found["values"][0]["value"]
    many = cli.ok("figures", "explain", "completion_rate").out
    assert "Name one row" in many
    refused = cli.run("figures", "explain", "happiness")
    assert refused.status == 1
    assert "is not a figure" in refused.err


def test_a_period_of_the_past_is_closed_and_restated(cli: Cli, files: Path) -> None:
    """Computed for the first time it is closed at once; what comes in later makes a restatement with both values."""
    closed = cli.ok("figures", "compute", "--table", "dashboard", "--date", str(PAST), "--json").json()
    assert closed["closed"] > 0
    (row,) = _of_that_day(cli)
    assert (row["completed_enrollments"], row["total_enrollments"], row["is_closed"]) == (1, 4, True)
    cli.ok("import", files / "late.csv", "--integration", "hr")
    assert cli.ok("figures", "compute", "--date", str(PAST), "--json").json()["restated"] == 0
    told = cli.ok("figures", "restate", "--since", str(PAST - timedelta(days=1)), "--reason", "a late list").out
    assert "completed_enrollments" in told
    (row,) = _of_that_day(cli)
    assert (row["completed_enrollments"], row["is_restated"]) == (2, True)
    query = "SELECT event_type, action_reason, field_changes->'completed_enrollments' AS both FROM audit " \
            "WHERE event_type = 'lms.figures.restated.v1' AND field_changes ? 'completed_enrollments'"  # fmt: skip
    events = cli.ok("sql", query, "--format", "json").json()
    assert events
    assert {one["action_reason"] for one in events} == {"a late list"}
    again = cli.ok("figures", "restate", "--since", str(PAST), "--reason", "once more", "--json").json()
    assert again["restated"] == 0


def test_what_is_told_of_a_period_is_seen_with_its_events(cli: Cli, files: Path) -> None:
    """On a day of its own: an open period, a close and a restatement, each printed with its event's name, what it is of,
    whether the period is open, how many values, and where the event lies in the log."""
    on = PAST - timedelta(days=60)
    row = "ada{}@example.org,C9,First aid,{},{},{}\n".format
    (files / "c9.csv").write_text(HEAD + row(5, "Completed", on, on) + row(6, "In Progress", on, ""), encoding="utf-8")
    (files / "c9late.csv").write_text(HEAD + row(6, "Completed", on, on), encoding="utf-8")
    cli.ok("import", files / "c9.csv", "--integration", "hr")
    opened = cli.ok("figures", "compute", "--table", "dashboard").out
    assert re.search(r"lms\.figures\.recorded\.v1 .*Executive.* Daily .* open .* lms\.operations/\d+/\d+", opened)
    closed = cli.ok("figures", "compute", "--table", "dashboard", "--date", str(on)).out
    assert re.search(r"lms\.figures\.recorded\.v1 .*Executive.* Daily .* closed .* lms\.operations/\d+/\d+", closed)
    cli.ok("import", files / "c9late.csv", "--integration", "hr")
    again = cli.ok("figures", "restate", "--since", str(on - timedelta(days=1)), "--reason", "a list came late").out
    assert re.search(r"lms\.figures\.restated\.v1 .*Executive.* Daily .* closed .* lms\.operations/\d+/\d+", again)
    assert re.search(r"Executive.* Daily .* completed_enrollments +1 +2\b", again)
    trail = cli.ok(
        "sql", "SELECT event_type, action_reason, field_changes->'completed_enrollments' AS completed FROM audit "
        f"WHERE entity_id = (SELECT figure_row_id FROM dashboards WHERE dashboard_type = 'Executive' AND analysis_period = 'Daily' "
        f"AND report_date = '{on}') ORDER BY recorded_at",
    )  # fmt: skip
    assert trail.out.index("lms.figures.recorded.v1") < trail.out.index("lms.figures.restated.v1")
    assert "a list came late" in trail.out


def test_a_period_of_ones_own(cli: Cli) -> None:
    """From one day to another, both included; the row tells them."""
    first, last = str(PAST - timedelta(days=5)), str(PAST + timedelta(days=5))
    assert cli.ok("figures", "compute", "--from", first, "--to", last, "--json").json()["closed"] > 0
    (row,) = cli.ok("figures", "show", "--type", "Executive", "--period", "Custom", "--json").json()
    assert (row["period_start"], row["period_last_day"]) == (first, last)
    assert row["additional_metrics"]["custom"] == {"from": first, "to": last, "filter": None}
    assert cli.run("figures", "compute", "--from", last, "--to", first).status == 1


def test_a_period_of_ones_own_with_a_filter(cli: Cli) -> None:
    """A row beside the one without; its name and its metrics tell the filter, and explain lists what is behind it."""
    first, last = str(PAST - timedelta(days=5)), str(PAST + timedelta(days=5))
    asked = ("figures", "compute", "--from", first, "--to", last, "--filter")
    cli.ok("figures", "compute", "--from", first, "--to", last)
    assert cli.ok(*asked, "course=C1", "--json").json()["closed"] > 0
    (row,) = cli.ok("figures", "show", "--type", "Executive", "--name", "(course C1)", "--json").json()
    assert row["dashboard_name"] == "Executive: Acme Inc. (course C1)"
    assert row["additional_metrics"]["custom"] == {"from": first, "to": last, "filter": {"course": "C1"}}
    told = cli.ok(
        "figures", "explain", "total_enrollments", "--type", "Executive", "--name", "(course C1)", "--json"
    ).json()
    assert len(told["computed_from"]) == row["total_enrollments"] > 0
    assert cli.ok(*asked, "course=nothing", "--json").json()["computed"] == 0
    assert cli.ok("figures", "compute", "--from", first, "--to", last, "--json").json()["recorded"] == 0, (
        "it is left alone"
    )
    wrong = cli.run(*asked, "color=blue")
    assert wrong.status == 1
    assert "course_type=VALUE" in wrong.err
    assert cli.run("figures", "compute", "--filter", "course=C1").status == 2


def _of_that_day(cli: Cli) -> list[dict[str, object]]:
    asked = ("figures", "show", "--type", "Executive", "--period", "Daily", "--date", str(PAST), "--json")
    return list(cli.ok(*asked).json())


def test_what_is_wrong_is_said(cli: Cli) -> None:
    """A day to come, a restatement without a reason."""
    later = cli.run("figures", "compute", "--date", str(TODAY + timedelta(days=3)))
    assert later.status == 1
    assert "future" in later.err
    assert cli.run("figures", "restate", "--since", str(PAST), "--reason", " ").status == 2
