"""Days and moments of a source, read into plain values: days since 1970, microseconds UTC.

The same form and the same promises as :mod:`connectors.parse`. Understood are ISO 8601 (a blank for the T and an offset
without colon too), the form that the source declares, epoch seconds and milliseconds (0: never), and the date objects
of spreadsheets. A moment without an offset is read only where the source's zone is declared.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from connectors.parse import Reading, refuse, said
from hub.domain.units import EPOCH, day_in, days, micros

NEVER = frozenset({"0", "0000-00-00", "0000-00-00 00:00:00", "00:00:00"})
"""How an epoch, a database and a spreadsheet write a day that never was."""

SECONDS_OF_2000, SECONDS_OF_2100 = 946_684_800, 4_102_444_800

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r" ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


def moment(value: object, field: str, reading: Reading) -> int | None:
    """A moment in microseconds. A time without an offset, and a day, need the setting ``time_zone``."""
    found = _found(value, field, reading)
    return None if found is None else _instant(found, field, reading)


def day(value: object, field: str, reading: Reading) -> int | None:
    """A day in days since 1970. A moment becomes the day on which it falls in the company's zone.

    Midnight without an offset is a day as it is written: spreadsheets and databases write days so.
    """
    found = _found(value, field, reading)
    if found is None:
        return None
    as_written = _day_as_written(found)
    return day_in(_instant(found, field, reading), reading.zone) if as_written is None else days(as_written)


def moment_of_day(value: object, field: str, reading: Reading) -> int | None:
    """The moment that a value tells which :func:`day` reads; None where it tells a day only."""
    found = _found(value, field, reading)
    if found is None or _day_as_written(found) is not None:
        return None
    return _instant(found, field, reading)


def _instant(found: datetime | date, field: str, reading: Reading) -> int:
    if isinstance(found, datetime) and found.tzinfo is not None:
        return micros(found)
    if reading.time_zone is None:
        refuse(
            field,
            "time with its offset",
            "a time such as 2025-03-01T10:16:22+01:00; others need the setting time_zone (`--time-zone` of an import)",
        )
    local = found if isinstance(found, datetime) else datetime.combine(found, time())
    return micros(local.replace(tzinfo=ZoneInfo(reading.time_zone)))


def _day_as_written(found: datetime | date) -> date | None:
    if not isinstance(found, datetime):
        return found
    return found.date() if found.tzinfo is None and found.time() == time() else None


def _found(value: object, field: str, reading: Reading) -> datetime | date | None:
    """What a value tells: a datetime with or without a zone, or a day."""
    if isinstance(value, datetime | date):
        return _plausible(value, field)
    found = said(value, field)
    if found is None or found in NEVER:
        return None
    read = _iso(found) or (_declared(found, reading.date_format) if reading.date_format else None)
    if read is None and (not isinstance(value, str) or (found.isascii() and found.isdecimal())):
        return _epoch(found, field)
    if read is None:
        as_declared = f" or a date in the form {reading.date_format}" if reading.date_format else ""
        refuse(
            field,
            "date",
            f"a date such as 2025-03-01{as_declared}; other forms need the setting date_format (`--date-format` of an import)",
        )
    return _plausible(read, field)


def _epoch(found: str, field: str) -> datetime:
    """The moment of epoch seconds or milliseconds; the two are told apart by their size."""
    count = Decimal(found)
    if SECONDS_OF_2000 * 1000 <= count < SECONDS_OF_2100 * 1000:
        count /= 1000
    if not SECONDS_OF_2000 <= count < SECONDS_OF_2100:
        refuse(field, "epoch", "seconds or milliseconds since 1970 that lie in the years 2000 to 2099, or 0")
    return EPOCH + timedelta(microseconds=int(count * 1_000_000))


def _iso(found: str) -> datetime | date | None:
    """An ISO 8601 day or moment, or None."""
    try:
        if _DAY.fullmatch(found):
            return date.fromisoformat(found)
        match = _MOMENT.fullmatch(found)
        if match is None:
            return None
        the_day, minutes, seconds, offset = match.groups()
        return datetime.fromisoformat(f"{the_day}T{minutes}{seconds or ':00'}{(offset or '').upper()}")
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _declared(found: str, date_format: str) -> datetime | date | None:
    """A day in the declared form, also with a time behind it."""
    for form in (date_format, f"{date_format} %H:%M:%S", f"{date_format} %H:%M"):
        try:
            read = datetime.strptime(found, form)  # noqa: DTZ007  the source's zone is put in later
        except ValueError:
            continue
        return read if "%H" in form or "%I" in form else read.date()
    return None


def _plausible(read: datetime | date, field: str) -> datetime | date:
    last = 9998 if isinstance(read, datetime) else 9999
    if not 1900 <= read.year <= last:
        refuse(field, "date", f"a year from 1900 to {last}")
    return read
