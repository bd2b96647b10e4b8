"""The plan: what an integration's next step is, and when (figures 9.1); a pure function of what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.domain.units import DAY, SECOND, micros
from hub.errors import Refused
from hub.integrations.settings import Own, of_connector, own
from hub.integrations.windows import Window, next_after, now_in
from hub.scheduling.plan import HOUR, MINUTE, PROBE, Standing, Step, next_run, next_step

NOW = 1_770_000_000_000_000  # Monday, 2 February 2026, 02:40 UTC


def standing(**values: Any) -> Standing:
    """A connected integration, pulled a minute ago, whose last full pass is an hour old."""
    known: dict[str, Any] = {
        "status": "Connected",
        "pulled_at": NOW - MINUTE,
        "contact_at": NOW - MINUTE,
        "full_pass_at": NOW - HOUR,
    }
    return Standing("i", "c", "lms", **(known | values))  # fmt: skip


@pytest.mark.parametrize(
    ("frequency", "wait"),
    [
        ("Real-time", 60 * SECOND),
        ("Every 15 mins", 15 * MINUTE),
        ("Hourly", HOUR),
        ("Daily", DAY),
        ("Weekly", 7 * DAY),
        ("On-demand", None),
        (None, None),
    ],
)
def test_sync_frequency_is_obeyed(frequency: str | None, wait: int | None) -> None:
    """From the end of the last run; on demand there is none by itself."""
    run = next_run(standing(frequency=frequency), NOW)
    assert (None if run is None else run.at - (NOW - MINUTE)) == wait
    first = next_run(standing(frequency=frequency, pulled_at=None, full_pass_at=None), NOW)
    assert first == (None if wait is None else Step("full", 0))


def test_real_time_is_every_poll_seconds() -> None:
    """poll_seconds is a setting of the hub for every integration."""
    run = next_run(standing(frequency="Real-time", own=Own(poll_seconds=5)), NOW)
    assert run is not None
    assert run.at == NOW - MINUTE + 5 * SECOND


def test_what_only_sends_is_not_pulled() -> None:
    """sync_direction: Outbound Only takes nothing in; its connection is looked after all the same."""
    one = standing(frequency="Hourly", direction="Outbound Only")
    assert next_run(one, NOW) is None
    assert next_step(one, NOW).what == "probe"


def test_full_passes() -> None:
    """Every full_pass_hours, for sources that can show what is gone."""
    hourly = standing(frequency="Hourly", own=Own(full_pass_hours=2), full_pass_at=NOW - 30 * MINUTE)
    assert next_run(hourly, NOW) == Step("sync", NOW - MINUTE + HOUR)
    assert next_run(replace(hourly, full_pass_at=NOW - HOUR - MINUTE), NOW) == Step("full", NOW - MINUTE + HOUR)
    assert next_run(replace(hourly, full_pass_at=None), NOW) == Step("full", NOW - MINUTE + HOUR)
    assert next_run(replace(hourly, full_pass_at=None, shows_gone=False), NOW) == Step("sync", NOW - MINUTE + HOUR)


def test_a_held_full_pass_is_not_made_again() -> None:
    """Changes go on to be taken in; the full pass waits for a person."""
    run = next_run(standing(frequency="Hourly", full_pass_at=None, is_held=True), NOW)
    assert run == Step("sync", NOW - MINUTE + HOUR)


def test_a_failed_run_is_tried_again() -> None:
    """At retry_at, sooner than the schedule; after the breaker closed, because of the probe."""
    failed = standing(frequency="Weekly", error_count=1, retry_at=NOW + 30 * SECOND)
    assert next_run(failed, NOW) == Step("sync", NOW + 30 * SECOND, "retry")
    closed = replace(failed, retry_at=NOW, closed_at=NOW)
    assert next_run(closed, NOW) == Step("sync", NOW, "probe")
    assert next_run(replace(failed, frequency="On-demand"), NOW) is None


def test_an_open_breaker_lets_nothing_through_but_a_probe() -> None:
    """Status Error: no runs but a light probe every few minutes."""
    broken = standing(frequency="Real-time", status="Error", error_count=3, retry_at=NOW - DAY)
    assert next_step(broken, NOW) == Step("probe", NOW - MINUTE + 5 * MINUTE)


def test_a_probe_where_nothing_else_calls() -> None:
    """Every 15 minutes: availability rests on it. Any request counts as a call."""
    quiet = standing(frequency="Daily")
    assert next_step(quiet, NOW) == Step("probe", NOW - MINUTE + PROBE)
    assert next_step(replace(quiet, contact_at=NOW), NOW) == Step("probe", NOW + PROBE)
    assert next_step(replace(quiet, frequency="Every 15 mins"), NOW).what == "sync"
    assert next_step(standing(frequency="On-demand", contact_at=None, pulled_at=None), NOW) == Step("probe", PROBE)


def test_no_run_in_a_planned_window() -> None:
    """Maintenance while it lasts, then what is due; the beginning of the next one is a step of its own."""
    one = standing(frequency="Real-time", own=Own(maintenance=(Window("02:00", "03:00"),)))
    begin, end = NOW - 40 * MINUTE, NOW + 20 * MINUTE
    assert next_step(one, NOW) == Step("maintenance_begins", NOW)
    during = replace(one, status="Maintenance")
    assert next_step(during, NOW) == Step("maintenance_ends", end)
    assert next_step(during, end) == Step("maintenance_ends", end)
    assert next_step(one, end).what == "sync"
    assert next_step(replace(one, frequency="Weekly", contact_at=begin - MINUTE), begin - MINUTE) == Step(
        "maintenance_begins", begin
    )


def test_windows_are_in_the_companys_zone() -> None:
    """Over midnight, on days of the week, once; and where the clocks change."""
    night = Window("22:00", "02:00", ("Sun",))
    sunday = NOW // DAY * DAY - DAY
    assert now_in([night], sunday + 23 * HOUR, "UTC") == sunday + 26 * HOUR
    assert now_in([night], sunday + 25 * HOUR, "UTC") == sunday + 26 * HOUR
    assert now_in([night], sunday + 26 * HOUR, "UTC") is None
    assert now_in([night], sunday + 21 * HOUR, "Europe/Vienna") == sunday + 25 * HOUR
    assert next_after([night], sunday + 23 * HOUR, "UTC") == sunday + 7 * DAY + 22 * HOUR
    once = Window("2026-03-29T01:00", "2026-03-29T04:00")  # the hour from 2 to 3 does not exist in Vienna
    begin = now_in([once], micros_of(2026, 3, 29, 0), "Europe/Vienna")
    assert begin == micros_of(2026, 3, 29, 2)
    assert next_after([once], NOW, "Europe/Vienna") == micros_of(2026, 3, 29, 0)


def micros_of(year: int, month: int, day: int, hour: int) -> int:
    from datetime import UTC, datetime

    return micros(datetime(year, month, day, hour, tzinfo=UTC))


def test_the_hubs_own_settings() -> None:
    """Defaults, and a plain refusal of what cannot be used; no connector sees them."""
    assert own({}) == Own()
    told = {"poll_seconds": 5, "maintenance": [{"from": "22:00", "to": "02:00", "days": ["Sat"]}], "page_size": 9}
    assert own(told) == Own(poll_seconds=5, maintenance=(Window("22:00", "02:00", ("Sat",)),))
    assert of_connector(told) == {"page_size": 9}


@pytest.mark.parametrize(
    "told",
    [
        {"poll_seconds": 0},
        {"poll_seconds": "5"},
        {"full_pass_hours": True},
        {"guard_share_percent": -1},
        {"maintenance": {}},
        {"maintenance": ["22:00"]},
        {"maintenance": [{"from": "22:00", "to": "22:00"}]},
        {"maintenance": [{"from": "22:00", "to": "24:00"}]},
        {"maintenance": [{"from": "22:00", "to": "23:00", "days": ["Someday"]}]},
        {"maintenance": [{"from": "2026-01-02T00:00", "to": "2026-01-01T00:00"}]},
        {"maintenance": [{"from": "2026-02-31T00:00", "to": "2026-03-01T00:00"}]},
        {"maintenance": [{"from": "22:00"}]},
    ],
)
def test_settings_that_cannot_be_used(told: dict[str, Any]) -> None:
    """Each names its setting and what was expected."""
    with pytest.raises(Refused) as no:
        own(told)
    assert no.value.field == next(iter(told))
    assert no.value.expected
