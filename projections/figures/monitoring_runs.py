"""What the runs of one integration that ended on one day add up to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hub.domain.runs import UNBALANCED
from projections.figures.base import Cells
from projections.figures.monitoring_sql import RunRow

FAILED_OUTCOMES = ("timeout", "cut", "error", "faulty")
BUSY_SHARE = Fraction(1, 10)


@dataclass(slots=True)
class Sums:
    """The sums over a day's runs."""

    completed: int = 0
    failed: int = 0
    requests: int = 0
    failures: int = 0
    timeouts: int = 0
    answered: int = 0
    milliseconds: Fraction = Fraction(0)
    histogram: dict[int, int] = field(default_factory=dict)
    hours: set[str] = field(default_factory=set)
    counted_in_hours: int = 0
    connects: int = 0
    connect_milliseconds: Fraction = Fraction(0)
    courses: int = 0
    course_seconds: Fraction = Fraction(0)
    waited: Fraction = Fraction(0)
    run_seconds: Fraction = Fraction(0)
    capacity: Fraction = Fraction(0)
    processor_seconds: Fraction = Fraction(0)
    memory: int | None = None
    loads: int = 0
    load: Fraction = Fraction(0)
    disk_wait: Fraction | None = None
    folded: int = 0
    folding: Fraction = Fraction(0)
    latency: dict[int, int] = field(default_factory=dict)
    unbalanced: int = 0
    exhausted: int = 0
    held: int = 0
    by_people: int = 0
    most_rejected: int = 0

    @property
    def ended(self) -> int:
        """Runs that ended: completed or failed."""
        return self.completed + self.failed

    @property
    def is_throttled(self) -> bool:
        """Whether over a tenth of the busy time went by in waiting."""
        return self.run_seconds > 0 and self.waited / self.run_seconds > BUSY_SHARE


def sums_of(runs: Iterable[RunRow]) -> Sums:
    """Add up runs that have ended."""
    sums = Sums()
    for run in runs:
        _ending(sums, run)
        if run.requests is not None:
            _requests(sums, run.requests)
        if run.samples is not None:
            _samples(sums, run.samples)
    return sums


def put(cells: Cells, sums: Sums) -> None:
    """The figures that follow from these sums alone."""
    spread: dict[str, Any] = (
        {f"p{share}": percentile(sums.histogram, share) for share in (50, 95, 99)} if sums.histogram else {}
    )
    cells.ratio("api_response_time_ms", sums.milliseconds, sums.answered, **spread)
    cells.ratio("sync_success_rate", sums.completed, sums.ended, times=100)
    cells.ratio("error_rate", sums.failures, sums.requests, times=100)
    silent = "not_reported_by_source" if sums.requests else "no_data"
    cells.ratio("throughput_requests_per_hour", sums.counted_in_hours, len(sums.hours), reason=silent)
    cells.value("timeout_incidents", sums.timeouts)
    unlinked = "not_applicable" if sums.ended and not sums.requests else "no_data"
    cells.ratio("network_latency_ms", sums.connect_milliseconds, sums.connects, reason=unlinked)
    cells.ratio("course_data_sync_time_avg", sums.course_seconds, sums.courses, reason=silent)
    sampled = "not_reported_by_source" if sums.run_seconds else "no_data"
    cells.ratio("system_load_percentage", sums.load, sums.loads, times=100, reason=sampled)
    cells.ratio("cpu_usage_percentage", sums.processor_seconds, sums.capacity, times=100)
    cells.value("memory_usage_mb", sums.memory)
    cells.value("disk_io_wait_ms", sums.disk_wait, sampled)
    cells.ratio("enrollment_processing_time_avg", sums.folding, sums.folded)


def latency_median(sums: Sums) -> int | None:
    """The lower median of the minutes by which facts were late; None: no fact told."""
    count = sum(sums.latency.values())
    return _ranked(sums.latency, (count + 1) // 2) if count else None


def percentile(histogram: Mapping[int, int], share: int) -> int:
    """The upper bound (ms) of the class in which the request lies that ``share`` percent are at most as slow as."""
    count = sum(histogram.values())
    return _ranked(histogram, -(-count * share // 100))


def _ranked(histogram: Mapping[int, int], rank: int) -> int:
    below = 0
    for bound in sorted(histogram):
        below += histogram[bound]
        if below >= rank:
            return bound
    return max(histogram)


def _ending(sums: Sums, run: RunRow) -> None:
    sums.completed += run.status == "completed"
    sums.failed += run.status == "failed"
    sums.held += run.was_held
    sums.unbalanced += run.status == "failed" and run.failure == UNBALANCED
    sums.exhausted += run.status == "failed" and bool((run.requests or {}).get("failing_since"))
    sums.by_people += run.kind in ("sync", "full sync") and run.trigger in ("person", "accept")
    sums.most_rejected = max(sums.most_rejected, run.rejected or 0)


def _requests(sums: Sums, told: Mapping[str, Any]) -> None:
    outcomes: Mapping[str, int] = told.get("outcomes") or {}
    sums.requests += told.get("requests") or sum(outcomes.values())
    sums.failures += sum(outcomes.get(name, 0) for name in FAILED_OUTCOMES)
    sums.timeouts += outcomes.get("timeout", 0)
    sums.answered += told.get("answered") or 0
    sums.milliseconds += _exact(told.get("milliseconds"))
    for bound, count in (told.get("histogram") or {}).items():
        if count:
            sums.histogram[int(bound)] = sums.histogram.get(int(bound), 0) + count
    for hour, count in (told.get("hours") or {}).items():
        sums.hours.add(hour)
        sums.counted_in_hours += count
    sums.connects += told.get("connects") or 0
    sums.connect_milliseconds += _exact(told.get("connect_milliseconds"))
    courses = told.get("courses") or {}
    sums.courses += courses.get("count") or 0
    sums.course_seconds += _exact(courses.get("seconds"))
    sums.waited += _exact(told.get("waited_seconds"))


def _samples(sums: Sums, told: Mapping[str, Any]) -> None:
    seconds = _exact(told.get("run_seconds"))
    sums.run_seconds += seconds
    sums.capacity += seconds * (told.get("processors") or 1)
    sums.processor_seconds += _exact(told.get("processor_seconds"))
    if told.get("memory_mib") is not None:
        sums.memory = max(sums.memory or 0, told["memory_mib"])
    load = told.get("load") or {}
    sums.loads += load.get("count") or 0
    sums.load += _exact(load.get("sum"))
    if told.get("disk_wait_ms") is not None:
        sums.disk_wait = (sums.disk_wait or Fraction(0)) + _exact(told["disk_wait_ms"])
    folding = told.get("folding") or {}
    sums.folded += folding.get("count") or 0
    sums.folding += _exact(folding.get("milliseconds"))
    for minutes, count in ((told.get("latency") or {}).get("histogram") or {}).items():
        sums.latency[int(minutes)] = sums.latency.get(int(minutes), 0) + count


def _exact(value: Any) -> Fraction:
    """A number of JSON as it is written."""
    return Fraction(0) if value is None else Fraction(str(value))


def ended_between(runs: Sequence[RunRow], start: int, end: int) -> list[RunRow]:
    """The runs that ended in a stretch of time; a run counts on the day on which it ended."""
    return [run for run in runs if run.ended_at is not None and start <= run.ended_at < end]


__all__ = ["Sums", "ended_between", "latency_median", "percentile", "put", "sums_of"]
