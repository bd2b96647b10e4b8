"""Planned windows (maintenance): in a company's time zone, once or on days of the week. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.domain.units import micros, moment

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Window:
    """From a time of the day to another (over midnight where the second is the earlier one), or from a moment to another.

    Times are those of the company's zone. Raises ValueError for what is no time.
    """

    begin: str
    end: str
    days: tuple[str, ...] = ()
    """Days on which it begins; none: every day."""

    def __post_init__(self) -> None:
        parse = datetime.fromisoformat if self.is_once else time.fromisoformat
        parse(self.begin)
        parse(self.end)

    @property
    def is_once(self) -> bool:
        """Whether it names a day of the calendar."""
        return "T" in self.begin

    def spans(self, around: int, zone: str) -> Iterator[tuple[int, int]]:
        """Beginnings and ends (microseconds) from the day before ``around`` to eight days after."""
        tz = ZoneInfo(zone)
        if self.is_once:
            yield _at(datetime.fromisoformat(self.begin), tz), _at(datetime.fromisoformat(self.end), tz)
            return
        first, last = time.fromisoformat(self.begin), time.fromisoformat(self.end)
        today = moment(around).astimezone(tz).date()
        for number in range(-1, 9):
            day = today + timedelta(days=number)
            if self.days and DAYS[day.weekday()] not in self.days:
                continue
            until = day if first < last else day + timedelta(days=1)
            yield _at(datetime.combine(day, first), tz), _at(datetime.combine(until, last), tz)


def now_in(windows: Iterable[Window], at: int, zone: str) -> int | None:
    """The end of the window that a moment lies in, the latest of several; None: it lies in none."""
    ends = [end for one in windows for begin, end in one.spans(at, zone) if begin <= at < end]
    return max(ends, default=None)


def next_after(windows: Iterable[Window], at: int, zone: str) -> int | None:
    """The beginning of the next window after a moment, within eight days."""
    return min((begin for one in windows for begin, _ in one.spans(at, zone) if begin > at), default=None)


def _at(local: datetime, tz: ZoneInfo) -> int:
    return micros(local.replace(tzinfo=tz))
