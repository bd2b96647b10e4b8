"""Periods: half open, ISO weeks, fiscal quarters and years, a year to date per month."""

from __future__ import annotations

import itertools
from datetime import date
from typing import get_args

import pytest

from hub.cli import figures
from hub.domain.periods import CUSTOM, KINDS, REGULAR, Period, midnight, months_back, period, periods_between
from hub.domain.units import day, days
from projections.tables.figures import DASHBOARD_TYPES, AnalyticsDashboard

ON = days(date(2026, 5, 20))  # a Wednesday


def ends(kind: str, month: int) -> tuple[date, date]:
    one = period(kind, ON, month)
    return day(one.start), day(one.end)


@pytest.mark.parametrize(
    ("kind", "month", "start", "end"),
    [
        ("Daily", 1, date(2026, 5, 20), date(2026, 5, 21)),
        ("Weekly", 1, date(2026, 5, 18), date(2026, 5, 25)),
        ("Monthly", 1, date(2026, 5, 1), date(2026, 6, 1)),
        ("Quarterly", 1, date(2026, 4, 1), date(2026, 7, 1)),
        ("Quarterly", 3, date(2026, 3, 1), date(2026, 6, 1)),
        ("Yearly", 1, date(2026, 1, 1), date(2027, 1, 1)),
        ("Yearly", 6, date(2025, 6, 1), date(2026, 6, 1)),
        ("YTD", 1, date(2026, 1, 1), date(2026, 6, 1)),
        ("YTD", 10, date(2025, 10, 1), date(2026, 6, 1)),
    ],
)
def test_period_of_a_day(kind: str, month: int, start: date, end: date) -> None:
    """Quarter, year and year to date follow the fiscal year; weeks begin on Monday; the end is the first day after."""
    assert ends(kind, month) == (start, end)


@pytest.mark.parametrize("kind", REGULAR)
@pytest.mark.parametrize("month", [1, 4, 12])
def test_every_day_lies_in_one_period_of_a_kind(kind: str, month: int) -> None:
    """Periods of a kind meet without gap or overlap, but for the years to date, which share their beginning."""
    first, last = days(date(2024, 1, 1)), days(date(2026, 12, 31))
    found = [one for one in periods_between(first, last, month) if one.kind == kind]
    for before, after in itertools.pairwise(found):
        assert before.end == after.start or kind == "YTD"
    for on in range(first, last, 17):
        assert period(kind, on, month) in found
        assert period(kind, on, month).start <= on < period(kind, on, month).end


def test_a_year_to_date_has_a_row_per_month() -> None:
    """Its name tells the end, since all of a year begin on the same day."""
    months = [one for one in periods_between(days(date(2026, 1, 5)), ON) if one.kind == "YTD"]
    assert len(months) == 5
    assert len({one.name for one in months}) == 5
    assert len({one.start for one in months}) == 1


def test_closing() -> None:
    """Closed on the third day after its last day; told as of today, then as of its last day."""
    april = period("Monthly", days(date(2026, 4, 10)))
    last = days(date(2026, 4, 30))
    assert not april.is_to_close(last + 2)
    assert april.is_to_close(last + 3)
    assert april.report_date(last - 5) == last - 5
    assert april.report_date(last + 40) == last


def test_the_enumeration_of_the_table_is_that_of_the_periods() -> None:
    """``analysis_period`` has these words, in this order."""
    assert AnalyticsDashboard.__table__.columns["analysis_period"].info["enum"] == KINDS  # type: ignore[attr-defined]
    assert Period(CUSTOM, 1, 3).name == "1970-01-02/1970-01-04"


def test_the_words_of_the_command_line_are_those_of_the_tables() -> None:
    """They are written there once more, since help may not wait for the declarations."""
    assert get_args(figures.Kinds) == KINDS
    assert get_args(figures.Types) == DASHBOARD_TYPES


def test_months_back() -> None:
    """The first day of the month so many months before."""
    assert day(months_back(ON, 13)) == date(2025, 4, 1)
    assert day(months_back(ON, 0)) == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Santiago", date(2024, 9, 8), 23),
    ],
)
def test_a_day_on_which_the_clocks_change(zone: str, on: date, hours: int) -> None:
    """It is an hour shorter or longer; where midnight itself is skipped, it begins an hour later."""
    assert midnight(days(on) + 1, zone) - midnight(days(on), zone) == hours * 3_600_000_000
