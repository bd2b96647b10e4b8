-- shows: department, employee
CREATE VIEW analytics.completion_by_department AS
SELECT
    p.company_id,
    m.code AS company_code,
    p.department_id,
    d.code AS department_code,
    d.name AS department_name,
    d.parent_department_id,
    count(DISTINCT p.id) AS people,
    count(e.id) AS enrollments,
    count(e.id) FILTER (WHERE e.enrollment_status IN ('Not Started', 'In Progress')) AS active,
    count(e.id) FILTER (WHERE e.is_completed) AS completed,
    round(100.0 * count(e.id) FILTER (WHERE e.is_completed) / nullif(count(e.id), 0), 2) AS completion_rate,
    count(e.id) FILTER (WHERE e.is_recent) AS enrollments_12m,
    count(e.id) FILTER (WHERE e.is_recent AND e.is_completed) AS completed_12m,
    round(
        100.0 * count(e.id) FILTER (WHERE e.is_recent AND e.is_completed) / nullif(count(e.id) FILTER (WHERE e.is_recent), 0), 2
    ) AS completion_rate_12m
FROM hub.employee p
LEFT JOIN hub.company m ON m.id = p.company_id
LEFT JOIN hub.department d ON d.id = p.department_id
LEFT JOIN LATERAL (
    SELECT
        c.id,
        c.enrollment_status,
        (c.enrollment_status IN ('Completed', 'Certified')
            OR (c.enrollment_status = 'Expired' AND c.completion_date IS NOT NULL)) AS is_completed,
        c.enrollment_date > (now() AT TIME ZONE coalesce(m.time_zone, 'UTC'))::date - interval '12 months' AS is_recent
    FROM hub.lms_course_enrollment c WHERE c.employee_id = p.id
) e ON TRUE
WHERE p.employment_status IS DISTINCT FROM 'Terminated'
GROUP BY p.company_id, m.code, p.department_id, d.code, d.name, d.parent_department_id;

COMMENT ON VIEW analytics.completion_by_department IS 'How much of their training the present people of each department have completed, now. A department counts its own people, not those of the departments beneath; people without a department are one line.';
COMMENT ON COLUMN analytics.completion_by_department.company_code IS 'Short name of the company.';
COMMENT ON COLUMN analytics.completion_by_department.department_id IS 'Department; NULL: people without one.';
COMMENT ON COLUMN analytics.completion_by_department.department_code IS 'Short name of the department.';
COMMENT ON COLUMN analytics.completion_by_department.department_name IS 'Name of the department.';
COMMENT ON COLUMN analytics.completion_by_department.people IS 'Employees of the department who work for the company now.';
COMMENT ON COLUMN analytics.completion_by_department.enrollments IS 'Enrollments of these people, of any time.';
COMMENT ON COLUMN analytics.completion_by_department.active IS 'Of these, Not Started or In Progress.';
COMMENT ON COLUMN analytics.completion_by_department.completed IS 'Of these, completed (lapsed ones included).';
COMMENT ON COLUMN analytics.completion_by_department.completion_rate IS 'completed / enrollments * 100, in percent; NULL without an enrollment.';
COMMENT ON COLUMN analytics.completion_by_department.enrollments_12m IS 'Enrollments of the last twelve months.';
COMMENT ON COLUMN analytics.completion_by_department.completed_12m IS 'Of these, completed.';
COMMENT ON COLUMN analytics.completion_by_department.completion_rate_12m IS 'completed_12m / enrollments_12m * 100, in percent; NULL without an enrollment.';
