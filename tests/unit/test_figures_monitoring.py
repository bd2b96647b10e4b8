"""What monitoring is made of, by hand-worked stories: the connection, the runs, incidents, targets and scores."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from hub.domain.runs import UNBALANCED
from hub.domain.units import SECOND
from projections.figures import incidents, monitoring_runs
from projections.figures.base import Cells
from projections.figures.connection import Moment, Standing, length, observed, overlap, timeline, without
from projections.figures.monitoring_sql import RunRow
from projections.figures.targets import Measured, Targets, performance, sla, targets

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY_END = 24 * HOUR
UP = Standing("Connected", is_active=True, failing_since=None, created_at=-HOUR, ran_before=True)
LOST, RESTORED, OPENED = (
    frozenset({"connection.lost"}),
    frozenset({"connection.restored"}),
    frozenset({"breaker.opened"}),
)


def lost(at: int, began: int, before: str = "Connected", after: str = "Disconnected") -> Moment:
    return Moment(at, LOST, began, (before, after), is_contact=True)


def restored(at: int, before: str = "Disconnected") -> Moment:
    return Moment(at, RESTORED, at, (before, "Connected"), is_contact=True)


def run(ended: int, status: str = "completed", **more: Any) -> RunRow:
    told: dict[str, Any] = {
        "id": str(ended), "integration_id": "i", "kind": "sync", "status": status, "trigger": "schedule",
        "was_held": False, "started_at": ended - MINUTE, "ended_at": ended, "rejected": 0, "failure": None,
        "requests": None, "samples": None, "updated_at": ended, **more,
    }  # fmt: skip
    return RunRow(**told)


def test_down_from_the_first_failed_request_to_the_next_success() -> None:
    """The breaker that opens while it is lost makes no second loss."""
    moments = [
        lost(10 * HOUR, 9 * HOUR),
        Moment(11 * HOUR, OPENED, 11 * HOUR, ("Disconnected", "Error")),
        restored(12 * HOUR),
    ]
    told = timeline(moments, UP, 0, DAY_END)
    assert told.down == [(9 * HOUR, 12 * HOUR)]
    assert told.contacts == [10 * HOUR, 12 * HOUR]


def test_what_was_before_the_first_event_follows_from_it() -> None:
    """Restored first: it was down; a loss that goes on reaches to the end; with no event what holds now held."""
    assert timeline([restored(HOUR)], UP, 0, DAY_END).down == [(0, HOUR)]
    assert timeline([lost(20 * HOUR, 20 * HOUR)], UP, 0, DAY_END).down == [(20 * HOUR, DAY_END)]
    failing = Standing("Error", is_active=True, failing_since=-5 * HOUR, created_at=-9 * HOUR, ran_before=True)
    assert timeline([], failing, 0, DAY_END).down == [(0, DAY_END)]
    assert timeline([], UP, 0, DAY_END).down == []


def test_disconnected_before_the_first_contact_is_not_down() -> None:
    """Nobody had tried; the first success is no end of a loss."""
    new = Standing("Connected", is_active=True, failing_since=None, created_at=2 * HOUR, ran_before=False)
    told = timeline([restored(3 * HOUR)], new, 0, DAY_END)
    assert told.down == []
    assert told.activations == [2 * HOUR]
    assert told.inactive == [(0, 2 * HOUR)]


def test_switched_off_is_not_down() -> None:
    """Switching off ends a loss; the time until it is switched on is not observed, and its first success ends nothing."""
    moments = [
        lost(2 * HOUR, 2 * HOUR),
        Moment(4 * HOUR, frozenset({"integration.deactivated"}), 0, None, (True, False)),
        Moment(8 * HOUR, frozenset({"integration.activated"}), 0, None, (False, True)),
        restored(9 * HOUR),
    ]
    told = timeline(moments, UP, 0, DAY_END)
    assert told.down == [(2 * HOUR, 4 * HOUR)]
    assert told.inactive == [(4 * HOUR, 8 * HOUR)]
    assert observed(told, [HOUR], 0, 10 * HOUR) == [(HOUR, 4 * HOUR), (8 * HOUR, 10 * HOUR)]


def test_observed_from_the_first_contact_or_activation_without_maintenance() -> None:
    """A planned window is neither up nor down; without a contact nothing was observed."""
    moments = [
        Moment(5 * HOUR, frozenset({"connection.maintenance_began"}), 5 * HOUR),
        Moment(6 * HOUR, frozenset({"connection.maintenance_ended"}), 6 * HOUR),
    ]
    told = timeline(moments, UP, 0, DAY_END)
    assert told.maintenance == [(5 * HOUR, 6 * HOUR)]
    assert length(observed(told, [2 * HOUR], 0, DAY_END)) == 21 * HOUR
    assert observed(timeline([], UP, 0, DAY_END), [], 0, DAY_END) == []
    still = timeline(moments[1:], UP, 0, DAY_END)
    assert still.maintenance == [(0, 6 * HOUR)]


def test_spans() -> None:
    """Half open, cut where another lies in them."""
    assert without([(0, 10)], [(2, 3), (5, 20)]) == [(0, 2), (3, 5)]
    assert overlap([(0, 4), (6, 8)], [(3, 7)]) == 2


REQUESTS = {
    "requests": 10, "outcomes": {"ok": 5, "missing": 1, "throttled": 1, "timeout": 1, "cut": 1, "faulty": 1}, "answered": 8,
    "milliseconds": 801.5, "histogram": {"50": 4, "100": 3, "500": 1}, "connects": 2, "connect_milliseconds": 15,
    "hours": {"100": 6, "101": 4}, "courses": {"count": 4, "seconds": 10.5}, "waited_seconds": 2,
}  # fmt: skip
SAMPLES = {
    "run_seconds": 20, "processors": 2, "processor_seconds": 4, "memory_mib": 200, "load": {"count": 2, "sum": 1.5},
    "disk_wait_ms": 30, "folding": {"count": 4, "milliseconds": 90}, "latency": {"histogram": {"1": 2, "3": 2}},
}  # fmt: skip


def put(runs: list[RunRow]) -> Cells:
    cells = Cells("lms_integration_monitoring")
    monitoring_runs.put(cells, monitoring_runs.sums_of(runs))
    return cells


def test_figures_of_two_runs() -> None:
    """Sums over both runs, divided once; an hour in which both asked counts once."""
    second = REQUESTS | {
        "requests": 2,
        "outcomes": {"ok": 2},
        "answered": 2,
        "milliseconds": 198.5,
        "hours": {"101": 2},
    }
    cells = put([
        run(2 * HOUR, requests=REQUESTS, samples=SAMPLES),
        run(3 * HOUR, requests=second, samples=SAMPLES | {"memory_mib": 190, "load": {"count": 1, "sum": 0.9}}),
        run(4 * HOUR, "failed"),
    ])  # fmt: skip
    assert cells.values == {
        "api_response_time_ms": 100,  # (801.5 + 198.5) / 10
        "sync_success_rate": 6_667,  # 2 of 3
        "error_rate": 2_500,  # timeout, cut, faulty of 12; neither 404 nor 429
        "throughput_requests_per_hour": 6,  # 12 in 2 hours
        "timeout_incidents": 1,
        "network_latency_ms": 8,  # 30 / 4 = 7.5, away from zero
        "course_data_sync_time_avg": 263,  # 21 / 8 = 2.625 s
        "system_load_percentage": 8_000,  # 2.4 / 3
        "cpu_usage_percentage": 1_000,  # 8 of 80
        "memory_usage_mb": 200,
        "disk_io_wait_ms": 60,
        "enrollment_processing_time_avg": 2_250,  # 180 / 8
    }
    told = cells.parts["api_response_time_ms"]
    assert told == {"numerator": 1000, "denominator": 10, "p50": 50, "p95": 500, "p99": 500}


def test_no_run_is_no_data_and_a_file_has_no_network() -> None:
    """NULL with its reason, never 0; what a source does not tell is told as that."""
    empty = put([])
    assert {name for name, value in empty.values.items() if value is not None} == {"timeout_incidents"}
    assert set(empty.reasons.values()) == {"no_data"}
    of_file = put([run(HOUR, kind="import", samples={"run_seconds": 2, "processors": 2, "processor_seconds": 1})])
    assert of_file.reasons["network_latency_ms"] == "not_applicable"
    assert of_file.reasons["disk_io_wait_ms"] == "not_reported_by_source"
    assert of_file.values["sync_success_rate"] == 10_000
    assert of_file.values["cpu_usage_percentage"] == 2_500


def test_held_runs_are_neither_success_nor_failure() -> None:
    """They ended as neither; the guard's trip is counted, also after the release."""
    sums = monitoring_runs.sums_of(
        [run(HOUR, "held", was_held=True), run(HOUR, "released", was_held=True), run(2 * HOUR)]
    )
    assert (sums.completed, sums.failed, sums.held) == (1, 0, 2)


@pytest.mark.parametrize(
    ("histogram", "median"), [({"1": 2, "3": 2}, 1), ({"1": 1, "3": 2}, 3), ({"5": 1}, 5), ({}, None)]
)
def test_the_lower_median_of_all_facts_of_the_day(histogram: dict[str, int], median: int | None) -> None:
    """Over the facts of all runs together."""
    sums = monitoring_runs.sums_of([run(HOUR, samples={"latency": {"histogram": histogram}}), run(HOUR)])
    assert monitoring_runs.latency_median(sums) == median


def test_percentiles_are_upper_bounds_of_classes() -> None:
    """So many percent are at most as slow."""
    histogram = {10: 50, 100: 45, 1000: 5}
    assert [monitoring_runs.percentile(histogram, share) for share in (50, 95, 96, 100)] == [10, 100, 1000, 1000]


def test_critical_incidents_open_on_their_day() -> None:
    """The breaker, a loss when it is an hour old, an accounting that does not add up, the guard, and the first of several
    runs whose credentials were refused."""
    moments = [Moment(3 * HOUR, OPENED), Moment(30 * HOUR, OPENED)]
    refused = [run(at * HOUR, "failed", credentials_refused=True) for at in (-3, -2, 3, 4, 8, 26, 27)]
    runs = [
        run(HOUR, "failed", failure=UNBALANCED),
        run(2 * HOUR, "held", was_held=True),
        *refused,
        *(run(at * HOUR) for at in (0, 6, 9)),
    ]
    sums = monitoring_runs.sums_of(runs)
    down = [(-30 * MINUTE, 5 * HOUR), (6 * HOUR, 7 * HOUR), (23 * HOUR + 30 * MINUTE, 30 * HOUR)]
    told = incidents.critical(sums, runs, moments, down, 30 * HOUR, 0, DAY_END)
    assert told == {
        "breaker_opened": 1,
        "connection_lost": 1,
        "accounting": 1,
        "credentials_refused": 2,
        "mass_change_held": 1,
        "source_stopped": 0,
    }
    later = incidents.critical(monitoring_runs.sums_of([]), runs, moments, down, 30 * HOUR, DAY_END, 2 * DAY_END)
    assert later["connection_lost"] == 1
    assert later["credentials_refused"] == 1


def test_warnings() -> None:
    """Retries exhausted, throttled for over a tenth of the busy time, the last success older than twice the interval."""
    runs = [
        run(HOUR),
        run(2 * HOUR, "failed", requests={"failing_since": 1}),
        run(5 * HOUR, requests={"waited_seconds": 2.1}, samples={"run_seconds": 20}),
    ]
    sums = monitoring_runs.sums_of(runs)
    told = incidents.warning(sums, runs, 60, [], 6 * HOUR, 0, DAY_END)
    assert told == {"retries_exhausted": 1, "freshness_missed": 1, "throttled": 1}
    assert incidents.warning(sums, runs, None, [], 20 * HOUR, 0, DAY_END)["freshness_missed"] == 0
    assert incidents.warning(sums, runs, 60, [(2 * HOUR, 4 * HOUR)], 6 * HOUR, 0, DAY_END)["freshness_missed"] == 0
    exactly = monitoring_runs.sums_of([run(HOUR, requests={"waited_seconds": 2}, samples={"run_seconds": 20})])
    assert not exactly.is_throttled


def test_how_long_a_critical_incident_was_open() -> None:
    """To its end, or to the end of the day; an accounting incident ends with the next success, a held run when released."""
    end = 10 * HOUR
    assert incidents.longest_open([], [], [(HOUR, 3 * HOUR)], end, 0, end) == 2 * HOUR
    bad = run(2 * HOUR, "failed", failure=UNBALANCED)
    assert incidents.longest_open([bad, run(8 * HOUR)], [], [], end, 0, end) == 6 * HOUR
    refused = [run(at * HOUR, "failed", credentials_refused=True) for at in (2, 3)]
    assert incidents.longest_open([*refused, run(7 * HOUR)], [], [], end, 0, end) == 5 * HOUR
    held = run(HOUR, "released", was_held=True, updated_at=4 * HOUR)
    assert incidents.longest_open([held], [], [], end, 0, end) == 3 * HOUR
    opened = [Moment(7 * HOUR, OPENED)]
    assert incidents.longest_open([], opened, [], end, 0, end) == 3 * HOUR
    assert incidents.longest_open([], opened, [], end, 0, 6 * HOUR) == 0


def test_performance_is_a_weighted_mean_of_what_is_known() -> None:
    """Missing parts drop out and the weights are scaled up; it needs availability or success."""
    day = Measured(Fraction(99), Fraction(100), Fraction(2), None, 60)
    score = performance(day, Targets(latency=30))
    assert score is not None
    total, weights, parts = score
    # Availability, success, freedom from errors and a latency that is twice its target.
    assert total == 2970 + 2500 + 1470 + 1000
    assert weights == 85
    assert parts["parts"]["latency"] == pytest.approx(66.6667, abs=1e-4)
    assert performance(Measured(None, None, Fraction(0), None, 1), Targets()) is None


@pytest.mark.parametrize(("minutes", "part"), [(30, 100), (31, Fraction(8900, 90)), (120, 0), (500, 0)])
def test_latency_falls_in_a_line_to_four_times_the_target(minutes: int, part: Any) -> None:
    """100 up to the target, 0 from four times the target on."""
    score = performance(Measured(Fraction(0), None, None, None, minutes), Targets(latency=30))
    assert score is not None
    assert score[0] == 15 * part


def test_the_promise_holds_where_every_measured_target_does() -> None:
    """NULL where nothing was measured; what was not measured is not held against it."""
    good = Measured(Fraction(99), Fraction(95), None, None, None)
    assert sla(good, Targets(), Fraction(4)) == (
        True, {"numerator": 3, "denominator": 3, "targets": {"availability": True, "success": True, "critical_hours": True}},
    )  # fmt: skip
    assert (sla(good, Targets(), Fraction(5)) or (None,))[0] is False
    late = Measured(None, None, None, None, 31)
    assert (sla(late, Targets(latency=30), None) or (None,))[0] is False
    assert sla(late, Targets(latency=None), None) is None


@pytest.mark.parametrize(
    ("frequency", "latency"),
    [("Real-time", 5), ("Every 15 mins", 30), ("Daily", 2880), ("On-demand", None), (None, None)],
)
def test_targets_follow_the_frequency(frequency: str | None, latency: int | None) -> None:
    """Twice the interval; Real-time has five minutes; on demand there is no interval."""
    assert targets(frequency, None).latency == latency
    own = targets(frequency, {"sla": {"availability": 99.5, "latency_minutes": 7}})
    assert (own.availability, own.success, own.latency) == (Fraction("99.5"), 95, 7)


@pytest.mark.parametrize(
    "settings", [None, [], "x", {"sla": 3}, {"sla": {"availability": "high", "success": -1, "critical_hours": True}}]
)
def test_a_target_that_is_none_has_its_default(settings: Any) -> None:
    """Whatever stands in the settings, a day can be judged."""
    assert targets("Hourly", settings) == Targets(latency=120)
