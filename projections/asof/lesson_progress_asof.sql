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
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
SET jit = off SET work_mem = '32MB' AS $$
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
        SELECT h.*, l.lesson_name, l.lms_integration_id, h.occurred_at >= ask.on_end AND NOT h.retracted AS after
        FROM analytics.asof_candidates(ask.company_id, staff, lesson_progress_asof.course) AS c(id)
        CROSS JOIN LATERAL (
            SELECT p.id, p.lesson_name, p.lms_integration_id FROM hub.lms_learning_progress p WHERE p.enrollment_id = c.id OFFSET 0
        ) l
        CROSS JOIN LATERAL (
            SELECT v.* FROM hub.lms_learning_progress_history v WHERE v.id = l.id AND v.recorded_at < ask.known_end
            OFFSET 0 -- by the key of each, never all versions
        ) h
    ),
    told AS NOT MATERIALIZED (
        SELECT k.* FROM known k WHERE k.event_id NOT IN (SELECT r.retracts FROM known r WHERE r.retracts IS NOT NULL)
    ),
    begun AS MATERIALIZED (
        SELECT t.id, bool_or(after) AS goes_on, bool_or(NOT after) AS has_begun FROM told t GROUP BY t.id
    ),
    newest AS MATERIALIZED (
        SELECT DISTINCT ON (t.id) t.* FROM told t ORDER BY t.id, t.version DESC
    ),
    moved AS (
        SELECT t.id, t.version, lag(progress_status) OVER w AS status, lag(completion_percentage) OVER w AS completion_percentage,
               lag(score_achieved) OVER w AS score_achieved, lag(max_score) OVER w AS max_score,
               lag(attempts_count) OVER w AS attempts_count, lag(time_spent_seconds) OVER w AS time_spent_seconds,
               lag(last_access_date) OVER w AS last_access_date,
               after AND progress_status IS DISTINCT FROM lag(progress_status) OVER w AS status_after,
               after AND completion_percentage IS DISTINCT FROM lag(completion_percentage) OVER w AS progress_after,
               after AND (score_achieved, max_score) IS DISTINCT FROM (lag(score_achieved) OVER w, lag(max_score) OVER w)
                   AS score_after,
               after AND attempts_count IS DISTINCT FROM lag(attempts_count) OVER w AS attempts_after,
               after AND time_spent_seconds IS DISTINCT FROM lag(time_spent_seconds) OVER w AS time_after,
               after AND last_access_date IS DISTINCT FROM lag(last_access_date) OVER w AS access_after
        FROM told t JOIN begun b ON b.id = t.id AND b.goes_on WINDOW w AS (PARTITION BY t.id ORDER BY t.version)
    ),
    before AS MATERIALIZED (
        SELECT m.id, bool_or(status_after) AS status_after, bool_or(progress_after) AS progress_after,
               bool_or(score_after) AS score_after, bool_or(attempts_after) AS attempts_after,
               bool_or(time_after) AS time_after, bool_or(access_after) AS access_after,
               (array_agg(status ORDER BY version) FILTER (WHERE status_after))[1] AS status,
               (array_agg(completion_percentage ORDER BY version) FILTER (WHERE progress_after))[1] AS completion_percentage,
               (array_agg(score_achieved ORDER BY version) FILTER (WHERE score_after))[1] AS score_achieved,
               (array_agg(max_score ORDER BY version) FILTER (WHERE score_after))[1] AS max_score,
               (array_agg(attempts_count ORDER BY version) FILTER (WHERE attempts_after))[1] AS attempts_count,
               (array_agg(time_spent_seconds ORDER BY version) FILTER (WHERE time_after))[1] AS time_spent_seconds,
               (array_agg(last_access_date ORDER BY version) FILTER (WHERE access_after))[1] AS last_access_date
        FROM moved m GROUP BY m.id
    ),
    owner AS MATERIALIZED (
        SELECT x.enrollment_id AS id, v.employee_id, v.course_id
        FROM (SELECT DISTINCT k.enrollment_id FROM known k) x
        CROSS JOIN LATERAL (
            SELECT h.employee_id, h.course_id FROM hub.lms_course_enrollment_history h
            WHERE h.id = x.enrollment_id AND h.recorded_at < ask.known_end ORDER BY h.version DESC LIMIT 1
        ) v
    )
    SELECT n.id, n.enrollment_id, o.employee_id, p.employee_number::text, o.course_id::text, e.course_name::text,
           i.lms_code::text, n.lesson_id::text, n.lesson_name::text,
           CASE WHEN d.done THEN 'Completed' WHEN f.status = 'Completed' THEN 'In Progress' ELSE f.status::text END,
           CASE WHEN d.done THEN n.completion_date END,
           CASE WHEN b.progress_after THEN b.completion_percentage ELSE n.completion_percentage END,
           CASE WHEN b.score_after THEN b.score_achieved ELSE n.score_achieved END,
           CASE WHEN b.score_after THEN b.max_score ELSE n.max_score END,
           CASE WHEN b.attempts_after THEN b.attempts_count ELSE n.attempts_count END,
           CASE WHEN b.time_after THEN b.time_spent_seconds ELSE n.time_spent_seconds END,
           CASE WHEN b.access_after THEN b.last_access_date ELSE n.last_access_date END,
           n.version, n.event_id, n.recorded_at, ask.company_code
    FROM newest n
    JOIN begun g ON g.id = n.id
    LEFT JOIN before b ON b.id = n.id
    CROSS JOIN LATERAL (SELECT CASE WHEN b.status_after THEN b.status ELSE n.progress_status END AS status) f
    CROSS JOIN LATERAL (
        SELECT n.progress_status = 'Completed'
            AND coalesce(n.completion_date < ask.on_end, f.status = 'Completed') AS done
    ) d
    JOIN owner o ON o.id = n.enrollment_id
    JOIN hub.lms_course_enrollment e ON e.id = n.enrollment_id
    LEFT JOIN hub.employee p ON p.id = o.employee_id
    LEFT JOIN hub.lms_integration_config i ON i.id = n.lms_integration_id
    WHERE (g.has_begun OR d.done) AND (staff IS NULL OR o.employee_id = ANY (staff));
END $$;
COMMENT ON FUNCTION analytics.lesson_progress_asof IS 'The lessons that had begun by a day, as they stood at its end, by what was known at the end of another day (NULL: now). Of one employee (number), course (id or code) or department (code, as on the day) where named.';
