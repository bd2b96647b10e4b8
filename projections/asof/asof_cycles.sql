-- Enrollments at the end of a day, by what was known before a moment.
--
-- told: the versions known, without those whose fact was known to be taken out. What a version changed counts from the day
-- on which it happened; a correction and a retraction concern what stood, so they count for as long as that did. A field has
-- the value that it had before the first version that changed it later than the day. What says its own day (beginning,
-- completion, validity, revocation) goes by that day, as the newest version known tells it.
CREATE FUNCTION analytics.asof_cycles(company text, on_day date, known_on date, employees uuid[], course text)
RETURNS TABLE (
    enrollment_id uuid, employee_id uuid, lms_integration_id uuid, course_id text, status text, is_completed boolean,
    is_valid boolean, enrollment_date date, start_date date, due_date date, completed_on date, valid_from date,
    valid_until date, revoked_on date, is_waived boolean, is_certified boolean, course_version text, progress_percentage numeric,
    score_achieved numeric, max_score numeric, passing_score numeric, time_spent_seconds integer, last_access_date timestamptz,
    version integer, event_id uuid, recorded_at timestamptz, was_enrolled boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    ask record;
BEGIN
    SELECT * INTO ask FROM analytics.asof_company(company, on_day, known_on);
    RETURN QUERY
    WITH known AS MATERIALIZED (
        SELECT h.*, (h.occurred_at AT TIME ZONE ask.zone)::date AS day
        FROM analytics.asof_candidates(ask.company_id, asof_cycles.employees, asof_cycles.course) AS c(id)
        JOIN hub.lms_course_enrollment_history h ON h.id = c.id
        WHERE h.recorded_at < ask.known_end
    ),
    told AS (
        SELECT k.*, k.day > asof_cycles.on_day AND NOT k.retracted AND k.corrected IS NULL AS after
        FROM (SELECT o.*, array_agg(retracts) FILTER (WHERE retracts IS NOT NULL) OVER (PARTITION BY id) AS gone FROM known o) k
        WHERE (k.event_id = ANY (k.gone)) IS NOT TRUE
    ),
    moved AS (
        SELECT t.*,
               after AND enrollment_status IS DISTINCT FROM lag(enrollment_status) OVER w AS status_after,
               after AND due_date IS DISTINCT FROM lag(due_date) OVER w AS due_after,
               after AND progress_percentage IS DISTINCT FROM lag(progress_percentage) OVER w AS progress_after,
               after AND (score_achieved, max_score, passing_score)
                   IS DISTINCT FROM (lag(score_achieved) OVER w, lag(max_score) OVER w, lag(passing_score) OVER w) AS score_after,
               after AND time_spent_seconds IS DISTINCT FROM lag(time_spent_seconds) OVER w AS time_after,
               after AND last_access_date IS DISTINCT FROM lag(last_access_date) OVER w AS access_after
        FROM told t WINDOW w AS (PARTITION BY id ORDER BY version)
    ),
    stood AS (
        SELECT m.*, bool_or(status_after) OVER w AS no_status, bool_or(due_after) OVER w AS no_due,
               bool_or(progress_after) OVER w AS no_progress, bool_or(score_after) OVER w AS no_score,
               bool_or(time_after) OVER w AS no_time, bool_or(access_after) OVER w AS no_access
        FROM moved m WINDOW w AS (PARTITION BY id ORDER BY version)
    ),
    field AS (
        SELECT s.id, max(version) AS version,
               (array_agg(employee_id ORDER BY version DESC))[1] AS employee_id,
               (array_agg(lms_integration_id ORDER BY version DESC))[1] AS lms_integration_id,
               (array_agg(course_id ORDER BY version DESC))[1] AS course_id,
               (array_agg(enrollment_status ORDER BY version DESC))[1] AS newest_status,
               (array_agg(enrollment_date ORDER BY version DESC))[1] AS enrollment_date,
               (array_agg(start_date ORDER BY version DESC))[1] AS start_date,
               (array_agg(completion_date ORDER BY version DESC))[1] AS completion_date,
               (array_agg(valid_from ORDER BY version DESC))[1] AS valid_from,
               (array_agg(valid_until ORDER BY version DESC))[1] AS valid_until,
               (array_agg(revoked_on ORDER BY version DESC))[1] AS revoked_on,
               (array_agg(waived ORDER BY version DESC))[1] AS waived,
               (array_agg(course_version ORDER BY version DESC))[1] AS course_version,
               (array_agg(event_id ORDER BY version DESC))[1] AS event_id,
               (array_agg(recorded_at ORDER BY version DESC))[1] AS recorded_at,
               (array_agg(enrollment_status ORDER BY version DESC) FILTER (WHERE NOT no_status))[1] AS status,
               (array_agg(due_date ORDER BY version DESC) FILTER (WHERE NOT no_due))[1] AS due_date,
               (array_agg(progress_percentage ORDER BY version DESC) FILTER (WHERE NOT no_progress))[1] AS progress_percentage,
               (array_agg(score_achieved ORDER BY version DESC) FILTER (WHERE NOT no_score))[1] AS score_achieved,
               (array_agg(max_score ORDER BY version DESC) FILTER (WHERE NOT no_score))[1] AS max_score,
               (array_agg(passing_score ORDER BY version DESC) FILTER (WHERE NOT no_score))[1] AS passing_score,
               (array_agg(time_spent_seconds ORDER BY version DESC) FILTER (WHERE NOT no_time))[1] AS time_spent_seconds,
               (array_agg(last_access_date ORDER BY version DESC) FILTER (WHERE NOT no_access))[1] AS last_access_date,
               min(day) FILTER (WHERE enrollment_status IN ('Completed', 'Certified')) AS done_on,
               min(day) FILTER (WHERE enrollment_status = 'Expired') AS expired_on
        FROM stood s GROUP BY s.id
    ),
    catalog AS (
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
COMMENT ON FUNCTION analytics.asof_cycles IS 'What the functions about enrollments as of a day share: each enrollment of these employees (NULL: of anybody) in this course (NULL: any), judged on the day by what was known. Dates after the day are kept, since they say why a completion does not count yet.';
