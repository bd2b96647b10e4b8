"""Which days what was recorded lately is about: the earliest of them tells which closed periods are to be told again.

A fact touches the day on which it happened. Where it moves a date, it touches both days; where it takes back how an enrollment
had ended, the day of that end; where a person put values right, or it moves whose enrollment it is or takes a fact out,
every day since the enrollment began. A version's predecessor tells what was moved. To name a day too early costs a
computation in which nothing differs; to name one too late leaves a figure wrong, so where in doubt the earlier day is named.
"""

from __future__ import annotations

from hub.domain.figures import DASHBOARD, MONITORING

_LEARNING = """
SELECT min(least(
    (h.occurred_at AT TIME ZONE %(zone)s)::date,
    CASE WHEN h.retracted OR h.corrected OR (p.id IS NOT NULL AND h.employee_id IS DISTINCT FROM p.employee_id)
         THEN least(h.enrollment_date, p.enrollment_date) END,
    CASE WHEN h.last_access_date IS DISTINCT FROM p.last_access_date OR h.time_spent_seconds IS DISTINCT FROM p.time_spent_seconds
         THEN (h.last_access_date AT TIME ZONE %(zone)s)::date END,
    CASE WHEN h.time_spent_seconds > 0 AND coalesce(p.time_spent_seconds, 0) = 0 THEN lessons.since END,
    CASE WHEN h.enrollment_date IS DISTINCT FROM p.enrollment_date THEN least(h.enrollment_date, p.enrollment_date) END,
    CASE WHEN h.start_date IS DISTINCT FROM p.start_date THEN least(h.start_date, p.start_date) END,
    CASE WHEN h.completion_date IS DISTINCT FROM p.completion_date THEN least(h.completion_date, p.completion_date) END,
    CASE WHEN h.due_date IS DISTINCT FROM p.due_date THEN least(h.due_date, p.due_date) END,
    CASE WHEN h.valid_from IS DISTINCT FROM p.valid_from THEN least(h.valid_from, p.valid_from) END,
    CASE WHEN h.valid_until IS DISTINCT FROM p.valid_until
         THEN least(h.completion_date, p.completion_date, h.valid_until - 90, p.valid_until - 90) END,
    CASE WHEN h.revoked_on IS DISTINCT FROM p.revoked_on THEN least(h.revoked_on, p.revoked_on) END,
    CASE WHEN (h.score_achieved, h.max_score, h.passing_score, h.waived)
              IS DISTINCT FROM (p.score_achieved, p.max_score, p.passing_score, p.waived) THEN h.completion_date END,
    CASE WHEN h.enrollment_status = 'Expired' AND p.enrollment_status <> 'Expired' AND h.completion_date IS NOT NULL
         THEN coalesce(h.valid_until, (h.occurred_at AT TIME ZONE %(zone)s)::date - 90) END,
    former.ended_on
))
FROM hub.lms_course_enrollment_history h
LEFT JOIN LATERAL (
    SELECT * FROM hub.lms_course_enrollment_history b WHERE b.id = h.id AND b.version < h.version ORDER BY b.version DESC LIMIT 1
) p ON TRUE
LEFT JOIN LATERAL (
    -- The end that the version before stood in: it began with the first ended version after the last open one.
    SELECT min((b.occurred_at AT TIME ZONE %(zone)s)::date) AS ended_on FROM hub.lms_course_enrollment_history b
    WHERE b.id = h.id AND b.version < h.version AND b.version > coalesce((
        SELECT max(o.version) FROM hub.lms_course_enrollment_history o
        WHERE o.id = h.id AND o.version < h.version AND o.enrollment_status IN ('Not Started', 'In Progress', 'On Hold')), 0)
) former ON h.enrollment_status <> p.enrollment_status AND (p.enrollment_status, h.enrollment_status) NOT IN (
    ('Failed', 'Completed'), ('Failed', 'Certified'), ('Completed', 'Certified'), ('Completed', 'Expired'), ('Certified', 'Expired'))
LEFT JOIN LATERAL (
    -- Where an enrollment tells time of its own, that of its lessons no longer counts.
    SELECT h.enrollment_date AS since FROM hub.lms_learning_progress l
    WHERE l.enrollment_id = h.id AND l.time_spent_seconds > 0 LIMIT 1
) lessons ON h.time_spent_seconds > 0 AND coalesce(p.time_spent_seconds, 0) = 0
WHERE h.company_id = %(company)s AND h.recorded_at >= %(since)s
"""
_LESSONS = """
SELECT min(least(
    (h.occurred_at AT TIME ZONE %(zone)s)::date, (h.last_access_date AT TIME ZONE %(zone)s)::date,
    CASE WHEN h.completion_date IS DISTINCT FROM p.completion_date
         THEN (least(h.completion_date, p.completion_date) AT TIME ZONE %(zone)s)::date END,
    CASE WHEN h.retracted THEN e.enrollment_date END
))
FROM hub.lms_learning_progress_history h
LEFT JOIN LATERAL (
    SELECT b.completion_date FROM hub.lms_learning_progress_history b
    WHERE b.id = h.id AND b.version < h.version ORDER BY b.version DESC LIMIT 1
) p ON TRUE
LEFT JOIN hub.lms_course_enrollment e ON e.id = h.enrollment_id
WHERE h.company_id = %(company)s AND h.recorded_at >= %(since)s
"""
_PEOPLE = """
SELECT min(least(
    h.effective_from,
    CASE WHEN h.effective_from <= first.effective_from AND first.differs THEN DATE '1970-01-01' END,
    CASE WHEN h.hire_date IS DISTINCT FROM p.hire_date THEN least(h.hire_date, p.hire_date) END,
    CASE WHEN h.termination_date IS DISTINCT FROM p.termination_date THEN least(h.termination_date, p.termination_date) END,
    CASE WHEN h.leave_start_date IS DISTINCT FROM p.leave_start_date THEN least(h.leave_start_date, p.leave_start_date) END,
    CASE WHEN h.leave_end_date IS DISTINCT FROM p.leave_end_date THEN least(h.leave_end_date, p.leave_end_date) END
))
FROM hub.employee_history h
LEFT JOIN LATERAL (
    SELECT * FROM hub.employee_history b WHERE b.id = h.id AND b.version < h.version ORDER BY b.version DESC LIMIT 1
) p ON TRUE
LEFT JOIN LATERAL (
    -- The first row that was told reaches back to the beginning; one that begins no later takes its place.
    SELECT min(b.effective_from) AS effective_from,
           bool_or((b.department_id, b.employment_status, b.leave_start_date, b.leave_end_date)
                   IS DISTINCT FROM (h.department_id, h.employment_status, h.leave_start_date, h.leave_end_date)) AS differs
    FROM hub.employee_history b WHERE b.id = h.id AND b.version < h.version
) first ON TRUE
WHERE h.company_id = %(company)s AND h.recorded_at >= %(since)s
"""
_DEPARTMENTS = """
SELECT min(least(
    h.effective_from,
    CASE WHEN h.effective_from <= first.effective_from AND first.differs THEN DATE '1970-01-01' END
))
FROM hub.department_history h
LEFT JOIN LATERAL (
    SELECT min(b.effective_from) AS effective_from, bool_or(b.parent_department_id IS DISTINCT FROM h.parent_department_id) AS differs
    FROM hub.department_history b WHERE b.id = h.id AND b.version < h.version
) first ON TRUE
WHERE h.company_id = %(company)s AND h.recorded_at >= %(since)s
"""
_RUNS = """
SELECT min((ended_at AT TIME ZONE %(zone)s)::date)
FROM hub.sync_run WHERE company_id = %(company)s AND updated_at >= %(since)s AND ended_at IS NOT NULL
"""
TOUCHED = {MONITORING: (_RUNS,), DASHBOARD: (_LEARNING, _LESSONS, _PEOPLE, _DEPARTMENTS)}
"""Table → queries for the earliest day that facts recorded since ``since`` are about, given company and time zone."""
