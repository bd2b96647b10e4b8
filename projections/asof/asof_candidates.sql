-- The enrollments that an answer may be about: those of these employees, now or before a link was changed, in this course.
CREATE FUNCTION analytics.asof_candidates(company_id uuid, employees uuid[], course text)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
SET jit = off AS $$
#variable_conflict use_column
BEGIN
    IF employees IS NOT NULL THEN
        RETURN QUERY
        SELECT e.id FROM hub.lms_course_enrollment e
        WHERE e.employee_id = ANY (asof_candidates.employees) AND e.company_id = asof_candidates.company_id
          AND (asof_candidates.course IS NULL OR asof_candidates.course IN (e.course_id, e.course_code))
        UNION
        SELECT e.id FROM hub.lms_course_enrollment_history h JOIN hub.lms_course_enrollment e ON e.id = h.id
        WHERE h.former_employee_id = ANY (asof_candidates.employees) AND e.company_id = asof_candidates.company_id
          AND (asof_candidates.course IS NULL OR asof_candidates.course IN (e.course_id, e.course_code));
    ELSIF course IS NOT NULL THEN
        RETURN QUERY
        SELECT e.id FROM hub.lms_course_enrollment e
        WHERE (e.course_id = asof_candidates.course OR e.course_code = asof_candidates.course)
          AND e.company_id = asof_candidates.company_id;
    ELSE
        RETURN QUERY SELECT e.id FROM hub.lms_course_enrollment e WHERE e.company_id = asof_candidates.company_id;
    END IF;
END $$;
COMMENT ON FUNCTION analytics.asof_candidates IS 'Enrollments of a company that belong or once belonged to these employees (NULL: to anybody), in this course (id or code; NULL: any).';
