"""An answer as of two days is what replaying the log up to that point gives."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from hub.domain.units import DAY, day, day_in
from hub.enrollments.clock import midnight
from hub.log import codec
from projections import migrations
from tests.support.asof_oracle import Replay
from tests.support.asof_scene import COURSES, PEOPLE, ZONE, Year
from tests.support.pg_scene import Scene

SEEDS = (12, 21)
QUESTIONS = 100
"""Of each seed."""
ASK = "SELECT * FROM analytics.completion_asof('acme', %s, %s, %s, %s)"
OPEN = ("In Progress", "On Hold", "Failed", "Dropped")
DONE = ("Completed", "Certified", "Expired")
"""Statuses that go by the day of completion."""


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed{seed}")
def year(request: pytest.FixtureRequest, make_database: Callable[[str | None], str]) -> Iterator[Year]:
    url = make_database(None)
    migrations.upgrade(url)
    with ExitStack() as stack:
        lived = Year(Scene(url, stack), request.param)
        lived.live(70)
        print(f"seed {request.param}")
        yield lived


def events(year: Year) -> list[dict[str, Any]]:
    """All that was decided."""
    return [codec.decode(one.value) for one in year.scene.records(("lms.learning", "lms.directory"))]


def two_days(chance: random.Random, year: Year) -> tuple[int, int]:
    """A day that is asked about, and a day on which it is known."""
    first, last = day_in(year.first, ZONE) - 60, year.today
    return chance.randint(first, last + 60), chance.randint(first, last + 5)


def test_the_year_has_everything_that_makes_it_hard(year: Year) -> None:
    """Late facts, corrections, retractions, retakes, lapses, revocations and changed links, each more than once."""
    told = [event for event in events(year) if "transitions" in event]
    names = [name.removeprefix("enrollment.") for event in told for name in event["transitions"]]
    for name in ("corrected", "retracted", "certificate_lapsed", "certificate_revoked", "linked"):
        assert names.count(name) > 1, name
    assert sum(bool(event.get("late")) for event in told) > 5
    assert sum(event.get("cycle", 1) > 1 for event in told) > 5


def test_a_completion_is_what_replaying_the_log_says(year: Year) -> None:
    """For random people, courses and pairs of days: the verdict is the replay's, valid or not, and one row is given."""
    told, chance = events(year), random.Random(1)
    seen = set()
    with psycopg.connect(year.scene.url, row_factory=dict_row) as connection:
        for _ in range(QUESTIONS):
            number, course = chance.randrange(len(PEOPLE)), chance.choice(COURSES)
            on, known = two_days(chance, year)
            (row,) = connection.execute(ASK, (f"E{number}", course, day(on), day(known))).fetchall()
            then = Replay(told, midnight(known + 1, ZONE), ZONE).judge(PEOPLE[number], course, on)
            now = Replay(told, year.now + DAY, ZONE).judge(PEOPLE[number], course, on)
            asked = (number, course, day(on), day(known), then, now, row)
            assert row["is_valid"] == ("valid" in then), asked
            assert row["is_valid_by_now_known"] == ("valid" in now), asked
            if "valid" in now and "valid" not in then:
                assert row["verdict"] == "known only later", asked
            else:
                assert row["verdict"] in then, asked
            seen.add(row["verdict"])
    assert len(seen) >= 5, seen


def test_an_enrollment_stood_as_replaying_the_log_says(year: Year) -> None:
    """Progress and due date of each enrollment on a day: those before the first later change, corrections included."""
    told, chance = events(year), random.Random(2)
    query = "SELECT enrollment_id::text, progress_percentage, due_date, enrollment_status FROM analytics.enrollments_asof('acme', %s, %s)"
    compared = 0
    with psycopg.connect(year.scene.url, row_factory=dict_row) as connection:
        for _ in range(10):
            on, known = two_days(chance, year)
            replay = Replay(told, midnight(known + 1, ZONE), ZONE)
            for row in connection.execute(query, (day(on), day(known))).fetchall():
                key = row["enrollment_id"]
                progress, due = replay.stood(key, "progress_percentage", on), replay.stood(key, "due_date", on)
                assert row["progress_percentage"] == (None if progress is None else progress / 100), (key, on, known)
                assert row["due_date"] == (None if due is None else day(due)), (key, on, known)
                status = replay.stood(key, "enrollment_status", on)
                if status in OPEN and row["enrollment_status"] not in DONE:
                    assert row["enrollment_status"] == status, (key, on, known)
                compared += 1
    assert compared > 50


def test_what_is_recorded_later_changes_no_earlier_answer(year: Year) -> None:
    """The same question as known on a day gives the same rows, whatever was corrected, retracted or told late since."""
    cut = year.today - 100
    query = "SELECT * FROM analytics.enrollments_asof('acme', %s, %s) ORDER BY enrollment_id"
    with psycopg.connect(year.scene.url) as connection:
        before = connection.execute(query, (day(cut), day(cut))).fetchall()
        connection.execute(
            "DELETE FROM hub.lms_course_enrollment_history WHERE recorded_at >= %s", (day(cut) + timedelta(days=1),)
        )
        after = connection.execute(query, (day(cut), day(cut))).fetchall()
        connection.rollback()
    assert before == after
    assert before
