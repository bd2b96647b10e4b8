"""Plain values: how times, days and decimals look while a fact is decided, folded and written.

timestamp: ``int`` microseconds since 1970-01-01 UTC · date: ``int`` days since 1970-01-01 · numeric(p, s): ``int``
scaled by ``10**s`` · uuid: lower-case text. They compare and add as they are, travel in Avro and COPY without
conversion, and cost a third of the natural types. Natural types are used at the borders.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1).toordinal()
SECOND = 1_000_000
DAY = 86_400 * SECOND


def micros(moment: datetime) -> int:
    """Microseconds of an aware datetime."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The aware datetime (UTC) of microseconds."""
    return EPOCH + timedelta(microseconds=value)


def days(day: date) -> int:
    """Days of a date."""
    return day.toordinal() - EPOCH_DAY


def day(value: int) -> date:
    """The date of days."""
    return date.fromordinal(value + EPOCH_DAY)


@lru_cache(maxsize=65536)
def _day_of_hour(hour: int, zone: str) -> int | None:
    """The day that a whole hour lies in, or None where the zone's midnight or a change of its clocks falls inside."""
    tz = ZoneInfo(zone)
    first = datetime.fromtimestamp(hour * 3600, tz)
    last = datetime.fromtimestamp(hour * 3600 + 3599, tz)
    same = first.date() == last.date() and first.utcoffset() == last.utcoffset()
    return days(first.date()) if same else None


def day_in(value: int, zone: str) -> int:
    """The day (days since 1970) on which a moment (microseconds) falls in an IANA time zone.

    In the first and the last hours of the calendar, where a zone's own day has no date, it is the day in UTC.
    """
    if zone == "UTC":
        return value // DAY
    try:
        known = _day_of_hour(value // (3600 * SECOND), zone)
        return days(moment(value).astimezone(ZoneInfo(zone)).date()) if known is None else known
    except (OverflowError, ValueError):
        return value // DAY


def scaled(value: Decimal, digits: int) -> int:
    """A decimal as an integer scaled by ``10**digits``; rounded half away from zero."""
    return int((value.scaleb(digits)).to_integral_value(ROUND_HALF_UP))


def unscaled(value: int, digits: int) -> Decimal:
    """The decimal of a scaled integer."""
    return Decimal(value).scaleb(-digits)


def hundredths_text(value: int) -> str:
    """Hundredths as a decimal with two places."""
    whole, rest = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}{whole}.{rest:02d}"


def text_of(value: int) -> str:
    """ISO 8601 text of microseconds, in UTC with ``Z``; what statements and reports show."""
    return moment(value).isoformat(timespec="milliseconds").replace("+00:00", "Z")
