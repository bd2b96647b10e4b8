-- shows: lms_course_enrollment, employee, lms_integration_config
CREATE VIEW analytics.expiring_certificates AS
SELECT
    e.id AS enrollment_id,
    e.employee_id,
    p.employee_number,
    nullif(concat_ws(' ', p.given_name, p.family_name), '') AS employee_name,
    p.department_id,
    d.code AS department_code,
    d.name AS department_name,
    p.manager_employee_id,
    e.course_id,
    e.course_code,
    e.course_name,
    e.is_compliance_training,
    e.completion_date,
    v.valid_until,
    v.valid_until - v.today AS days_left,
    CASE WHEN v.valid_until - v.today <= 30 THEN 30 WHEN v.valid_until - v.today <= 60 THEN 60 ELSE 90 END AS within_days,
    e.fold_state ->> 'certificate_id' AS certificate_id,
    i.lms_code,
    e.lms_integration_id,
    e.company_id,
    m.code AS company_code
FROM hub.lms_course_enrollment e
LEFT JOIN hub.company m ON m.id = e.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = e.lms_integration_id
LEFT JOIN hub.employee p ON p.id = e.employee_id
LEFT JOIN hub.department d ON d.id = p.department_id
CROSS JOIN LATERAL (
    SELECT
        DATE '1970-01-01' + (e.fold_state ->> 'valid_until')::integer AS valid_until,
        (now() AT TIME ZONE coalesce(m.time_zone, 'UTC'))::date AS today
) v
WHERE e.enrollment_status = 'Certified' AND v.valid_until > v.today AND v.valid_until <= v.today + 90
  AND p.employment_status IS DISTINCT FROM 'Terminated';

COMMENT ON VIEW analytics.expiring_certificates IS 'Certificates that lapse within the next 90 days, with their holders who still work for the company.';
COMMENT ON COLUMN analytics.expiring_certificates.enrollment_id IS 'Identifier of the enrollment; see analytics.enrollments.';
COMMENT ON COLUMN analytics.expiring_certificates.employee_name IS 'Given and family name of the employee; NULL while unmatched, or erased.';
COMMENT ON COLUMN analytics.expiring_certificates.department_code IS 'Short name of the present department of the employee.';
COMMENT ON COLUMN analytics.expiring_certificates.department_name IS 'Name of the present department of the employee.';
COMMENT ON COLUMN analytics.expiring_certificates.valid_until IS 'First day on which the certificate is no longer valid.';
COMMENT ON COLUMN analytics.expiring_certificates.days_left IS 'Days until then, in the time zone of the company.';
COMMENT ON COLUMN analytics.expiring_certificates.within_days IS 'The warning it falls under: 30, 60 or 90 days.';
COMMENT ON COLUMN analytics.expiring_certificates.certificate_id IS 'Number of the certificate.';
COMMENT ON COLUMN analytics.expiring_certificates.company_code IS 'Short name of the company.';
