"""Incidents of one integration on one day, by kind: what opened, and for how long the critical ones were open. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.domain.runs import UNBALANCED
from hub.domain.units import SECOND
from projections.figures.connection import Moment, Span, overlap
from projections.figures.monitoring_runs import Sums
from projections.figures.monitoring_sql import RunRow

HOUR = 3600 * SECOND
LONG_LOSS = HOUR


def critical(
    sums: Sums, runs: Sequence[RunRow], moments: Sequence[Moment], down: Iterable[Span], now: int, start: int, end: int
) -> dict[str, int]:
    """Critical incidents that opened in [start, end), by kind."""
    return {
        "breaker_opened": sum("breaker.opened" in one.transitions for one in moments if start <= one.at < end),
        "connection_lost": sum(last - first > LONG_LOSS and start <= first + LONG_LOSS < end for first, last in down),
        "accounting": sums.unbalanced,
        "credentials_refused": sum(start <= first < end for first, _ in _refused(runs, now)),
        "mass_change_held": sums.held,
        "source_stopped": sum("source.stopped" in one.transitions for one in moments if start <= one.at < end),
    }


def warning(
    sums: Sums, runs: Sequence[RunRow], interval: int | None, idle: Sequence[Span], now: int, start: int, end: int
) -> dict[str, int]:
    """Warnings that opened in [start, end), by kind. ``interval``: minutes between two runs, None where there is none;
    ``idle``: when it was switched off."""
    limit = 2 * (interval or 0) * 60 * SECOND
    stale = [at for at in _stale(runs, limit, now) if start <= at < end and not overlap([(at - limit, at)], idle)]
    return {
        "retries_exhausted": sums.exhausted,
        "freshness_missed": len(stale) if interval else 0,
        "throttled": int(sums.is_throttled),
    }


def longest_open(
    runs: Sequence[RunRow], moments: Sequence[Moment], down: Iterable[Span], now: int, start: int, end: int
) -> int:
    """The longest time (microseconds), up to the end of the day, for which a critical incident of the day had been open."""
    by_runs = [*_unbalanced(runs, now), *_refused(runs, now), *_held(runs, now)]
    spans = [*down, *by_runs, *_breaker(moments, now), *_stopped(moments, now)]
    return max((min(last, end) - first for first, last in spans if first < end and last > start), default=0)


def _stale(runs: Sequence[RunRow], limit: int, now: int) -> list[int]:
    """When the last success had become older than the limit."""
    successes = sorted(run.ended_at for run in runs if run.status == "completed" and run.ended_at is not None)
    gaps = zip(successes, [*successes[1:], now], strict=False)
    return [before + limit for before, after in gaps if after - before > limit]


def _unbalanced(runs: Sequence[RunRow], now: int) -> list[Span]:
    """From a run whose accounting does not add up to the next success."""
    return [
        (run.ended_at, _next_success(runs, run.ended_at, now))
        for run in runs
        if run.ended_at is not None and run.status == "failed" and run.failure == UNBALANCED
    ]


def _refused(runs: Sequence[RunRow], now: int) -> list[Span]:
    """From the first of several runs whose credentials the LMS did not accept to the next success."""
    refused = [run.ended_at for run in runs if run.ended_at is not None and run.credentials_refused]
    first: dict[int, int] = {}
    for at in sorted(refused):
        first.setdefault(_next_success(runs, at, now), at)
    return [(at, until) for until, at in first.items()]


def _held(runs: Sequence[RunRow], now: int) -> list[Span]:
    """From the guard to the release."""
    return [
        (run.ended_at, run.updated_at if run.status == "released" else now)
        for run in runs
        if run.was_held and run.ended_at is not None
    ]


def _breaker(moments: Sequence[Moment], now: int) -> list[Span]:
    """From the breaker's opening to its closing."""
    opened = [one.at for one in moments if "breaker.opened" in one.transitions]
    closed = [one.at for one in moments if {"breaker.closed", "connection.restored"} & one.transitions]
    return [(at, min((one for one in closed if one >= at), default=now)) for at in opened]


def _stopped(moments: Sequence[Moment], now: int) -> list[Span]:
    """From where too many dead letters were open to where there were few enough."""
    resumed = [one.at for one in moments if "source.resumed" in one.transitions]
    stopped = [one.at for one in moments if "source.stopped" in one.transitions]
    return [(at, min((one for one in resumed if one >= at), default=now)) for at in stopped]


def _next_success(runs: Sequence[RunRow], after: int, now: int) -> int:
    ends = [run.ended_at for run in runs if run.status == "completed" and run.ended_at is not None]
    return min((end for end in ends if end > after), default=now)
