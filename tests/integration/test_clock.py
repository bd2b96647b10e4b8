"""The clock: what time alone changes, told at the company's midnight, once, and made up for after a pause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg.rows
import pytest

from hub.bootstrap import Hub, clock
from hub.directory.commands import upsert
from hub.domain.units import days, micros
from hub.enrollments import commands as acts
from hub.enrollments.clock import ClockReactor, midnight
from hub.intake.service import Intake
from projections.due import DueRows
from tests.support.site import COMPANY, furnish, site

HEAD = "email,course_id,enrollment_status,due_date,end_date,certificate_id,valid_from,valid_until,changed_at\n"
ROWS = """learner0@example.org,C-1,In Progress,2099-01-31,2099-03-31,,,,2026-01-10T10:00:00Z
learner1@example.org,C-1,Certified,,,CERT-1,2026-01-10,2099-06-01,2026-01-10T10:00:00Z
learner2@example.org,C-1,In Progress,2099-01-31,,,,,2026-01-10T10:00:00Z
learner3@example.org,C-1,In Progress,2099-01-31,,,,,2026-01-10T10:00:00Z
learner7@example.org,C-1,In Progress,2099-01-31,,,,,2026-01-10T10:00:00Z
"""
AGAIN = "learner1@example.org,C-1,Certified,,,CERT-2,2026-02-10,2099-09-01,2026-02-10T10:00:00Z\n"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def hub(make_database: Any, tmp_path: Path) -> Iterator[Hub]:
    """Acme in Berlin: learners 0 to 3 are employees, learner 7 is linked to nobody."""
    with site("postgresql", make_database(None), tmp_path, None) as made, made.open() as opened:
        furnish(opened, 9)
        take_in(opened, tmp_path, ROWS)
        yield opened


def take_in(hub: Hub, folder: Path, rows: str) -> None:
    (folder / "in.csv").write_text(HEAD + rows, encoding="utf-8")
    accounting = Intake(hub).import_file(COMPANY, "csv", str(folder / "in.csv"), {})
    assert accounting.rejected == 0


def at(*parts: int) -> int:
    """A moment in Berlin."""
    return micros(datetime(*parts, tzinfo=BERLIN).astimezone(UTC))  # type: ignore[misc,arg-type]


def reactor(hub: Hub, now: list[int]) -> ClockReactor:
    return ClockReactor(hub.commands, DueRows(hub.connection), lambda: now[0])


def rows(hub: Hub, email: str) -> list[dict[str, Any]]:
    """The cycles of a learner."""
    query = """
        SELECT e.*, e.fold_state AS state FROM hub.lms_course_enrollment e
        JOIN hub.lms_account a ON a.id = (e.fold_state->>'account_id')::uuid WHERE a.email = %s
        ORDER BY (e.fold_state->>'cycle')::int
    """
    with hub.connection() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(query, (email,)).fetchall()


def told(hub: Hub) -> list[tuple[str, str, str]]:
    """(event, learner, when it happened) of all that the clock told, in order."""
    query = """
        SELECT additional_context->>'event_type', a.email, additional_context->>'occurred_at'
        FROM hub.lms_audit_trail t JOIN hub.lms_course_enrollment e ON e.id = t.entity_id
        JOIN hub.lms_account a ON a.id = (e.fold_state->>'account_id')::uuid
        WHERE t.additional_context->>'actor' = 'system/clock' ORDER BY 3, 2
    """
    with hub.connection() as connection:
        found = connection.execute(query).fetchall()
    return [
        (row[0].removeprefix("lms.enrollment.").removesuffix(".v1"), row[1].split("@")[0], row[2][:16]) for row in found
    ]


def test_a_deadline_passes_at_the_midnight_of_the_company(hub: Hub) -> None:
    """Due on 31 January in Berlin: overdue from 1 February there, an hour before it is in UTC; once; nobody unknown."""
    now = [at(2099, 1, 31, 23, 59)]
    one = reactor(hub, now)
    assert one.react() == 0
    assert one.seconds_to_midnight() == 60.0
    now[0] = at(2099, 2, 1, 0, 0)
    assert one.react() == 3
    assert told(hub) == [("became_overdue", f"learner{n}", "2099-01-31T23:00") for n in (0, 2, 3)]
    assert rows(hub, "learner0@example.org")[0]["state"]["overdue"] is True
    assert "overdue" not in rows(hub, "learner7@example.org")[0]["state"]
    assert one.react() == 0
    assert reactor(hub, now).react() == 0, "a clock begun anew tells nothing again"


def test_who_is_on_leave_or_gone_is_not_overdue(hub: Hub) -> None:
    """Overdue asks for an employee who is employed and not on leave on that day; after the leave it counts."""
    with hub.connection() as connection:
        found = connection.execute("SELECT a.email, a.employee_id::text FROM hub.lms_account a").fetchall()
    people = dict(found)
    leave = {"leave_start_date": days(date(2099, 1, 15)), "leave_end_date": days(date(2099, 2, 15))}
    for email, facts in (("learner2", leave), ("learner3", {"termination_date": days(date(2099, 1, 20))})):
        employee = people[f"{email}@example.org"]
        hub.commands.execute(upsert("employee", employee, COMPANY, facts, effective_from=20_000))
    now = [at(2099, 2, 1, 12)]
    one = reactor(hub, now)
    one.react()
    assert [who for _, who, _ in told(hub)] == ["learner0"]
    now[0] = at(2099, 2, 16, 0, 1)
    one.react()
    assert told(hub)[1:] == [("became_overdue", "learner2", "2099-02-15T23:00")]


def test_a_pause_is_made_up_for(hub: Hub) -> None:
    """The clock stood still from January to July: each thing is told as of the midnight at which it happened, a
    warning only where it is still true; the rows are as they would have been."""
    now = [at(2099, 4, 10, 9)]
    reactor(hub, now).react()
    assert ("expired", "learner0", "2099-03-31T22:00") in told(hub)
    assert ("certificate_expiring", "learner1", "2099-04-01T22:00") in told(hub), "60 days; 90 is overtaken"
    row = rows(hub, "learner0@example.org")[0]
    assert (row["enrollment_status"], row["completion_date"]) == ("Expired", None)
    assert row["state"]["ended_at"] == at(2099, 4, 1)
    now[0] = at(2099, 7, 1)
    assert reactor(hub, now).react() == 1
    assert told(hub)[-1] == ("certificate_lapsed", "learner1", "2099-05-31T22:00")
    row = rows(hub, "learner1@example.org")[0]
    assert (row["enrollment_status"], row["completion_date"]) == ("Expired", date(2026, 1, 10))


def test_each_warning_once_day_by_day(hub: Hub) -> None:
    """A clock that runs tells 90, 60 and 30 days, then that the certificate lapsed."""
    now = [at(2099, 2, 20)]
    one = reactor(hub, now)
    for _ in range(110):
        one.react()
        now[0] += 86_400_000_000
    days_of = [when[:10] for what, who, when in told(hub) if who == "learner1"]
    assert days_of == ["2099-03-02", "2099-04-01", "2099-05-01", "2099-05-31"]


def test_an_earlier_certificate_lapses_beside_a_newer_one(hub: Hub, tmp_path: Path) -> None:
    """Recertified: the row of the first certificate expires on its day, the second stays valid."""
    take_in(hub, tmp_path, AGAIN)
    assert [row["enrollment_status"] for row in rows(hub, "learner1@example.org")] == ["Certified", "Certified"]
    reactor(hub, [at(2099, 6, 1)]).react()
    assert [row["enrollment_status"] for row in rows(hub, "learner1@example.org")] == ["Expired", "Certified"]
    take_in(hub, tmp_path, AGAIN)
    assert [row["enrollment_status"] for row in rows(hub, "learner1@example.org")] == ["Expired", "Certified"]


def test_what_is_recorded_after_midnight_is_seen_the_same_day(hub: Hub) -> None:
    """A deadline that is set into the past is missed at the next look, not at the next midnight; a moved one anew."""
    one = ClockReactor(hub.commands, DueRows(hub.connection), clock)
    assert one.react() == 0
    row = rows(hub, "learner0@example.org")[0]
    with hub.connection() as connection:
        found = connection.execute(
            "SELECT stream_id::text FROM hub.stream_head WHERE row_id = %s", (row["id"],)
        ).fetchone()
    assert found is not None
    yesterday = days(datetime.now(BERLIN).date() - timedelta(days=1))
    for day in (yesterday, yesterday - 1, yesterday):
        hub.commands.execute(acts.set_due_date(COMPANY, found[0], day))
        assert one.react() == 1
        assert one.react() == 0


def test_two_clocks_tell_a_thing_once(hub: Hub) -> None:
    """Two servers look at the same rows: their commands have the same ids, so there is one event each."""
    now = [at(2099, 2, 1)]
    rows_of = DueRows(hub.connection)
    found = rows_of.due({COMPANY: days(date(2099, 2, 1))}, None, [], 10)

    class Late(DueRows):
        """Answers what was due before the other clock told it, once."""

        asked = 0

        def due(self, *_: Any) -> Any:
            self.asked += 1
            return found if self.asked == 1 else []

    assert reactor(hub, now).react() == 3
    ClockReactor(hub.commands, Late(hub.connection), lambda: now[0]).react()
    assert len(told(hub)) == 3


def test_midnight_where_clocks_skip_it() -> None:
    """In Beirut the clocks went from 0:00 to 1:00 on 27 March 2022: the day began then."""
    day = days(date(2022, 3, 27))
    assert datetime.fromtimestamp(midnight(day, "Asia/Beirut") / 1e6, UTC) == datetime(2022, 3, 26, 22, tzinfo=UTC)
