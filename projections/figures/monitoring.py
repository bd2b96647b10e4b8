"""Computes ``lms_integration_monitoring``: one row per integration and day of the company's calendar.

Everything comes from what runs told, the events of the connection, acts of people and rejected records. A run counts on the
day on which it ended. What no source told is NULL with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import psycopg

from hub.domain.figures import MONITORING, FigureRow
from hub.domain.periods import DAILY, Period, midnight
from hub.domain.units import DAY, SECOND
from projections.figures import incidents, monitoring_runs
from projections.figures.base import Cells, company_of, figure_row
from projections.figures.connection import Timeline, length, observed, overlap, timeline
from projections.figures.monitoring_sql import Integration, Read, read
from projections.figures.targets import INTERVALS, REAL_TIME_MINUTES, Measured, performance, sla, targets

RUNS_BEFORE = 15 * DAY
"""So far before the first day runs are read, since the last success of a weekly one tells how old it has become."""
STORY_BEFORE = 3 * DAY
"""So far before the first day the connection is followed; a loss that is older counts as one since then."""


def compute(
    connection: psycopg.Connection[Any],
    company_id: str,
    wanted: Sequence[Period],
    as_of: int,
    chosen: str | None = None,
) -> list[FigureRow]:
    """The rows of the wanted days, for each integration that was switched on, or read, on that day; none with a filter."""
    days = sorted(one for one in wanted if one.kind == DAILY)
    if not days or chosen is not None:
        return []
    zone = company_of(connection, company_id).time_zone
    start, end = midnight(days[0].start, zone), min(midnight(days[-1].end, zone), as_of)
    if start >= end:
        return []
    begun = start - STORY_BEFORE
    found = read(connection, company_id, start, end, runs=start - RUNS_BEFORE, story=begun)
    rows = []
    for integration in found.integrations:
        story = timeline(found.moments.get(integration.id, []), integration.now, begun, end)
        for one in days:
            span = midnight(one.start, zone), min(midnight(one.end, zone), as_of)
            if span[0] < span[1] and _is_told(found, integration, story, span):
                rows.append(_row(found, company_id, integration, story, one, span, as_of))
    return rows


def _is_told(found: Read, integration: Integration, story: Timeline, span: tuple[int, int]) -> bool:
    """Whether it was switched on for a part of the day, or a run ended."""
    idle = overlap([span], story.inactive) == span[1] - span[0]
    return not idle or bool(monitoring_runs.ended_between(found.runs.get(integration.id, []), *span))


def _row(
    found: Read, company_id: str, integration: Integration, story: Timeline, period: Period, span: tuple[int, int], as_of: int
) -> FigureRow:  # fmt: skip
    runs = found.runs.get(integration.id, [])
    moments = found.moments.get(integration.id, [])
    start, end = span
    sums = monitoring_runs.sums_of(monitoring_runs.ended_between(runs, start, end))
    cells = Cells(MONITORING)
    cells.put("monitoring_date", period.start)
    monitoring_runs.put(cells, sums)
    availability = _availability(cells, runs, story, span)
    latency = monitoring_runs.latency_median(sums)
    cells.value("data_latency_minutes", latency)
    if latency is not None:
        cells.parts["data_latency_minutes"] = {"facts": sum(sums.latency.values())}
    for column in ("data_accuracy_score", "progress_sync_accuracy", "compliance_violations"):
        cells.none(column, "not_run")
    cells.value("connection_drops", sum("connection.lost" in one.transitions for one in moments if _in(one.at, span)))
    letters = sum(_in(at, span) for at in found.letters.get(integration.id, []))
    cells.value("validation_failures", max(letters, sums.most_rejected))
    acts = sum(_in(at, span) for at in found.acts.get(integration.id, []))
    resets = sum(one.by_person and "breaker.closed" in one.transitions for one in moments if _in(one.at, span))
    cells.value("manual_interventions", sums.by_people + acts + resets)
    cells.parts["manual_interventions"] = {"runs": sums.by_people, "acts": acts, "breaker_resets": resets}
    cells.value("rollback_incidents", sum(_in(at, span) for at in found.rollbacks.get(integration.id, [])))
    opened = incidents.critical(sums, runs, moments, story.down, as_of, start, end)
    cells.value("critical_incidents", sum(opened.values()))
    cells.parts["critical_incidents"] = opened
    warned = incidents.warning(sums, runs, _interval(integration.frequency), story.inactive, as_of, start, end)
    cells.value("warning_incidents", sum(warned.values()))
    cells.parts["warning_incidents"] = warned
    longest = incidents.longest_open(runs, moments, story.down, as_of, start, end)
    _scores(cells, integration, sums, availability, latency, longest)
    return figure_row(cells, MONITORING, company_id, integration.id, period)


def _availability(cells: Cells, runs: Sequence[Any], story: Timeline, span: tuple[int, int]) -> Fraction | None:
    contacts = [run.started_at for run in runs if run.requests is not None]
    seen = observed(story, contacts, *span)
    whole = length(seen)
    up = whole - overlap(seen, story.down)
    cells.ratio("availability_percentage", Fraction(up, SECOND), Fraction(whole, SECOND), times=100)
    return Fraction(up * 100, whole) if whole else None


def _scores(
    cells: Cells, integration: Integration, sums: Any, availability: Fraction | None, latency: int | None, longest: int
) -> None:
    goal = targets(integration.frequency, integration.settings)
    day_told = Measured(
        availability,
        Fraction(sums.completed * 100, sums.ended) if sums.ended else None,
        Fraction(sums.failures * 100, sums.requests) if sums.requests else None,
        None,
        latency,
    )
    score = performance(day_told, goal)
    if score is None:
        cells.none("performance_score", "no_data")
    else:
        cells.ratio("performance_score", score[0], score[1], **score[2])
    was_looked_at = bool(sums.ended) or availability is not None or longest > 0
    held = sla(day_told, goal, Fraction(longest, incidents.HOUR) if was_looked_at else None)
    if held is None:
        cells.none("sla_compliance", "no_data")
    else:
        cells.put("sla_compliance", held[0])
        cells.parts["sla_compliance"] = held[1]


def _interval(frequency: str | None) -> int | None:
    return REAL_TIME_MINUTES if frequency == "Real-time" else INTERVALS.get(frequency or "")


def _in(at: int, span: tuple[int, int]) -> bool:
    return span[0] <= at < span[1]
