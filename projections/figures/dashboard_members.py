"""From a figure to the enrollments it was computed from: the view ``figure_rows``, made of the steps that compute the figures.

``python -m projections.figures.dashboard_members`` prints the view; the file in ``projections/views`` holds what it prints.
"""

from __future__ import annotations

import sys

from projections.figures.dashboard import WINDOW_DAYS
from projections.figures.dashboard_sql import FACTS, MEMBERSHIP, PERIOD, STATE, steps

LEFT_OUT = frozenset({"dash_attempt", "dash_long_day", "dash_cell", "dash_learner", "dash_active_day"})
"""Steps that no membership rests on."""

ENDED = "e.class IN ('completed', 'dropped', 'failed', 'expired', 'left')"
DONE = "e.class = 'completed' AND NOT e.waived"
OF_PLAY = {
    "total_enrollments": ("e.class IS NOT NULL", "TRUE"),
    "active_enrollments": ("e.class IN ('not_started', 'in_progress')", "TRUE"),
    "in_progress_enrollments": ("e.class = 'in_progress'", "TRUE"),
    "completed_enrollments": ("e.class = 'completed'", "TRUE"),
    "dropped_enrollments": ("e.class = 'dropped'", "TRUE"),
    "completion_rate": ("e.class IS NOT NULL", "e.class = 'completed'"),
    "average_completion_time_hours": (f"{DONE} AND e.seconds > 0", "TRUE"),
    "certification_achievement_rate": (
        f"{ENDED} AND e.leads_to_certificate",
        "coalesce(e.certified_on < p.ends, FALSE)",
    ),
    "skill_acquisition_rate": (
        f"{ENDED} AND NOT e.waived AND e.employee_id IS NOT NULL AND jsonb_array_length(e.skills) > 0",
        "coalesce(e.score_achieved >= e.passing_score, FALSE)",
    ),
    "learning_effectiveness_score": (f"{DONE} AND e.max_score > 0 AND e.score_achieved IS NOT NULL", "TRUE"),
    "learning_cost_per_employee": (
        "e.registered AND e.cost_amount IS NOT NULL AND e.currency_code = a.currency",
        "TRUE",
    ),
    "engagement_score": ("e.in_window", "e.advanced"),
}
"""Figure → which enrollments of the period it rests on, and which of them are in its numerator."""
OF_DAYS = {"total_learning_hours": "dash_time", "content_utilization_rate": "dash_activity"}
"""Figure → the step whose days within the period it rests on."""

_GIVEN = """dash_ask AS MATERIALIZED (
    SELECT d.company_id, coalesce(c.time_zone, 'UTC') AS zone, coalesce(c.currency_code, 'USD') AS currency,
           TIMESTAMPTZ 'epoch' + (d.fold_state ->> 'as_of')::bigint * INTERVAL '1 microsecond' AS as_of, x.window_starts AS since,
           CASE WHEN d.dashboard_type NOT IN ('Manager', 'Instructor') THEN (d.fold_state ->> 'subject')::jsonb END AS chosen
), dash_end AS MATERIALIZED (SELECT x.ends, x.ends - 1 AS last_day
), dash_period AS MATERIALIZED (
    SELECT x.starts, x.ends, x.window_starts, (x.ends - INTERVAL '12 months')::date AS year_starts
), dash_scope AS MATERIALIZED (
    SELECT 0 AS scope,
           CASE WHEN d.dashboard_type = 'Compliance' THEN 'compliance' WHEN d.dashboard_type = 'Manager' THEN 'department'
                WHEN d.dashboard_type = 'Instructor' THEN 'instructor' WHEN d.lms_integration_id IS NOT NULL THEN 'integration'
                ELSE 'company' END AS kind,
           coalesce(d.lms_integration_id::text, d.fold_state ->> 'subject', '') AS subject
)"""
_OUTER = f"""SELECT
    d.id AS figure_row_id,
    m.figure,
    m.enrollment_id,
    m.employee_id,
    m.in_numerator,
    d.dashboard_type,
    d.analysis_period,
    d.report_date,
    d.lms_integration_id,
    d.company_id,
    c.code AS company_code
FROM hub.lms_analytics_dashboard d
JOIN hub.company c ON c.id = d.company_id
CROSS JOIN LATERAL (
    SELECT y.starts, y.ends, least(y.starts, y.ends - {WINDOW_DAYS}) AS window_starts
    FROM (
        SELECT DATE '1970-01-01' + (d.fold_state ->> 'period_start')::integer AS starts,
               least(
                   DATE '1970-01-01' + (d.fold_state ->> 'period_end')::integer,
                   ((TIMESTAMPTZ 'epoch' + (d.fold_state ->> 'as_of')::bigint * INTERVAL '1 microsecond')
                       AT TIME ZONE coalesce(c.time_zone, 'UTC'))::date + 1
               ) AS ends
    ) y
) x
CROSS JOIN LATERAL ("""
_COMMENTS = {
    "figure_row_id": "Row of the dashboards; see analytics.dashboards.",
    "figure": "Column of the row.",
    "enrollment_id": "An enrollment that the figure was computed from; see analytics.enrollments.",
    "in_numerator": "True where it is in the numerator, or counted; false: in the denominator alone.",
    "company_code": "Short name of the company.",
}
_MEMBER = "JOIN dash_member m USING (kind)"


def view() -> str:
    """The text of the view."""
    queries = [
        (name, query)
        for file in (FACTS, STATE, MEMBERSHIP, PERIOD)
        for name, query in steps(file).items()
        if name not in LEFT_OUT
    ]
    tables = ",\n".join([_GIVEN, *(f"{name} AS MATERIALIZED (\n{query}\n)" for name, query in queries)])
    comment = "The enrollments that each figure of each row of the dashboards was computed from. Ask for one row and one figure."
    lines = [
        "-- shows: lms_course_enrollment, lms_analytics_dashboard",
        "-- Made by python -m projections.figures.dashboard_members; do not edit.",
        "CREATE VIEW analytics.figure_rows AS",
        _OUTER,
        f"WITH {tables}",
        "\nUNION ALL\n".join(_members()),
        ") m;",
        "",
        f"COMMENT ON VIEW analytics.figure_rows IS '{comment}';",
        *(f"COMMENT ON COLUMN analytics.figure_rows.{name} IS '{text}';" for name, text in _COMMENTS.items()),
    ]
    return "\n".join(lines) + "\n"


def _members() -> list[str]:
    """A query per figure."""
    queries = [
        f"SELECT '{figure}' AS figure, e.enrollment_id, e.employee_id, {numerator} AS in_numerator\n"
        f"FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a {_MEMBER}\nWHERE {base}"
        for figure, (base, numerator) in OF_PLAY.items()
    ]
    queries += [
        f"SELECT DISTINCT '{figure}', t.enrollment_id, t.employee_id, TRUE\nFROM {table} t CROSS JOIN dash_period p {_MEMBER}\n"
        "WHERE t.day >= p.starts AND t.day < p.ends"
        for figure, table in OF_DAYS.items()
    ]
    queries.append(
        "SELECT 'compliance_training_completion', s.enrollment_id, s.employee_id, s.valid\n"
        "FROM dash_state s JOIN dash_member m ON m.kind = s.last_kind\nWHERE s.required"
    )
    return queries


if __name__ == "__main__":
    sys.stdout.write(view())
