-- What is known at the moment asked about, in days of the company. Each step is one query; the steps share one row of
-- questions, dash_ask (company_id, zone, currency, as_of, since: the first day of any activity that is asked for,
-- chosen: the filter of a custom dashboard; NULL: none).
-- Departments have numbers, 0 for none. What rows tell apart (integration, instructor, compliance or mandatory) is the mix of
-- an enrollment; its kind, where it counts, is mix * 1000000 + department.

-- step dash_department
SELECT row_number() OVER (ORDER BY department_id)::integer AS department, department_id
FROM (
    SELECT h.department_id FROM hub.employee_history h JOIN dash_ask a USING (company_id) WHERE h.department_id IS NOT NULL
    UNION
    SELECT h.id FROM hub.department_history h JOIN dash_ask a USING (company_id)
) told

-- step dash_employee_span
-- The row of an employee on each day: the newest version told that had begun by then; the first reaches back.
WITH known AS (
    SELECT h.id, h.effective_from, h.department_id, h.employment_status, h.leave_start_date, h.leave_end_date,
           min(h.effective_from) OVER (
               PARTITION BY h.id ORDER BY h.version DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) AS until_day
    FROM hub.employee_history h CROSS JOIN dash_ask a
    WHERE h.company_id = a.company_id AND h.recorded_at <= a.as_of
)
SELECT id AS employee_id,
       CASE WHEN effective_from = min(effective_from) OVER (PARTITION BY id) THEN DATE '-infinity' ELSE effective_from END
           AS from_day,
       coalesce(until_day, DATE 'infinity') AS until_day,
       coalesce(d.department, 0) AS department,
       employment_status, leave_start_date, leave_end_date
FROM known LEFT JOIN dash_department d USING (department_id) WHERE until_day IS NULL OR until_day > effective_from

-- step dash_employment
-- The employments of a person, first to last day; a person who came back has several.
WITH told AS (
    SELECT h.id, h.version, h.effective_from, h.employment_status, h.hire_date, h.termination_date,
           (h.employment_status IS DISTINCT FROM 'Terminated'
               AND lag(h.employment_status) OVER (PARTITION BY h.id ORDER BY h.version) IS NOT DISTINCT FROM 'Terminated'
           )::integer AS again
    FROM hub.employee_history h CROSS JOIN dash_ask a
    WHERE h.company_id = a.company_id AND h.recorded_at <= a.as_of
),
numbered AS (SELECT told.*, sum(again) OVER (PARTITION BY id ORDER BY version) AS episode FROM told),
newest AS (
    SELECT DISTINCT ON (id, episode) id, episode, employment_status, hire_date, termination_date,
           first_value(effective_from) OVER (PARTITION BY id, episode ORDER BY version) AS begun,
           min(effective_from) FILTER (WHERE employment_status = 'Terminated') OVER (PARTITION BY id, episode) AS gone
    FROM numbered ORDER BY id, episode, version DESC
),
dated AS (
    SELECT newest.*, lag(coalesce(termination_date, gone)) OVER (PARTITION BY id ORDER BY episode) AS former_end FROM newest
),
begun AS (
    SELECT dated.*, CASE WHEN episode = 0 THEN coalesce(hire_date, DATE '-infinity')
                         WHEN hire_date > former_end THEN hire_date ELSE begun END AS from_day
    FROM dated
)
SELECT id AS employee_id, episode, from_day,
       CASE WHEN employment_status = 'Terminated' THEN coalesce(termination_date, gone)
            WHEN termination_date >= from_day THEN termination_date ELSE DATE 'infinity' END AS last_day
FROM begun

-- step dash_department_span
-- The departments on each day, as employees.
WITH known AS (
    SELECT h.id, h.effective_from, h.name, h.code, h.parent_department_id,
           min(h.effective_from) OVER (
               PARTITION BY h.id ORDER BY h.version DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) AS until_day
    FROM hub.department_history h CROSS JOIN dash_ask a
    WHERE h.company_id = a.company_id AND h.recorded_at <= a.as_of
)
SELECT id AS department_id, d.department,
       CASE WHEN effective_from = min(effective_from) OVER (PARTITION BY id) THEN DATE '-infinity' ELSE effective_from END
           AS from_day,
       coalesce(until_day, DATE 'infinity') AS until_day, coalesce(name, code) AS name, parent_department_id
FROM known JOIN dash_department d ON d.department_id = known.id WHERE until_day IS NULL OR until_day > effective_from

-- step dash_version
-- Every known version of an enrollment beside the one before it. in_last_end: this one and all newer ones have ended.
SELECT h.id AS enrollment_id, h.version, h.employee_id, h.lms_integration_id, h.course_id, h.enrollment_status AS status,
       h.enrollment_date, h.start_date, h.completion_date, h.due_date, h.progress_percentage, h.score_achieved, h.max_score,
       h.passing_score, h.valid_from, h.valid_until, h.revoked_on, h.waived, h.own_activity, h.retracted,
       (h.occurred_at AT TIME ZONE a.zone)::date AS day,
       (h.last_access_date AT TIME ZONE a.zone)::date AS access_day,
       h.last_access_date IS DISTINCT FROM lead(h.last_access_date) OVER w AS accessed,
       coalesce(h.time_spent_seconds, 0) - coalesce(lead(h.time_spent_seconds) OVER w, 0) AS more_seconds,
       row_number() OVER w = 1 AS newest,
       lead(h.version) OVER w IS NULL AS oldest,
       lead(h.enrollment_status) OVER w AS older_status,
       lead(h.due_date) OVER w AS older_due,
       lead(h.completion_date) OVER w AS older_completion,
       coalesce(lead(h.progress_percentage) OVER w, 0) AS older_progress,
       count(*) FILTER (WHERE h.enrollment_status IN ('Not Started', 'In Progress', 'On Hold')) OVER w = 0 AS in_last_end
FROM hub.lms_course_enrollment_history h CROSS JOIN dash_ask a
WHERE h.company_id = a.company_id AND h.recorded_at <= a.as_of
WINDOW w AS (PARTITION BY h.id ORDER BY h.version DESC)

-- step dash_due
-- The deadlines of an enrollment in the order in which they were told. A fact taken out never was.
SELECT enrollment_id, version, due_date,
       CASE WHEN retracted THEN lag(day) OVER (PARTITION BY enrollment_id ORDER BY version) ELSE day END AS day
FROM dash_version
WHERE (oldest AND due_date IS NOT NULL) OR (NOT oldest AND due_date IS DISTINCT FROM older_due)

-- step dash_move
-- The statuses, in order, of the enrollments whose dates do not tell them: they were held, or have no beginning.
SELECT v.enrollment_id, v.version, v.status,
       CASE WHEN v.retracted THEN lag(v.day) OVER (PARTITION BY v.enrollment_id ORDER BY v.version) ELSE v.day END AS day
FROM dash_version v
WHERE (v.oldest OR v.status IS DISTINCT FROM v.older_status)
  AND v.enrollment_id IN (SELECT enrollment_id FROM dash_version WHERE status = 'On Hold' OR (newest AND start_date IS NULL))

-- step dash_catalog
SELECT DISTINCT ON (k.lms_integration_id, k.course_id)
       k.lms_integration_id, k.course_id, k.course_name, k.validity_days, k.nominal_minutes, k.passing_score,
       k.leads_to_certificate, CASE WHEN jsonb_typeof(k.skills) = 'array' THEN k.skills END AS skills,
       coalesce(k.is_mandatory, FALSE) OR coalesce(k.is_compliance_training, FALSE) AS flagged,
       (k.retired_at AT TIME ZONE a.zone)::date AS retired_on
FROM hub.course k CROSS JOIN dash_ask a
WHERE k.company_id = a.company_id AND k.created_at <= a.as_of AND CASE WHEN a.chosen IS NULL THEN TRUE ELSE
    (a.chosen ->> 'integration' IS NULL OR k.lms_integration_id::text = a.chosen ->> 'integration')
    AND (a.chosen ->> 'course' IS NULL OR k.course_id = a.chosen ->> 'course')
    AND (a.chosen ->> 'course_type' IS NULL OR k.course_type = a.chosen ->> 'course_type')
    AND (a.chosen ->> 'compliance' IS NULL OR coalesce(k.is_compliance_training, FALSE) = (a.chosen ->> 'compliance')::boolean)
    AND (a.chosen ->> 'mandatory' IS NULL OR coalesce(k.is_mandatory, FALSE) = (a.chosen ->> 'mandatory')::boolean) END
ORDER BY k.lms_integration_id, k.course_id, k.id

-- step dash_enrollment
-- What is known of each enrollment in the end. completed_on; failed_on: how and when it ended else (a failed one may be
-- completed later); certified_on; valid_until of the certificate, else of the course, else the day on which it was told as
-- expired; lapsed_on: valid_until of one that is told as expired.
WITH ended AS (
    SELECT enrollment_id, status, day FROM dash_version
    WHERE in_last_end AND (oldest OR older_status IN ('Not Started', 'In Progress', 'On Hold'))
),
seen AS (
    SELECT enrollment_id, min(day) FILTER (WHERE status = 'Certified') AS certified,
           min(day) FILTER (WHERE status = 'Expired') AS expired
    FROM dash_version WHERE status IN ('Certified', 'Expired') GROUP BY enrollment_id
),
due AS (
    SELECT DISTINCT ON (enrollment_id) enrollment_id, due_date
    FROM dash_due WHERE due_date IS NOT NULL ORDER BY enrollment_id, version
)
SELECT n.enrollment_id, n.employee_id, n.course_id, n.status, n.enrollment_date, n.start_date, n.score_achieved, n.max_score,
       coalesce(n.waived, FALSE) AS waived,
       coalesce(n.lms_integration_id, UUID '00000000-0000-0000-0000-000000000000') AS integration_id,
       coalesce(p.instructor_id, '') AS instructor_id,
       coalesce(p.is_compliance_training, FALSE) AS compliance,
       coalesce(p.is_compliance_training, FALSE) OR coalesce(p.is_mandatory, FALSE) AS flagged,
       dense_rank() OVER (
           ORDER BY n.lms_integration_id, coalesce(p.instructor_id, ''),
                    coalesce(p.is_compliance_training, FALSE) OR coalesce(p.is_mandatory, FALSE)
       ) * 1000000 AS mix,
       p.course_type, p.course_name, p.cost_amount, coalesce(p.currency_code, 'XXX') AS currency_code,
       c.completed_on,
       CASE WHEN r.status IS NULL THEN NULL WHEN NOT c.is_completed THEN n.status
            WHEN r.status = 'Failed' THEN 'Failed' END AS other_end,
       CASE WHEN NOT c.is_completed OR r.status = 'Failed' THEN r.day END AS other_on,
       CASE WHEN n.status = 'Certified' OR l.lapsed_on IS NOT NULL OR n.revoked_on IS NOT NULL
            THEN coalesce(n.valid_from, s.certified, c.completed_on) END AS certified_on,
       l.lapsed_on,
       v.valid_until,
       n.revoked_on, due.due_date AS first_due,
       coalesce(n.passing_score, k.passing_score) AS passing_score,
       coalesce(k.leads_to_certificate, FALSE) AS leads_to_certificate, k.skills, k.nominal_minutes
FROM dash_version n
JOIN hub.lms_course_enrollment p ON p.id = n.enrollment_id
LEFT JOIN ended r ON r.enrollment_id = n.enrollment_id
LEFT JOIN seen s ON s.enrollment_id = n.enrollment_id
LEFT JOIN due ON due.enrollment_id = n.enrollment_id
LEFT JOIN dash_catalog k ON k.lms_integration_id = n.lms_integration_id AND k.course_id = n.course_id
CROSS JOIN LATERAL (
    SELECT x.is_completed, CASE WHEN x.is_completed THEN coalesce(n.completion_date, r.day) END AS completed_on
    FROM (SELECT n.status IN ('Completed', 'Certified') OR (n.status = 'Expired' AND n.completion_date IS NOT NULL)
              AS is_completed) x
) c
CROSS JOIN LATERAL (
    SELECT coalesce(n.valid_until, c.completed_on + k.validity_days,
                    CASE WHEN n.status = 'Expired' AND c.is_completed THEN s.expired END) AS valid_until
) v
CROSS JOIN LATERAL (SELECT CASE WHEN n.status = 'Expired' AND c.is_completed THEN v.valid_until END AS lapsed_on) l
CROSS JOIN dash_ask a
WHERE n.newest AND CASE WHEN a.chosen IS NULL THEN TRUE ELSE
    (a.chosen ->> 'integration' IS NULL OR n.lms_integration_id::text = a.chosen ->> 'integration')
    AND (a.chosen ->> 'course' IS NULL OR n.course_id = a.chosen ->> 'course')
    AND (a.chosen ->> 'course_type' IS NULL OR p.course_type = a.chosen ->> 'course_type')
    AND (a.chosen ->> 'instructor' IS NULL OR p.instructor_id = a.chosen ->> 'instructor')
    AND (a.chosen ->> 'compliance' IS NULL OR coalesce(p.is_compliance_training, FALSE) = (a.chosen ->> 'compliance')::boolean)
    AND (a.chosen ->> 'mandatory' IS NULL OR coalesce(p.is_mandatory, FALSE) = (a.chosen ->> 'mandatory')::boolean) END

-- step dash_lesson_version
-- Every known version of a lesson beside the one before it.
SELECT h.id AS lesson_row_id, h.enrollment_id, h.version, h.own_activity, h.progress_status, h.attempts_count,
       (h.occurred_at AT TIME ZONE a.zone)::date AS day,
       (h.completion_date AT TIME ZONE a.zone)::date AS completed_on,
       (h.last_access_date AT TIME ZONE a.zone)::date AS access_day,
       h.last_access_date IS DISTINCT FROM lead(h.last_access_date) OVER w AS accessed,
       h.completion_date IS DISTINCT FROM lead(h.completion_date) OVER w AS completion_told,
       coalesce(h.time_spent_seconds, 0) - coalesce(lead(h.time_spent_seconds) OVER w, 0) AS more_seconds,
       h.retracted, row_number() OVER w = 1 AS newest,
       h.completion_percentage > coalesce(lead(h.completion_percentage) OVER w, 0)
           OR (h.progress_status = 'Completed' AND lead(h.progress_status) OVER w IS DISTINCT FROM 'Completed') AS advanced
FROM hub.lms_learning_progress_history h CROSS JOIN dash_ask a
WHERE h.company_id = a.company_id AND h.recorded_at <= a.as_of
WINDOW w AS (PARTITION BY h.id ORDER BY h.version DESC)

-- step dash_time
-- Increases of tracked time, by day: of the enrollment where its own time is told, else of its lessons. What a fact that was
-- taken out had told is taken off the newest increases before: reached is what the increases come to, kept what is left of it.
WITH told AS (
    SELECT enrollment_id AS row_id, enrollment_id, version, coalesce(access_day, day) AS day, retracted, more_seconds
    FROM dash_version WHERE enrollment_id IN (SELECT enrollment_id FROM dash_version WHERE retracted)
    UNION ALL
    SELECT lesson_row_id, enrollment_id, version, coalesce(access_day, day), retracted, more_seconds
    FROM dash_lesson_version WHERE lesson_row_id IN (SELECT lesson_row_id FROM dash_lesson_version WHERE retracted)
),
sums AS (
    SELECT told.*, sum(CASE WHEN retracted THEN more_seconds ELSE greatest(more_seconds, 0) END)
                       OVER (PARTITION BY row_id ORDER BY version) AS reached
    FROM told
),
kept AS (
    SELECT s.*, least(reached, min(reached) FILTER (WHERE retracted) OVER (
               PARTITION BY row_id ORDER BY version DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           )) AS kept
    FROM sums s
),
increases AS (
    SELECT enrollment_id, enrollment_id AS row_id, coalesce(access_day, day) AS day, more_seconds::bigint AS seconds FROM dash_version
    WHERE more_seconds > 0 AND enrollment_id NOT IN (SELECT enrollment_id FROM dash_version WHERE retracted)
    UNION ALL
    SELECT enrollment_id, lesson_row_id, coalesce(access_day, day), more_seconds FROM dash_lesson_version
    WHERE more_seconds > 0 AND lesson_row_id NOT IN (SELECT lesson_row_id FROM dash_lesson_version WHERE retracted)
    UNION ALL
    SELECT enrollment_id, row_id, day, kept - coalesce(lag(kept) OVER (PARTITION BY row_id ORDER BY version), 0) FROM kept
)
SELECT t.enrollment_id, t.day, t.seconds, e.employee_id, e.integration_id, e.course_type,
       coalesce(s.department, 0) AS department, e.mix + coalesce(s.department, 0) AS kind
FROM increases t
JOIN dash_enrollment e ON e.enrollment_id = t.enrollment_id AND NOT e.waived
LEFT JOIN dash_employee_span s ON s.employee_id = e.employee_id AND t.day >= s.from_day AND t.day < s.until_day
WHERE t.seconds > 0 AND (t.row_id = t.enrollment_id
    OR t.enrollment_id NOT IN (SELECT enrollment_id FROM dash_version WHERE more_seconds > 0))

-- step dash_activity
-- When somebody did something of their own, and whether that moved the enrollment on.
WITH told AS (
    SELECT enrollment_id,
           CASE WHEN accessed AND access_day IS NOT NULL THEN access_day
                WHEN completion_date IS DISTINCT FROM older_completion AND completion_date IS NOT NULL THEN completion_date
                ELSE day END AS day,
           progress_percentage > older_progress
               OR (status IN ('Completed', 'Certified')
                   AND coalesce(older_status, '') NOT IN ('Completed', 'Certified', 'Expired')) AS advanced
    FROM dash_version WHERE own_activity
    UNION ALL
    SELECT enrollment_id,
           CASE WHEN accessed AND access_day IS NOT NULL THEN access_day
                WHEN completion_told AND completed_on IS NOT NULL THEN completed_on ELSE day END,
           advanced
    FROM dash_lesson_version WHERE own_activity
)
SELECT t.enrollment_id, t.day, coalesce(t.advanced, FALSE) AS advanced, e.employee_id, e.integration_id, e.course_id,
       e.mix + coalesce(s.department, 0) AS kind
FROM told t CROSS JOIN dash_ask a
JOIN dash_enrollment e ON e.enrollment_id = t.enrollment_id
LEFT JOIN dash_employee_span s ON s.employee_id = e.employee_id AND t.day >= s.from_day AND t.day < s.until_day
WHERE t.day >= a.since

-- step dash_attempt
-- Lessons with attempts: when the first one was made and whether it was passed, and when the lesson was completed.
WITH first_seen AS (
    SELECT lesson_row_id, min(day) AS day FROM dash_lesson_version WHERE attempts_count >= 1 GROUP BY lesson_row_id
),
told AS (
    SELECT v.enrollment_id, v.attempts_count, CASE WHEN v.progress_status = 'Completed' THEN v.completed_on END AS completed_on,
           f.day, first.passed, first.time, a.zone
    FROM dash_lesson_version v
    JOIN first_seen f ON f.lesson_row_id = v.lesson_row_id
    JOIN hub.lms_learning_progress p ON p.id = v.lesson_row_id
    CROSS JOIN dash_ask a
    LEFT JOIN LATERAL (
        SELECT (one ->> 'passed')::boolean AS passed, one ->> 'time' AS time
        FROM jsonb_array_elements(
            CASE WHEN jsonb_typeof(p.assessment_results) = 'array' THEN p.assessment_results ELSE '[]' END
        ) AS one
        WHERE one ->> 'number' = '1' AND jsonb_typeof(one -> 'passed') = 'boolean' LIMIT 1
    ) first ON TRUE
    WHERE v.newest AND v.attempts_count >= 1
)
SELECT t.enrollment_id, t.attempts_count, t.completed_on, t.passed, e.employee_id, e.mix,
       CASE WHEN t.time ~ '^(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):?[0-5]\d)$'
              OR t.time ~ '^(19|20)\d\d-((0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):?[0-5]\d)$'
            THEN (t.time::timestamptz AT TIME ZONE t.zone)::date ELSE t.day END AS first_on
FROM told t JOIN dash_enrollment e ON e.enrollment_id = t.enrollment_id AND NOT e.waived

-- step dash_tracking
-- The integrations that tell learning time.
SELECT DISTINCT integration_id FROM dash_time

-- step dash_long_day
-- Days of somebody with more than 24 hours of tracked time.
SELECT t.employee_id, t.day FROM dash_time t CROSS JOIN dash_ask a
WHERE t.employee_id IS NOT NULL AND t.day >= a.since GROUP BY t.employee_id, t.day HAVING sum(t.seconds) > 86400
