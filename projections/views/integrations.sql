-- shows: lms_integration_config
CREATE VIEW analytics.integrations AS
SELECT
    i.id AS lms_integration_id,
    i.lms_code,
    i.lms_name,
    i.lms_type,
    i.integration_method,
    i.connection_status,
    i.is_active,
    i.is_primary_lms,
    i.last_sync_at,
    i.last_successful_sync_at,
    i.error_count,
    i.max_retry_attempts,
    i.api_endpoint_url,
    i.api_version,
    i.authentication_type,
    i.data_format,
    i.encoding_format,
    i.sync_frequency,
    i.sync_direction,
    i.timeout_seconds,
    i.rate_limit_per_hour,
    i.supported_course_types,
    i.field_mappings,
    i.validation_rules,
    i.transformation_rules,
    i.compliance_settings,
    i.created_by_user_id,
    i.updated_by_user_id,
    i.company_id,
    m.code AS company_code,
    i.created_at,
    i.updated_at
FROM hub.lms_integration_config i
LEFT JOIN hub.company m ON m.id = i.company_id;

COMMENT ON VIEW analytics.integrations IS 'One row per integration (LMS of a company) without its credentials.';
COMMENT ON COLUMN analytics.integrations.lms_integration_id IS 'Identifier of the integration.';
COMMENT ON COLUMN analytics.integrations.company_code IS 'Short name of the company.';
