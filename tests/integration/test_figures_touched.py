"""A closed period that a later fact changes is named as touched: no restatement is ever missed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from hub.domain.figures import DASHBOARD
from hub.domain.periods import MONTHLY, Period, periods_between
from hub.domain.units import day, days, micros
from projections import migrations
from projections.figures.base import company_of
from projections.figures.dashboard import compute
from projections.figures.reading import Facts
from tests.support import figures_company as companies
from tests.support.figures_chance import by_chance
from tests.support.figures_company import COMPANY, World
from tests.support.figures_scene import MARCH, Scene, on

KNOWN = datetime(2026, 6, 1, tzinfo=UTC)
"""By then everything is recorded that is not told late."""
LATE_FACTS = 16
LATE_PEOPLE = 6
HISTORIES = ("lms_course_enrollment_history", "lms_learning_progress_history", "employee_history", "department_history")
NOT_OF_THE_ROW = {"additional_metrics", "trend_data"}


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    migrations.upgrade(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def touched(connection: psycopg.Connection[Any], since: datetime) -> int | None:
    """The earliest day that what was recorded since then is about."""
    facts = Facts(lambda: _Same(connection))
    return facts.touched(DASHBOARD, company_of(connection, str(COMPANY)), micros(since))


class _Same:
    """The connection at hand, as a pool lends it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def __enter__(self) -> psycopg.Connection[Any]:
        return self._connection

    def __exit__(self, *_: object) -> None:
        pass


def told(connection: psycopg.Connection[Any], world: World, months: list[Period], known: datetime) -> dict[Any, Any]:
    """What every row of these months says, by what is known at a moment, without what only tells the moment."""
    at = micros(known)
    found = {}
    for row in compute(connection, str(COMPANY), months, at):
        metrics = {
            name: value for name, value in row.values["additional_metrics"].items() if name not in ("freshness", "flow")
        }
        values = {name: value for name, value in row.values.items() if name not in NOT_OF_THE_ROW}
        key = (row.kind, row.integration_id or row.subject, row.period)
        found[key] = values | {"metrics": metrics, "flow": row.values["additional_metrics"]["flow"]}
    return found


UNDONE = {
    "dropped": ("Dropped", {"enrollment_status": "In Progress"}),
    "failed": ("Failed", {"enrollment_status": "Not Started"}),
    "expired": ("Expired", {"enrollment_status": "In Progress"}),
    "failed rather than dropped": ("Dropped", {"enrollment_status": "Failed"}),
}


@pytest.mark.parametrize(("status", "then"), UNDONE.values(), ids=UNDONE)
def test_an_end_that_is_taken_back_touches_the_day_of_that_end(
    connection: psycopg.Connection[Any], status: str, then: dict[str, Any]
) -> None:
    """It ended on 10 March, and a detail was told on 20 March; on 5 June somebody puts the end right. March differs, and it
    is since the 10th that it does."""
    scene = Scene()
    row = scene.enroll(0)
    scene.world.tell(row, on(10), enrollment_status=status)
    scene.world.tell(row, on(20), progress_percentage=Decimal(40))
    scene.world.tell(row, on(5, 6), own=False, **then)
    companies.write(connection, scene.world)
    before, after = (told(connection, scene.world, [MARCH], scene.world.at(on(day, 6))) for day in (1, 6))
    executive = ("Executive", None, MARCH)
    column = f"{status.lower()}_enrollments" if status == "Dropped" else None
    ended = [one[executive][column] if column else one[executive]["metrics"][status.lower()] for one in (before, after)]
    assert ended == [1, 0]
    assert touched(connection, scene.world.at(on(2, 6))) == days(on(10))


def test_what_only_goes_on_touches_its_own_day(connection: psycopg.Connection[Any]) -> None:
    """Somebody makes progress, and somebody passes after all: no closed period before is told again for that."""
    scene = Scene()
    busy, failed = scene.enroll(0), scene.enroll(1)
    scene.world.tell(failed, on(10), enrollment_status="Failed")
    scene.world.tell(busy, on(5, 6), progress_percentage=Decimal(40), last_access_date=scene.world.at(on(5, 6)))
    scene.world.tell(failed, on(6, 6), enrollment_status="Completed", completion_date=on(6, 6))
    companies.write(connection, scene.world)
    assert touched(connection, scene.world.at(on(2, 6))) == days(on(5, 6))


def test_a_mark_that_comes_later_touches_the_day_of_completion(connection: psycopg.Connection[Any]) -> None:
    """The mean score of a period is of those completed in it, whenever the score becomes known."""
    scene = Scene()
    row = scene.done(0, on(10), score_achieved=Decimal(40), max_score=Decimal(100))
    scene.world.tell(row, on(5, 6), own=False, score_achieved=Decimal(80))
    companies.write(connection, scene.world)
    before, after = (told(connection, scene.world, [MARCH], scene.world.at(on(day, 6))) for day in (1, 6))
    executive = ("Executive", None, MARCH)
    assert [one[executive]["learning_effectiveness_score"] for one in (before, after)] == [4000, 8000]
    assert touched(connection, scene.world.at(on(2, 6))) == days(on(10))


@pytest.mark.parametrize("seed", [5])
def test_no_changed_period_is_left_out(connection: psycopg.Connection[Any], seed: int) -> None:
    """Facts that are told late, one after the other: each month that one changes ends after the day it touches."""
    chance, world = random.Random(seed), by_chance(seed)
    moments = _late(world, chance)
    months = [one for one in periods_between(days(date(2025, 2, 1)), days(date(2026, 4, 30)), world.fiscal_month)
              if one.kind == MONTHLY][::3]  # fmt: skip
    with connection.transaction():
        companies.write(connection, world)
    before = None
    changed = 0
    for number, moment in enumerate(moments):
        with connection.transaction(force_rollback=True):
            for name in HISTORIES:
                connection.execute(f"DELETE FROM hub.{name} WHERE recorded_at > %s".encode(), (moment,))
            if before is None:
                before = told(connection, world, months, KNOWN)
            after = told(connection, world, months, moment)
            first = touched(connection, moment)
        differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        missed = [(key[0], day(key[2].start)) for key in differing if first is None or key[2].end <= first]
        what = {name for key in differing for name in (before.get(key) or {})
                if (before.get(key) or {}).get(name) != (after.get(key) or {}).get(name)}  # fmt: skip
        assert missed == [], f"fact {number} of {len(moments)}: {what}"
        changed += bool(differing)
        before = after
    assert changed > LATE_FACTS // 3, "many of them change something"


def _late(world: World, chance: random.Random) -> list[datetime]:
    """Everything is recorded in its time, but the last fact of some rows, which come later one by one."""
    for enrollment in world.enrollments.values():
        for version in enrollment.versions:
            version.recorded = min(version.happened, KNOWN)
    for lesson in world.lessons.values():
        for version in lesson.versions:
            version.recorded = min(version.happened, KNOWN)
    told: list[Any] = [*world.enrollments.values(), *world.lessons.values()]
    rows = [one for one in told if len(one.versions) > 1]
    moments = []
    for number, row in enumerate(chance.sample(rows, LATE_FACTS)):
        moment = KNOWN + timedelta(hours=1 + number)
        row.versions[-1].recorded = moment
        row.versions[-1].happened = max(row.versions[-1].happened, world.at(date(2026, 5, 25)))
        moments.append(moment)
    moved = [one for one in world.people.items() if len(one[1]) > 1]
    for number, (who, versions) in enumerate(chance.sample(moved, LATE_PEOPLE), LATE_FACTS):
        moment = KNOWN + timedelta(hours=1 + number)
        since, _, values = world.people[who][-1]
        versions[-1] = (since, moment, values)
        moments.append(moment)
    return moments
