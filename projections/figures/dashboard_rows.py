"""A row of the dashboards from its numbers: each column by its definition, its parts, and why it is NULL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hub.domain.figures import DASHBOARD, FigureRow
from hub.domain.periods import Period
from hub.domain.rows import loaded
from projections.figures import dashboard_scopes as about
from projections.figures.base import Cells, Number, figure_row, number, rounded
from projections.figures.dashboard_breakdown import course_types, departments
from projections.figures.dashboard_numbers import Numbers
from projections.figures.dashboard_scopes import Scope

SMALLEST_GROUP = 5
IMPLAUSIBLE_SHOWN = 20
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rows of one period share."""

    company_id: str
    period: Period
    report_date: int
    window_days: int
    """Length of the window of engagement."""
    knows_certificates: bool
    """Some course of the catalog says whether it leads to a certificate."""
    knows_skills: bool
    """Some course of the catalog says what it teaches."""
    department_names: Mapping[str, tuple[str, str | None]]
    freshness: Mapping[str, str | None]
    """Code of an integration → end of its last completed run."""


class Row:
    """The cells of one row while they are put."""

    def __init__(self, setting: Setting, scope: Scope, numbers: Numbers) -> None:
        self.setting, self.scope, self.n = setting, scope, numbers
        self.cells = Cells(DASHBOARD)
        self.metrics: dict[str, Any] = {}

    def metric(
        self, name: str, numerator: Number | None, denominator: Number, times: int = 100, reason: str = "no_data"
    ) -> None:
        """A ratio among the additional metrics, with its parts; None with a reason where the denominator is empty."""
        if numerator is None or not denominator:
            self.metrics[name] = None
            self.cells.reasons[name] = reason
            return
        self.cells.parts[name] = {"numerator": number(numerator), "denominator": number(denominator)}
        self.metrics[name] = rounded(Fraction(numerator) / Fraction(denominator) * times, 2) / 100


def row_of(setting: Setting, scope: Scope, dashboard_type: str, numbers: Numbers, trend: Any) -> FigureRow:
    """The row of a type of dashboard about ``scope`` in the period."""
    row = Row(setting, scope, numbers)
    put = row.cells.put
    put("dashboard_name", scope.dashboard_name(dashboard_type))
    put("dashboard_type", dashboard_type)
    put("analysis_period", setting.period.kind)
    put("report_date", setting.report_date)
    put("created_by_user_id", None)
    _counts(row)
    _hours(row)
    _completion(row)
    _engagement(row)
    _skills(row)
    _effectiveness(row)
    _content(row)
    _cost(row)
    for column in ("instructor_performance_score", "roi_analysis"):
        row.cells.none(column, "no_input_event")
    _further(row)
    put("additional_metrics", row.metrics)
    put("trend_data", trend)
    tracked = row.cells.values["total_learning_hours"] is not None
    put("department_breakdown", departments(numbers, setting.department_names, tracked=tracked))
    put("course_type_breakdown", course_types(numbers, tracked=tracked))
    return figure_row(
        row.cells, DASHBOARD, setting.company_id, scope.integration_id, setting.period,
        kind=dashboard_type, subject=scope.row_subject,
    )  # fmt: skip


def _counts(row: Row) -> None:
    n = row.n
    for name in ("total", "active", "in_progress", "completed", "dropped"):
        row.cells.value(f"{name}_enrollments", n[name])
    row.metrics |= {name: n[name] for name in ("on_hold", "failed", "expired", "waived")} | {"left": n["gone"]}
    row.metrics["flow"] = {name: n[name] for name in ("registered", "started", "completed", "certified", "lapsed")}


def _hours(row: Row) -> None:
    n = row.n
    tracked = bool(n["tracked"] or n["seconds"])
    row.cells.ratio("total_learning_hours", n["seconds"] if tracked else None, HOUR, reason="not_reported_by_source")
    row.cells.ratio("average_completion_time_hours", n["timed_seconds"], n["timed"] * HOUR)
    learner_seconds = n["learner_seconds"] if tracked else None
    reason = "no_data" if tracked else "not_reported_by_source"
    row.metric("hours_per_learner", learner_seconds, n["active_learners"] * HOUR, 1, reason)
    row.metrics["nominal_hours"] = rounded(Fraction(n["nominal_minutes"], 60), 2) / 100
    if n.implausible:
        row.metrics["implausible"] = {"count": len(n.implausible), "days": n.implausible[:IMPLAUSIBLE_SHOWN]}


def _completion(row: Row) -> None:
    n = row.n
    row.cells.ratio("completion_rate", n["completed"], n["total"], times=100)
    row.metric("completion_rate_12m", n["completed_12m"], n["enrolled_12m"])
    row.metric("on_time_completion_rate", n["on_time"], n["due"])
    row.cells.ratio("compliance_training_completion", n["met"], n["required"], times=100, basis="enrolled")
    row.cells.ratio(
        "certification_achievement_rate", n["got_certificate"], n["certifiable"], times=100,
        reason="no_data" if row.setting.knows_certificates else "not_reported_by_source",
    )  # fmt: skip


def _engagement(row: Row) -> None:
    """Mean of the known: people active, enrollments that advanced, active days against one a week."""
    n = row.n
    if not n["in_window"]:
        row.cells.none("engagement_score", "no_data")
        return
    weeks = Fraction(row.setting.window_days, 7)
    parts: dict[str, tuple[Number, Number]] = {
        "active_learners": (n["active_in_play"], n["in_window"]),
        "advanced": (n["advanced"], n["begun"]),
        "active_days": (n["person_days"], n["active_in_window"] * weeks),
    }
    known = [min(Fraction(above) / Fraction(below), Fraction(1)) for above, below in parts.values() if below]
    told: dict[str, Any] = {
        name: {"numerator": number(above), "denominator": number(below)}
        for name, (above, below) in parts.items()
        if below
    }
    row.cells.ratio(
        "engagement_score", sum(known, Fraction(0)) * 100, len(known), window_days=row.setting.window_days, **told
    )


def _skills(row: Row) -> None:
    n = row.n
    if n["taught"] and n["learners"] < SMALLEST_GROUP:
        row.cells.none("skill_acquisition_rate", "below_minimum_group")
        return
    reason = "no_data" if row.setting.knows_skills else "not_reported_by_source"
    row.cells.ratio("skill_acquisition_rate", n["shown"], n["taught"], times=100, reason=reason)


def _effectiveness(row: Row) -> None:
    """Of the four levels only the second comes from an LMS."""
    n = row.n
    levels = [2] if n.scored else []
    row.metrics["effectiveness"] = {"levels": levels}
    if not levels:
        row.cells.none("learning_effectiveness_score", "no_data")
        return
    mean = n.score_percents / n.scored
    told = {"numerator": number(n.score_percents), "denominator": n.scored}
    row.cells.ratio("learning_effectiveness_score", mean, len(levels), level_2=told)


def _content(row: Row) -> None:
    if row.scope.kind == about.INSTRUCTOR or "instructor" in (loaded(row.scope.chosen) or ()):
        row.cells.none("content_utilization_rate", "not_applicable")
        return
    n = row.n
    row.cells.ratio(
        "content_utilization_rate", n["courses_used"], n["courses"], times=100, reason="not_reported_by_source"
    )


def _cost(row: Row) -> None:
    n, column = row.n, "learning_cost_per_employee"
    heads = Fraction(n["head_start"] + n["head_end"], 2)
    others: dict[str, Any] = {"cost_other_currencies": n.other_currencies} if n.other_currencies else {}
    cost = n["cost"] if n["costed"] else None
    reason = "no_data" if n["costed"] else "mixed_currency" if others else "not_reported_by_source"
    row.cells.ratio(column, cost, heads, reason=reason, **others)
    if others:
        row.cells.parts.setdefault(column, {}).update(others)
        row.cells.reasons.setdefault(column, "mixed_currency")


def _further(row: Row) -> None:
    n, metrics = row.n, row.metrics
    metrics["people"] = {name: n[of] for name, of in PEOPLE.items()}
    row.metric("reach_rate", n["active_learners"], n["head_end"])
    metrics["people"]["reach_rate"] = metrics.pop("reach_rate")
    metrics |= {name: n[name] for name in ("overdue", "expiring_30", "expiring_60", "expiring_90")}
    row.metric("first_attempt_pass_rate", n["first_passed"], n["first_attempts"])
    row.metric("attempts_mean", n["attempts"], n["lessons"], 1)
    lower, upper = n.known("lower"), n.known("upper")
    metrics["days_to_complete"] = None if lower is None else (lower + upper) / 2
    if lower is None:
        row.cells.reasons["days_to_complete"] = "no_data"
    fresh = row.setting.freshness
    metrics["freshness"] = {row.scope.code: fresh.get(row.scope.code)} if row.scope.code else dict(fresh)


PEOPLE = {"headcount": "head_end", "enrolled": "enrolled", "active": "active_learners"}
"""Metric of people → its measure."""
