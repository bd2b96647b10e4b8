"""What a computed figure is, and the decision about it: recorded where a value differs, restated once its period is closed.

A figure's row is a stream of its own (kind ``figure``), its id the row's. What it was computed from is told beside it:
the parts of every ratio, the reason of everything that is NULL, the time and the positions of the log that it rests on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from hub.domain.events.base import Declared
from hub.domain.events.figures import DashboardFigures, MonitoringFigures
from hub.domain.ids import derived
from hub.domain.periods import CUSTOM, DAILY, REGULAR, Period
from hub.domain.rows import Row, dumped, loaded, same, value_of
from hub.domain.units import day, text_of

STREAM = "figure"
MONITORING = "lms_integration_monitoring"
DASHBOARD = "lms_analytics_dashboard"
NEW_VALUES: Mapping[str, type[Declared]] = {MONITORING: MonitoringFigures, DASHBOARD: DashboardFigures}
"""Table → what an event tells of it."""
SCALE = 2
"""Decimal places of every decimal of both tables."""
PART_OF = {MONITORING: "monitoring", DASHBOARD: "dashboard"}
"""Table → the part of an event that holds its new values."""
KINDS_OF = {MONITORING: (DAILY,), DASHBOARD: REGULAR}
"""Table → the kinds of period that it has rows for."""
METRICS = "additional_metrics"
OWN_SUBJECT = frozenset({"Manager", "Instructor"})
"""The types of dashboard whose rows are about a subject of their own; a subject of any other is the filter of a custom one."""
MOVING = frozenset({"as_of", "positions", "freshness"})
"""What of ``additional_metrics`` tells when it was computed: a difference in these alone is none."""


@dataclass(slots=True)
class FigureRow:
    """One computed row. ``values``: every figure of the table and what names the row, plain; None where there is no data."""

    table: str
    company_id: str
    integration_id: str | None
    period: Period
    values: dict[str, Any]
    kind: str | None = None
    """``dashboard_type``; None for monitoring."""
    subject: str | None = None
    """Department, instructor or custom filter that the row is about; None: everybody."""
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Column → numerator, denominator and what else a figure is checked by."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Column → code; for each figure that is None or capped."""

    @property
    def filter(self) -> str | None:
        """The filter of a custom dashboard, as JSON; None: everything."""
        return None if self.kind in OWN_SUBJECT else self.subject

    @property
    def id(self) -> str:
        """The row's id: the natural key."""
        return row_id(self.table, self.company_id, self.integration_id, self.kind, self.period, self.subject)


def row_id(
    table: str, company_id: str, integration_id: str | None, kind: str | None, period: Period, subject: str | None
) -> str:
    """The id of a figure's row, by its natural key."""
    return derived(
        company_id, "figure", table, integration_id or "", kind or "", period.kind, period.name, subject or ""
    )


@dataclass(frozen=True, slots=True)
class Basis:
    """What a computation rests on."""

    as_of: int
    """Known up to here, microseconds."""
    positions: Mapping[str, Mapping[str, int]]
    """Topic → partition → first record that was not yet known."""
    today: int
    """The day in the company's zone, days since 1970."""
    definition_version: int


def is_closed(row: Row | None) -> bool:
    """Whether the row's period is closed."""
    return bool(value_of(row, "closed"))


def decide(row: Row | None, figure: FigureRow, basis: Basis, reason: str | None = None) -> dict[str, Any] | None:
    """The event's body by which the row becomes what was computed; None where nothing differs.

    ``reason``: why a closed period is told again; without one a closed period stays as it is.
    """
    closed = is_closed(row)
    if closed and reason is None:
        return None
    changes, cleared = differences(row, figure.values)
    closes = not closed and figure.period.is_to_close(basis.today)
    if not (changes or cleared or closes or (not closed and _other_reasons(row, figure))):
        return None
    body: dict[str, Any] = {
        "type": "lms.figures.restated.v1" if closed else "lms.figures.recorded.v1",
        "transitions": ["figures.restated" if closed else "figures.recorded", *(["figures.closed"] if closes else [])],
        "integration_id": figure.integration_id,
        "table": figure.table,
        "kind": figure.kind,
        "subject": figure.subject,
        "period": figure.period.kind,
        "period_start": figure.period.start,
        "period_end": figure.period.end,
        "closed": closed or closes,
        "definition_version": basis.definition_version,
        "as_of": basis.as_of,
        "positions": dumped(basis.positions),
        "parts": dumped(figure.parts),
        "reasons": dumped(figure.reasons),
        PART_OF[figure.table]: changes or None,
        "cleared": list(cleared),
    }
    if closed:
        told = {name: _natural(figure.table, name, value_of(row, name)) for name in (*changes, *cleared)}
        body["previous"] = dumped(told)
    body["impact"] = _impact(row, figure, [*changes, *cleared])
    return body


def differences(row: Row | None, values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """New values by column, JSON as text, and the columns that became unknown."""
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, dict | list):
            if row is None or _steady(loaded(row.get(name))) != _steady(value):
                changes[name] = dumped(value)
        elif not same(value_of(row, name), value):
            changes[name] = value
    cleared = tuple(name for name, value in values.items() if value is None and value_of(row, name) is not None)
    return changes, cleared


def completed(figure: FigureRow, basis: Basis) -> FigureRow:
    """The figure with what its ``additional_metrics`` tell of every computation; as it is where it has no such column."""
    if METRICS in figure.values:
        figure.values[METRICS] = {
            **(figure.values[METRICS] or {}),
            "definition_version": basis.definition_version,
            "as_of": text_of(basis.as_of),
            "positions": {topic: dict(parts) for topic, parts in basis.positions.items()},
            "parts": figure.parts,
            "reasons": figure.reasons,
        }
        if figure.period.kind == CUSTOM:
            span = {"from": day(figure.period.start).isoformat(), "to": day(figure.period.end - 1).isoformat()}
            figure.values[METRICS]["custom"] = span | {"filter": loaded(figure.filter)}
    return figure


def _other_reasons(row: Row | None, figure: FigureRow) -> bool:
    """Whether a figure is unknown for another reason than was told, where the row has no column for it.

    Other parts of equal values are no difference: the observed time of a day grows by the minute.
    """
    return METRICS not in figure.values and (loaded(value_of(row, "reasons")) or {}) != figure.reasons


def digest(figure: FigureRow) -> str:
    """What tells one computation's result from another's, for the id of the command that records it."""
    told = {name: _steady(value) for name, value in figure.values.items()}
    return hashlib.sha256(dumped([told, figure.parts, figure.reasons]).encode()).hexdigest()


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: one for name, one in value.items() if name not in MOVING}
    return value


def _natural(table: str, name: str, value: Any) -> Any:
    """A plain value as whoever reads it without the schema understands it."""
    if value is None:
        return None
    kind = _kinds(table).get(name)
    if kind is date:
        return day(value).isoformat()
    if kind is Decimal:
        return value / 10**SCALE
    return loaded(value)


@cache
def _kinds(table: str) -> dict[str, type]:
    """The columns of a table that are days or decimals."""
    found: dict[str, type] = {}
    for name, declared in NEW_VALUES[table].model_fields.items():
        for one in get_args(declared.annotation):
            kind = get_args(one)[0] if get_origin(one) is Annotated else one
            if kind in (date, Decimal):
                found[name] = kind
    return found


def _impact(row: Row | None, figure: FigureRow, names: Collection[str]) -> str:
    since = day(figure.period.start).isoformat()
    what = f"{figure.kind or 'Monitoring'}, {figure.period.kind} from {since}"
    if row is None:
        return f"{what}: told for the first time."
    return f"{what}: {len(names)} values differ." if names else f"{what}: closed; no value differs."


__all__ = [
    "DASHBOARD",
    "KINDS_OF",
    "MONITORING",
    "OWN_SUBJECT",
    "PART_OF",
    "STREAM",
    "Basis",
    "FigureRow",
    "completed",
    "decide",
    "differences",
    "digest",
    "is_closed",
    "row_id",
]
