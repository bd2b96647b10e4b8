-- Whether one employee held a valid completion of a course on a day: one row, also where the answer is no.
CREATE FUNCTION analytics.completion_asof(company text, employee text, course text, on_day date, known_on date DEFAULT NULL)
RETURNS TABLE (
    employee_id uuid, employee_number text, employee_name text, department_code text, manager_number text, asked_course text,
    asked_day date, known_until timestamptz, is_valid boolean, verdict text, verdict_day date, is_valid_by_now_known boolean,
    became_known_at timestamptz, enrollment_id uuid, enrollment_number text, cycle integer, lms_code text, course_name text,
    course_version text, enrollment_status text, completion_date date, valid_from date, valid_until date, revoked_on date,
    is_waived boolean, version integer, event_id uuid, recorded_at timestamptz, company_code text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT * FROM analytics.completions_asof(company, course, on_day, known_on, employee);
END $$;
COMMENT ON FUNCTION analytics.completion_asof IS 'Whether an employee (number) held a valid completion of a course (id or code) on a day, by what was known at the end of another day (NULL: now). Always one row; verdict: valid, never enrolled, not completed, completed later, lapsed, revoked, known only later.';
