"""The figures of ``lms_integration_monitoring``: one row per integration and day of the company's calendar."""

from __future__ import annotations

from functools import partial

from projections.figures.definition import Figure

_figure = partial(Figure, "lms_integration_monitoring")
NO_DATA = ("no_data",)
SILENT = ("no_data", "not_reported_by_source")

MONITORING: tuple[Figure, ...] = (
    _figure(
        "api_response_time_ms",
        "ms",
        "Mean time from sending a request to the last byte of its answer, over answered requests (time-outs left out); "
        "the view integration_health has p50, p95 and p99.",
        "milliseconds of the answered requests",
        "answered requests",
        NO_DATA,
    ),
    _figure(
        "sync_success_rate",
        "%",
        "Runs completed of the runs that ended. A run that rejected records is a success if its accounting adds up.",
        "runs completed",
        "runs ended",
        NO_DATA,
    ),
    _figure(
        "data_accuracy_score",
        "%",
        "Reconciliation: compared values equal to the LMS's own. Validation is not accuracy.",
        "values equal to the LMS's own",
        "values compared (totals and a random sample)",
        ("not_run",),
    ),
    _figure(
        "error_rate",
        "%",
        "Requests that failed: 4xx but not 304 and not an expected 404, 5xx, a broken or cut connection, time-out, 200 "
        "with an error in the body. A 429 that was waited out is throttling, not an error.",
        "requests that failed",
        "requests",
        NO_DATA,
    ),
    _figure(
        "throughput_requests_per_hour",
        "1/h",
        "Requests per clock hour with at least one request, to the nearest whole; never extrapolated, so that it compares "
        "with rate_limit_per_hour.",
        "requests",
        "clock hours with a request",
        SILENT,
    ),
    _figure(
        "availability_percentage",
        "%",
        "Time in which the LMS was not down. Down is from the first failed request or probe of a series that reached "
        "Disconnected or Error to the next success; observed is from the first contact of the day, or activation, on, "
        "without Maintenance.",
        "observed seconds that it was not down",
        "observed seconds",
        NO_DATA,
    ),
    _figure(
        "data_latency_minutes",
        "min",
        "Median of recorded_at - occurred_at over learning facts of live runs whose source tells the time of change, "
        "rounded up. Backfill and imports are left out.",
        reasons=("no_data", "not_reported_by_source"),
    ),
    _figure("connection_drops", "count", "Changes of connection_status from Connected to Disconnected or Error."),
    _figure("timeout_incidents", "count", "Requests that took longer than timeout_seconds."),
    _figure(
        "validation_failures",
        "count",
        "Rejected records, each (native id, hash of its content) once a day however often it is seen.",
    ),
    _figure(
        "compliance_violations",
        "count",
        "Violations that lms_compliance_monitoring opened that day for this integration.",
        reasons=("not_run",),
    ),
    _figure(
        "manual_interventions",
        "count",
        "Acts by people on this integration's data: link or unlink, replay or discard of a dead letter, correction, "
        "forced or full sync, reset of the breaker, release of a held run.",
    ),
    _figure(
        "rollback_incidents",
        "count",
        "A mapping set back to an older version, an import undone, an outbound change taken back.",
    ),
    _figure(
        "performance_score",
        "0..100",
        "Weighted mean of availability 30, sync success 25, 100 - error rate 15, accuracy 15 and latency 15 (100 up to the "
        "target, then falling in a line to 0 at four times the target). Missing parts drop out and the weights are scaled "
        "up; it needs availability or sync success.",
        "sum of weight * part",
        "sum of the weights of the parts known",
        NO_DATA,
        composite=True,
    ),
    _figure(
        "sla_compliance",
        "true or false",
        "True when every measured target holds: availability, success, latency, no critical incident open for over 4 "
        "hours. Targets stand in compliance_settings.sla; defaults are 99 %, 95 %, twice the interval of sync_frequency "
        "(Real-time: 5 minutes).",
        "targets that hold",
        "targets that were measured",
        NO_DATA,
    ),
    _figure(
        "critical_incidents",
        "count",
        "Opened that day: breaker to Error, connection lost for over 60 minutes, accounting that does not add up, "
        "credentials refused after renewal (first run of a series), mass-change guard tripped, source stopped by the "
        "dead-letter limit.",
    ),
    _figure(
        "warning_incidents",
        "count",
        "Opened that day: retries exhausted once, freshness target missed, throttled for over 10 % of busy time.",
    ),
    _figure(
        "system_load_percentage",
        "%",
        "Mean of the 1-minute load / processors, sampled every 5 seconds while this integration's runs work; may exceed 100.",
        "sum of the samples",
        "samples",
        SILENT,
    ),
    _figure("memory_usage_mb", "MiB", "Highest resident memory of the process of a run.", reasons=NO_DATA),
    _figure(
        "cpu_usage_percentage",
        "%",
        "Processor time of the process of a run.",
        "processor seconds",
        "seconds of the runs * processors",
        NO_DATA,
    ),
    _figure(
        "network_latency_ms",
        "ms",
        "Mean time to open a TCP connection to the host of the LMS.",
        "milliseconds to connect",
        "connections opened",
        ("no_data", "not_applicable"),
    ),
    _figure(
        "disk_io_wait_ms",
        "ms",
        "Time for which the host's processors waited for the disk during the runs, added up.",
        reasons=SILENT,
    ),
    _figure(
        "enrollment_processing_time_avg",
        "ms",
        "Mean time from the append of an observation to the moment the run saw it folded, over changed enrollments; "
        "measured by the run.",
        "milliseconds",
        "changed enrollments measured",
        NO_DATA,
    ),
    _figure(
        "progress_sync_accuracy",
        "%",
        "Reconciliation of status, progress (within 1 point) and score of enrollments only.",
        "values equal to the LMS's own",
        "values compared",
        ("not_run",),
    ),
    _figure(
        "course_data_sync_time_avg",
        "s",
        "Mean time to read one course's data (all pages) in one run.",
        "seconds",
        "courses read",
        SILENT,
    ),
)
