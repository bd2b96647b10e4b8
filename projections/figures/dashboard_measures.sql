-- The numbers of the rows of one period, each query by scope (a row's number in dash_scope). Where a query also answers by
-- department or by course type, kind says so: 'row', 'department', 'course type', 'course'.

-- step counts
SELECT m.scope,
       CASE GROUPING(c.department, c.course_type, c.course_id)
           WHEN 7 THEN 'row' WHEN 3 THEN 'department' WHEN 5 THEN 'course type' ELSE 'course' END AS kind,
       coalesce(c.department::text, c.course_type, c.integration_id || ' ' || c.course_id) AS line,
       max(c.course_name) AS course_name,
       sum(c.total)::bigint AS total, sum(c.active)::bigint AS active, sum(c.in_progress)::bigint AS in_progress,
       sum(c.completed)::bigint AS completed, sum(c.dropped)::bigint AS dropped, sum(c.failed)::bigint AS failed,
       sum(c.expired)::bigint AS expired, sum(c.on_hold)::bigint AS on_hold, sum(c.gone)::bigint AS gone,
       sum(c.waived)::bigint AS waived, sum(c.registered)::bigint AS registered, sum(c.started)::bigint AS started,
       sum(c.certified)::bigint AS certified, sum(c.lapsed)::bigint AS lapsed,
       sum(c.enrolled_12m)::bigint AS enrolled_12m, sum(c.completed_12m)::bigint AS completed_12m,
       sum(c.due)::bigint AS due, sum(c.on_time)::bigint AS on_time,
       sum(c.begun)::bigint AS begun, sum(c.advanced)::bigint AS advanced,
       sum(c.timed)::bigint AS timed, sum(c.timed_seconds)::bigint AS timed_seconds,
       sum(c.certifiable)::bigint AS certifiable, sum(c.got_certificate)::bigint AS got_certificate,
       sum(c.nominal_minutes)::bigint AS nominal_minutes, sum(c.tracked)::bigint AS tracked,
       sum(c.costed)::bigint AS costed, sum(c.cost) AS cost
FROM dash_cell c JOIN dash_member m USING (kind)
GROUP BY GROUPING SETS (
    (m.scope), (m.scope, c.department), (m.scope, c.course_type), (m.scope, c.integration_id, c.course_id)
)
HAVING GROUPING(c.course_id) = 1 OR sum(c.total) >= 5

-- step people
WITH learner AS (
    SELECT l.scope, l.employee_id, max(l.last_on) AS last_on FROM dash_learner l CROSS JOIN dash_period p
    WHERE l.last_on >= p.window_starts GROUP BY l.scope, l.employee_id
),
placed AS (
    SELECT l.scope, l.last_on >= p.starts AS in_play,
           coalesce(s.department, 0) AS department
    FROM learner l CROSS JOIN dash_period p
    LEFT JOIN dash_employee_span s
        ON s.employee_id = l.employee_id AND l.last_on >= s.from_day AND l.last_on < s.until_day
)
SELECT scope, CASE WHEN GROUPING(department) = 1 THEN 'row' ELSE 'department' END AS kind, department::text AS line,
       count(*) FILTER (WHERE in_play) AS enrolled, count(*) AS in_window
FROM placed GROUP BY GROUPING SETS ((scope), (scope, department))
UNION ALL
SELECT l.scope, 'course type', l.course_type, count(*), 0 FROM dash_learner l CROSS JOIN dash_period p
WHERE l.last_on >= p.starts GROUP BY l.scope, l.course_type

-- step activity
WITH doing AS (
    SELECT d.scope, d.employee_id, count(*) AS days, bool_or(d.day >= p.starts) AS in_period
    FROM dash_active_day d CROSS JOIN dash_period p WHERE d.day >= p.window_starts GROUP BY d.scope, d.employee_id
),
learner AS (
    SELECT DISTINCT l.scope, l.employee_id FROM dash_learner l CROSS JOIN dash_period p WHERE l.last_on >= p.window_starts
)
SELECT d.scope, count(*) FILTER (WHERE d.in_period) AS active_learners, count(*) AS active_in_window,
       sum(d.days)::bigint AS person_days, count(l.employee_id) AS active_in_play
FROM doing d LEFT JOIN learner l ON l.scope = d.scope AND l.employee_id = d.employee_id
GROUP BY d.scope

-- step courses
WITH used AS (
    SELECT DISTINCT a.kind, a.integration_id, a.course_id
    FROM dash_activity a CROSS JOIN dash_period p
    JOIN dash_catalog k ON k.lms_integration_id = a.integration_id AND k.course_id = a.course_id
    WHERE a.employee_id IS NOT NULL AND a.day >= p.starts AND a.day < p.ends AND (k.retired_on IS NULL OR k.retired_on > p.starts)
)
SELECT m.scope, count(DISTINCT (u.integration_id, u.course_id)) AS courses_used
FROM used u JOIN dash_member m USING (kind)
GROUP BY m.scope

-- step catalog
SELECT s.scope, count(*) AS courses
FROM dash_scope s CROSS JOIN dash_period p
JOIN dash_catalog k ON (k.retired_on IS NULL OR k.retired_on > p.starts)
    AND (s.kind <> 'integration' OR s.subject = k.lms_integration_id::text)
    AND (s.kind <> 'compliance' OR k.flagged OR (k.lms_integration_id, k.course_id) IN (
        SELECT integration_id, course_id FROM dash_enrollment WHERE flagged))
WHERE s.kind <> 'instructor'
GROUP BY s.scope

-- step hours
WITH summed AS (
    SELECT t.kind, t.department, t.course_type, sum(t.seconds) AS seconds,
           sum(t.seconds) FILTER (WHERE t.employee_id IS NOT NULL) AS of_learners
    FROM dash_time t CROSS JOIN dash_period p WHERE t.day >= p.starts AND t.day < p.ends
    GROUP BY t.kind, t.department, t.course_type
)
SELECT m.scope,
       CASE GROUPING(u.department, u.course_type) WHEN 3 THEN 'row' WHEN 1 THEN 'department' ELSE 'course type' END AS kind,
       coalesce(u.department::text, u.course_type) AS line,
       sum(u.seconds)::bigint AS seconds, coalesce(sum(u.of_learners), 0)::bigint AS learner_seconds
FROM summed u JOIN dash_member m USING (kind)
GROUP BY GROUPING SETS ((m.scope), (m.scope, u.department), (m.scope, u.course_type))

-- step implausible
SELECT m.scope, t.employee_id::text AS employee_id, t.day, sum(t.seconds)::bigint AS seconds
FROM dash_long_day l CROSS JOIN dash_period p JOIN dash_time t USING (employee_id, day)
JOIN dash_member m USING (kind)
WHERE l.day >= p.starts AND l.day < p.ends
GROUP BY m.scope, t.employee_id, t.day HAVING sum(t.seconds) > 86400
ORDER BY m.scope, t.day, t.employee_id

-- step days_to_complete
SELECT m.scope, percentile_disc(0.5) WITHIN GROUP (ORDER BY e.completed_on - e.start_date) AS lower,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY e.completed_on - e.start_date DESC) AS upper
FROM dash_play e JOIN dash_member m USING (kind)
WHERE e.class = 'completed' AND NOT e.waived AND e.start_date <= e.completed_on
GROUP BY m.scope

-- step scores
SELECT m.scope, e.max_score, sum(e.score_achieved) AS score, count(*) AS scored
FROM dash_play e JOIN dash_member m USING (kind)
WHERE e.class = 'completed' AND NOT e.waived AND e.max_score > 0 AND e.score_achieved IS NOT NULL
GROUP BY m.scope, e.max_score

-- step skills
WITH taught AS (
    SELECT m.scope, e.employee_id, skill, bool_or(coalesce(e.score_achieved >= e.passing_score, FALSE)) AS shown
    FROM dash_play e
    JOIN dash_member m USING (kind)
    CROSS JOIN LATERAL jsonb_array_elements_text(e.skills) AS skill
    WHERE e.class IN ('completed', 'dropped', 'failed', 'expired', 'left') AND NOT e.waived AND e.employee_id IS NOT NULL
    GROUP BY m.scope, e.employee_id, skill
)
SELECT scope, count(*) AS taught, count(*) FILTER (WHERE shown) AS shown, count(DISTINCT employee_id) AS learners
FROM taught GROUP BY scope

-- step attempts
WITH placed AS (
    SELECT t.*, t.mix + coalesce(f.department, 0) AS first_kind, t.mix + coalesce(c.department, 0) AS done_kind, p.starts, p.ends
    FROM dash_attempt t CROSS JOIN dash_period p
    LEFT JOIN dash_employee_span f ON f.employee_id = t.employee_id AND t.first_on >= f.from_day AND t.first_on < f.until_day
    LEFT JOIN dash_employee_span c
        ON c.employee_id = t.employee_id AND t.completed_on >= c.from_day AND t.completed_on < c.until_day
    WHERE (t.first_on >= p.starts AND t.first_on < p.ends) OR (t.completed_on >= p.starts AND t.completed_on < p.ends)
),
counted AS (
    SELECT first_kind AS kind, 1 AS first, passed::integer AS passed, 0 AS lessons, 0 AS attempts
    FROM placed WHERE passed IS NOT NULL AND first_on >= starts AND first_on < ends
    UNION ALL
    SELECT done_kind, 0, 0, 1, attempts_count FROM placed WHERE completed_on >= starts AND completed_on < ends
)
SELECT m.scope, sum(c.first)::bigint AS first_attempts, sum(c.passed)::bigint AS first_passed,
       sum(c.lessons)::bigint AS lessons, sum(c.attempts)::bigint AS attempts
FROM counted c JOIN dash_member m USING (kind)
GROUP BY m.scope

-- step headcount
WITH present AS (
    SELECT s.department, m.from_day <= p.starts AND m.last_day >= p.starts AND p.starts >= s.from_day AND p.starts < s.until_day
               AS at_start,
           m.from_day < p.ends AND m.last_day >= p.ends - 1 AND p.ends - 1 >= s.from_day AND p.ends - 1 < s.until_day AS at_end
    FROM dash_period p CROSS JOIN dash_employment m JOIN dash_employee_span s ON s.employee_id = m.employee_id
),
summed AS (
    SELECT department, count(*) FILTER (WHERE at_start) AS at_start, count(*) FILTER (WHERE at_end) AS at_end
    FROM present WHERE at_start OR at_end GROUP BY department
)
SELECT s.scope, sum(h.at_start)::bigint AS head_start, sum(h.at_end)::bigint AS head_end
FROM dash_scope s JOIN summed h ON s.kind <> 'department'
    OR (s.subject, h.department) IN (SELECT root::text, department FROM dash_tree)
CROSS JOIN dash_ask a
WHERE CASE WHEN a.chosen ->> 'department' IS NULL THEN TRUE
           ELSE (a.chosen ->> 'department', h.department) IN (SELECT root::text, department FROM dash_tree) END
GROUP BY s.scope

-- step other_currencies
SELECT m.scope, e.currency_code, sum(e.cost_amount) AS cost
FROM dash_play e CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.registered AND e.cost_amount IS NOT NULL AND e.currency_code <> a.currency
GROUP BY m.scope, e.currency_code ORDER BY m.scope, e.currency_code

-- step stock
WITH summed AS (
    SELECT s.last_kind AS kind, s.last_department AS department, s.course_type,
           count(*) FILTER (WHERE s.overdue) AS overdue,
           count(*) FILTER (WHERE s.expires AND s.days_valid <= 30) AS expiring_30,
           count(*) FILTER (WHERE s.expires AND s.days_valid <= 60) AS expiring_60,
           count(*) FILTER (WHERE s.expires AND s.days_valid <= 90) AS expiring_90
    FROM dash_state s WHERE s.overdue OR (s.expires AND s.days_valid <= 90)
    GROUP BY s.last_kind, s.last_department, s.course_type
)
SELECT m.scope,
       CASE GROUPING(u.department, u.course_type) WHEN 3 THEN 'row' WHEN 1 THEN 'department' ELSE 'course type' END AS kind,
       coalesce(u.department::text, u.course_type) AS line, sum(u.overdue)::bigint AS overdue,
       sum(u.expiring_30)::bigint AS expiring_30, sum(u.expiring_60)::bigint AS expiring_60,
       sum(u.expiring_90)::bigint AS expiring_90
FROM summed u JOIN dash_member m USING (kind)
GROUP BY GROUPING SETS ((m.scope), (m.scope, u.department), (m.scope, u.course_type))

-- step required
WITH pairs AS (
    SELECT m.scope, s.last_department, s.employee_id, s.integration_id, s.course_id, min(s.course_type) AS course_type,
           bool_or(s.valid) AS valid
    FROM dash_state s JOIN dash_member m ON m.kind = s.last_kind
    WHERE s.required
    GROUP BY m.scope, s.last_department, s.employee_id, s.integration_id, s.course_id
)
SELECT scope,
       CASE GROUPING(last_department, course_type) WHEN 3 THEN 'row' WHEN 1 THEN 'department' ELSE 'course type' END AS kind,
       coalesce(last_department::text, course_type) AS line, count(*) AS required, count(*) FILTER (WHERE valid) AS met
FROM pairs
GROUP BY GROUPING SETS ((scope), (scope, last_department), (scope, course_type))

-- step freshness
SELECT i.lms_code, max(r.ended_at) AS last_success
FROM hub.lms_integration_config i CROSS JOIN dash_ask a
LEFT JOIN hub.sync_run r ON r.lms_integration_id = i.id AND r.status = 'completed' AND r.ended_at <= a.as_of
WHERE i.company_id = a.company_id AND i.is_active
GROUP BY i.lms_code ORDER BY i.lms_code
