-- What happened in a period, per row. The steps share dash_period (starts, ends, window_starts, year_starts), and
-- dash_scope and dash_member, which say what a row is about.

-- step dash_play
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

-- step dash_cell
-- Counts of each kind of enrollment, which every row of the period adds up.
SELECT e.kind, e.department, e.integration_id, e.course_type, e.course_id, max(e.course_name) AS course_name,
       count(e.class) AS total,
       count(*) FILTER (WHERE e.class IN ('not_started', 'in_progress')) AS active,
       count(*) FILTER (WHERE e.class = 'in_progress') AS in_progress,
       count(*) FILTER (WHERE e.class = 'completed') AS completed,
       count(*) FILTER (WHERE e.class = 'dropped') AS dropped,
       count(*) FILTER (WHERE e.class = 'failed') AS failed,
       count(*) FILTER (WHERE e.class = 'expired') AS expired,
       count(*) FILTER (WHERE e.class = 'on_hold') AS on_hold,
       count(*) FILTER (WHERE e.class = 'left') AS gone,
       count(*) FILTER (WHERE e.class = 'completed' AND e.waived) AS waived,
       count(*) FILTER (WHERE e.registered) AS registered,
       count(*) FILTER (WHERE e.start_date >= p.starts AND e.start_date < p.ends) AS started,
       count(*) FILTER (WHERE e.certified_on >= p.starts AND e.certified_on < p.ends) AS certified,
       count(*) FILTER (WHERE e.lapsed_on >= p.starts AND e.lapsed_on < p.ends) AS lapsed,
       count(*) FILTER (WHERE e.enrolled_12m) AS enrolled_12m,
       count(e.completed_on) FILTER (WHERE e.enrolled_12m) AS completed_12m,
       count(*) FILTER (WHERE e.due) AS due,
       count(*) FILTER (WHERE e.due AND e.completed_on <= e.first_due) AS on_time,
       count(*) FILTER (WHERE e.in_window AND e.start_date < p.ends) AS begun,
       count(*) FILTER (WHERE e.in_window AND e.start_date < p.ends AND e.advanced) AS advanced,
       count(*) FILTER (WHERE e.class = 'completed' AND NOT e.waived AND e.seconds > 0) AS timed,
       coalesce(sum(e.seconds) FILTER (WHERE e.class = 'completed' AND NOT e.waived), 0)::bigint AS timed_seconds,
       count(*) FILTER (WHERE e.ended AND e.leads_to_certificate) AS certifiable,
       count(*) FILTER (WHERE e.ended AND e.leads_to_certificate AND e.certified_on < p.ends) AS got_certificate,
       coalesce(sum(e.nominal_minutes) FILTER (WHERE e.class = 'completed' AND NOT e.waived AND e.seconds = 0), 0)::bigint
           AS nominal_minutes,
       count(e.class) FILTER (WHERE e.tracks) AS tracked,
       count(e.cost_amount) FILTER (WHERE e.registered AND e.currency_code = a.currency) AS costed,
       coalesce(sum(e.cost_amount) FILTER (WHERE e.registered AND e.currency_code = a.currency), 0) AS cost
FROM (SELECT q.*, q.class IN ('completed', 'dropped', 'failed', 'expired', 'left') AS ended FROM dash_play q) e
CROSS JOIN dash_period p CROSS JOIN dash_ask a
GROUP BY e.kind, e.department, e.integration_id, e.course_type, e.course_id
