-- shows: lms_audit_trail, lms_integration_config, lms_course_enrollment
CREATE VIEW analytics.audit AS
SELECT
    t.additional_context ->> 'event_type' AS event_type,
    t.timestamp AS recorded_at,
    (t.additional_context ->> 'occurred_at')::timestamptz AS occurred_at,
    t.additional_context ->> 'actor' AS actor,
    u.login AS performed_by_login,
    t.action_reason,
    t.business_justification,
    t.field_changes,
    t.old_values,
    t.new_values,
    t.impact_assessment,
    t.compliance_impact,
    t.audit_type,
    t.action,
    t.entity_type,
    t.entity_id,
    t.enrollment_id,
    e.enrollment_number,
    e.employee_id,
    e.course_code,
    e.course_name,
    t.risk_level,
    t.affected_employees,
    t.data_sensitivity_level,
    t.regulatory_impact,
    t.performed_by_user_id,
    t.ip_address,
    t.user_agent,
    t.session_id,
    i.lms_code,
    t.lms_integration_id,
    t.company_id,
    m.code AS company_code,
    t.id AS event_id,
    t.additional_context
FROM hub.lms_audit_trail t
LEFT JOIN hub.company m ON m.id = t.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = t.lms_integration_id
LEFT JOIN hub.lms_course_enrollment e ON e.id = t.enrollment_id
LEFT JOIN hub."user" u ON u.id = t.performed_by_user_id;

COMMENT ON VIEW analytics.audit IS 'One row per event: what happened exactly, when, by whom, why, and what it changed.';
COMMENT ON COLUMN analytics.audit.event_type IS 'Exact type of the event, such as lms.enrollment.completed.v1.';
COMMENT ON COLUMN analytics.audit.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN analytics.audit.occurred_at IS 'When it happened in the world (UTC).';
COMMENT ON COLUMN analytics.audit.actor IS 'Who acted: a user, an employee, an integration or a part of the system.';
COMMENT ON COLUMN analytics.audit.performed_by_login IS 'Login of the user who acted; NULL when a system acted.';
COMMENT ON COLUMN analytics.audit.employee_id IS 'Employee whose enrollment it is now; NULL: none, or not linked.';
COMMENT ON COLUMN analytics.audit.company_code IS 'Short name of the company.';
COMMENT ON COLUMN analytics.audit.event_id IS 'Identifier of the event.';
