-- Enrollments at the end of a day, by what was known before a moment.
--
-- told: the versions known, without those whose fact was known to be taken out. What a version changed counts from the day
-- on which it happened; a correction and a retraction concern what stood, so they count for as long as that did. A field has
-- the value that it had before the first version that changed it later than the day (before); that is looked for only where
-- something happened later, and only where it is asked for (fields), as it costs as much as all else. What says its own day
-- (beginning, completion, validity, revocation) goes by that day, as the newest version known tells it.
CREATE FUNCTION analytics.asof_cycles(company text, on_day date, known_on date, employees uuid[], course text, fields boolean)
RETURNS TABLE (
    enrollment_id uuid, employee_id uuid, lms_integration_id uuid, course_id text, status text, is_completed boolean,
    is_valid boolean, enrollment_date date, start_date date, due_date date, completed_on date, valid_from date,
    valid_until date, revoked_on date, is_waived boolean, is_certified boolean, course_version text, progress_percentage numeric,
    score_achieved numeric, max_score numeric, passing_score numeric, time_spent_seconds integer, last_access_date timestamptz,
    version integer, event_id uuid, recorded_at timestamptz, was_enrolled boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
SET jit = off SET work_mem = '32MB' AS $$
#variable_conflict use_column
DECLARE
    ask record;
BEGIN
    SELECT * INTO ask FROM analytics.asof_company(company, on_day, known_on);
    RETURN QUERY
    WITH known AS MATERIALIZED (
        SELECT h.*, x.day, x.day > asof_cycles.on_day AND NOT h.retracted AND h.corrected IS NULL AS after
        FROM analytics.asof_candidates(ask.company_id, asof_cycles.employees, asof_cycles.course) AS c(id)
        CROSS JOIN LATERAL (
            SELECT v.* FROM hub.lms_course_enrollment_history v WHERE v.id = c.id AND v.recorded_at < ask.known_end
            OFFSET 0 -- by the key of each, never all versions
        ) h
        CROSS JOIN LATERAL (SELECT (h.occurred_at AT TIME ZONE ask.zone)::date AS day) x
    ),
    told AS NOT MATERIALIZED (
        SELECT k.* FROM known k WHERE k.event_id NOT IN (SELECT r.retracts FROM known r WHERE r.retracts IS NOT NULL)
    ),
    days AS MATERIALIZED (
        SELECT t.id, bool_or(after) AS goes_on,
               min(day) FILTER (WHERE enrollment_status IN ('Completed', 'Certified')) AS done_on,
               min(day) FILTER (WHERE enrollment_status = 'Expired') AS expired_on
        FROM told t GROUP BY t.id
    ),
    newest AS MATERIALIZED (
        SELECT DISTINCT ON (t.id) t.* FROM told t ORDER BY t.id, t.version DESC
    ),
    moved AS (
        SELECT t.id, t.version, lag(t.enrollment_status) OVER w AS status, lag(t.due_date) OVER w AS due_date,
               lag(t.progress_percentage) OVER w AS progress_percentage, lag(t.score_achieved) OVER w AS score_achieved,
               lag(t.max_score) OVER w AS max_score, lag(t.passing_score) OVER w AS passing_score,
               lag(t.time_spent_seconds) OVER w AS time_spent_seconds, lag(t.last_access_date) OVER w AS last_access_date,
               after AND t.enrollment_status IS DISTINCT FROM lag(t.enrollment_status) OVER w AS status_after,
               after AND t.due_date IS DISTINCT FROM lag(t.due_date) OVER w AS due_after,
               after AND t.progress_percentage IS DISTINCT FROM lag(t.progress_percentage) OVER w AS progress_after,
               after AND (t.score_achieved, t.max_score, t.passing_score)
                   IS DISTINCT FROM (lag(t.score_achieved) OVER w, lag(t.max_score) OVER w, lag(t.passing_score) OVER w)
                   AS score_after,
               after AND t.time_spent_seconds IS DISTINCT FROM lag(t.time_spent_seconds) OVER w AS time_after,
               after AND t.last_access_date IS DISTINCT FROM lag(t.last_access_date) OVER w AS access_after
        FROM told t JOIN days d ON d.id = t.id
        WHERE asof_cycles.fields AND d.goes_on
        WINDOW w AS (PARTITION BY t.id ORDER BY t.version)
    ),
    before AS MATERIALIZED (
        SELECT m.id, bool_or(status_after) AS status_after, bool_or(due_after) AS due_after,
               bool_or(progress_after) AS progress_after, bool_or(score_after) AS score_after,
               bool_or(time_after) AS time_after, bool_or(access_after) AS access_after,
               (array_agg(status ORDER BY version) FILTER (WHERE status_after))[1] AS status,
               (array_agg(due_date ORDER BY version) FILTER (WHERE due_after))[1] AS due_date,
               (array_agg(progress_percentage ORDER BY version) FILTER (WHERE progress_after))[1] AS progress_percentage,
               (array_agg(score_achieved ORDER BY version) FILTER (WHERE score_after))[1] AS score_achieved,
               (array_agg(max_score ORDER BY version) FILTER (WHERE score_after))[1] AS max_score,
               (array_agg(passing_score ORDER BY version) FILTER (WHERE score_after))[1] AS passing_score,
               (array_agg(time_spent_seconds ORDER BY version) FILTER (WHERE time_after))[1] AS time_spent_seconds,
               (array_agg(last_access_date ORDER BY version) FILTER (WHERE access_after))[1] AS last_access_date
        FROM moved m GROUP BY m.id
    ),
    field AS (
        SELECT n.id, n.version, n.employee_id, n.lms_integration_id, n.course_id, n.enrollment_status AS newest_status,
               n.enrollment_date, n.start_date, n.completion_date, n.valid_from, n.valid_until, n.revoked_on, n.waived,
               n.course_version, n.event_id, n.recorded_at, d.done_on, d.expired_on,
               CASE WHEN b.status_after THEN b.status ELSE n.enrollment_status END AS status,
               CASE WHEN b.due_after THEN b.due_date ELSE n.due_date END AS due_date,
               CASE WHEN b.progress_after THEN b.progress_percentage ELSE n.progress_percentage END AS progress_percentage,
               CASE WHEN b.score_after THEN b.score_achieved ELSE n.score_achieved END AS score_achieved,
               CASE WHEN b.score_after THEN b.max_score ELSE n.max_score END AS max_score,
               CASE WHEN b.score_after THEN b.passing_score ELSE n.passing_score END AS passing_score,
               CASE WHEN b.time_after THEN b.time_spent_seconds ELSE n.time_spent_seconds END AS time_spent_seconds,
               CASE WHEN b.access_after THEN b.last_access_date ELSE n.last_access_date END AS last_access_date
        FROM newest n JOIN days d ON d.id = n.id LEFT JOIN before b ON b.id = n.id
    ),
    catalog AS MATERIALIZED (
        -- As analytics.courses_asof, of the courses that are meant alone.
        SELECT DISTINCT ON (k.lms_integration_id, k.course_id) k.lms_integration_id, k.course_id, v.validity_days, v.course_version
        FROM (SELECT DISTINCT o.lms_integration_id, o.course_id FROM known o) m
        JOIN hub.course k ON k.lms_integration_id = m.lms_integration_id AND k.course_id = m.course_id
        CROSS JOIN LATERAL (
            SELECT h.validity_days, h.course_version FROM hub.course_history h
            WHERE h.id = k.id AND h.recorded_at < ask.known_end
            ORDER BY h.occurred_at < ask.on_end DESC,
                     CASE WHEN h.occurred_at < ask.on_end THEN -h.version ELSE h.version END LIMIT 1
        ) v
        ORDER BY k.lms_integration_id, k.course_id, k.id
    ),
    dated AS (
        SELECT n.id, n.employee_id, n.lms_integration_id, n.course_id, n.newest_status, n.enrollment_date, n.start_date,
               n.valid_from, n.revoked_on, n.waived, n.version, n.event_id, n.recorded_at,
               coalesce(n.course_version, k.course_version) AS course_version, c.completed_on,
               coalesce(n.valid_until, CASE WHEN n.newest_status = 'Expired' THEN n.expired_on END,
                        c.completed_on + k.validity_days) AS ends_on,
               n.newest_status = 'Certified' OR n.revoked_on IS NOT NULL
                   OR (n.newest_status = 'Expired' AND c.completed_on IS NOT NULL) AS certified,
               n.status, n.due_date, n.progress_percentage, n.score_achieved, n.max_score, n.passing_score,
               n.time_spent_seconds, n.last_access_date
        FROM field n
        LEFT JOIN catalog k ON k.lms_integration_id = n.lms_integration_id AND k.course_id = n.course_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN n.newest_status IN ('Completed', 'Certified') THEN coalesce(n.completion_date, n.done_on)
                        WHEN n.newest_status = 'Expired' THEN n.completion_date END AS completed_on
        ) c
        WHERE asof_cycles.employees IS NULL OR n.employee_id = ANY (asof_cycles.employees)
    ),
    judged AS (
        SELECT d.*, coalesce(d.completed_on <= asof_cycles.on_day, FALSE) AS done,
               coalesce(d.revoked_on <= asof_cycles.on_day, FALSE) AS revoked,
               coalesce(d.ends_on <= asof_cycles.on_day, FALSE) AS lapsed
        FROM dated d
    )
    SELECT j.id, j.employee_id, j.lms_integration_id, j.course_id::text,
           CASE WHEN NOT j.done AND coalesce(j.status, 'Not Started') IN ('Not Started', 'Completed', 'Certified')
                THEN CASE WHEN j.start_date <= asof_cycles.on_day THEN 'In Progress' ELSE 'Not Started' END
                WHEN NOT j.done THEN j.status::text
                WHEN NOT j.certified OR j.revoked THEN 'Completed'
                WHEN j.lapsed THEN 'Expired'
                WHEN j.valid_from > asof_cycles.on_day THEN 'Completed' ELSE 'Certified' END,
           j.done, j.done AND NOT j.revoked AND NOT j.lapsed, j.enrollment_date,
           CASE WHEN j.start_date <= asof_cycles.on_day THEN j.start_date END, j.due_date, j.completed_on, j.valid_from,
           j.ends_on, j.revoked_on, coalesce(j.waived, FALSE), j.certified, j.course_version::text, j.progress_percentage,
           j.score_achieved, j.max_score, j.passing_score, j.time_spent_seconds, j.last_access_date,
           j.version, j.event_id, j.recorded_at, j.enrollment_date <= asof_cycles.on_day OR j.done
    FROM judged j;
END $$;
COMMENT ON FUNCTION analytics.asof_cycles IS 'What the functions about enrollments as of a day share: each enrollment of these employees (NULL: of anybody) in this course (NULL: any), judged on the day by what was known. Dates after the day are kept, since they say why a completion does not count yet. fields: whether status while open, due date, progress, score, time and last access are wanted as of the day; else they are the newest known.';
