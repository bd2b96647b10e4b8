"""Each column of the dashboards, worked by hand: few rows, and numbers that a person can check.

The period is March 2026 unless a test says otherwise, told on 10 April, when it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from hub.domain.periods import DAILY, MONTHLY, period
from hub.domain.units import days
from projections import migrations
from tests.support.figures_company import World
from tests.support.figures_scene import Scene, Tell, ended, on, teller


@pytest.fixture(scope="module")
def tell(make_database: Callable[[str | None], str]) -> Iterator[Tell]:
    url = make_database(None)
    migrations.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        yield teller(connection)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_counts_add_up_to_the_total(scene: Scene, tell: Tell) -> None:
    """total = active + completed + dropped + on_hold + failed + expired + left; what ended before, or begins after, is out."""
    scene.enroll(0)
    started = scene.enroll(1)
    scene.world.tell(started, on(3), enrollment_status="In Progress", start_date=on(3))
    held = scene.enroll(2)
    scene.world.tell(held, on(4), enrollment_status="On Hold")
    scene.done(3, on(31))
    for status in ("Dropped", "Failed", "Expired"):
        ended(scene, 0, on(1), status)
    gone = scene.world.person(scene.top)
    scene.people.append(gone)
    scene.enroll(4)
    scene.world.changed(gone, on(20), employment_status="Terminated", termination_date=on(20))
    ended(scene, 1, date(2026, 2, 28), "Dropped")
    scene.done(1, date(2026, 2, 28))
    scene.enroll(1, on(1, 4))
    row = tell(scene.world)["Executive", "Acme"]
    counts = [row.values[f"{name}_enrollments"] for name in ("total", "active", "in_progress", "completed", "dropped")]
    others = [row.values["additional_metrics"][name] for name in ("on_hold", "failed", "expired", "left")]
    assert (counts, others) == ([8, 2, 1, 1, 1], [1, 1, 1, 1])
    assert (row.values["completion_rate"], row.parts["completion_rate"]) == (1250, {"numerator": 1, "denominator": 8})


def test_a_failed_one_that_is_completed_later_counts_in_both_months(scene: Scene, tell: Tell) -> None:
    """Failed in February, completed in March: failed then, completed now, and in play in both."""
    row = ended(scene, 0, date(2026, 2, 10), "Failed")
    scene.world.tell(row, on(9), enrollment_status="Completed", completion_date=on(9))
    february = tell(scene.world, period(MONTHLY, days(date(2026, 2, 1))))["Executive", "Acme"]
    march = tell(scene.world)["Executive", "Acme"]
    assert february.values["additional_metrics"]["failed"] == 1
    assert march.values["completed_enrollments"] == march.values["total_enrollments"] == 1


def test_what_was_known_later_does_not_count(scene: Scene, tell: Tell) -> None:
    """A completion of March that was recorded in May is not known in April, and restates March afterwards."""
    row = scene.enroll(0)
    scene.world.tell(row, on(9), scene.world.at(on(2, 5)), enrollment_status="Completed", completion_date=on(9))
    assert tell(scene.world)["Executive", "Acme"].values["completed_enrollments"] == 0
    assert tell(scene.world, today=on(3, 5))["Executive", "Acme"].values["completed_enrollments"] == 1


def test_days_are_the_company_s(scene: Scene, tell: Tell) -> None:
    """Dropped at 23:30 UTC on 28 March: in Berlin it is the 29th, the day on which the clocks go forward."""
    scene.world.zone = "Europe/Berlin"
    row = scene.enroll(0)
    moment = World().at(on(28), 23, 30)
    scene.world.tell(row, moment, enrollment_status="Dropped")
    daily = {day: tell(scene.world, period(DAILY, days(on(day)))).get(("Executive", "Acme")) for day in (28, 29, 30)}
    told = {day: None if found is None else found.values["dropped_enrollments"] for day, found in daily.items()}
    assert told == {28: 0, 29: 1, 30: None}


def test_learning_hours_are_increases_on_the_day_of_access(scene: Scene, tell: Tell) -> None:
    """Totals of 1 h, 3 h, a fall to 2 h, 2.5 h: 1 h was in February, so March has 2 h and 0.5 h; a taken out hour is not."""
    row = scene.enroll(0)
    for day, seconds in ((date(2026, 2, 20), 3600), (on(2), 10800), (on(3), 7200), (on(4), 9000)):
        scene.world.tell(
            row, scene.world.at(day, 20), time_spent_seconds=seconds, last_access_date=scene.world.at(day, 9)
        )
    scene.world.tell(row, on(5), time_spent_seconds=12600)
    scene.world.tell(row, on(6), retracted=True, own=False, time_spent_seconds=9000)
    told = tell(scene.world)["Executive", "Acme"]
    assert told.values["total_learning_hours"] == 250
    assert told.parts["total_learning_hours"] == {"numerator": 9000, "denominator": 3600}
    assert told.values["additional_metrics"]["hours_per_learner"] == 2.5


def test_hours_are_unknown_where_no_source_tracks_time(scene: Scene, tell: Tell) -> None:
    """NULL with its reason, never 0; an LMS that tracks time but saw none in the month has 0."""
    scene.enroll(0)
    other = scene.world.integration("tracking")
    row = scene.world.enroll(scene.people[1], other, "B", date(2026, 1, 1))
    scene.world.tell(row, date(2026, 1, 5), time_spent_seconds=600)
    rows = tell(scene.world)
    lms, tracking = rows["LMS Admin", "LMS lms"], rows["LMS Admin", "LMS tracking"]
    assert (lms.values["total_learning_hours"], lms.reasons["total_learning_hours"]) == (None, "not_reported_by_source")
    assert tracking.values["total_learning_hours"] == 0


def test_average_time_and_days_to_complete(scene: Scene, tell: Tell) -> None:
    """(1 h + 2 h) / 2; a waived one and one without time are left out; days 10 and 20 have the median 15; nominal time apart."""
    scene.world.course(scene.lms, "N", nominal_minutes=90)
    scene.done(0, on(11), time_spent_seconds=3600, start_date=on(1))
    scene.done(1, on(21), time_spent_seconds=7200, start_date=on(1))
    scene.done(2, on(21), time_spent_seconds=99999, waived=True, own=False)
    scene.done(3, on(21), course="N")
    told = tell(scene.world)["Executive", "Acme"]
    assert told.values["average_completion_time_hours"] == 150
    metrics = told.values["additional_metrics"]
    assert (metrics["days_to_complete"], metrics["nominal_hours"], metrics["waived"]) == (15, 1.5, 1)


def test_on_time_counts_by_the_first_deadline(scene: Scene, tell: Tell) -> None:
    """Due 10 March, done 9 March; due 10 March and moved to the 20th, done on the 15th: one of two in time."""
    scene.done(0, on(9), due_date=on(10))
    moved = scene.enroll(1, due_date=on(10))
    scene.world.tell(moved, on(8), own=False, due_date=on(20))
    scene.world.tell(moved, on(15), enrollment_status="Completed", completion_date=on(15))
    scene.enroll(2, due_date=on(10, 4))
    told = tell(scene.world)["Executive", "Acme"]
    assert told.values["additional_metrics"]["on_time_completion_rate"] == 50
    assert told.parts["on_time_completion_rate"] == {"numerator": 1, "denominator": 2}


def test_completion_of_the_last_twelve_months(scene: Scene, tell: Tell) -> None:
    """Enrolled from 1 April 2025 on: two, of which one completed; the one of 31 March 2025 is out."""
    scene.done(0, on(1, 1), begun=date(2025, 4, 1))
    scene.enroll(1, date(2025, 12, 1))
    scene.done(2, on(2), begun=date(2025, 3, 31))
    assert tell(scene.world)["Executive", "Acme"].values["additional_metrics"]["completion_rate_12m"] == 50


def test_overdue_by_the_deadline_of_that_day(scene: Scene, tell: Tell) -> None:
    """Overdue on 31 March though the deadline was moved in April; not who is away, gone, held or has dropped it."""
    late = scene.enroll(0, due_date=on(10))
    scene.world.tell(late, on(5, 4), own=False, due_date=on(30, 4))
    scene.enroll(1, due_date=on(31))
    for status in ("Dropped", "On Hold"):
        scene.world.tell(scene.enroll(1, due_date=on(10)), on(20), own=False, enrollment_status=status)
    scene.enroll(2, due_date=on(10))
    scene.world.changed(scene.people[2], on(1), employment_status="On Leave", leave_start_date=on(1))
    scene.enroll(3, due_date=on(10))
    scene.world.changed(scene.people[3], on(30), employment_status="Terminated", termination_date=on(30))
    scene.enroll(None, due_date=on(10))
    assert tell(scene.world)["Executive", "Acme"].values["additional_metrics"]["overdue"] == 1


def test_compliance_is_a_stock_of_valid_completions(scene: Scene, tell: Tell) -> None:
    """Long ago and valid for ever; lapsed, with a new cycle that is valid (one pair); revoked; open: 2 of 4."""
    of: dict[str, Any] = {"is_compliance_training": True}
    scene.done(0, date(2025, 5, 5), begun=date(2025, 5, 1), **of)
    scene.done(1, date(2025, 5, 5), begun=date(2025, 5, 1), valid_until=on(1), **of)
    scene.done(1, on(2), begun=on(1), valid_until=on(1, 12), **of)
    revoked = scene.done(2, on(2), **of)
    scene.world.tell(revoked, on(31), own=False, revoked_on=on(31))
    scene.enroll(3, **of)
    told = tell(scene.world)["Executive", "Acme"]
    assert told.values["compliance_training_completion"] == 5000
    assert told.parts["compliance_training_completion"] == {"numerator": 2, "denominator": 4, "basis": "enrolled"}
    assert tell(scene.world)["Compliance", "Acme"].values["total_enrollments"] == 3


def test_certificates_that_end_soon(scene: Scene, tell: Tell) -> None:
    """On 31 March: 30 April is 30 days off, 1 May 31, 30 May 60, and a course's own validity of 90 days from 31 March ends on 29 June."""
    for who, until in enumerate((on(30, 4), on(1, 5), on(30, 5))):
        scene.done(who, on(1), valid_from=on(1), valid_until=until)
    scene.world.course(scene.lms, "V", validity_days=90)
    scene.done(3, on(31), course="V")
    metrics = tell(scene.world)["Executive", "Acme"].values["additional_metrics"]
    assert [metrics[f"expiring_{days}"] for days in (30, 60, 90)] == [1, 3, 4]


def test_certification_of_what_ended(scene: Scene, tell: Tell) -> None:
    """Of three that ended in a course with a certificate one is certified by the end of March; one only in April."""
    scene.world.course(scene.lms, "C", leads_to_certificate=True)
    for who, certified in ((0, on(31)), (1, on(1, 4))):
        row = scene.done(who, on(5), course="C")
        scene.world.tell(row, certified, enrollment_status="Certified", valid_from=certified)
    dropped = scene.enroll(2, course="C")
    scene.world.tell(dropped, on(6), enrollment_status="Dropped")
    scene.done(3, on(5))
    told = tell(scene.world)["Executive", "Acme"]
    assert told.parts["certification_achievement_rate"] == {"numerator": 1, "denominator": 3}
    assert told.values["certification_achievement_rate"] == 3333


def test_skills_need_evidence_and_five_people(scene: Scene, tell: Tell) -> None:
    """Five people, two skills each: one passed, one just so, one failed, two without a score: 4 of 10; of four people nothing is said."""
    scene.world.course(scene.lms, "S", skills=["a", "b"], passing_score=Decimal(60))
    for who, score in enumerate((90, 60, 59, None)):
        scene.done(who, on(5), course="S", score_achieved=score, max_score=100)
    few = tell(scene.world)["Executive", "Acme"]
    assert (few.values["skill_acquisition_rate"], few.reasons["skill_acquisition_rate"]) == (
        None,
        "below_minimum_group",
    )
    scene.people.append(scene.world.person())
    scene.done(4, on(5), course="S")
    told = tell(scene.world)["Executive", "Acme"]
    assert told.parts["skill_acquisition_rate"] == {"numerator": 4, "denominator": 10}


def test_engagement_is_the_mean_of_what_is_known(scene: Scene, tell: Tell) -> None:
    """A day's window is 28 days: 1 of 2 people active; 1 of 1 begun advanced; active on 2 days of 4 weeks. (0.5 + 1 + 0.5) / 3."""
    row = scene.enroll(0)
    scene.enroll(1)
    scene.world.tell(row, on(5), enrollment_status="In Progress", start_date=on(5), progress_percentage=10)
    scene.world.tell(row, on(6), score_achieved=1)
    told = tell(scene.world, period(DAILY, days(on(31))))["Executive", "Acme"]
    assert told.values["engagement_score"] == 6667
    assert told.parts["engagement_score"]["active_days"] == {"numerator": 2, "denominator": 4}
    assert told.values["additional_metrics"]["people"]["active"] == 0


def test_effectiveness_is_the_mean_score_where_only_scores_are_known(scene: Scene, tell: Tell) -> None:
    """8 of 10 and 50 of 100 points: 65 percent; the level is named."""
    scene.done(0, on(5), score_achieved=8, max_score=10)
    scene.done(1, on(5), score_achieved=50, max_score=100)
    told = tell(scene.world)["Executive", "Acme"]
    assert told.values["learning_effectiveness_score"] == 6500
    assert told.values["additional_metrics"]["effectiveness"] == {"levels": [2]}
    assert told.parts["learning_effectiveness_score"]["level_2"] == {"numerator": 130, "denominator": 2}


def test_content_used_of_the_catalog(scene: Scene, tell: Tell) -> None:
    """Used: A. Offered: A, B and what retired in March; what retired in February is out. 1 of 3."""
    scene.world.course(scene.lms, "B")
    scene.world.course(scene.lms, "late", retired_at=scene.world.at(on(15)))
    scene.world.course(scene.lms, "gone", retired_at=scene.world.at(date(2026, 2, 15)))
    scene.done(0, on(5), instructor_id="i1")
    rows = tell(scene.world)
    assert rows["Executive", "Acme"].parts["content_utilization_rate"] == {"numerator": 1, "denominator": 3}
    assert rows["Instructor", "i1"].reasons["content_utilization_rate"] == "not_applicable"


def test_cost_per_head_of_registered_enrollments(scene: Scene, tell: Tell) -> None:
    """120 USD over the mean of 4 and 5 heads; euros are left out and named; February's cost is February's."""
    scene.world.person(scene.top, on(15))
    scene.enroll(0, on(2), cost_amount=Decimal("90.00"), currency_code="USD")
    scene.enroll(1, on(2), cost_amount=Decimal("30.00"), currency_code="USD")
    scene.enroll(2, on(2), cost_amount=Decimal("50.00"), currency_code="EUR")
    scene.enroll(3, date(2026, 2, 2), cost_amount=Decimal("70.00"), currency_code="USD")
    told = tell(scene.world)["Executive", "Acme"]
    assert told.values["learning_cost_per_employee"] == 2667
    parts = told.parts["learning_cost_per_employee"]
    assert parts == {"numerator": 120, "denominator": 4.5, "cost_other_currencies": {"EUR": "50.00"}}
    assert told.reasons["learning_cost_per_employee"] == "mixed_currency"


def test_what_needs_a_fact_from_outside_is_null_with_its_reason(scene: Scene, tell: Tell) -> None:
    """No rating of instructors and no benefit came in; no cost is not a cost of 0."""
    scene.enroll(0)
    row = tell(scene.world)["Executive", "Acme"]
    wanted = {
        "instructor_performance_score": "no_input_event", "roi_analysis": "no_input_event",
        "learning_cost_per_employee": "not_reported_by_source", "average_completion_time_hours": "no_data",
        "certification_achievement_rate": "not_reported_by_source", "skill_acquisition_rate": "not_reported_by_source",
        "learning_effectiveness_score": "no_data",
    }  # fmt: skip
    assert {name: (row.values[name], row.reasons[name]) for name in wanted} == {
        name: (None, why) for name, why in wanted.items()
    }
