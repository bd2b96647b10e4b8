"""How the connection of one integration was, told from its events: when it was down, switched off, in maintenance, observed.

Pure. Times are microseconds; a stretch is half open. What was so before the first event follows from what that event changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

DOWN = frozenset({"Disconnected", "Error"})
LOST = frozenset({"connection.lost", "breaker.opened"})
RESTORED = frozenset({"connection.restored", "breaker.closed"})

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """One event of an integration. ``status`` and ``active``: what it was before and after, where the event changed it."""

    at: int
    transitions: frozenset[str]
    began: int = 0
    """Where it tells of a loss: since when requests failed."""
    status: tuple[str | None, str | None] | None = None
    active: tuple[bool | None, bool | None] | None = None
    by_person: bool = False
    is_contact: bool = False
    """A test or a probe; a run is a contact by its own requests."""


@dataclass(slots=True)
class Standing:
    """How an integration stands now, and when it was set up."""

    status: str | None
    is_active: bool
    failing_since: int | None
    created_at: int
    ran_before: bool
    """Whether it had been contacted before the first of the moments."""


@dataclass(slots=True)
class Timeline:
    """What the events of a stretch of time tell; the spans are in order and do not overlap."""

    down: list[Span] = field(default_factory=list)
    inactive: list[Span] = field(default_factory=list)
    maintenance: list[Span] = field(default_factory=list)
    activations: list[int] = field(default_factory=list)
    contacts: list[int] = field(default_factory=list)


def timeline(moments: Sequence[Moment], now: Standing, start: int, end: int) -> Timeline:
    """What was so from ``start`` to ``end``, by the events from ``start`` on (in order) and how it stands now."""
    told = Timeline()
    told.down = _down(moments, now, start, end)
    told.inactive = _inactive(moments, now, start, end)
    told.maintenance = _maintenance(moments, now, start, end)
    told.activations = [one.at for one in moments if one.active is not None and one.active[1]]
    if now.created_at >= start:
        told.activations = sorted({now.created_at, *told.activations})
    told.contacts = [one.at for one in moments if one.is_contact]
    return told


def observed(told: Timeline, contacts: Iterable[int], start: int, end: int) -> list[Span]:
    """The time of a day in which it was observed: from the first contact or activation on, without what it was switched off
    or in maintenance for; none where there was no contact."""
    of_day = [at for at in (*contacts, *told.contacts) if start <= at < end]
    if not of_day:
        return []
    first = min([*of_day, *(at for at in told.activations if start <= at < end)])
    return without([(first, end)], sorted([*told.inactive, *told.maintenance]))


def without(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """What of ``spans`` is in none of ``taken`` (in order)."""
    left: list[Span] = []
    for start, end in spans:
        at = start
        for other_start, other_end in taken:
            if other_end <= at or other_start >= end:
                continue
            if other_start > at:
                left.append((at, other_start))
            at = max(at, other_end)
        if at < end:
            left.append((at, end))
    return left


def overlap(spans: Iterable[Span], others: Sequence[Span]) -> int:
    """The length of what lies in both."""
    return sum(max(0, min(end, other[1]) - max(start, other[0])) for start, end in spans for other in others)


def length(spans: Iterable[Span]) -> int:
    """The length of all spans."""
    return sum(end - start for start, end in spans)


def _down(moments: Sequence[Moment], now: Standing, start: int, end: int) -> list[Span]:
    since = start if _was_down(moments, now, start) else None
    spans = []
    for one in moments:
        if one.transitions & LOST:
            since = one.began or one.at if since is None else since
        elif since is not None and (one.transitions & RESTORED or one.active is not None):
            spans.append((since, one.at))
            since = None
    if since is not None:
        spans.append((since, end))
    return [(first, min(last, end)) for first, last in spans if first < end and last > start]


def _was_down(moments: Sequence[Moment], now: Standing, start: int) -> bool:
    """Whether it was down before the first event: what the first change of the status changed tells."""
    for one in moments:
        if one.active is not None:
            return bool(one.active[0]) and now.ran_before and one.status is not None and one.status[0] in DOWN
        if one.status is not None and one.status[0] != "Testing":
            return now.ran_before and one.status[0] in DOWN
    return now.ran_before and now.is_active and now.failing_since is not None and now.failing_since < start


def _inactive(moments: Sequence[Moment], now: Standing, start: int, end: int) -> list[Span]:
    changes = [(one.at, bool(one.active[1])) for one in moments if one.active is not None]
    was_active = not changes[0][1] if changes else now.is_active
    spans = [(start, now.created_at)] if now.created_at > start else []
    since = None if was_active else max(start, now.created_at)
    for at, active in changes:
        if active and since is not None:
            spans.append((since, at))
            since = None
        elif not active and since is None:
            since = at
    if since is not None:
        spans.append((since, end))
    return [(first, min(last, end)) for first, last in spans if first < min(last, end)]


def _maintenance(moments: Sequence[Moment], now: Standing, start: int, end: int) -> list[Span]:
    changes = [
        (one.began or one.at, name == "connection.maintenance_began")
        for one in moments
        for name in one.transitions
        if name.startswith("connection.maintenance_")
    ]
    since = start if (not changes[0][1] if changes else now.status == "Maintenance") else None
    spans = []
    for at, began in changes:
        if began and since is None:
            since = at
        elif not began and since is not None:
            spans.append((since, at))
            since = None
    if since is not None:
        spans.append((since, end))
    return [(max(first, start), min(last, end)) for first, last in spans if first < end and last > start]
