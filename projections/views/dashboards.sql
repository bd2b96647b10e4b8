-- shows: lms_analytics_dashboard, lms_integration_config
CREATE VIEW analytics.dashboards AS
SELECT
    b.id AS figure_row_id,
    b.dashboard_name,
    b.dashboard_type,
    b.analysis_period,
    DATE '1970-01-01' + (b.fold_state ->> 'period_start')::integer AS period_start,
    DATE '1970-01-01' + (b.fold_state ->> 'period_end')::integer - 1 AS period_last_day,
    b.report_date,
    b.total_enrollments,
    b.active_enrollments,
    b.completed_enrollments,
    b.in_progress_enrollments,
    b.dropped_enrollments,
    b.total_learning_hours,
    b.average_completion_time_hours,
    b.completion_rate,
    b.engagement_score,
    b.skill_acquisition_rate,
    b.certification_achievement_rate,
    b.compliance_training_completion,
    b.learning_effectiveness_score,
    b.instructor_performance_score,
    b.content_utilization_rate,
    b.learning_cost_per_employee,
    b.roi_analysis,
    b.additional_metrics,
    b.trend_data,
    b.department_breakdown,
    b.course_type_breakdown,
    b.additional_metrics -> 'parts' AS parts,
    b.additional_metrics -> 'reasons' AS reasons,
    b.fold_state ->> 'subject' AS subject,
    (b.fold_state ->> 'closed')::boolean AS is_closed,
    (b.fold_state ->> 'restated_at') IS NOT NULL AS is_restated,
    (b.fold_state ->> 'definition_version')::integer AS definition_version,
    timestamptz 'epoch' + (b.fold_state ->> 'as_of')::bigint * interval '1 microsecond' AS as_of,
    i.lms_code,
    b.lms_integration_id,
    b.created_by_user_id,
    b.company_id,
    m.code AS company_code,
    b.created_at,
    b.updated_at
FROM hub.lms_analytics_dashboard b
LEFT JOIN hub.lms_integration_config i ON i.id = b.lms_integration_id
LEFT JOIN hub.company m ON m.id = b.company_id;

COMMENT ON VIEW analytics.dashboards IS 'One row per dashboard (type, and what it is about) and period, with the parts of every ratio and the reason of every NULL.';
COMMENT ON COLUMN analytics.dashboards.figure_row_id IS 'Identifier of the row of figures; figure_rows lists the enrollments behind it.';
COMMENT ON COLUMN analytics.dashboards.period_start IS 'First day of the period.';
COMMENT ON COLUMN analytics.dashboards.period_last_day IS 'Last day of the period.';
COMMENT ON COLUMN analytics.dashboards.subject IS 'Id of the department, instructor or filter that it is about; NULL: the company or the integration.';
COMMENT ON COLUMN analytics.dashboards.parts IS 'Numerator, denominator and what else a figure is checked by, by column.';
COMMENT ON COLUMN analytics.dashboards.reasons IS 'Why a figure is NULL or held at a limit, by column.';
COMMENT ON COLUMN analytics.dashboards.is_closed IS 'True when the period is closed: another value is a restatement.';
COMMENT ON COLUMN analytics.dashboards.is_restated IS 'True when a figure was told again after the period was closed; analytics.audit has both values.';
COMMENT ON COLUMN analytics.dashboards.definition_version IS 'Version of the definitions that it was computed by.';
COMMENT ON COLUMN analytics.dashboards.as_of IS 'What the hub had recorded up to here is in it (UTC).';
COMMENT ON COLUMN analytics.dashboards.company_code IS 'Short name of the company.';
