-- Which kinds of enrollment and which people count in which row; dash_scope says what the rows are about. What the periods
-- that end together share is found once: they differ only in their first day.

-- step dash_member
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

-- step dash_learner
-- Who has something in play, per row and form of course; last_on: the last day on which it counts.
SELECT m.scope, e.employee_id, e.course_type, max(e.counted_on) AS last_on
FROM dash_state e CROSS JOIN dash_ask a JOIN dash_member m USING (kind)
WHERE e.employee_id IS NOT NULL AND e.counted_on >= a.since
GROUP BY m.scope, e.employee_id, e.course_type

-- step dash_active_day
-- The days on which somebody was active, per row.
SELECT DISTINCT m.scope, a.employee_id, a.day
FROM dash_activity a CROSS JOIN dash_end d JOIN dash_member m USING (kind)
WHERE a.employee_id IS NOT NULL AND a.day < d.ends
