"""What rows of the dashboards are about, their breakdowns and their periods, worked by hand: March 2026, told on 10 April."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest

from hub.domain.periods import MONTHLY, WEEKLY, YEARLY, YTD, period
from hub.domain.units import days
from projections import migrations
from tests.support.figures_scene import TODAY, Scene, Tell, on, teller


@pytest.fixture(scope="module")
def tell(make_database: Callable[[str | None], str]) -> Iterator[Tell]:
    url = make_database(None)
    migrations.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        yield teller(connection)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_managers_see_those_beneath_by_the_department_of_each_day(scene: Scene, tell: Tell) -> None:
    """A completion on 5 March in Sub stays Sub's though the person moved to Top on the 10th; what is open moves along."""
    scene.done(2, on(5))
    scene.enroll(2)
    scene.enroll(3)
    scene.world.changed(scene.people[2], on(10), department_id=scene.top)
    rows = tell(scene.world)
    sub, top = rows["Manager", "Sub"].values, rows["Manager", "Top"].values
    assert (sub["total_enrollments"], sub["completed_enrollments"], sub["active_enrollments"]) == (2, 1, 1)
    assert (top["total_enrollments"], top["completed_enrollments"], top["active_enrollments"]) == (3, 1, 2)
    lines = {line["name"]: (line["people"], line["total"], line["active"]) for line in top["department_breakdown"]}
    assert lines == {"Sub": (1, 2, 1), "Top": (1, 1, 1)}


def test_breakdowns_add_up_and_name_those_without_a_department(scene: Scene, tell: Tell) -> None:
    """An enrollment of nobody is on the line of no department; forms of course have lines of their own."""
    scene.done(0, on(3), course_type="Workshop")
    scene.enroll(None)
    row = tell(scene.world)["Executive", "Acme"].values
    assert [(line["name"], line["total"], line["completed"]) for line in row["department_breakdown"]] == [
        ("Top", 1, 1),
        (None, 1, 0),
    ]
    lines = row["course_type_breakdown"]["lines"]
    assert [(line["course_type"], line["total"], line["completion_rate"]) for line in lines] == [
        ("Workshop", 1, 100),
        ("eLearning", 1, 0),
    ]


def test_best_and_worst_courses_have_five_enrollments(scene: Scene, tell: Tell) -> None:
    """Five in A of which two completed, five in B of which none: A is best, B worst; a course with four is not ranked."""
    for number in range(5):
        scene.done(number % 4, on(3)) if number < 2 else scene.enroll(number % 4)
        scene.enroll(number % 4, course="B")
    for number in range(4):
        scene.done(number, on(3), course="few")
    told = tell(scene.world)["Executive", "Acme"].values["course_type_breakdown"]
    assert [(one["course_id"], one["completion_rate"]) for one in told["most_completed"]] == [("A", 40), ("B", 0)]
    assert [one["course_id"] for one in told["least_completed"]] == ["B", "A"]


def test_attempts(scene: Scene, tell: Tell) -> None:
    """First attempts in March: passed and failed, 50 percent; the lesson completed took 3 attempts."""
    for who, passed in ((0, True), (1, False)):
        row = scene.enroll(who)
        lesson = scene.world.lesson(row, [{"number": 1, "passed": passed, "time": "2026-03-04T10:00:00Z"}])
        scene.world.tell(lesson, on(4), employee_id=scene.people[who], attempts_count=1)
        if not passed:
            at = scene.world.at(on(9))
            scene.world.tell(lesson, on(9), attempts_count=3, progress_status="Completed", completion_date=at)
    metrics = tell(scene.world)["Executive", "Acme"].values["additional_metrics"]
    assert (metrics["first_attempt_pass_rate"], metrics["attempts_mean"]) == (50, 3)


def test_flow_people_and_days_longer_than_a_day(scene: Scene, tell: Tell) -> None:
    """What began, ended, was certified and lapsed in March; two of four people reached; 25 hours on one day are counted and named."""
    row = scene.enroll(0, on(2))
    scene.world.tell(row, on(3), enrollment_status="In Progress", start_date=on(3), time_spent_seconds=90_000)
    certified = scene.done(1, on(4))
    scene.world.tell(certified, on(4), enrollment_status="Certified", valid_from=on(4), valid_until=on(20))
    scene.world.tell(certified, scene.world.at(on(20), 0), own=False, enrollment_status="Expired")
    told = tell(scene.world)["Executive", "Acme"].values
    metrics = told["additional_metrics"]
    assert metrics["flow"] == {"registered": 1, "started": 1, "completed": 1, "certified": 1, "lapsed": 1}
    assert metrics["people"] == {"headcount": 4, "enrolled": 2, "active": 2, "reach_rate": 50}
    assert told["total_learning_hours"] == 2500
    assert [day["hours"] for day in metrics["implausible"]["days"]] == [25]


def test_an_open_period_is_told_up_to_today(scene: Scene, tell: Tell) -> None:
    """April on the 10th: the completion of the 9th counts, and the day is the date of the report. No row where nothing is in play."""
    scene.done(0, on(9, 4))
    rows = tell(scene.world, period(MONTHLY, days(TODAY)))
    told = rows["Executive", "Acme"].values
    assert (told["completed_enrollments"], told["report_date"]) == (1, days(TODAY))
    assert set(rows) == {("Executive", "Acme"), ("Learning Analytics", "Acme"), ("Manager", "Top"), ("LMS Admin", "LMS lms"),
                         ("Learning Analytics", "LMS lms")}  # fmt: skip


def test_fiscal_years_and_iso_weeks(scene: Scene, tell: Tell) -> None:
    """A fiscal year that begins in April has ended; its year to date in May has two months; the week begins on Monday 30 March."""
    scene.world.fiscal_month = 4
    scene.done(0, on(31))
    week = tell(scene.world, period(WEEKLY, days(on(31))))["Executive", "Acme"]
    assert (week.period.start, week.values["report_date"]) == (days(on(30)), days(on(5, 4)))
    year = period(YEARLY, days(on(31)), 4)
    assert tell(scene.world, year)["Executive", "Acme"].values["completed_enrollments"] == 1
    assert ("Executive", "Acme") not in tell(scene.world, period(YTD, days(on(10, 4)), 4))


def test_freshness_is_the_last_completed_run(scene: Scene, tell: Tell) -> None:
    """Of each source, and of an integration's row its own alone."""
    scene.enroll(0)
    scene.world.integration("silent")
    scene.world.runs = [
        (scene.lms, scene.world.at(on(1, 4))),
        (scene.lms, scene.world.at(on(1, 4) + timedelta(days=90))),
    ]
    rows = tell(scene.world)
    told = rows["Executive", "Acme"].values["additional_metrics"]["freshness"]
    assert told == {"lms": "2026-04-01T12:00:00.000Z", "silent": None}
    assert set(rows["LMS Admin", "LMS lms"].values["additional_metrics"]["freshness"]) == {"lms"}
