-- shows: lms_learning_progress, lms_course_enrollment, lms_integration_config, employee
CREATE VIEW analytics.lesson_progress AS
SELECT
    l.id AS lesson_progress_id,
    l.enrollment_id,
    e.enrollment_number,
    e.enrollment_status,
    (e.fold_state ->> 'cycle')::integer AS cycle,
    l.employee_id,
    (l.employee_id IS NULL) AS is_unmatched,
    p.employee_number,
    nullif(concat_ws(' ', p.given_name, p.family_name), '') AS employee_name,
    l.course_id,
    e.course_code,
    e.course_name,
    l.lesson_id,
    l.lesson_name,
    l.lesson_type,
    l.progress_status,
    l.completion_percentage,
    l.completion_date,
    l.time_spent_seconds,
    l.score_achieved,
    l.max_score,
    round(l.score_achieved / nullif(l.max_score, 0) * 100, 2) AS score_percent,
    l.attempts_count,
    l.first_access_date,
    l.last_access_date,
    l.next_lesson_id,
    l.prerequisites_completed,
    l.is_mandatory_lesson,
    l.assessment_results,
    l.interaction_data,
    l.bookmark_data,
    l.feedback_data,
    i.lms_code,
    i.lms_name,
    l.lms_integration_id,
    l.company_id,
    m.code AS company_code,
    l.created_at,
    l.updated_at
FROM hub.lms_learning_progress l
LEFT JOIN hub.lms_course_enrollment e ON e.id = l.enrollment_id
LEFT JOIN hub.company m ON m.id = l.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = l.lms_integration_id
LEFT JOIN hub.employee p ON p.id = l.employee_id;

COMMENT ON VIEW analytics.lesson_progress IS 'One row per lesson of an enrollment, with its employee and course.';
COMMENT ON COLUMN analytics.lesson_progress.lesson_progress_id IS 'Identifier of the row.';
COMMENT ON COLUMN analytics.lesson_progress.cycle IS 'Which time this person takes this course: 1, 2, 3, ...; a retake after an end is a new cycle.';
COMMENT ON COLUMN analytics.lesson_progress.is_unmatched IS 'True while the LMS account is linked to no employee.';
COMMENT ON COLUMN analytics.lesson_progress.employee_name IS 'Given and family name of the employee; NULL while unmatched, or erased.';
COMMENT ON COLUMN analytics.lesson_progress.score_percent IS 'score_achieved / max_score * 100, in percent; NULL without a score or a highest possible score.';
COMMENT ON COLUMN analytics.lesson_progress.company_code IS 'Short name of the company.';
