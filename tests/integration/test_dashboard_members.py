"""From a figure to its enrollments, and from a row to those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from hub.domain.figures import FigureRow
from hub.domain.periods import DAILY, MONTHLY, YEARLY, YTD, Period, period
from hub.domain.units import day, days, micros, moment
from projections import migrations, views
from projections.figures.dashboard import compute
from projections.figures.dashboard_members import OF_DAYS, OF_PLAY, view
from projections.figures.dashboard_trend import MAIN, SCALES
from tests.support import figures_company as companies
from tests.support.figures_chance import by_chance
from tests.support.figures_company import COMPANY, World

TODAY = date(2026, 4, 10)
COUNTED = [name for name in OF_PLAY if name.endswith("_enrollments")]
RATES = ("completion_rate", "certification_achievement_rate")
MEMBERS = "SELECT enrollment_id, in_numerator FROM analytics.figure_rows WHERE figure_row_id = %s AND figure = %s"


@pytest.fixture(scope="module")
def connection(make_database: Callable[[str | None], str]) -> Iterator[psycopg.Connection[Any]]:
    url = make_database(None)
    migrations.upgrade(url)
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened


def keep(connection: psycopg.Connection[Any], row: FigureRow, as_of: int) -> None:
    """Put a row into the table, as the fold of its event does."""
    values = {name: row.values[name] for name in ("dashboard_name", "dashboard_type", "analysis_period")}
    values |= {name: _decimal(row.values[name], SCALES[name]) for name in MAIN}
    state = {"period_start": row.period.start, "period_end": row.period.end, "subject": row.subject, "as_of": as_of}
    values |= {
        "id": row.id,
        "company_id": COMPANY,
        "lms_integration_id": row.integration_id,
        "fold_state": Jsonb(state),
    }
    values |= {name: moment(as_of) for name in ("created_at", "updated_at")} | {
        "report_date": day(row.values["report_date"])
    }
    names = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    query = f"INSERT INTO hub.lms_analytics_dashboard ({names}) VALUES ({places})"
    connection.execute(query.encode(), list(values.values()))


def _decimal(value: int | None, scale: int) -> float | None:
    return None if value is None else value / 10**scale


def test_the_view_is_what_the_steps_make() -> None:
    """The file is made, not written: the figures and their lists rest on the same text."""
    path = Path(views.__file__).with_name("figure_rows.sql")
    assert path.read_text(encoding="utf-8") == view()


@pytest.mark.parametrize("kind", [DAILY, YEARLY])
def test_lists_are_as_long_as_the_figures_say(connection: psycopg.Connection[Any], kind: str) -> None:
    """Of one row of each type: the counts, and numerator and denominator of the ratios, equal the lines of their lists."""
    world = by_chance(7)
    as_of = micros(world.at(TODAY))
    at = period(kind, days(TODAY), world.fiscal_month)
    with connection.transaction(force_rollback=True):
        companies.write(connection, world)
        rows = compute(connection, str(COMPANY), [at], as_of)
        one_of_each = {row.kind: row for row in rows}
        for row in one_of_each.values():
            keep(connection, row, as_of)
            for figure in COUNTED:
                assert len(members(connection, row, figure)) == row.values[figure], (row.kind, figure)
            for figure in RATES:
                told = members(connection, row, figure)
                parts = row.parts.get(figure, {"numerator": 0, "denominator": 0})
                assert (sum(told.values()), len(told)) == (parts["numerator"], parts["denominator"]), (row.kind, figure)
            hours = members(connection, row, "total_learning_hours")
            assert bool(hours) == bool(row.values["total_learning_hours"])
        assert set(one_of_each) == {
            "Executive",
            "Manager",
            "LMS Admin",
            "Instructor",
            "Compliance",
            "Learning Analytics",
        }


def members(connection: psycopg.Connection[Any], row: FigureRow, figure: str) -> dict[Any, bool]:
    """The enrollments of a figure; True for those in its numerator. None is on the list twice."""
    found = connection.execute(MEMBERS, (row.id, figure)).fetchall()
    assert len(found) == len(dict(found))
    return dict(found)


def test_every_ratio_with_a_list_has_one_declared_place() -> None:
    """A figure has one list."""
    assert not set(OF_PLAY) & set(OF_DAYS)


def world_with_a_completion_each_month() -> World:
    """One enrollment completed on the fifth of every month from March 2025 to March 2026."""
    world = World()
    lms, who = world.integration("lms"), world.person()
    for number in range(13):
        at = date(2025 + (number + 2) // 12, (number + 2) % 12 + 1, 5)
        row = world.enroll(who, lms, "A", at)
        world.tell(row, at, enrollment_status="Completed", completion_date=at, time_spent_seconds=3600 * (number + 1))
    return world


def executive(rows: list[FigureRow], at: Period) -> FigureRow:
    """The company's row of a period."""
    (found,) = (row for row in rows if row.kind == "Executive" and row.period == at)
    return found


@pytest.mark.parametrize("kept", [True, False], ids=["from the table", "of the same computation"])
def test_trend_shows_twelve_rows_and_the_changes(connection: psycopg.Connection[Any], kept: bool) -> None:
    """Twelve months before, the oldest first; changes to February and to March of last year; the same from the table as at once."""
    world, march = world_with_a_completion_each_month(), period(MONTHLY, days(date(2026, 3, 1)))
    months = [march]
    while len(months) < 13:
        months.append(period(MONTHLY, months[-1].start - 1))
    as_of = micros(world.at(TODAY))
    with connection.transaction(force_rollback=True):
        companies.write(connection, world)
        if kept:
            for row in compute(connection, str(COMPANY), months[1:], as_of):
                keep(connection, row, as_of)
            months = [march]
        told = executive(compute(connection, str(COMPANY), months, as_of), march).values["trend_data"]
    assert [row["date"] for row in told["rows"]][::11] == ["2025-03-31", "2026-02-28"]
    assert [row["total_learning_hours"] for row in told["rows"]] == list(range(1, 13))
    assert told["change_to_previous"]["total_learning_hours"] == 1
    assert told["change_to_year_ago"]["total_learning_hours"] == 12
    assert told["change_to_previous"]["certification_achievement_rate"] is None


def test_a_year_to_date_follows_that_of_the_month_before(connection: psycopg.Connection[Any]) -> None:
    """February's year to date has 2 completions, March's 3; a year ago there was March alone."""
    world = world_with_a_completion_each_month()
    wanted = [period(YTD, days(on)) for on in (date(2025, 3, 1), date(2026, 2, 1), date(2026, 3, 1))]
    with connection.transaction(force_rollback=True):
        companies.write(connection, world)
        told = executive(compute(connection, str(COMPANY), wanted, micros(world.at(TODAY))), wanted[2]).values
    assert told["completed_enrollments"] == 3
    assert told["trend_data"]["change_to_previous"]["completed_enrollments"] == 1
    assert told["trend_data"]["change_to_year_ago"]["completed_enrollments"] == 2


def test_computing_leaves_nothing_behind_and_says_the_same_again(connection: psycopg.Connection[Any]) -> None:
    """Equal facts give equal rows, and no temporary table stays in the session."""
    world, wanted = by_chance(3, people=12, enrollments=40), [period(YEARLY, days(TODAY))]
    with connection.transaction(force_rollback=True):
        companies.write(connection, world)
        first, second = (compute(connection, str(COMPANY), wanted, micros(world.at(TODAY))) for _ in range(2))
        left = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'dash\\_%' AND relpersistence = 't'"
        ).fetchone()
    assert first == second
    assert left == (0,)


def test_nothing_is_told_of_a_period_that_has_not_begun(connection: psycopg.Connection[Any]) -> None:
    """Nor of a company that does not exist."""
    world = world_with_a_completion_each_month()
    with connection.transaction(force_rollback=True):
        companies.write(connection, world)
        assert compute(connection, str(COMPANY), [period(DAILY, days(TODAY) + 1)], micros(world.at(TODAY))) == []
    with pytest.raises(KeyError):
        compute(connection, str(COMPANY), [period(DAILY, days(TODAY))], micros(world.at(TODAY)))
