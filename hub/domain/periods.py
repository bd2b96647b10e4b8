"""The periods that figures are told for: half open, [start, end), in days since 1970 of the company's calendar.

Weeks are ISO weeks (Monday). Quarter, year and the year to date follow the month in which the company's fiscal year
begins. There is a year to date for each month: it begins with the fiscal year and ends with the month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from hub.domain.units import day, days, micros

DAILY, WEEKLY, MONTHLY, QUARTERLY, YEARLY, YTD, CUSTOM = KINDS = (
    "Daily",
    "Weekly",
    "Monthly",
    "Quarterly",
    "Yearly",
    "YTD",
    "Custom",
)
REGULAR = KINDS[:-1]
"""The kinds that the clock tells; a custom period is told when somebody asks for it."""

CLOSE_AFTER_DAYS = 3
"""A period is closed on this day after its last day."""
RESTATED_MONTHS = 13
"""So many months back a closed period is told again where later facts touch it."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A period: its kind, its first day and the first day after it."""

    kind: str
    start: int
    end: int

    def is_to_close(self, today: int) -> bool:
        """Whether what is known today is what it closes with."""
        return today >= self.end - 1 + CLOSE_AFTER_DAYS

    def report_date(self, today: int) -> int:
        """The day as of which it is told: today while it is open, else its last day."""
        return min(today, self.end - 1)

    @property
    def name(self) -> str:
        """What tells it from the others of its kind: its first day, and its end where that does not follow from it."""
        start = day(self.start).isoformat()
        return f"{start}/{day(self.end).isoformat()}" if self.kind in (YTD, CUSTOM) else start


def period(kind: str, on: int, fiscal_month: int = 1) -> Period:
    """The period of a regular kind that a day lies in."""
    at = day(on)
    if kind == DAILY:
        return Period(kind, on, on + 1)
    if kind == WEEKLY:
        monday = on - at.weekday()
        return Period(kind, monday, monday + 7)
    month = at.year * 12 + at.month - 1
    since_fiscal = (at.month - fiscal_month) % 12
    if kind == MONTHLY:
        return Period(kind, _first(month), _first(month + 1))
    if kind == QUARTERLY:
        first = month - since_fiscal % 3
        return Period(kind, _first(first), _first(first + 3))
    first = month - since_fiscal
    return Period(kind, _first(first), _first(first + 12) if kind == YEARLY else _first(month + 1))


def periods_between(first: int, last: int, fiscal_month: int = 1) -> list[Period]:
    """Every regular period that contains a day from ``first`` to ``last`` (both included), by kind and start."""
    return [one for kind in REGULAR for one in _of_kind(kind, first, last, fiscal_month)]


def months_back(on: int, months: int) -> int:
    """The first day of the month so many months before the one that a day lies in."""
    at = day(on)
    return _first(at.year * 12 + at.month - 1 - months)


def midnight(on: int, zone: str) -> int:
    """The moment (microseconds) at which a day begins in a zone; where its clocks skip midnight, the first one after."""
    return micros(datetime.combine(day(on), time(0), ZoneInfo(zone)).astimezone(UTC))


def _of_kind(kind: str, first: int, last: int, fiscal_month: int) -> Iterator[Period]:
    at = first
    while at <= last:
        one = period(kind, at, fiscal_month)
        yield one
        at = one.end


def _first(month: int) -> int:
    """The first day of a month, counted from January of the year 0."""
    return days(date(month // 12, month % 12 + 1, 1))
