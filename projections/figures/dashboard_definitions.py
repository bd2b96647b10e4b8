"""The figures of ``lms_analytics_dashboard``: one row per type, subject and period. See also ``TERMS``."""

from __future__ import annotations

from functools import partial

from projections.figures.definition import Figure

_figure = partial(Figure, "lms_analytics_dashboard")
_count = partial(_figure, unit="enrollments", level="efficiency")
NO_DATA = ("no_data",)

DASHBOARD: tuple[Figure, ...] = (
    _count(
        "total_enrollments",
        text="Enrollments in play: begun before the end of the period and not ended before its start. Always = active + "
        "completed + dropped + on_hold + failed + expired + left of additional_metrics. A failed one that is completed later "
        "is in play in both periods; who came back to the company goes on with what was open.",
    ),
    _count("active_enrollments", text="Not Started or In Progress at the end of the period."),
    _count("completed_enrollments", text="Completed within the period."),
    _count("in_progress_enrollments", text="In Progress at the end of the period (part of active)."),
    _count("dropped_enrollments", text="Dropped within the period (withdrawn, unenrolled, cancelled)."),
    _figure(
        "total_learning_hours",
        "hours",
        "Increases of tracked time within the period. An LMS gives totals: the difference counts on the day of last access, "
        "else of the sync. Nominal hours are in additional_metrics, never added.",
        "seconds by which tracked time increased",
        "3,600",
        ("not_reported_by_source", "capped"),
        level="efficiency",
    ),
    _figure(
        "average_completion_time_hours",
        "hours",
        "Mean tracked learning time of the enrollments completed in the period with time > 0; waived ones are left out.",
        "tracked seconds of those",
        "enrollments completed with tracked time * 3,600",
        ("no_data", "capped"),
        level="efficiency",
    ),
    _figure(
        "completion_rate",
        "%",
        "Completed of all in play. By nature low for short periods: completion_rate_12m and on_time_completion_rate of "
        "additional_metrics stand beside it.",
        "completed_enrollments",
        "total_enrollments",
        NO_DATA,
        level="efficiency",
    ),
    _figure(
        "engagement_score",
        "0..100",
        "Mean of the known ones: active learners of people with something in play; enrollments that advanced of those "
        "begun and in play; active days per active learner against one per week, at most 1. Window: the period, at least "
        "the 28 days up to its end. It needs the first.",
        "sum of the parts known * 100",
        "parts known",
        NO_DATA,
        composite=True,
    ),
    _figure(
        "skill_acquisition_rate",
        "%",
        "Distinct (employee, skill) taught by courses that ended in the period with evidence (post-assessment at or above "
        "its target, else score >= passing_score). A completion without evidence is no skill.",
        "pairs with evidence",
        "pairs taught",
        ("not_reported_by_source", "no_data", "below_minimum_group"),
        level="effectiveness",
        kirkpatrick=2,
    ),
    _figure(
        "certification_achievement_rate",
        "%",
        "Of the enrollments in play in courses that lead to a certificate and that ended in the period: Certified at any "
        "time up to the end of the period.",
        "certified",
        "ended",
        ("not_reported_by_source", "no_data"),
        level="effectiveness",
        kirkpatrick=2,
    ),
    _figure(
        "compliance_training_completion",
        "%",
        "Required pairs (employee, requirement) with a valid completion on the last day. A stock, not a flow; basis of its "
        "parts says requirements, or enrolled where no requirement rule exists: then a pair is an employed person and a "
        "course of compliance training in which they have an enrollment that was not dropped, however many cycles it has; "
        "people who were never enrolled are invisible.",
        "pairs with a valid completion",
        "required pairs",
        NO_DATA,
        level="efficiency",
    ),
    _figure(
        "learning_effectiveness_score",
        "0..100",
        "Mean of the known levels: 1 normalised reaction, 2 mean score percent of scored completions, 3 application rate, "
        "4 share with a better rating. It needs level 2 or 3; effectiveness.levels of additional_metrics lists which.",
        "sum of the levels known",
        "levels known",
        ("no_data", "no_input_event", "below_minimum_group"),
        composite=True,
    ),
    _figure(
        "instructor_performance_score",
        "%",
        "Mean normalised rating of questions about instructors in evaluations handed in during the period, at least 5 of "
        "them. Pass rates are never a stand-in.",
        "sum of the normalised ratings",
        "ratings",
        ("no_input_event", "below_minimum_group"),
        level="effectiveness",
        kirkpatrick=1,
    ),
    _figure(
        "content_utilization_rate",
        "%",
        "Courses with an active learner in the period, of the courses in the catalog that were not retired on any day of it. "
        "An instructor has no catalog.",
        "courses with an active learner",
        "courses in the catalog",
        ("not_reported_by_source", "not_applicable"),
        level="efficiency",
    ),
    _figure(
        "learning_cost_per_employee",
        "company currency",
        "Cost of the enrollments registered in the period and costs recorded for it, by days, per head. Direct cost only, "
        "no working time. A source that gives no cost is not a cost of 0.",
        "direct cost in the company's currency",
        "mean of the headcount at start and end",
        ("not_reported_by_source", "no_input_event", "no_data", "mixed_currency", "capped"),
        level="efficiency",
    ),
    _figure(
        "roi_analysis",
        "%",
        "Return on learning: recorded and approved benefits (amount * share credited to learning * confidence) against the "
        "cost of the same courses. Benefits are never estimated by the hub. May be negative.",
        "benefit - cost",
        "cost",
        ("no_input_event", "capped"),
        level="outcome",
        kirkpatrick=5,
        signed=True,
    ),
    _figure(
        "additional_metrics",
        "JSON",
        "definition_version, as_of, positions, parts, reasons; on_hold, failed, expired, left, waived; flow {registered, "
        "started, completed, certified, lapsed}; people {headcount, enrolled, active, reach_rate}; completion_rate_12m, "
        "on_time_completion_rate; overdue, expiring_30, expiring_60, expiring_90; first_attempt_pass_rate, attempts_mean; "
        "hours_per_learner, nominal_hours, days_to_complete; freshness per source.",
    ),
    _figure(
        "trend_data",
        "JSON",
        "The rows of the twelve periods before, of the same subject: date and the ten main figures (the counts, learning "
        "hours, average completion time, completion, compliance and certification rates); change to the previous and to "
        "the same period a year ago (of a week: 52 weeks ago).",
    ),
    _figure(
        "department_breakdown",
        "JSON",
        "Per department: people, total, active, completed, overdue, completion rate, compliance completion, hours. Sums of "
        "counts equal the row; no department is a line. A person counts once, in the department of the last day on which one "
        "of their enrollments counts.",
    ),
    _figure(
        "course_type_breakdown",
        "JSON",
        "The same per course_type, and the ten courses with most and least completion (at least 5 enrollments).",
    ),
)
