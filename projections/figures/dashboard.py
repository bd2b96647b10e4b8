"""The rows of ``lms_analytics_dashboard``: computed together, from prepared tables that all rows of a computation share.

What is known is prepared once (days in the company's zone, ends, increases of time, days of activity); the state at the
end of a period once for all periods with that end; a period's numbers come by one pass over the state for all types
of dashboard. A period that is open is told up to today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import psycopg

from hub.domain.figures import FigureRow
from hub.domain.periods import Period
from hub.domain.units import day, day_in, micros, moment, text_of
from projections.figures import dashboard_sql as sql
from projections.figures.base import Company, company_of
from projections.figures.dashboard_numbers import Numbers, of_the_end, of_the_period
from projections.figures.dashboard_rows import Setting, row_of
from projections.figures.dashboard_scopes import TYPES, Scope, department_names, scopes
from projections.figures.dashboard_trend import Trends
from projections.figures.filters import label

ASK = "company_id uuid, zone text, currency text, as_of timestamptz, since date, chosen jsonb"
WINDOW_DAYS = 28
"""Least length of the window of engagement."""

_ABILITIES = """
SELECT coalesce(bool_or(leads_to_certificate IS NOT NULL), FALSE) AS certificates,
       coalesce(bool_or(jsonb_array_length(skills) > 0), FALSE) AS skills
FROM dash_catalog
"""


@dataclass(frozen=True, slots=True)
class _Source:
    """What the rows of a computation share."""

    company: Company
    as_of: int
    today: int
    trends: Trends
    certificates: bool = False
    skills: bool = False
    freshness: dict[str, str | None] | None = None
    chosen: str | None = None
    chosen_name: str = ""


def compute(
    connection: psycopg.Connection[Any],
    company_id: str,
    wanted: Sequence[Period],
    as_of: int,
    chosen: str | None = None,
) -> list[FigureRow]:
    """Every row of these periods in which something is in play, the earlier periods first.

    ``as_of``: microseconds; what was recorded later does not count. ``chosen``: see :mod:`projections.figures.filters`. The connection is in a transaction that may make
    temporary tables; they are dropped before this returns. Raises KeyError where there is no such company.
    """
    company = company_of(connection, company_id)
    today = day_in(as_of, company.time_zone)
    begun = sorted((one for one in set(wanted) if one.start <= today), key=lambda one: (min(one.end, today + 1), one))
    if not begun:
        return []
    source = _Source(company, as_of, today, Trends(connection, company_id, begun, company.fiscal_year_start_month))
    sql.prepare(connection)
    bench = sql.Workbench(connection)
    with bench.stretch():
        since = min(min(one.start, _window(one, today)) for one in begun)
        asked = (company_id, company.time_zone, company.currency_code, moment(as_of), day(since), chosen)
        bench.put("dash_ask", ASK, [asked])
        bench.make(sql.FACTS)
        (able,) = bench.tell(_ABILITIES)
        source = replace(source, certificates=able["certificates"], skills=able["skills"], freshness=_freshness(bench))
        if chosen is not None:
            source = replace(source, chosen=chosen, chosen_name=label(connection, chosen))
        rows: list[FigureRow] = []
        for ends, periods in groupby(begun, key=lambda one: min(one.end, today + 1)):
            with bench.stretch():
                rows += _ending(bench, source, ends, list(periods))
    return rows


def _window(one: Period, today: int) -> int:
    return min(one.start, min(one.end, today + 1) - WINDOW_DAYS)


def _freshness(bench: sql.Workbench) -> dict[str, str | None]:
    answers = bench.ask("freshness")
    return {
        row["lms_code"]: None if row["last_success"] is None else text_of(micros(row["last_success"]))
        for row in answers
    }


def _ending(bench: sql.Workbench, source: _Source, ends: int, periods: Sequence[Period]) -> list[FigureRow]:
    """The rows of the periods that end (so far) before the day ``ends``."""
    bench.put("dash_end", "ends date, last_day date", [(day(ends), day(ends - 1))])
    bench.make(sql.STATE)
    found = scopes(bench, source.chosen, source.chosen_name)
    bench.make(sql.MEMBERSHIP)
    names, stock = department_names(bench), of_the_end(bench)
    rows: list[FigureRow] = []
    measured: dict[int, dict[int, Numbers]] = {}  # an open year and its year to date begin and end together
    for one in periods:
        if one.start not in measured:
            measured[one.start] = _measured(bench, one.start, ends, _window(one, source.today), stock)
        numbers = measured[one.start]
        setting = Setting(
            source.company.id, one, one.report_date(source.today), ends - _window(one, source.today),
            source.certificates, source.skills, names, source.freshness or {},
        )  # fmt: skip
        rows += _rows(source.trends, setting, found, numbers)
    return rows


def _measured(
    bench: sql.Workbench, starts: int, ends: int, window_starts: int, stock: list[dict[str, Any]]
) -> dict[int, Numbers]:
    """Every row's numbers of the days from ``starts`` until before ``ends``."""
    with bench.stretch():
        asked = (day(starts), day(ends), day(window_starts), _year_before(ends))
        bench.put("dash_period", "starts date, ends date, window_starts date, year_starts date", [asked])
        bench.make(sql.PERIOD)
        return of_the_period(bench, stock)


def _rows(trends: Trends, setting: Setting, found: Sequence[Scope], numbers: dict[int, Numbers]) -> list[FigureRow]:
    rows = []
    for scope in found:
        told = numbers.get(scope.number)
        if told is None or not told["total"]:
            continue
        for dashboard_type in TYPES[scope.kind]:
            trend = trends.of(dashboard_type, scope.integration_id, scope.row_subject, setting.period)
            row = row_of(setting, scope, dashboard_type, told, trend)
            trends.complete(row)
            rows.append(row)
    return rows


def _year_before(ends: int) -> Any:
    """Twelve months before a day."""
    at = day(ends)
    return at.replace(year=at.year - 1, day=28) if (at.month, at.day) == (2, 29) else at.replace(year=at.year - 1)
