"""The targets of an integration, and the two figures that hold a day against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from projections.figures.base import Number, number

INTERVALS = {"Every 15 mins": 15, "Hourly": 60, "Daily": 1440, "Weekly": 10_080}
"""Minutes between two runs, by ``sync_frequency``."""
REAL_TIME_MINUTES = 5
WEIGHTS = {"availability": 30, "success": 25, "errors": 15, "accuracy": 15, "latency": 15}
ZERO_AT = 4
"""Times the target at which the latency is worth nothing."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What was promised: percentages, minutes and hours. ``latency``: None where runs have no interval."""

    availability: Number = 99
    success: Number = 95
    latency: Number | None = None
    critical_hours: Number = 4


def targets(frequency: str | None, settings: Any) -> Targets:
    """The targets of ``compliance_settings.sla`` (availability, success, latency_minutes, critical_hours); what it leaves
    out, or does not give as a number above 0, has its default."""
    own = settings.get("sla") if isinstance(settings, Mapping) else None
    given = own if isinstance(own, Mapping) else {}
    interval = INTERVALS.get(frequency or "")
    latency = REAL_TIME_MINUTES if frequency == "Real-time" else None if interval is None else 2 * interval
    default = Targets()
    return Targets(
        _given(given, "availability") or default.availability,
        _given(given, "success") or default.success,
        _given(given, "latency_minutes") or latency,
        _given(given, "critical_hours") or default.critical_hours,
    )


def _given(own: Mapping[str, Any], name: str) -> Fraction | None:
    """A target that is given as a number above 0."""
    value = own.get(name)
    return Fraction(str(value)) if isinstance(value, int | float) and value is not True and value > 0 else None


@dataclass(frozen=True, slots=True)
class Measured:
    """A day's figures, exact; None: not measured. Percentages, and minutes for the latency."""

    availability: Fraction | None
    success: Fraction | None
    errors: Fraction | None
    accuracy: Fraction | None
    latency: int | None


def performance(day: Measured, goal: Targets) -> tuple[Fraction, int, dict[str, Any]] | None:
    """Sum of weight * part, sum of weights, and the parts known; None where neither availability nor success is."""
    if day.availability is None and day.success is None:
        return None
    known: dict[str, Fraction | None] = {
        "availability": day.availability,
        "success": day.success,
        "errors": None if day.errors is None else 100 - day.errors,
        "accuracy": day.accuracy,
        "latency": _latency(day.latency, goal.latency),
    }
    parts = {name: value for name, value in known.items() if value is not None}
    total = sum((WEIGHTS[name] * value for name, value in parts.items()), Fraction(0))
    weights = sum(WEIGHTS[name] for name in parts)
    return total, weights, {"parts": {name: number(value) for name, value in parts.items()}}


def sla(day: Measured, goal: Targets, longest_critical: Fraction | None) -> tuple[bool, dict[str, Any]] | None:
    """Whether every measured target holds, and which do; None where none was measured.

    ``longest_critical``: hours for which a critical incident was open; None: nobody looked that day.
    """
    checks: dict[str, bool] = {}
    if day.availability is not None:
        checks["availability"] = day.availability >= goal.availability
    if day.success is not None:
        checks["success"] = day.success >= goal.success
    if day.latency is not None and goal.latency is not None:
        checks["latency"] = day.latency <= goal.latency
    if longest_critical is not None:
        checks["critical_hours"] = longest_critical <= goal.critical_hours
    if not checks:
        return None
    held = sum(checks.values())
    return held == len(checks), {"numerator": held, "denominator": len(checks), "targets": checks}


def _latency(minutes: int | None, target: Number | None) -> Fraction | None:
    """100 up to the target, then in a line to 0 at four times the target."""
    if minutes is None or target is None:
        return None
    if minutes <= target:
        return Fraction(100)
    beyond = Fraction(minutes - target) / (Fraction(target) * (ZERO_AT - 1)) if target else Fraction(1)
    return max(Fraction(0), 100 * (1 - beyond))
