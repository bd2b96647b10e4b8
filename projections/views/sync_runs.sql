-- shows: sync_run, lms_integration_config
CREATE VIEW analytics.sync_runs AS
SELECT
    r.id AS run_id,
    i.lms_code,
    i.lms_name,
    r.kind,
    r.status,
    r.trigger,
    r.started_at,
    r.ended_at,
    round(extract(epoch FROM r.ended_at - r.started_at), 3) AS duration_seconds,
    r.records_read,
    r.changed,
    r.unchanged,
    r.unmatched,
    r.stored,
    r.rejected,
    (r.records_read = r.changed + r.unchanged + r.unmatched + r.stored + r.rejected) AS adds_up,
    r.failure,
    r.unreachable,
    r.credentials_refused,
    r.failing_since,
    r.dropped,
    r.retired,
    r.held,
    r.scope,
    r.watermark,
    r.source_name,
    r.source_sha256,
    r.requests,
    r.samples,
    r.lms_integration_id,
    r.company_id,
    m.code AS company_code,
    r.created_at,
    r.updated_at
FROM hub.sync_run r
LEFT JOIN hub.company m ON m.id = r.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = r.lms_integration_id;

COMMENT ON VIEW analytics.sync_runs IS 'One row per sync or import: what it read and what became of it.';
COMMENT ON COLUMN analytics.sync_runs.run_id IS 'Identifier of the run.';
COMMENT ON COLUMN analytics.sync_runs.duration_seconds IS 'Time from start to end, in seconds; NULL while the run goes on.';
COMMENT ON COLUMN analytics.sync_runs.adds_up IS 'True when every record read is accounted for once; NULL while a count is missing.';
COMMENT ON COLUMN analytics.sync_runs.company_code IS 'Short name of the company.';
