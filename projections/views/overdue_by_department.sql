-- shows: department, employee
CREATE VIEW analytics.overdue_by_department AS
SELECT
    p.company_id,
    m.code AS company_code,
    p.department_id,
    d.code AS department_code,
    d.name AS department_name,
    d.parent_department_id,
    count(DISTINCT p.id) AS people,
    count(DISTINCT p.id) FILTER (WHERE o.id IS NOT NULL) AS people_overdue,
    count(o.id) AS overdue,
    count(o.id) FILTER (WHERE o.is_compliance_training) AS overdue_compliance,
    count(o.id) FILTER (WHERE o.is_mandatory) AS overdue_mandatory,
    min(o.due_date) AS oldest_due_date,
    max(o.days_overdue) AS most_days_overdue
FROM hub.employee p
LEFT JOIN hub.company m ON m.id = p.company_id
LEFT JOIN hub.department d ON d.id = p.department_id
CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE coalesce(m.time_zone, 'UTC'))::date AS day) today
LEFT JOIN LATERAL (
    SELECT c.id, c.due_date, c.is_compliance_training, c.is_mandatory, today.day - c.due_date AS days_overdue
    FROM hub.lms_course_enrollment c
    WHERE c.employee_id = p.id AND c.due_date < today.day AND c.completion_date IS NULL
      AND c.enrollment_status NOT IN ('Completed', 'Certified', 'Dropped', 'On Hold')
      AND (p.termination_date IS NULL OR p.termination_date >= today.day) AND coalesce(p.hire_date <= today.day, TRUE)
      AND NOT coalesce(p.leave_start_date <= today.day AND coalesce(p.leave_end_date >= today.day, TRUE), FALSE)
) o ON TRUE
WHERE p.employment_status IS DISTINCT FROM 'Terminated'
GROUP BY p.company_id, m.code, p.department_id, d.code, d.name, d.parent_department_id;

COMMENT ON VIEW analytics.overdue_by_department IS 'What is overdue today, by department: the due date has passed, not completed, not Dropped, not On Hold, the employee employed and not on leave. A department counts its own people; people without a department are one line.';
COMMENT ON COLUMN analytics.overdue_by_department.company_code IS 'Short name of the company.';
COMMENT ON COLUMN analytics.overdue_by_department.department_id IS 'Department; NULL: people without one.';
COMMENT ON COLUMN analytics.overdue_by_department.department_code IS 'Short name of the department.';
COMMENT ON COLUMN analytics.overdue_by_department.department_name IS 'Name of the department.';
COMMENT ON COLUMN analytics.overdue_by_department.people IS 'Employees of the department who work for the company now.';
COMMENT ON COLUMN analytics.overdue_by_department.people_overdue IS 'Of these, with at least one overdue enrollment.';
COMMENT ON COLUMN analytics.overdue_by_department.overdue IS 'Overdue enrollments.';
COMMENT ON COLUMN analytics.overdue_by_department.overdue_compliance IS 'Of these, in compliance training.';
COMMENT ON COLUMN analytics.overdue_by_department.overdue_mandatory IS 'Of these, in mandatory courses.';
COMMENT ON COLUMN analytics.overdue_by_department.oldest_due_date IS 'The earliest deadline that passed; NULL: none.';
COMMENT ON COLUMN analytics.overdue_by_department.most_days_overdue IS 'Days since then.';
