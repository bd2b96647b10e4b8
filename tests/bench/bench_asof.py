"""Questions as of two days over many versions: how long an answer takes, and by which plan.

A large company is made in SQL: ten versions of each enrollment over two years, ten enrollments of each employee, a thousand
of each course, a lesson of each enrollment; some versions are late, corrected or taken out. They lie in the order of recording, as in life: those of one
enrollment are far from one another. The plan of the step beneath all questions is printed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from projections import migrations
from tests.bench import harness

AIM_MS = 300
ROUNDS = 5
VERSIONS, PER_EMPLOYEE, PER_COURSE, PER_DEPARTMENT = 10, 10, 1000, 100
COMPANY = "00000000-0000-0000-0000-000000000001"

_SQL = """
SET session_replication_role = replica;
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';
CREATE FUNCTION pg_temp.made(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(kind || n)::uuid $$;
INSERT INTO hub.company (id, code, name, time_zone) VALUES ('{company}', 'BENCH', 'Bench', 'Europe/Berlin');
INSERT INTO hub.lms_integration_config (id, company_id, lms_name, lms_code) VALUES (pg_temp.made('lms', 0), '{company}', 'LMS', 'lms');
INSERT INTO hub.department (id, company_id, code, name)
SELECT pg_temp.made('department', n), '{company}', 'D' || n, 'Department ' || n FROM generate_series(0, {departments} - 1) n;
INSERT INTO hub.department_history (id, company_id, code, name, version, event_id, effective_from, recorded_at, created_at, updated_at)
SELECT id, company_id, code, name, 1, id, '2020-01-01', '2020-01-01', '2020-01-01', '2020-01-01' FROM hub.department;
INSERT INTO hub.employee (id, company_id, employee_number, department_id, employment_status)
SELECT pg_temp.made('employee', n), '{company}', 'E' || n, pg_temp.made('department', n % {departments}), 'Active'
FROM generate_series(0, {people} - 1) n;
INSERT INTO hub.employee_history (id, company_id, employee_number, department_id, employment_status, version, event_id,
                                  effective_from, recorded_at, created_at, updated_at)
SELECT e.id, e.company_id, e.employee_number, e.department_id, 'Active', v, e.id, DATE '2020-01-01' + v * 700,
       DATE '2020-01-01' + v * 700, '2020-01-01', '2020-01-01' FROM hub.employee e CROSS JOIN generate_series(1, 3) v;
INSERT INTO hub.course (id, company_id, lms_integration_id, course_id, course_key, course_name, course_code, validity_days)
SELECT pg_temp.made('course', n), '{company}', pg_temp.made('lms', 0), 'C' || n, 'C' || n, 'Course ' || n, 'K' || n, 400
FROM generate_series(0, {courses} - 1) n;
INSERT INTO hub.course_history (id, company_id, lms_integration_id, course_id, course_name, validity_days, course_version, version,
                                event_id, occurred_at, recorded_at)
SELECT k.id, k.company_id, k.lms_integration_id, k.course_id, k.course_name, 300 + 50 * v, v::text, v, k.id,
       TIMESTAMPTZ '2024-01-01' + v * INTERVAL '200 days', TIMESTAMPTZ '2024-01-01' + v * INTERVAL '200 days'
FROM hub.course k CROSS JOIN generate_series(1, 3) v;
CREATE TEMPORARY TABLE told AS
SELECT n, pg_temp.made('enrollment', n) AS id, pg_temp.made('employee', n / {per_employee}) AS employee_id,
       n * 7919 % {courses} AS course, DATE '2024-01-01' + (n * 104729 % 600)::integer AS day, n % 10 < 7 AS done
FROM generate_series(0, {enrollments}::bigint - 1) n;
INSERT INTO hub.lms_course_enrollment (id, company_id, lms_integration_id, employee_id, enrollment_number, course_id, course_name,
    course_code, enrollment_status, enrollment_date, fold_state)
SELECT id, '{company}', pg_temp.made('lms', 0), employee_id, 'E-' || n, 'C' || course, 'Course ' || course, 'K' || course,
       CASE WHEN done THEN 'Completed' ELSE 'In Progress' END, day, '{{"cycle": 1}}' FROM told;
ALTER TABLE hub.lms_course_enrollment_history DROP CONSTRAINT lms_course_enrollment_history_pkey;
INSERT INTO hub.lms_course_enrollment_history (id, company_id, lms_integration_id, employee_id, course_id, enrollment_status,
    enrollment_date, start_date, completion_date, due_date, progress_percentage, score_achieved, max_score, last_access_date,
    time_spent_seconds, version, event_id, occurred_at, recorded_at, own_activity, late, retracted, retracts, corrected,
    former_employee_id)
SELECT id, '{company}', pg_temp.made('lms', 0), employee_id, 'C' || course,
       CASE WHEN v = {versions} AND done THEN 'Completed' WHEN v = 1 THEN 'Not Started' ELSE 'In Progress' END,
       day, CASE WHEN v > 1 THEN day + 3 END, CASE WHEN v = {versions} AND done THEN day + 50 END, day + 60, v * 10,
       CASE WHEN v = {versions} THEN n % 101 END, 100, day + v * INTERVAL '5 days', v * 600, v, pg_temp.made('event', n * 10 + v),
       day + (v - 3 * (n % 20 = 0 AND v = 7)::integer) * INTERVAL '5 days', day + v * INTERVAL '5 days', v > 1, n % 20 = 0 AND v = 7,
       n % 50 = 0 AND v = 9, CASE WHEN n % 50 = 0 AND v = 9 THEN pg_temp.made('event', n * 10 + 5) END,
       CASE WHEN n % 30 = 0 AND v = 8 THEN TRUE END,
       CASE WHEN n % 100 = 0 AND v = 2 THEN pg_temp.made('employee', n / {per_employee} + 1) END
FROM told CROSS JOIN generate_series(1, {versions}) v ORDER BY day + v * 5;
ALTER TABLE hub.lms_course_enrollment_history ADD CONSTRAINT lms_course_enrollment_history_pkey PRIMARY KEY (id, version);
INSERT INTO hub.lms_learning_progress (id, company_id, lms_integration_id, enrollment_id, employee_id, course_id, lesson_id,
    lesson_name, progress_status)
SELECT pg_temp.made('lesson', n), '{company}', pg_temp.made('lms', 0), id, employee_id, 'C' || course, 'L1', 'Lesson 1', 'Completed'
FROM told;
INSERT INTO hub.lms_learning_progress_history (id, company_id, enrollment_id, employee_id, lesson_id, progress_status, completion_date,
    completion_percentage, version, event_id, occurred_at, recorded_at, own_activity, late, retracted)
SELECT pg_temp.made('lesson', n), '{company}', id, employee_id, 'L1', CASE WHEN v = 2 THEN 'Completed' ELSE 'In Progress' END,
       CASE WHEN v = 2 THEN day + 20 END, v * 50, v, pg_temp.made('lesson event', n * 10 + v), day + v * INTERVAL '10 days',
       day + v * INTERVAL '10 days', TRUE, FALSE, FALSE
FROM told CROSS JOIN generate_series(1, 2) v ORDER BY day + v * 10;
"""
QUESTIONS = {
    "as of, one person and course": "completion_asof('BENCH', 'E7', 'C5', '2025-03-03', '2025-06-10')",
    "as of, one person's enrollments": "enrollments_asof('BENCH', '2025-03-03', '2025-06-10', 'E7')",
    "as of, who held a course": "completions_asof('BENCH', 'C5', '2025-03-03', '2025-06-10')",
    "as of, a department's enrollments": "enrollments_asof('BENCH', '2025-03-03', '2025-06-10', NULL, NULL, 'D3')",
    "as of, who of a department held a course": "completions_asof('BENCH', 'C5', '2025-03-03', '2025-06-10', NULL, 'D3')",
    "as of, a department's lessons": "lesson_progress_asof('BENCH', '2025-03-03', '2025-06-10', NULL, NULL, 'D3')",
    "as of, a department's people": "employees_asof('BENCH', '2025-03-03', '2025-06-10', NULL, 'D3')",
}
HISTORIES = ["lms_course_enrollment_history", "lms_learning_progress_history", "employee_history"]
STEP = """
SELECT h.* FROM analytics.asof_candidates(
    %(company)s, (SELECT array_agg(id) FROM hub.employee WHERE employee_number = %(employee)s), %(course)s
) AS c(id)
CROSS JOIN LATERAL (
    SELECT v.* FROM hub.lms_course_enrollment_history v WHERE v.id = c.id AND v.recorded_at < '2025-06-11' OFFSET 0
) h
"""


def fill(url: str, rows: int) -> None:
    """A company with so many versions of enrollments."""
    enrollments = max(rows // VERSIONS, 1)
    people = max(enrollments // PER_EMPLOYEE, 10)
    sizes = {
        "company": COMPANY, "enrollments": enrollments, "people": people, "courses": max(enrollments // PER_COURSE, 10),
        "departments": max(people // PER_DEPARTMENT, 5), "versions": VERSIONS, "per_employee": PER_EMPLOYEE,
    }  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_SQL.format(**sizes).encode())
        connection.execute("VACUUM (ANALYZE)")


def figures(bed: harness.Bed, rows: int = 10_000_000) -> Iterator[harness.Figure]:
    """The middle time of each question, in milliseconds, beside the aim."""
    url = bed.databases.create()
    migrations.upgrade(url)
    fill(url, rows)
    took: dict[str, float] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for name, question in QUESTIONS.items():
            meter = bed.meter()
            with meter.running():
                found, times = asked(connection, question)
            took[name] = statistics.median(times)
            harness.note(
                f"{name}: {found} rows out of {rows:,} versions, {took[name]:.0f} ms (first {times[0]:.0f}, best "
                f"{min(times):.0f}); {meter.spent.server / ROUNDS * 1000:.0f} ms of the server's processor; "
                f"{harness.trust([meter.spent])}"
            )
        harness.note(f"plan of the versions of a course:\n{plan(connection, None, 'C5')}")
    bed.databases.drop(url)
    for name, value in took.items():
        yield harness.figure(name, value, "ms", AIM_MS, "aim", less=True)


def asked(connection: psycopg.Connection[Any], question: str) -> tuple[int, list[float]]:
    """How many rows a question gives, and the milliseconds of each time that it was asked."""
    times, found = [], 0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = len(connection.execute(f"SELECT * FROM analytics.{question}".encode()).fetchall())
        times.append((time.perf_counter() - begun) * 1000)
    return found, times


def plan(connection: psycopg.Connection[Any], employee: str | None, course: str | None) -> str:
    """The plan of the step that every question rests on: the versions known of the enrollments that are meant."""
    connection.execute("SET plan_cache_mode = force_custom_plan")
    given = {"company": COMPANY, "employee": employee, "course": course}
    return "\n".join(
        line for (line,) in connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {STEP}".encode(), given)
    )


def whole_reads(connection: psycopg.Connection[Any]) -> int:
    """How often the versions of enrollments, lessons or employees were read from the first to the last."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.execute("SELECT pg_stat_clear_snapshot()")
    row = connection.execute(
        "SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname = ANY(%s)", (HISTORIES,)
    ).fetchone()
    return int(row[0]) if row else 0
