-- shows: lms_course_enrollment, lms_analytics_dashboard
-- Made by python -m projections.figures.dashboard_members; do not edit.
CREATE VIEW analytics.figure_rows AS
SELECT
    d.id AS figure_row_id,
    m.figure,
    m.enrollment_id,
    m.employee_id,
    m.in_numerator,
    d.dashboard_type,
    d.analysis_period,
    d.report_date,
    d.lms_integration_id,
    d.company_id,
    c.code AS company_code
FROM hub.lms_analytics_dashboard d
JOIN hub.company c ON c.id = d.company_id
CROSS JOIN LATERAL (
    SELECT y.starts, y.ends, least(y.starts, y.ends - 28) AS window_starts
    FROM (
        SELECT DATE '1970-01-01' + (d.fold_state ->> 'period_start')::integer AS starts,
               least(
                   DATE '1970-01-01' + (d.fold_state ->> 'period_end')::integer,
                   ((TIMESTAMPTZ 'epoch' + (d.fold_state ->> 'as_of')::bigint * INTERVAL '1 microsecond')
                       AT TIME ZONE coalesce(c.time_zone, 'UTC'))::date + 1
               ) AS ends
    ) y
) x
CROSS JOIN LATERAL (
WITH dash_ask AS MATERIALIZED (
    SELECT d.company_id, coalesce(c.time_zone, 'UTC') AS zone, coalesce(c.currency_code, 'USD') AS currency,
           TIMESTAMPTZ 'epoch' + (d.fold_state ->> 'as_of')::bigint * INTERVAL '1 microsecond' AS as_of, x.window_starts AS since,
           CASE WHEN d.dashboard_type NOT IN ('Manager', 'Instructor') THEN (d.fold_state ->> 'subject')::jsonb END AS chosen
), dash_end AS MATERIALIZED (SELECT x.ends, x.ends - 1 AS last_day
), dash_period AS MATERIALIZED (
    SELECT x.starts, x.ends, x.window_starts, (x.ends - INTERVAL '12 months')::date AS year_starts
), dash_scope AS MATERIALIZED (
    SELECT 0 AS scope,
           CASE WHEN d.dashboard_type = 'Compliance' THEN 'compliance' WHEN d.dashboard_type = 'Manager' THEN 'department'
                WHEN d.dashboard_type = 'Instructor' THEN 'instructor' WHEN d.lms_integration_id IS NOT NULL THEN 'integration'
                ELSE 'company' END AS kind,
           coalesce(d.lms_integration_id::text, d.fold_state ->> 'subject', '') AS subject
),
dash_department AS MATERIALIZED (
SELECT row_number() OVER (ORDER BY department_id)::integer AS department, department_id
FROM (
    SELECT h.department_id FROM hub.employee_history h JOIN dash_ask a USING (company_id) WHERE h.department_id IS NOT NULL
    UNION
    SELECT h.id FROM hub.department_history h JOIN dash_ask a USING (company_id)
) told
),
dash_employee_span AS MATERIALIZED (
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
),
dash_employment AS MATERIALIZED (
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
),
dash_department_span AS MATERIALIZED (
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
),
dash_version AS MATERIALIZED (
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
),
dash_due AS MATERIALIZED (
-- The deadlines of an enrollment in the order in which they were told. A fact taken out never was.
SELECT enrollment_id, version, due_date,
       CASE WHEN retracted THEN lag(day) OVER (PARTITION BY enrollment_id ORDER BY version) ELSE day END AS day
FROM dash_version
WHERE (oldest AND due_date IS NOT NULL) OR (NOT oldest AND due_date IS DISTINCT FROM older_due)
),
dash_move AS MATERIALIZED (
-- The statuses, in order, of the enrollments whose dates do not tell them: they were held, or have no beginning.
SELECT v.enrollment_id, v.version, v.status,
       CASE WHEN v.retracted THEN lag(v.day) OVER (PARTITION BY v.enrollment_id ORDER BY v.version) ELSE v.day END AS day
FROM dash_version v
WHERE (v.oldest OR v.status IS DISTINCT FROM v.older_status)
  AND v.enrollment_id IN (SELECT enrollment_id FROM dash_version WHERE status = 'On Hold' OR (newest AND start_date IS NULL))
),
dash_catalog AS MATERIALIZED (
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
),
dash_enrollment AS MATERIALIZED (
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
),
dash_lesson_version AS MATERIALIZED (
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
),
dash_time AS MATERIALIZED (
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
),
dash_activity AS MATERIALIZED (
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
),
dash_tracking AS MATERIALIZED (
-- The integrations that tell learning time.
SELECT DISTINCT integration_id FROM dash_time
),
dash_person AS MATERIALIZED (
-- Everybody on the last day: department, employed, on leave, and the day on which they had left.
SELECT DISTINCT ON (s.employee_id) s.employee_id, s.department,
       coalesce(m.from_day <= d.last_day AND m.last_day >= d.last_day, FALSE) AS employed,
       CASE WHEN m.last_day < d.ends THEN m.last_day END AS left_on,
       coalesce(
           s.leave_start_date <= d.last_day
               AND coalesce(s.leave_end_date >= d.last_day, s.employment_status = 'On Leave'),
           s.employment_status = 'On Leave', FALSE
       ) AS on_leave
FROM dash_end d
JOIN dash_employee_span s ON d.last_day >= s.from_day AND d.last_day < s.until_day
LEFT JOIN dash_employment m ON m.employee_id = s.employee_id AND m.from_day <= d.last_day
ORDER BY s.employee_id, m.episode DESC
),
dash_tree AS MATERIALIZED (
-- Each department and those beneath it, as on the last day.
WITH RECURSIVE present AS (
    SELECT s.department_id, s.parent_department_id FROM dash_department_span s CROSS JOIN dash_end d
    WHERE d.last_day >= s.from_day AND d.last_day < s.until_day
),
tree AS (
    SELECT department_id AS root, department_id FROM present
    UNION
    SELECT t.root, p.department_id FROM tree t JOIN present p ON p.parent_department_id = t.department_id
)
SELECT t.root, t.department_id, d.department FROM tree t JOIN dash_department d USING (department_id)
),
dash_state AS MATERIALIZED (
-- Each enrollment begun by then: how it has ended by then, else how it stands; to whom it counts (department and kind: on
-- the day it ended, else the last day; last_department, last_kind: on the last day); and what is true of it on the last day.
WITH held AS (
    SELECT DISTINCT ON (m.enrollment_id) m.enrollment_id, m.status FROM dash_move m CROSS JOIN dash_end d
    WHERE m.day < d.ends ORDER BY m.enrollment_id, m.version DESC
),
due AS (
    SELECT DISTINCT ON (m.enrollment_id) m.enrollment_id, m.due_date FROM dash_due m CROSS JOIN dash_end d
    WHERE m.day < d.ends ORDER BY m.enrollment_id, m.version DESC
),
spent AS (
    SELECT t.enrollment_id, sum(t.seconds)::bigint AS seconds FROM dash_time t CROSS JOIN dash_end d
    WHERE t.day < d.ends GROUP BY t.enrollment_id
)
SELECT e.enrollment_id, e.employee_id, e.course_id, e.integration_id, e.course_type, e.course_name,
       e.enrollment_date, e.start_date, e.waived, e.score_achieved, e.max_score, e.passing_score, e.leads_to_certificate,
       e.skills, e.nominal_minutes, e.cost_amount, e.currency_code, e.first_due, e.certified_on, e.lapsed_on,
       x.completed_on, x.other_on, e.other_end, x.left_on, coalesce(x.ended_on, d.last_day) AS counted_on,
       CASE WHEN x.ended_on IS NOT NULL THEN NULL
            WHEN h.status = 'On Hold' THEN 'On Hold'
            WHEN e.status = 'Not Started' THEN 'Not Started'
            WHEN e.start_date < d.ends OR (e.start_date IS NULL AND h.status = 'In Progress') THEN 'In Progress'
            ELSE 'Not Started' END AS open_as,
       coalesce(s.department, 0) AS department, e.mix + coalesce(s.department, 0) AS kind,
       coalesce(p.department, 0) AS last_department, e.mix + coalesce(p.department, 0) AS last_kind,
       coalesce(spent.seconds, 0) AS seconds,
       k.integration_id IS NOT NULL AS tracks,
       coalesce(p.employed, FALSE) AND NOT p.on_leave AND q.due_date < d.last_day AND q.due_date IS NOT NULL
           AND x.completed_on IS NULL AND (x.other_on IS NULL OR e.other_end <> 'Dropped')
           AND (x.ended_on IS NOT NULL OR h.status IS DISTINCT FROM 'On Hold') AS overdue,
       coalesce(p.employed, FALSE) AND v.valid AND v.valid_until IS NOT NULL AS expires,
       v.valid_until - d.last_day AS days_valid,
       e.compliance AND coalesce(p.employed, FALSE) AND (x.other_on IS NULL OR e.other_end <> 'Dropped') AS required,
       v.valid
FROM dash_enrollment e
CROSS JOIN dash_end d
LEFT JOIN dash_person p ON p.employee_id = e.employee_id
LEFT JOIN held h ON h.enrollment_id = e.enrollment_id
LEFT JOIN due ON due.enrollment_id = e.enrollment_id
LEFT JOIN spent ON spent.enrollment_id = e.enrollment_id
LEFT JOIN dash_tracking k ON k.integration_id = e.integration_id
CROSS JOIN LATERAL (
    SELECT y.completed_on, y.other_on, p.left_on,
           CASE WHEN y.completed_on IS NOT NULL THEN y.completed_on
                WHEN y.other_on IS NOT NULL THEN y.other_on ELSE p.left_on END AS ended_on
    FROM (SELECT CASE WHEN e.completed_on < d.ends AND e.completed_on <= coalesce(p.left_on, e.completed_on)
                      THEN e.completed_on END AS completed_on,
                 CASE WHEN e.other_on < d.ends AND e.other_on <= coalesce(p.left_on, e.other_on)
                      THEN e.other_on END AS other_on) y
) x
CROSS JOIN LATERAL (
    SELECT coalesce(e.completed_on < d.ends AND (e.valid_until IS NULL OR d.last_day < e.valid_until)
               AND NOT coalesce(e.revoked_on < d.ends, FALSE), FALSE) AS valid,
           e.valid_until
) v
CROSS JOIN LATERAL (SELECT CASE WHEN due.enrollment_id IS NULL THEN e.first_due ELSE due.due_date END AS due_date) q
LEFT JOIN dash_employee_span s ON s.employee_id = e.employee_id
    AND coalesce(x.ended_on, d.last_day) >= s.from_day AND coalesce(x.ended_on, d.last_day) < s.until_day
WHERE e.enrollment_date < d.ends
),
dash_member AS MATERIALIZED (
-- Which kinds of enrollment belong to which row.
WITH mixes AS (SELECT DISTINCT mix, integration_id, instructor_id, flagged FROM dash_enrollment),
departments AS (SELECT department FROM dash_department UNION SELECT 0)
SELECT s.scope, x.mix + d.department AS kind
FROM mixes x CROSS JOIN departments d
JOIN dash_scope s ON
    (s.kind <> 'integration' OR s.subject = x.integration_id::text)
    AND (s.kind <> 'instructor' OR s.subject = x.instructor_id)
    AND (s.kind <> 'compliance' OR x.flagged)
    AND (s.kind <> 'department' OR (s.subject, d.department) IN (SELECT root::text, department FROM dash_tree))
CROSS JOIN dash_ask a
WHERE CASE WHEN a.chosen ->> 'department' IS NULL THEN TRUE
           ELSE (a.chosen ->> 'department', d.department) IN (SELECT root::text, department FROM dash_tree) END
),
dash_play AS MATERIALIZED (
-- The state with the place that each enrollment has in the period (class; NULL: not in play).
WITH advanced AS (
    SELECT DISTINCT a.enrollment_id FROM dash_activity a CROSS JOIN dash_period p
    WHERE a.advanced AND a.day >= p.window_starts AND a.day < p.ends
)
SELECT s.enrollment_id, s.employee_id, s.course_id, s.integration_id, s.course_type, s.course_name,
       s.department, s.kind, s.enrollment_date, s.start_date, s.waived, s.score_achieved, s.max_score, s.passing_score,
       s.leads_to_certificate, s.skills, s.nominal_minutes, s.cost_amount, s.currency_code, s.certified_on, s.lapsed_on,
       s.completed_on, s.first_due, s.seconds, s.tracks, s.counted_on,
       CASE WHEN s.completed_on >= p.starts THEN 'completed'
            WHEN s.completed_on IS NOT NULL THEN NULL
            WHEN s.other_on >= p.starts THEN lower(s.other_end)
            WHEN s.other_on IS NOT NULL THEN NULL
            WHEN s.left_on >= p.starts THEN 'left'
            WHEN s.left_on IS NOT NULL THEN NULL
            WHEN s.open_as = 'On Hold' THEN 'on_hold'
            WHEN s.open_as = 'In Progress' THEN 'in_progress'
            ELSE 'not_started' END AS class,
       s.open_as IS NOT NULL OR s.counted_on >= p.window_starts AS in_window,
       a.enrollment_id IS NOT NULL AS advanced,
       s.enrollment_date >= p.starts AS registered,
       s.enrollment_date >= p.year_starts AS enrolled_12m,
       s.first_due >= p.starts AND s.first_due < p.ends
           AND NOT (s.completed_on IS NULL AND s.other_end = 'Dropped' AND coalesce(s.other_on <= s.first_due, FALSE))
           AND NOT (s.completed_on IS NULL AND s.other_on IS NULL AND coalesce(s.left_on <= s.first_due, FALSE)) AS due
FROM dash_state s
CROSS JOIN dash_period p
LEFT JOIN advanced a ON a.enrollment_id = s.enrollment_id
WHERE s.open_as IS NOT NULL OR s.counted_on >= p.window_starts
    OR s.enrollment_date >= p.year_starts OR s.start_date >= p.starts OR s.first_due >= p.starts
    OR s.lapsed_on >= p.starts OR s.certified_on >= p.starts
)
SELECT 'total_enrollments' AS figure, e.enrollment_id, e.employee_id, TRUE AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class IS NOT NULL
UNION ALL
SELECT 'active_enrollments' AS figure, e.enrollment_id, e.employee_id, TRUE AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class IN ('not_started', 'in_progress')
UNION ALL
SELECT 'in_progress_enrollments' AS figure, e.enrollment_id, e.employee_id, TRUE AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class = 'in_progress'
UNION ALL
SELECT 'completed_enrollments' AS figure, e.enrollment_id, e.employee_id, TRUE AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class = 'completed'
UNION ALL
SELECT 'dropped_enrollments' AS figure, e.enrollment_id, e.employee_id, TRUE AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class = 'dropped'
UNION ALL
SELECT 'completion_rate' AS figure, e.enrollment_id, e.employee_id, e.class = 'completed' AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class IS NOT NULL
UNION ALL
SELECT 'average_completion_time_hours' AS figure, e.enrollment_id, e.employee_id, TRUE AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class = 'completed' AND NOT e.waived AND e.seconds > 0
UNION ALL
SELECT 'certification_achievement_rate' AS figure, e.enrollment_id, e.employee_id, coalesce(e.certified_on < p.ends, FALSE) AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class IN ('completed', 'dropped', 'failed', 'expired', 'left') AND e.leads_to_certificate
UNION ALL
SELECT 'skill_acquisition_rate' AS figure, e.enrollment_id, e.employee_id, coalesce(e.score_achieved >= e.passing_score, FALSE) AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class IN ('completed', 'dropped', 'failed', 'expired', 'left') AND NOT e.waived AND e.employee_id IS NOT NULL AND jsonb_array_length(e.skills) > 0
UNION ALL
SELECT 'learning_effectiveness_score' AS figure, e.enrollment_id, e.employee_id, TRUE AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.class = 'completed' AND NOT e.waived AND e.max_score > 0 AND e.score_achieved IS NOT NULL
UNION ALL
SELECT 'learning_cost_per_employee' AS figure, e.enrollment_id, e.employee_id, TRUE AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.registered AND e.cost_amount IS NOT NULL AND e.currency_code = a.currency
UNION ALL
SELECT 'engagement_score' AS figure, e.enrollment_id, e.employee_id, e.advanced AS in_numerator
FROM dash_play e CROSS JOIN dash_period p CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.in_window
UNION ALL
SELECT DISTINCT 'total_learning_hours', t.enrollment_id, t.employee_id, TRUE
FROM dash_time t CROSS JOIN dash_period p JOIN dash_member m USING (kind)
WHERE t.day >= p.starts AND t.day < p.ends
UNION ALL
SELECT DISTINCT 'content_utilization_rate', t.enrollment_id, t.employee_id, TRUE
FROM dash_activity t CROSS JOIN dash_period p JOIN dash_member m USING (kind)
WHERE t.day >= p.starts AND t.day < p.ends
UNION ALL
SELECT 'compliance_training_completion', s.enrollment_id, s.employee_id, s.valid
FROM dash_state s JOIN dash_member m ON m.kind = s.last_kind
WHERE s.required
) m;

COMMENT ON VIEW analytics.figure_rows IS 'The enrollments that each figure of each row of the dashboards was computed from. Ask for one row and one figure.';
COMMENT ON COLUMN analytics.figure_rows.figure_row_id IS 'Row of the dashboards; see analytics.dashboards.';
COMMENT ON COLUMN analytics.figure_rows.figure IS 'Column of the row.';
COMMENT ON COLUMN analytics.figure_rows.enrollment_id IS 'An enrollment that the figure was computed from; see analytics.enrollments.';
COMMENT ON COLUMN analytics.figure_rows.in_numerator IS 'True where it is in the numerator, or counted; false: in the denominator alone.';
COMMENT ON COLUMN analytics.figure_rows.company_code IS 'Short name of the company.';
