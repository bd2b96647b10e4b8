-- The lessons that had begun by a day, as they stood at its end; the rules are those of asof_cycles.
CREATE FUNCTION analytics.lesson_progress_asof(
    company text, on_day date, known_on date DEFAULT NULL, employee text DEFAULT NULL, course text DEFAULT NULL,
    department text DEFAULT NULL
)
RETURNS TABLE (
    lesson_row_id uuid, enrollment_id uuid, employee_id uuid, employee_number text, course_id text, course_name text,
    lms_code text, lesson_id text, lesson_name text, progress_status text, completion_date timestamptz,
    completion_percentage numeric, score_achieved numeric, max_score numeric, attempts_count integer,
    time_spent_seconds integer, last_access_date timestamptz, version integer, event_id uuid, recorded_at timestamptz,
    company_code text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    ask record;
    staff uuid[];
BEGIN
    SELECT * INTO ask FROM analytics.asof_company(company, on_day, known_on);
    IF employee IS NOT NULL OR department IS NOT NULL THEN
        SELECT coalesce(array_agg(p.employee_id), '{}') INTO staff
        FROM analytics.employees_asof(company, on_day, known_on, employee, department) p;
    END IF;
    RETURN QUERY
    WITH known AS MATERIALIZED (
        SELECT h.*, l.lesson_name, l.lms_integration_id
        FROM analytics.asof_candidates(ask.company_id, staff, lesson_progress_asof.course) AS c(id)
        JOIN hub.lms_learning_progress l ON l.enrollment_id = c.id
        JOIN hub.lms_learning_progress_history h ON h.id = l.id
        WHERE h.recorded_at < ask.known_end
    ),
    told AS (
        SELECT k.*, k.occurred_at >= ask.on_end AND NOT k.retracted AS after
        FROM (SELECT o.*, array_agg(retracts) FILTER (WHERE retracts IS NOT NULL) OVER (PARTITION BY id) AS gone FROM known o) k
        WHERE (k.event_id = ANY (k.gone)) IS NOT TRUE
    ),
    moved AS (
        SELECT t.*,
               after AND progress_status IS DISTINCT FROM lag(progress_status) OVER w AS status_after,
               after AND completion_percentage IS DISTINCT FROM lag(completion_percentage) OVER w AS progress_after,
               after AND (score_achieved, max_score) IS DISTINCT FROM (lag(score_achieved) OVER w, lag(max_score) OVER w)
                   AS score_after,
               after AND attempts_count IS DISTINCT FROM lag(attempts_count) OVER w AS attempts_after,
               after AND time_spent_seconds IS DISTINCT FROM lag(time_spent_seconds) OVER w AS time_after,
               after AND last_access_date IS DISTINCT FROM lag(last_access_date) OVER w AS access_after
        FROM told t WINDOW w AS (PARTITION BY id ORDER BY version)
    ),
    stood AS (
        SELECT m.*, bool_or(status_after) OVER w AS no_status, bool_or(progress_after) OVER w AS no_progress,
               bool_or(score_after) OVER w AS no_score, bool_or(attempts_after) OVER w AS no_attempts,
               bool_or(time_after) OVER w AS no_time, bool_or(access_after) OVER w AS no_access
        FROM moved m WINDOW w AS (PARTITION BY id ORDER BY version)
    ),
    field AS (
        SELECT s.id, max(version) AS newest, bool_or(NOT after) AS has_begun,
               (array_agg(progress_status ORDER BY version DESC) FILTER (WHERE NOT no_status))[1] AS status,
               (array_agg(completion_percentage ORDER BY version DESC) FILTER (WHERE NOT no_progress))[1] AS completion_percentage,
               (array_agg(score_achieved ORDER BY version DESC) FILTER (WHERE NOT no_score))[1] AS score_achieved,
               (array_agg(max_score ORDER BY version DESC) FILTER (WHERE NOT no_score))[1] AS max_score,
               (array_agg(attempts_count ORDER BY version DESC) FILTER (WHERE NOT no_attempts))[1] AS attempts_count,
               (array_agg(time_spent_seconds ORDER BY version DESC) FILTER (WHERE NOT no_time))[1] AS time_spent_seconds,
               (array_agg(last_access_date ORDER BY version DESC) FILTER (WHERE NOT no_access))[1] AS last_access_date
        FROM stood s GROUP BY s.id
    ),
    owner AS (
        SELECT DISTINCT ON (h.id) h.id, h.employee_id, h.course_id
        FROM (SELECT DISTINCT k.enrollment_id FROM known k) x JOIN hub.lms_course_enrollment_history h ON h.id = x.enrollment_id
        WHERE h.recorded_at < ask.known_end ORDER BY h.id, h.version DESC
    )
    SELECT n.id, n.enrollment_id, o.employee_id, p.employee_number::text, o.course_id::text, e.course_name::text,
           i.lms_code::text, n.lesson_id::text, n.lesson_name::text,
           CASE WHEN d.done THEN 'Completed' WHEN f.status = 'Completed' THEN 'In Progress' ELSE f.status::text END,
           CASE WHEN d.done THEN n.completion_date END, f.completion_percentage, f.score_achieved, f.max_score,
           f.attempts_count, f.time_spent_seconds, f.last_access_date, n.version, n.event_id, n.recorded_at, ask.company_code
    FROM field f
    JOIN known n ON n.id = f.id AND n.version = f.newest
    CROSS JOIN LATERAL (
        SELECT n.progress_status = 'Completed'
            AND coalesce(n.completion_date < ask.on_end, f.status = 'Completed') AS done
    ) d
    JOIN owner o ON o.id = n.enrollment_id
    JOIN hub.lms_course_enrollment e ON e.id = n.enrollment_id
    LEFT JOIN hub.employee p ON p.id = o.employee_id
    LEFT JOIN hub.lms_integration_config i ON i.id = n.lms_integration_id
    WHERE (f.has_begun OR d.done) AND (staff IS NULL OR o.employee_id = ANY (staff));
END $$;
COMMENT ON FUNCTION analytics.lesson_progress_asof IS 'The lessons that had begun by a day, as they stood at its end, by what was known at the end of another day (NULL: now). Of one employee (number), course (id or code) or department (code, as on the day) where named.';
