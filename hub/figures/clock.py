"""The clock of figures: periods are told while they are open, closed on their third day, told again where later facts touch them.

A pass costs next to nothing where nothing happened: whether anything did is seen from how far the topics are folded, and
whether it concerns a company from what was recorded since. A row is computed at most once an hour, and an event is only
what differs. What was missed while nobody served is made up for: each kind of period from where its rows end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hub.deciding.envelope import Actor
from hub.domain.figures import KINDS_OF
from hub.domain.periods import CLOSE_AFTER_DAYS, Period, months_back, period, periods_between
from hub.domain.periods import RESTATED_MONTHS as BACK
from hub.domain.units import DAY, SECOND, day, day_in, text_of
from hub.figures.service import FigureService, Outcome
from projections.figures.base import Company
from projections.figures.reading import Told

CLOCK = Actor("system", "clock")
HOUR = 3600 * SECOND
OVERLAP = 600 * SECOND
"""How far back a look begins, since what was recorded earlier may be folded later."""
AT_ONCE = 40
"""Periods that are computed on one snapshot."""


class Facts(Protocol):
    """What the clock asks the tables; see :mod:`projections.figures.reading`."""

    def companies(self) -> Sequence[Company]: ...
    def reached(self, table: str) -> Mapping[str, Mapping[str, int]]: ...
    def has_news(self, table: str, company_id: str, since: int) -> bool: ...
    def told(self, table: str, company_id: str, since: int) -> Sequence[Told]: ...
    def touched(self, table: str, company: Company, since: int) -> int | None: ...


@dataclass(slots=True)
class Looked:
    """When a company's figures of one table were computed, how far the log was folded then, and what is to be told again."""

    at: int = 0
    today: int = 0
    reached: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def wanted(told: Sequence[Told], kinds: Sequence[str], today: int, fiscal_month: int) -> list[Period]:
    """The periods to be computed: today's, those that have rows and are not closed, and those since the last that have any."""
    found = {period(kind, today, fiscal_month) for kind in kinds}
    found |= {one.period for one in told if not one.closed}
    for kind in kinds:
        end = max((one.period.end for one in told if one.period.kind == kind and _was_present(one)), default=None)
        if end is not None:
            first = max(min(end, today), months_back(today, BACK))
            found |= {one for one in periods_between(first, today, fiscal_month) if one.kind == kind}
    return sorted(found)


def due(told: Sequence[Told], kinds: Sequence[str], today: int, fiscal_month: int) -> dict[str | None, list[Period]]:
    """What is to be computed, by the filter of custom dashboards: without one all that is :func:`wanted`."""
    found = by_filter([one for one in told if one.chosen is not None and not one.closed])
    return {None: wanted([one for one in told if one.chosen is None], kinds, today, fiscal_month), **found}


def by_filter(told: Sequence[Told]) -> dict[str | None, list[Period]]:
    """The periods of rows, by their filter."""
    found: dict[str | None, list[Period]] = {}
    for one in told:
        found.setdefault(one.chosen, []).append(one.period)
    return found


def _was_present(told: Told) -> bool:
    """Whether it was told in its time, by a hub that was there, and not on request long after."""
    return told.as_of // DAY <= told.period.end + CLOSE_AFTER_DAYS


class FiguresReactor:
    """Computes what is due and records what differs. Keeps only when it looked, so it may be begun anew at any time."""

    def __init__(self, service: FigureService, facts: Facts, now: Callable[[], int]) -> None:
        self._service = service
        self._facts = facts
        self._now = now
        self._looked: dict[tuple[str, str], Looked] = {}

    def react(self, *, at_once: bool = False) -> Outcome:
        """Do what is due now. ``at_once``: do not wait for the hour where something happened."""
        outcome = Outcome()
        now = self._now()
        companies = self._facts.companies()
        for table in self._service.tables:
            reached = self._facts.reached(table)
            for company in companies:
                if self._is_due(table, company, reached, now, at_once=at_once):
                    outcome.add(self._tell(table, company, reached, now))
        return outcome

    def _is_due(
        self, table: str, company: Company, reached: Mapping[str, Mapping[str, int]], now: int, *, at_once: bool
    ) -> bool:
        looked = self._looked.get((table, company.id))
        if looked is None or looked.today != day_in(now, company.time_zone):
            return True
        if looked.reached == reached or (now - looked.at < HOUR and not at_once):
            return False
        if self._facts.has_news(table, company.id, looked.at - OVERLAP):
            return True
        looked.reached = reached  # it was another company's
        return False

    def _tell(self, table: str, company: Company, reached: Mapping[str, Mapping[str, int]], now: int) -> Outcome:
        today = day_in(now, company.time_zone)
        told = self._facts.told(table, company.id, months_back(today, BACK))
        before = self._looked.get((table, company.id))
        since = before.at if before is not None else max((one.as_of for one in told), default=None)
        outcome = Outcome()
        for chosen, periods in due(told, KINDS_OF[table], today, company.fiscal_year_start_month).items():
            outcome.add(self._tell_periods(table, company, periods, chosen))
        if since is not None:
            outcome.add(self._restate(table, company, told, since))
        self._looked[table, company.id] = Looked(now, today, reached)
        return outcome

    def _restate(self, table: str, company: Company, told: Sequence[Told], since: int) -> Outcome:
        """Tell closed periods again that what was recorded since then touches."""
        is_any_closed = any(one.closed for one in told)
        first = self._facts.touched(table, company, since - OVERLAP) if is_any_closed else None
        if first is None:
            return Outcome()
        reason = f"facts recorded since {text_of(since)} about {day(first).isoformat()} and later"
        outcome = Outcome()
        for chosen, periods in by_filter([one for one in told if one.closed and one.period.end > first]).items():
            outcome.add(self._tell_periods(table, company, periods, chosen, reason))
        return outcome

    def _tell_periods(
        self, table: str, company: Company, periods: Sequence[Period], chosen: str | None, reason: str | None = None
    ) -> Outcome:
        """The earlier ones first, since a later one shows the trend of those before."""
        outcome = Outcome()
        ordered = sorted(periods, key=lambda one: (one.end, one))
        for start in range(0, len(ordered), AT_ONCE):
            at_once = ordered[start : start + AT_ONCE]
            outcome.add(self._service.tell(table, company, at_once, chosen=chosen, actor=CLOCK, reason=reason))
        return outcome
