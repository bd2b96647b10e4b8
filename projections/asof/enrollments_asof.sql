-- The enrollments that had begun by a day, as they stood at its end.
CREATE FUNCTION analytics.enrollments_asof(
    company text, on_day date, known_on date DEFAULT NULL, employee text DEFAULT NULL, course text DEFAULT NULL,
    department text DEFAULT NULL
)
RETURNS TABLE (
    enrollment_id uuid, enrollment_number text, cycle integer, employee_id uuid, employee_number text, employee_name text,
    department_code text, department_name text, manager_number text, course_id text, course_code text, course_name text,
    course_version text, lms_code text, lms_name text, enrollment_status text, is_completed boolean, is_valid boolean,
    enrollment_date date, start_date date, due_date date, completion_date date, valid_from date, valid_until date,
    revoked_on date, is_waived boolean, certificate_id text, certificate_issuer text, progress_percentage numeric,
    score_achieved numeric, max_score numeric, passing_score numeric, time_spent_seconds integer,
    last_access_date timestamptz, version integer, event_id uuid, recorded_at timestamptz, company_code text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
SET jit = off AS $$
#variable_conflict use_column
DECLARE
    staff uuid[];
BEGIN
    IF employee IS NOT NULL OR department IS NOT NULL THEN
        SELECT coalesce(array_agg(p.employee_id), '{}') INTO staff
        FROM analytics.employees_asof(company, on_day, known_on, employee, department) p;
    END IF;
    RETURN QUERY
    WITH cycle AS MATERIALIZED (
        SELECT * FROM analytics.asof_cycles(enrollments_asof.company, enrollments_asof.on_day, enrollments_asof.known_on, staff,
                                            enrollments_asof.course, TRUE) c
        WHERE c.was_enrolled
    ),
    person AS MATERIALIZED (
        SELECT * FROM analytics.asof_employees(
            enrollments_asof.company, enrollments_asof.on_day, enrollments_asof.known_on,
            (SELECT coalesce(array_agg(DISTINCT c.employee_id) FILTER (WHERE c.employee_id IS NOT NULL), '{}') FROM cycle c), NULL
        )
    )
    SELECT c.enrollment_id, e.enrollment_number::text, (e.fold_state ->> 'cycle')::integer, c.employee_id, p.employee_number,
           p.employee_name, p.department_code, p.department_name, p.manager_number, c.course_id, e.course_code::text,
           e.course_name::text, c.course_version, i.lms_code::text, i.lms_name::text, c.status, c.is_completed, c.is_valid,
           c.enrollment_date, c.start_date, c.due_date, CASE WHEN c.is_completed THEN c.completed_on END,
           CASE WHEN c.is_completed AND c.is_certified THEN c.valid_from END, CASE WHEN c.is_completed THEN c.valid_until END,
           CASE WHEN c.revoked_on <= enrollments_asof.on_day THEN c.revoked_on END, c.is_waived AND c.is_completed,
           CASE WHEN c.is_completed AND c.is_certified THEN e.fold_state ->> 'certificate_id' END,
           CASE WHEN c.is_completed AND c.is_certified THEN e.fold_state ->> 'certificate_issuer' END,
           c.progress_percentage, c.score_achieved, c.max_score, c.passing_score, c.time_spent_seconds, c.last_access_date,
           c.version, c.event_id, c.recorded_at, m.company_code
    FROM cycle c
    CROSS JOIN analytics.asof_company(enrollments_asof.company, enrollments_asof.on_day, enrollments_asof.known_on) m
    JOIN hub.lms_course_enrollment e ON e.id = c.enrollment_id
    LEFT JOIN hub.lms_integration_config i ON i.id = c.lms_integration_id
    LEFT JOIN person p ON p.employee_id = c.employee_id;
END $$;
COMMENT ON FUNCTION analytics.enrollments_asof IS 'The enrollments of a company that had begun by a day, as they stood at its end, by what was known at the end of another day (NULL: now). Of one employee (number), course (id or code) or department (code, as on the day) where named. valid_until: first day on which the completion no longer counts.';
