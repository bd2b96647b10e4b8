"""What an integration's next step is, and when: a pure function of what is known of it. Times are microseconds.

Runs follow ``sync_frequency`` from the end of the last one. A failed run is tried again at ``retry_at``; where the breaker
is open (status Error) nothing runs but a probe every few minutes. Where nothing else calls, a probe every quarter of an
hour shows that the LMS is there. No run begins in a planned window. While a full pass is held, no other one begins,
unless what was held would pass by now.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.domain.units import DAY, SECOND
from hub.domain.values import ConnectionStatus, SyncDirection, SyncFrequency
from hub.integrations.settings import Own
from hub.integrations.windows import next_after, now_in

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
INTERVALS = {
    SyncFrequency.QUARTER_HOURLY.value: 15 * MINUTE,
    SyncFrequency.HOURLY.value: HOUR,
    SyncFrequency.DAILY.value: DAY,
    SyncFrequency.WEEKLY.value: 7 * DAY,
}
PROBE = 15 * MINUTE
"""Between contacts where nothing else calls."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one integration that has a connector."""

    integration_id: str
    company_id: str
    code: str
    zone: str = "UTC"
    frequency: str | None = None
    direction: str | None = None
    status: str = ConnectionStatus.DISCONNECTED.value
    error_count: int = 0
    own: Own = field(default_factory=Own)
    pulled_at: int | None = None
    """End of the last ended sync."""
    full_pass_at: int | None = None
    retry_at: int | None = None
    contact_at: int | None = None
    """Last time that anything was asked of the LMS."""
    closed_at: int | None = None
    """Last contact that an event tells of: where it is ``retry_at``, a probe has closed the breaker."""
    is_held: bool = False
    """A full pass is held that would not pass the guard by now."""
    is_stopped: bool = False
    """Too many of its dead letters are open: nothing runs but probes."""
    shows_gone: bool = True
    """A full pass of it can show that something is gone."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done, and when."""

    what: str
    """sync, full, probe, maintenance_begins or maintenance_ends"""
    at: int
    trigger: str = "schedule"
    """Of a run: schedule, retry or probe."""


def next_step(one: Standing, now: int) -> Step:
    """The next step; one that is due lies at ``now`` or before."""
    until = now_in(one.own.maintenance, now, one.zone)
    is_in = one.status == ConnectionStatus.MAINTENANCE
    if until is not None:
        return Step("maintenance_ends", until) if is_in else Step("maintenance_begins", now)
    if is_in:
        return Step("maintenance_ends", now)
    contact = max(one.contact_at or 0, one.pulled_at or 0)
    if one.status == ConnectionStatus.ERROR:
        steps = [Step("probe", contact + one.own.probe_seconds * SECOND)]
    else:
        steps = [Step("probe", contact + PROBE)]
        run = next_run(one, now)
        if run is not None and run.at <= now:
            return run  # it shows as much as a probe that is due as well
        if run is not None:
            steps.insert(0, run)
    window = next_after(one.own.maintenance, now, one.zone)
    if window is not None:
        steps.append(Step("maintenance_begins", window))
    return min(steps, key=lambda step: step.at)


def next_run(one: Standing, now: int) -> Step | None:
    """The next run, whatever else comes first; None where the schedule has none."""
    interval = interval_of(one)
    if interval is None or one.direction == SyncDirection.OUTBOUND or one.is_stopped:
        return None
    at, trigger = (one.pulled_at or 0) + (interval if one.pulled_at is not None else 0), "schedule"
    if one.error_count and one.retry_at is not None:
        at, trigger = one.retry_at, "probe" if one.retry_at == one.closed_at else "retry"
    return Step("full" if _is_full(one, max(at, now)) else "sync", at, trigger)


def interval_of(one: Standing) -> int | None:
    """Microseconds between the end of a run and the next one; None: on demand only."""
    if one.frequency == SyncFrequency.REAL_TIME:
        return one.own.poll_seconds * SECOND
    return INTERVALS.get(one.frequency or "")


def _is_full(one: Standing, at: int) -> bool:
    """Whether the run at this time is a full pass. The first one reads everything anyhow."""
    if one.is_held or not one.shows_gone:
        return False
    return one.full_pass_at is None or at >= one.full_pass_at + one.own.full_pass_hours * HOUR
