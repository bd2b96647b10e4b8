"""What time alone changes: the rows that a day's beginning in their company's zone makes something else.

Every answer names the day at whose start it happened. The state is asked for, not the moment: after a pause the answer
is what was missed, and what was told is not answered again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import psycopg

from hub.domain import units

Connections = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

WARNINGS = (90, 60, 30)
"""Days before the end of a certificate's validity at which it is told."""

_ROWS = """
WITH today AS (SELECT unnest(%(companies)s::uuid[]) AS company_id, unnest(%(days)s::date[]) AS day),
e AS (
    SELECT e.*, t.day AS today,
           DATE '1970-01-01' + (e.fold_state->>'valid_until')::integer AS valid_until,
           DATE '1970-01-01' + (e.fold_state->>'warned_until')::integer AS warned_until,
           (e.fold_state->>'warned_days')::integer AS warned_days,
           coalesce((e.fold_state->>'overdue')::boolean, FALSE) AS overdue
    FROM hub.lms_course_enrollment e JOIN today t USING (company_id)
    WHERE (%(rows)s::uuid[] IS NULL OR e.id = ANY(%(rows)s::uuid[]))
      AND (e.enrollment_status = 'Certified' OR e.due_date IS NOT NULL OR e.end_date IS NOT NULL)
),
due AS (
    SELECT e.*, 'lapse' AS act, e.valid_until AS since, 0 AS days_left FROM e
    WHERE e.enrollment_status = 'Certified' AND e.valid_until <= e.today
    UNION ALL
    SELECT e.*, 'end access', e.end_date + 1, 0 FROM e
    WHERE e.enrollment_status IN ('Not Started', 'In Progress', 'On Hold') AND e.end_date < e.today
    UNION ALL
    SELECT e.*, 'overdue', greatest(e.due_date + 1, m.leave_end_date + 1, m.hire_date), 0
    FROM e JOIN hub.employee m ON m.id = e.employee_id
    WHERE e.due_date < e.today AND NOT e.overdue AND e.completion_date IS NULL
      AND e.enrollment_status NOT IN ('Dropped', 'On Hold')
      AND (m.termination_date IS NULL OR m.termination_date >= e.today) AND coalesce(m.hire_date <= e.today, TRUE)
      AND coalesce(m.employment_status, '') <> 'Terminated'
      AND NOT coalesce(m.leave_start_date <= e.today AND coalesce(m.leave_end_date >= e.today, TRUE), FALSE)
    UNION ALL
    SELECT e.*, 'warn', e.valid_until - w.days_left, w.days_left
    FROM e CROSS JOIN LATERAL (
        SELECT min(n) AS days_left FROM unnest(%(warnings)s::integer[]) AS n WHERE e.valid_until - n <= e.today
    ) w
    WHERE e.enrollment_status = 'Certified' AND e.valid_until > e.today AND w.days_left IS NOT NULL
      AND (e.warned_until IS DISTINCT FROM e.valid_until OR e.warned_days > w.days_left)
)
SELECT due.id::text, due.company_id::text, due.lms_integration_id::text, due.fold_state->>'account_id',
       due.fold_state->>'course_key', due.act, due.since - DATE '1970-01-01', due.days_left, due.updated_at::text
FROM due
WHERE NOT due.id = ANY(%(without)s::uuid[])
ORDER BY due.since, due.id LIMIT %(limit)s
"""
_TOUCHED = """
SELECT DISTINCT entity_id FROM hub.lms_audit_trail
WHERE timestamp >= %s AND entity_type = 'Course Enrollment' AND entity_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Due:
    """One row that time has changed."""

    row_id: str
    company_id: str
    integration_id: str
    account_id: str
    course_key: str
    act: str
    """lapse, end access, overdue or warn"""
    day: int
    """The day at whose start it happened, days since 1970, in the company's zone."""
    days_left: int
    seen: str
    """When the row was last changed, as it was seen."""


class DueRows:
    """Asks on connections of a pool."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def zones(self) -> dict[str, str]:
        """Company → its IANA time zone."""
        with self._connections() as connection:
            rows = connection.execute("SELECT id::text, coalesce(time_zone, 'UTC') FROM hub.company ORDER BY id")
            return dict(rows.fetchall())

    def touched(self, since: int) -> list[str]:
        """Rows of enrollments that events recorded since then (microseconds) are about."""
        with self._connections() as connection:
            found = connection.execute(_TOUCHED, (units.moment(since),))
            return [str(row[0]) for row in found]

    def due(
        self, today: Mapping[str, int], rows: Collection[str] | None, without: Collection[str], limit: int
    ) -> list[Due]:
        """What is due, by company and its present day; ``rows``: only these; ``without``: but not these."""
        given = {
            "companies": list(today),
            "days": [units.day(day) for day in today.values()],
            "rows": None if rows is None else list(rows),
            "without": list(without),
            "warnings": list(WARNINGS),
            "limit": limit,
        }
        with self._connections() as connection:
            return [Due(*row) for row in connection.execute(_ROWS, given)]
