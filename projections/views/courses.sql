-- shows: course, lms_integration_config
CREATE VIEW analytics.courses AS
SELECT
    k.id AS course_row_id,
    k.course_id,
    k.course_code,
    k.course_name,
    k.course_type,
    k.course_category,
    k.version,
    k.is_mandatory,
    k.is_compliance_training,
    k.validity_days,
    k.leads_to_certificate,
    k.passing_score,
    k.nominal_minutes,
    k.skills,
    k.prerequisites,
    k.next_courses,
    k.lesson_order,
    k.retired_at,
    k.course_key,
    i.lms_code,
    i.lms_name,
    k.lms_integration_id,
    k.company_id,
    m.code AS company_code,
    k.created_at,
    k.updated_at
FROM hub.course k
LEFT JOIN hub.company m ON m.id = k.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = k.lms_integration_id;

COMMENT ON VIEW analytics.courses IS 'One row per course in the catalog of an LMS.';
COMMENT ON COLUMN analytics.courses.course_row_id IS 'Identifier of the row.';
COMMENT ON COLUMN analytics.courses.company_code IS 'Short name of the company.';
