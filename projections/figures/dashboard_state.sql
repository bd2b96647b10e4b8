-- The enrollments at the end of a day, and who they belong to. The steps share dash_end (ends, last_day = ends - 1).

-- step dash_person
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

-- step dash_tree
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

-- step dash_state
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
