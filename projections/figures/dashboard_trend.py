"""Trends: the twelve rows before one, and how it differs from the one before and the one a year ago.

The rows before come from the table and from the same computation, which goes through its periods in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from hub.domain.figures import DASHBOARD, FigureRow
from hub.domain.periods import CUSTOM, DAILY, WEEKLY, YTD, Period, period
from hub.domain.units import day, days
from projections.plain import scale_of
from projections.tables import TABLES

MAIN = (
    "total_enrollments", "active_enrollments", "in_progress_enrollments", "completed_enrollments", "dropped_enrollments",
    "total_learning_hours", "average_completion_time_hours", "completion_rate", "compliance_training_completion",
    "certification_achievement_rate",
)  # fmt: skip
"""The ten main figures."""
SHOWN = 12
SCALES = {name: scale_of(TABLES[DASHBOARD].columns[name]) for name in MAIN}

Key = tuple[str, str | None, str | None, Period]
"""Type, integration, subject and period of a row."""

_ROWS = f"""
SELECT d.dashboard_type, d.lms_integration_id::text, d.fold_state ->> 'subject', d.analysis_period,
       (d.fold_state ->> 'period_start')::integer, (d.fold_state ->> 'period_end')::integer, d.report_date,
       {", ".join(f"d.{name}" for name in MAIN)}
FROM hub.lms_analytics_dashboard d
JOIN unnest(%s::text[], %s::integer[], %s::integer[]) AS wanted (kind, first_day, end_day)
  ON wanted.kind = d.analysis_period AND wanted.first_day = (d.fold_state ->> 'period_start')::integer
 AND wanted.end_day = (d.fold_state ->> 'period_end')::integer
WHERE d.company_id = %s
"""


class Trends:
    """The main figures of the rows that trends may show."""

    def __init__(
        self, connection: psycopg.Connection[Any], company_id: str, wanted: Iterable[Period], fiscal_month: int
    ) -> None:
        self._fiscal_month = fiscal_month
        needed = sorted({other for one in wanted for other in (*self._before(one), *self._year_ago(one))})
        given = [[one.kind for one in needed], [one.start for one in needed], [one.end for one in needed], company_id]
        self._rows: dict[Key, dict[str, Any]] = {}
        for kind, integration, subject, name, start, end, report, *values in connection.execute(_ROWS.encode(), given):
            self._rows[kind, integration, subject, Period(name, start, end)] = {
                "date": report.isoformat(), **{name: _plain(value) for name, value in zip(MAIN, values, strict=True)}
            }  # fmt: skip

    def of(self, dashboard_type: str, integration_id: str | None, subject: str | None, at: Period) -> dict[str, Any]:
        """The trend of a row, without its changes: they need its figures; see :meth:`complete`."""
        found = (self._rows.get((dashboard_type, integration_id, subject, one)) for one in self._before(at))
        return {"rows": [row for row in found if row is not None]}

    def complete(self, row: FigureRow) -> None:
        """Tell the changes of a row against the one before and that of a year ago, and keep it for those after it."""
        told = {name: _plain(_exact(row.values[name], SCALES[name])) for name in MAIN}
        who = (str(row.kind), row.integration_id, row.subject)
        self._rows[(*who, row.period)] = {"date": day(row.values["report_date"]).isoformat(), **told}
        before, year_ago = self._before(row.period)[-1:], self._year_ago(row.period)
        for name, at in (("change_to_previous", before), ("change_to_year_ago", year_ago)):
            other = self._rows.get((*who, at[0])) if at else None
            row.values["trend_data"][name] = None if other is None else _changes(told, other)

    def _before(self, at: Period) -> list[Period]:
        """The twelve periods before, the oldest first."""
        found: list[Period] = []
        while at.kind != CUSTOM and len(found) < SHOWN:
            at = period(at.kind, _begins(at) - 1, self._fiscal_month)
            found.append(at)
        return found[::-1]

    def _year_ago(self, at: Period) -> Sequence[Period]:
        """The same period a year ago; of a week the one 52 weeks ago."""
        if at.kind == CUSTOM:
            return []
        if at.kind == WEEKLY:
            return [Period(WEEKLY, at.start - 364, at.end - 364)]
        begins = day(_begins(at))
        on = days(
            date(
                begins.year - 1,
                begins.month,
                min(begins.day, 28) if at.kind == DAILY and begins.month == 2 else begins.day,
            )
        )
        return [period(at.kind, on, self._fiscal_month)]


def _begins(at: Period) -> int:
    """The first day of what a period adds: of a year to date its last month."""
    return days(day(at.end - 1).replace(day=1)) if at.kind == YTD else at.start


def _exact(value: int | None, scale: int) -> Decimal | None:
    return None if value is None else Decimal(value).scaleb(-scale)


def _plain(value: Decimal | int | None) -> int | float | None:
    if value is None or isinstance(value, int):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _changes(now: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Differences; None where one of both is unknown."""
    return {
        name: None
        if now[name] is None or then[name] is None
        else _plain(Decimal(str(now[name])) - Decimal(str(then[name])))
        for name in MAIN
    }
