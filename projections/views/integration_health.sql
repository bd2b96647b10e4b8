-- shows: lms_integration_monitoring, lms_integration_config
CREATE VIEW analytics.integration_health AS
SELECT
    h.id AS figure_row_id,
    i.lms_code,
    i.lms_name,
    i.lms_type,
    i.connection_status,
    h.monitoring_date,
    h.api_response_time_ms,
    (h.fold_state #>> '{parts,api_response_time_ms,p50}')::integer AS api_response_time_p50_ms,
    (h.fold_state #>> '{parts,api_response_time_ms,p95}')::integer AS api_response_time_p95_ms,
    (h.fold_state #>> '{parts,api_response_time_ms,p99}')::integer AS api_response_time_p99_ms,
    h.sync_success_rate,
    h.data_accuracy_score,
    h.error_rate,
    h.throughput_requests_per_hour,
    h.availability_percentage,
    h.data_latency_minutes,
    h.connection_drops,
    h.timeout_incidents,
    h.validation_failures,
    h.compliance_violations,
    h.manual_interventions,
    h.rollback_incidents,
    h.performance_score,
    h.sla_compliance,
    h.critical_incidents,
    h.warning_incidents,
    h.system_load_percentage,
    h.memory_usage_mb,
    h.cpu_usage_percentage,
    h.network_latency_ms,
    h.disk_io_wait_ms,
    h.enrollment_processing_time_avg,
    h.progress_sync_accuracy,
    h.course_data_sync_time_avg,
    h.fold_state -> 'parts' AS parts,
    h.fold_state -> 'reasons' AS reasons,
    (h.fold_state ->> 'closed')::boolean AS is_closed,
    (h.fold_state ->> 'restated_at') IS NOT NULL AS is_restated,
    (h.fold_state ->> 'definition_version')::integer AS definition_version,
    timestamptz 'epoch' + (h.fold_state ->> 'as_of')::bigint * interval '1 microsecond' AS as_of,
    h.lms_integration_id,
    h.company_id,
    m.code AS company_code,
    h.created_at,
    h.updated_at
FROM hub.lms_integration_monitoring h
LEFT JOIN hub.lms_integration_config i ON i.id = h.lms_integration_id
LEFT JOIN hub.company m ON m.id = h.company_id;

COMMENT ON VIEW analytics.integration_health IS 'One row per integration and day: how its runs, its connection and its data were, with percentiles, the parts of every ratio and the reason of every NULL.';
COMMENT ON COLUMN analytics.integration_health.figure_row_id IS 'Identifier of the row of figures.';
COMMENT ON COLUMN analytics.integration_health.connection_status IS 'How the connection is now.';
COMMENT ON COLUMN analytics.integration_health.api_response_time_p50_ms IS 'Half of the answered requests took at most so many milliseconds (upper bound of a class of the histogram); NULL: no data.';
COMMENT ON COLUMN analytics.integration_health.api_response_time_p95_ms IS '95 percent of the answered requests took at most so many milliseconds (upper bound of a class of the histogram); NULL: no data.';
COMMENT ON COLUMN analytics.integration_health.api_response_time_p99_ms IS '99 percent of the answered requests took at most so many milliseconds (upper bound of a class of the histogram); NULL: no data.';
COMMENT ON COLUMN analytics.integration_health.parts IS 'Numerator, denominator and what else a figure is checked by, by column.';
COMMENT ON COLUMN analytics.integration_health.reasons IS 'Why a figure is NULL or held at a limit, by column: no_data, not_reported_by_source, not_run, not_applicable, capped.';
COMMENT ON COLUMN analytics.integration_health.is_closed IS 'True when the period is closed: another value is a restatement.';
COMMENT ON COLUMN analytics.integration_health.is_restated IS 'True when a figure was told again after the period was closed; analytics.audit has both values.';
COMMENT ON COLUMN analytics.integration_health.definition_version IS 'Version of the definitions that it was computed by.';
COMMENT ON COLUMN analytics.integration_health.as_of IS 'What the hub had recorded up to here is in it (UTC).';
COMMENT ON COLUMN analytics.integration_health.company_code IS 'Short name of the company.';
