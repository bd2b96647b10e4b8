"""What the demo prints: tables of what came in and what became of it, asked of the analysts' views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.directory.importing import DirectoryReport
from hub.intake.run import Accounting

Rows = Sequence[Sequence[Any]]

STATUSES = """
SELECT enrollment_status, count(*), count(*) FILTER (WHERE NOT is_unmatched), count(*) FILTER (WHERE lms_code = 'lrs'),
       round(avg(score_percent))
FROM analytics.enrollments WHERE company_id = %s GROUP BY 1 ORDER BY 2 DESC, 1
"""
UNMATCHED = """
SELECT match_problem, lms_code, count(*), min(email) FROM analytics.accounts
WHERE company_id = %s AND is_unmatched GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
REJECTED = """
SELECT source_name, source_position, field, expected FROM hub.dead_letter
WHERE company_id = %s ORDER BY (source_name LIKE 'http%%'), source_name, recorded_at, source_position
"""
LEARNER = """
SELECT e.employee_id, e.employee_name, e.department_name FROM analytics.enrollments e
JOIN analytics.audit t ON t.additional_context->>'enrollment_id' = e.enrollment_id::text
WHERE e.company_id = %s AND e.employee_id IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY bool_or(t.event_type = 'lms.enrollment.retracted.v1') DESC, count(*) DESC, 1 LIMIT 1
"""
HISTORY = """
SELECT t.occurred_at::date, t.recorded_at::date, regexp_replace(t.event_type, '^lms[.](enrollment[.])?|[.]v[0-9]+$', '', 'g'), e.course_name,
       t.impact_assessment,
       coalesce(t.lms_code, t.actor)
FROM analytics.audit t
JOIN analytics.enrollments e ON e.enrollment_id::text = t.additional_context->>'enrollment_id'
WHERE e.employee_id = %s ORDER BY t.recorded_at, t.occurred_at, t.event_id LIMIT 15
"""
MONITORING = """
SELECT h.lms_code, h.connection_status, h.sync_success_rate, h.error_rate, h.availability_percentage, h.api_response_time_ms,
       h.connection_drops, h.critical_incidents, h.performance_score
FROM analytics.integration_health h WHERE h.company_id = %s
AND h.monitoring_date = (SELECT max(monitoring_date) FROM hub.lms_integration_monitoring) ORDER BY 1
"""
DASHBOARDS = """
SELECT d.dashboard_name, d.total_enrollments, d.active_enrollments, d.completed_enrollments, d.completion_rate,
       d.compliance_training_completion, d.engagement_score, d.total_learning_hours
FROM analytics.dashboards d WHERE d.company_id = %s AND d.analysis_period = 'Yearly'
AND d.dashboard_type IN ('Executive', 'Compliance', 'LMS Admin', 'Manager')
AND d.report_date = (SELECT max(report_date) FROM hub.lms_analytics_dashboard)
ORDER BY array_position(ARRAY['Executive', 'Compliance', 'LMS Admin', 'Manager'], d.dashboard_type::text), d.dashboard_name
"""
REASONS = """
SELECT 'dashboard' AS figures, r.key, r.value, count(*)
FROM analytics.dashboards d CROSS JOIN LATERAL jsonb_each_text(d.reasons) AS r WHERE d.company_id = %(company)s GROUP BY 2, 3
UNION ALL
SELECT 'monitoring', r.key, r.value, count(*)
FROM analytics.integration_health h CROSS JOIN LATERAL jsonb_each_text(h.reasons) AS r WHERE h.company_id = %(company)s
GROUP BY 2, 3 ORDER BY 1, 2, 3
"""
FRESHNESS = """
SELECT topic, sum(event_count)::bigint, max(updated_at) FROM analytics.freshness
GROUP BY 1 HAVING sum(event_count) > 0 ORDER BY 1
"""


def directory(console: Console, report: DirectoryReport) -> None:
    """What became of the directory file."""
    rows = [
        (kind, *(counts[name] for name in ("read", "changed", "unchanged", "rejected")))
        for kind, counts in report.plain().items()
    ]
    table(console, "The directory", ("records", "read", "changed", "unchanged", "rejected"), rows)


def accounting(console: Console, runs: Mapping[str, Accounting]) -> None:
    """What became of each record of each run; the five outcomes add up to what was read."""
    headers = ("run", "read", "changed", "unchanged", "unmatched", "stored", "rejected", "adds up")
    rows = [(name, *run.plain().values(), "yes" if run.adds_up() else "NO") for name, run in runs.items()]
    table(console, "What came in, and what became of it", headers, rows)


def outcome(console: Console, connection: psycopg.Connection[Any], company_id: str) -> None:
    """Enrollments, unmatched accounts, rejected records, one learner's history and how fresh it all is."""
    asked = connection.execute
    table(console, "Enrollments", ("status", "all", "of known employees", "from the LRS", "mean score, %"),
          asked(STATUSES, (company_id,)).fetchall())  # fmt: skip
    table(console, "Accounts that no employee could be found for", ("why", "from", "accounts", "for example"),
          asked(UNMATCHED, (company_id,)).fetchall())  # fmt: skip
    table(console, "Rejected records, kept as dead letters", ("source", "where", "field", "expected"),
          [(_short(row[0]), *row[1:]) for row in asked(REJECTED, (company_id,)).fetchall()])  # fmt: skip
    learner = asked(LEARNER, (company_id,)).fetchone()
    if learner is not None:
        title = f"The audit trail of {learner[1]}, {learner[2]}"
        headers = ("happened", "known", "what", "course", "change", "told by")
        table(console, title, headers, asked(HISTORY, (learner[0],)).fetchall())
    table(console, "How fresh it is", ("topic", "events folded", "complete up to"), asked(FRESHNESS).fetchall())


def trouble(console: Console, told: Rows) -> None:
    """What was done to a source on purpose, and what became of it."""
    table(
        console, "A source was broken on purpose", ("source", "what happened", "what the hub said", "connection"), told
    )


def figures(console: Console, connection: psycopg.Connection[Any], company_id: str) -> None:
    """How the integrations were today, this year's dashboards, and which figures have no value and why."""
    asked = connection.execute
    table(console, "How the integrations were today",
          ("LMS", "connection", "runs %", "errors %", "up %", "ms", "drops", "critical", "score"),
          asked(MONITORING, (company_id,)).fetchall())  # fmt: skip
    table(console, "This year's dashboards",
          ("dashboard", "enrolled", "active", "done", "rate %", "compl. %", "engaged", "hours"),
          asked(DASHBOARDS, (company_id,)).fetchall())  # fmt: skip
    rows = asked(REASONS, {"company": company_id}).fetchall()
    table(console, "Figures without a value, and why", ("figures", "column", "reason", "rows"), rows)


def further(console: Console, settings: Mapping[str, str]) -> None:
    """How to look further."""
    console.print(Text("\nLook further", style="bold"))
    for name, value in settings.items():
        console.print(Text(f"  export {name}={value}", style="cyan"), soft_wrap=True)
    for text, command in (
        ("how it stands", "hub status"),
        ("who is left to do", "hub sql \"SELECT department_name, enrollment_status, count(*) FROM analytics.enrollments GROUP BY 1, 2 ORDER BY 1, 2\""),
        ("who passed", "hub sql \"SELECT employee_name, course_name, completion_date FROM analytics.enrollments WHERE is_completed LIMIT 10\""),
        ("every event", "hub sql \"SELECT event_type, count(*) FROM analytics.audit GROUP BY 1 ORDER BY 2 DESC\""),
        ("figures and their parts", "hub figures show --type Manager"),
        ("what a figure means", "hub figures explain completion_rate"),
        ("nobody's accounts", "hub accounts list --unmatched"),
        ("what was rejected", "hub deadletters list"),
    ):  # fmt: skip
        console.print(Text.assemble((f"  {command}", "cyan"), (f"   {text}", "dim")), soft_wrap=True)


def table(console: Console, title: str, headers: Sequence[str], rows: Rows) -> None:
    """Print rows under a title; numbers stand to the right."""
    shown = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False,
        collapse_padding=True,
    )  # fmt: skip
    for place, header in enumerate(headers):
        numeric = bool(rows) and all(not isinstance(row[place], str | date) for row in rows)
        shown.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(_plain(value)) for value in row))
    console.print()
    console.print(shown if rows else Text(f"{title}: none"))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _short(source: str) -> str:
    return "LRS" if source.startswith("http") else source
