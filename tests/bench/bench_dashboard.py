"""All rows of the dashboards of a large company, open periods: time and CPU, beside the aim.

The company is made in SQL: people in departments of a tree, three LMSs, enrollments with five versions each over two
years, and lessons with attempts for every fifth of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from hub.domain.figures import DASHBOARD, MONITORING
from hub.domain.periods import periods_between
from hub.domain.units import day_in, micros
from hub.figures.clock import FiguresReactor
from hub.figures.service import Outcome
from projections import migrations
from projections.figures.dashboard import compute
from projections.figures.reading import Facts
from tests.bench import harness

COMPANY = UUID(int=1)
AIM_SECONDS = 30
AIM_UNCHANGED_SECONDS = 1
HOUR = 3_600_000_000
LOG = """
INSERT INTO hub.projection_offset (topic, partition, next_offset, chain, event_count)
SELECT topic, partition, 1000, decode(repeat('00', 32), 'hex'), 1000
FROM unnest(ARRAY['lms.learning', 'lms.directory', 'lms.integration']) topic, generate_series(0, 11) partition
"""
NOW = "TIMESTAMPTZ '2026-06-17 10:00+00'"

_SQL = """
CREATE FUNCTION pg_temp.made(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(kind || n)::uuid $$;
INSERT INTO hub.company (id, code, name, time_zone) VALUES ('{company}', 'BENCH', 'Bench', 'Europe/Berlin');
INSERT INTO hub.lms_integration_config (id, company_id, lms_name, lms_code)
SELECT pg_temp.made('lms', n), '{company}', 'LMS ' || n, 'lms' || n FROM generate_series(0, 2) n;
INSERT INTO hub.department (id, company_id, code, name, parent_department_id)
SELECT pg_temp.made('department', n), '{company}', 'D' || n, 'Department ' || n,
       CASE WHEN n > 0 THEN pg_temp.made('department', (n - 1) / 4) END FROM generate_series(0, {departments} - 1) n;
INSERT INTO hub.department_history (id, company_id, code, name, parent_department_id, version, event_id, effective_from, recorded_at,
                                    created_at, updated_at)
SELECT id, company_id, code, name, parent_department_id, 1, id, '2020-01-01', '2020-01-01', '2020-01-01', '2020-01-01'
FROM hub.department;
INSERT INTO hub.employee (id, company_id, employee_number, department_id, employment_status, hire_date, termination_date)
SELECT pg_temp.made('employee', n), '{company}', 'E' || n, pg_temp.made('department', n % {departments}),
       CASE WHEN n % 25 = 0 THEN 'Terminated' ELSE 'Active' END, DATE '2018-01-01' + (n % 2000)::integer,
       CASE WHEN n % 25 = 0 THEN DATE '2025-07-01' + (n % 300)::integer END
FROM generate_series(0, {people} - 1) n;
INSERT INTO hub.employee_history (id, company_id, employee_number, department_id, employment_status, hire_date, version, event_id,
                                  effective_from, recorded_at, created_at, updated_at)
SELECT id, company_id, employee_number, department_id, 'Active', hire_date, 1, id, hire_date, '2020-01-01', '2020-01-01', '2020-01-01'
FROM hub.employee;
INSERT INTO hub.employee_history (id, company_id, employee_number, department_id, employment_status, hire_date, termination_date,
                                  version, event_id, effective_from, recorded_at, created_at, updated_at)
SELECT id, company_id, employee_number, department_id, employment_status, hire_date, termination_date, 2, id, termination_date,
       termination_date, termination_date, termination_date
FROM hub.employee WHERE employment_status = 'Terminated';
INSERT INTO hub.course (id, company_id, lms_integration_id, course_id, course_key, course_name, course_type, validity_days,
                        leads_to_certificate, skills, created_at)
SELECT pg_temp.made('course', n), '{company}', pg_temp.made('lms', n % 3), 'C' || n, 'C' || n, 'Course ' || n,
       (ARRAY['eLearning', 'Workshop', 'Blended'])[1 + n % 3], 365, n % 2 = 0,
       CASE WHEN n % 4 = 0 THEN jsonb_build_array('skill ' || n % 10) END, '2020-01-01'
FROM generate_series(0, 199) n;
CREATE TEMPORARY TABLE told AS
SELECT n, pg_temp.made('enrollment', n) AS id, pg_temp.made('employee', n % {people}) AS employee_id, 'C' || n % 200 AS course_id,
       n % 200 AS course, pg_temp.made('lms', n % 200 % 3) AS lms, DATE '2024-06-20' + (n * 7919 % 720)::integer AS day,
       (ARRAY['Completed', 'Certified', 'In Progress', 'Completed', 'Dropped', 'In Progress', 'Not Started'])[1 + n % 7] AS status
FROM generate_series(0, {enrollments} - 1) n;
INSERT INTO hub.lms_course_enrollment (id, company_id, lms_integration_id, employee_id, enrollment_number, course_id, course_name,
    course_code, course_type, enrollment_status, enrollment_date, start_date, completion_date, due_date, instructor_id,
    is_mandatory, is_compliance_training, cost_amount, currency_code)
SELECT id, '{company}', lms, employee_id, 'E-' || n, course_id, 'Course ' || course, course_id,
       (ARRAY['eLearning', 'Workshop', 'Blended'])[1 + course % 3], status, day, day + 3,
       CASE WHEN status IN ('Completed', 'Certified') THEN day + 40 END, day + 60, 'i' || course % 20, course % 5 = 0, course % 3 = 0,
       10, 'USD'
FROM told;
INSERT INTO hub.lms_course_enrollment_history (id, company_id, lms_integration_id, employee_id, course_id, enrollment_status,
    enrollment_date, start_date, completion_date, due_date, progress_percentage, score_achieved, max_score, passing_score,
    last_access_date, time_spent_seconds, valid_from, valid_until, version, event_id, occurred_at, recorded_at, own_activity, late,
    retracted)
SELECT id, '{company}', lms, employee_id, course_id,
       CASE WHEN v = 5 THEN status WHEN v = 1 OR status = 'Not Started' THEN 'Not Started' ELSE 'In Progress' END,
       day, CASE WHEN v > 1 AND status <> 'Not Started' THEN day + 3 END,
       CASE WHEN v = 5 AND status IN ('Completed', 'Certified') THEN day + 40 END, day + 60, (v - 1) * 20,
       CASE WHEN v = 5 THEN n % 101 END, 100, 60, day + (v * 8 + 0.4) * interval '1 day', CASE WHEN v > 1 THEN (v - 1) * 1500 END,
       CASE WHEN v = 5 AND status = 'Certified' THEN day + 40 END, CASE WHEN v = 5 AND status = 'Certified' THEN day + 405 END,
       v, id, day + v * 8 * interval '1 day', day + v * 8 * interval '1 day', v > 1, FALSE, FALSE
FROM told CROSS JOIN generate_series(1, 5) v;
INSERT INTO hub.lms_learning_progress (id, company_id, lms_integration_id, enrollment_id, employee_id, course_id, lesson_id,
                                       progress_status, assessment_results)
SELECT pg_temp.made('lesson', n), '{company}', lms, id, employee_id, course_id, 'L', 'Completed',
       jsonb_build_array(jsonb_build_object('number', 1, 'passed', n % 3 > 0))
FROM told WHERE n % 5 = 0;
INSERT INTO hub.lms_learning_progress_history (id, company_id, enrollment_id, employee_id, lesson_id, progress_status, completion_date,
    attempts_count, completion_percentage, last_access_date, version, event_id, occurred_at, recorded_at, own_activity, late, retracted)
SELECT pg_temp.made('lesson', n), '{company}', id, employee_id, 'L', CASE v WHEN 1 THEN 'In Progress' ELSE 'Completed' END,
       CASE v WHEN 2 THEN day + 30 END, v, v * 50, day + v * 15, v, id, day + v * 15, day + v * 15, TRUE, FALSE, FALSE
FROM told CROSS JOIN generate_series(1, 2) v WHERE n % 5 = 0;
"""


def fill(url: str, people: int, enrollments: int, departments: int) -> None:
    """The company, in an empty database that has all tables."""
    text = _SQL.format(company=COMPANY, people=people, enrollments=enrollments, departments=departments)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(text.encode())
        connection.execute("VACUUM (ANALYZE)")


def figures(
    bed: harness.Bed, people: int = 20_000, enrollments: int = 200_000, departments: int = 20
) -> Iterator[harness.Figure]:
    """The figures."""
    url = bed.databases.create()
    migrations.upgrade(url)
    fill(url, people, enrollments, departments)
    meter = bed.meter()
    with psycopg.connect(url, autocommit=True) as connection:
        (now,) = connection.execute(f"SELECT {NOW}".encode()).fetchone() or (None,)
        today = day_in(micros(now), "Europe/Berlin")
        with meter.running(), connection.transaction():
            rows = compute(connection, str(COMPANY), periods_between(today, today), micros(now))
        unchanged = _unchanged(connection, micros(now))
    bed.databases.drop(url)
    spent = meter.spent
    harness.note(
        f"{len(rows)} rows of dashboards; {spent.own:.1f} s CPU here, {spent.server:.1f} s in the server; {harness.trust([spent])}"
    )
    yield harness.figure("all dashboard rows, open periods", spent.wall, "s", AIM_SECONDS, "aim", less=True)
    yield harness.figure("all figures, nothing changed", unchanged, "s", AIM_UNCHANGED_SECONDS, "aim", less=True)


def _unchanged(connection: psycopg.Connection[Any], now: int) -> float:
    """Seconds of a look of the clock where nothing happened in the company since the last one, though the log has grown."""

    @contextmanager
    def lent() -> Iterator[psycopg.Connection[Any]]:
        yield connection

    connection.execute(LOG.encode())
    at = [now]
    service = _Counting()
    reactor = FiguresReactor(service, Facts(lent), lambda: at[0])  # type: ignore[arg-type]
    reactor.react()
    told = service.told
    at[0] += 2 * HOUR
    connection.execute("UPDATE hub.projection_offset SET next_offset = next_offset + 1")
    began = time.perf_counter()
    reactor.react()
    seconds = time.perf_counter() - began
    if not told or service.told != told:
        raise AssertionError("it computes at first, and not where nothing changed")
    return seconds


class _Counting:
    """Stands for what computes: only how often it is asked counts here."""

    tables = (MONITORING, DASHBOARD)
    told = 0

    def tell(self, *_: Any, **__: Any) -> Outcome:
        self.told += 1
        return Outcome()
