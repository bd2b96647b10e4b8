"""Plain values: days in a zone, decimals and texts of times."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.domain.units import DAY, day, day_in, days, micros, moment, scaled, text_of, unscaled

FIRST = micros(datetime(1, 1, 1, tzinfo=UTC))
LAST = micros(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
ZONES = [
    "UTC",
    "Asia/Tokyo",
    "America/New_York",
    "Asia/Kolkata",
    "America/St_Johns",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "America/Havana",
]


@given(st.integers(FIRST + 2 * DAY, LAST - 2 * DAY), st.sampled_from(ZONES))
@example(micros(datetime(2006, 10, 29, 2, 30, 30, tzinfo=UTC)), "America/St_Johns")
@example(micros(datetime(2011, 12, 30, 10, 0, tzinfo=UTC)), "Pacific/Apia")
def test_a_day_is_that_of_the_zone(value: int, zone: str) -> None:
    """Trap 33, for any moment: also where clocks change in the middle of an hour, or a day is left out."""
    assert day(day_in(value, zone)) == moment(value).astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("value", [FIRST, LAST])
@pytest.mark.parametrize("zone", ZONES)
def test_the_ends_of_the_calendar_have_a_day(value: int, zone: str) -> None:
    """A nonsense time is no reason to stop deciding."""
    assert abs(day_in(value, zone) - value // DAY) <= 1


@given(st.datetimes(timezones=st.just(UTC)), st.dates())
def test_times_and_days_come_back(time: datetime, of: date) -> None:
    """Nothing is lost on the way to plain values and back."""
    assert moment(micros(time)) == time
    assert day(days(of)) == of


def test_micros_of_another_zone() -> None:
    """The same moment, however it is written."""
    tokyo = datetime(2024, 5, 4, 8, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert micros(tokyo) == micros(datetime(2024, 5, 3, 23, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "digits", "plain"), [("1.005", 2, 101), ("-1.005", 2, -101), ("85", 2, 8500), ("0.004", 2, 0)]
)
def test_decimals_are_rounded_half_away_from_zero(value: str, digits: int, plain: int) -> None:
    """numeric(p, s) is an integer scaled by 10**s."""
    assert scaled(Decimal(value), digits) == plain
    assert unscaled(plain, digits) == Decimal(value).quantize(Decimal(1).scaleb(-digits), "ROUND_HALF_UP")


def test_text_of_a_time() -> None:
    """ISO 8601 in UTC, milliseconds."""
    assert (
        text_of(micros(datetime(2024, 5, 3, 23, 30, tzinfo=UTC) + timedelta(microseconds=1999)))
        == "2024-05-03T23:30:00.001Z"
    )
