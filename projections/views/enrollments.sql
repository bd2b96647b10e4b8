-- shows: lms_course_enrollment, lms_integration_config, employee, course, department, team
CREATE VIEW analytics.enrollments AS
SELECT
    e.id AS enrollment_id,
    e.enrollment_number,
    e.enrollment_status,
    (e.enrollment_status IN ('Completed', 'Certified')
        OR (e.enrollment_status = 'Expired' AND e.completion_date IS NOT NULL)) AS is_completed,
    (e.employee_id IS NULL) AS is_unmatched,
    (e.fold_state ->> 'cycle')::integer AS cycle,
    e.employee_id,
    p.employee_number,
    nullif(concat_ws(' ', p.given_name, p.family_name), '') AS employee_name,
    p.employment_status,
    p.job_title,
    p.site,
    p.country_code,
    p.manager_employee_id,
    p.department_id,
    d.code AS department_code,
    d.name AS department_name,
    p.team_id,
    t.name AS team_name,
    a.id AS account_id,
    a.display_name AS account_name,
    e.course_id,
    e.course_code,
    e.course_name,
    e.course_type,
    k.course_category,
    e.fold_state ->> 'course_version' AS course_version,
    e.is_mandatory,
    e.is_compliance_training,
    e.enrollment_date,
    e.start_date,
    e.due_date,
    e.completion_date,
    e.end_date,
    DATE '1970-01-01' + (e.fold_state ->> 'valid_from')::integer AS valid_from,
    DATE '1970-01-01' + (e.fold_state ->> 'valid_until')::integer AS valid_until,
    DATE '1970-01-01' + (e.fold_state ->> 'revoked_on')::integer AS revoked_on,
    coalesce((e.fold_state ->> 'waived')::boolean, FALSE) AS is_waived,
    e.progress_percentage,
    e.time_spent_minutes,
    e.score_achieved,
    e.max_score,
    e.passing_score,
    round(e.score_achieved / nullif(e.max_score, 0) * 100, 2) AS score_percent,
    e.grade_achieved,
    e.fold_state ->> 'certificate_id' AS certificate_id,
    e.fold_state ->> 'certificate_issuer' AS certificate_issuer,
    e.completion_certificate_url,
    e.credits_earned,
    e.cost_amount,
    e.currency_code,
    e.instructor_id,
    e.instructor_name,
    e.enrollment_source,
    e.auto_enrollment,
    e.learning_path_id,
    e.prerequisite_courses,
    e.next_courses,
    e.last_access_date,
    e.total_access_count,
    i.lms_code,
    i.lms_name,
    i.lms_type,
    e.lms_integration_id,
    e.company_id,
    m.code AS company_code,
    e.created_at,
    e.updated_at
FROM hub.lms_course_enrollment e
LEFT JOIN hub.company m ON m.id = e.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = e.lms_integration_id
LEFT JOIN hub.employee p ON p.id = e.employee_id
LEFT JOIN hub.department d ON d.id = p.department_id
LEFT JOIN hub.team t ON t.id = p.team_id
LEFT JOIN hub.lms_account a ON a.id = (e.fold_state ->> 'account_id')::uuid
LEFT JOIN (
    -- Two long course keys could share an alias: one row each, so that no enrollment is ever shown twice.
    SELECT DISTINCT ON (lms_integration_id, course_id) lms_integration_id, course_id, course_category
    FROM hub.course ORDER BY lms_integration_id, course_id, id
) k ON k.lms_integration_id = e.lms_integration_id AND k.course_id = e.course_id;

COMMENT ON VIEW analytics.enrollments IS 'One row per enrollment (cycle of one person in one course of one LMS) with its employee, department, course, validity and status.';
COMMENT ON COLUMN analytics.enrollments.enrollment_id IS 'Identifier of the enrollment.';
COMMENT ON COLUMN analytics.enrollments.is_completed IS 'True when Completed or Certified, or Expired with a completion date (a certificate that lapsed stays completed on its date).';
COMMENT ON COLUMN analytics.enrollments.is_unmatched IS 'True while the LMS account is linked to no employee.';
COMMENT ON COLUMN analytics.enrollments.cycle IS 'Which time this person takes this course: 1, 2, 3, ...; a retake after an end is a new cycle.';
COMMENT ON COLUMN analytics.enrollments.employee_name IS 'Given and family name of the employee; NULL while unmatched, or erased.';
COMMENT ON COLUMN analytics.enrollments.department_code IS 'Short name of the present department of the employee.';
COMMENT ON COLUMN analytics.enrollments.department_name IS 'Name of the present department of the employee.';
COMMENT ON COLUMN analytics.enrollments.team_name IS 'Name of the present team of the employee.';
COMMENT ON COLUMN analytics.enrollments.account_id IS 'Account of the LMS that is enrolled; see analytics.accounts.';
COMMENT ON COLUMN analytics.enrollments.account_name IS 'Name of the account in the LMS.';
COMMENT ON COLUMN analytics.enrollments.course_version IS 'Version of the course that was taken, where it is known.';
COMMENT ON COLUMN analytics.enrollments.valid_from IS 'First day on which the certificate is valid.';
COMMENT ON COLUMN analytics.enrollments.valid_until IS 'First day on which the certificate is no longer valid; NULL: no end is known.';
COMMENT ON COLUMN analytics.enrollments.revoked_on IS 'Day on which the certificate was taken back; NULL: it was not.';
COMMENT ON COLUMN analytics.enrollments.is_waived IS 'True when the person was excused; counts as completed, and is left out of scores and hours.';
COMMENT ON COLUMN analytics.enrollments.score_percent IS 'score_achieved / max_score * 100, in percent; NULL without a score or a highest possible score.';
COMMENT ON COLUMN analytics.enrollments.certificate_id IS 'Number of the certificate.';
COMMENT ON COLUMN analytics.enrollments.certificate_issuer IS 'Who issued the certificate.';
COMMENT ON COLUMN analytics.enrollments.company_code IS 'Short name of the company.';
