"""Topic ``lms.integration``: settings of integrations and their runs. Key: the company's settings stream.

All integrations of a company share one stream, so that rules over the whole company (a unique code, one primary LMS)
hold. Secrets are sealed with the company's key and never appear in an audit value. Run events carry everything that
monitoring is computed from, so that it is a function of events.
"""

from __future__ import annotations

from pydantic import Field

from hub.domain.events.base import Declared, Event
from hub.domain.values import (
    UUID,
    AuthenticationType,
    ConnectionStatus,
    Count,
    DataFormat,
    Instant,
    IntegrationMethod,
    JsonText,
    LmsType,
    SyncDirection,
    SyncFrequency,
)


class ConfigChange(Declared):
    """New values of an integration's configuration."""

    lms_name: str | None = Field(None, max_length=200)
    lms_type: LmsType | None = None
    lms_code: str | None = Field(None, max_length=50)
    integration_method: IntegrationMethod | None = None
    api_endpoint_url: str | None = Field(None, max_length=500)
    api_version: str | None = Field(None, max_length=20)
    authentication_type: AuthenticationType | None = None
    authentication_config: JsonText | None = Field(
        None, description='{"sealed": …}: the credentials as JSON, sealed with the company\'s key'
    )
    data_format: DataFormat | None = None
    encoding_format: str | None = Field(None, max_length=20)
    sync_frequency: SyncFrequency | None = None
    sync_direction: SyncDirection | None = None
    is_primary_lms: bool | None = None
    is_active: bool | None = None
    connection_status: ConnectionStatus | None = None
    last_sync_at: Instant | None = None
    last_successful_sync_at: Instant | None = None
    error_count: Count | None = None
    max_retry_attempts: Count | None = None
    timeout_seconds: Count | None = None
    rate_limit_per_hour: Count | None = None
    supported_course_types: JsonText | None = None
    field_mappings: JsonText | None = None
    validation_rules: JsonText | None = None
    transformation_rules: JsonText | None = None
    compliance_settings: JsonText | None = None
    connector_settings: JsonText | None = Field(None, description="The connector's own settings that are not secret")
    watermark: Instant | None = Field(None, description="Everything the source changed up to here has been read")
    pulled_at: Instant | None = Field(None, description="End of the last ended sync")
    full_pass_at: Instant | None = Field(None, description="End of the last completed full pass")
    retry_at: Instant | None = Field(None, description="When a failed run is tried again")
    failing_since: Instant | None = Field(None, description="First failure of the series that is not over")
    last_contact_at: Instant | None = Field(None, description="Last contact that an event tells of")
    status_before: ConnectionStatus | None = Field(
        None, description="connection_status before Testing or Maintenance began"
    )
    stopped_at: Instant | None = Field(None, description="When too many open dead letters stopped its scheduled runs")
    held_run: UUID | None = Field(None, description="The full pass that the mass-change guard holds")
    created_by_user_id: UUID | None = None
    updated_by_user_id: UUID | None = None


class RunChange(Declared):
    """New values of a run (a sync or an import)."""

    kind: str | None = Field(None, description="sync, full sync or import")
    status: str | None = Field(None, description="running, completed, failed, held or released")
    trigger: str | None = Field(
        None,
        description="schedule, retry (of a failed run), probe (the breaker closed), person, accept (of a held run) or replay "
        "(of dead letters)",
    )
    started_at: Instant | None = None
    ended_at: Instant | None = None
    scope: str | None = None
    watermark: Instant | None = None
    records_read: Count | None = None
    changed: Count | None = None
    unchanged: Count | None = None
    unmatched: Count | None = None
    stored: Count | None = None
    rejected: Count | None = None
    dropped: Count | None = Field(None, description="Enrollments that a full pass no longer showed, told as removed")
    retired: Count | None = Field(None, description="Courses that a full pass no longer listed, told as retired")
    held: JsonText | None = Field(
        None,
        description="JSON, what a held full pass would do: existing, would_drop (enrollments), existing_courses, "
        "would_retire, people, share_percent, least, courses [{course, drops}] (those with most), sample (streams)",
    )
    unreachable: bool | None = Field(None, description="It failed since the host could not be reached")
    credentials_refused: bool | None = Field(None, description="It failed since the LMS did not accept the credentials")
    failing_since: Instant | None = Field(None, description="First failure of the series that this run is part of")
    requests: JsonText | None = Field(
        None,
        description="JSON: requests; outcomes {ok, missing, throttled, timeout, cut, error, faulty: count}; answered, "
        "milliseconds (their sum), histogram {upper bound in ms: answered}; connects, connect_milliseconds; hours {hour "
        "since 1970: requests}; courses {count, seconds, slowest [[key, seconds]]}; waited_seconds; failing_since (µs)",
    )
    samples: JsonText | None = Field(
        None,
        description="JSON: run_seconds, processors, processor_seconds, memory_mib; load {count, sum of 1-minute load / "
        "processors}; disk_wait_ms; folding {count, milliseconds} from appended to folded, of changed records; latency "
        "{count, median_minutes, histogram {minutes, rounded up: facts}}; compared, not_compared (why)",
    )
    failure: str | None = Field(None, description="Why it failed, in one sentence")
    source_name: str | None = Field(None, description="Name of the file taken in, without its folder")
    source_sha256: str | None = Field(None, description="SHA-256 of the file taken in, hex")


class IntegrationEvent(Event):
    """Base of the topic. An event may change several configurations (a primary LMS that moves) and one run."""

    config_id: UUID = Field(description="The integration's row")
    config: ConfigChange | None = None
    config_cleared: tuple[str, ...] = ()
    demoted_id: UUID | None = Field(None, description="The integration that is no longer the primary one")
    run_id: UUID | None = Field(None, description="The run's row")
    run: RunChange | None = None
    topic = "lms.integration"


class IntegrationConfigured(IntegrationEvent):
    """An integration was set up."""

    type = "lms.integration.configured.v1"


class IntegrationChanged(IntegrationEvent):
    """An integration's address, credentials, mappings, rules or limits changed."""

    type = "lms.integration.changed.v1"


class IntegrationActivated(IntegrationEvent):
    """An integration may run again."""

    type = "lms.integration.activated.v1"


class IntegrationDeactivated(IntegrationEvent):
    """An integration is switched off; its rows and history stay."""

    type = "lms.integration.deactivated.v1"


class SyncStarted(IntegrationEvent):
    """A run began."""

    type = "lms.sync.started.v1"


class SyncCompleted(IntegrationEvent):
    """A run ended and its accounting adds up."""

    type = "lms.sync.completed.v1"


class SyncFailed(IntegrationEvent):
    """A run ended early, or its accounting does not add up."""

    type = "lms.sync.failed.v1"


class RunHeld(IntegrationEvent):
    """A full pass would drop unusually much: it is held whole, nothing was changed."""

    type = "lms.run.held.v1"


class RunReleased(IntegrationEvent):
    """A person accepted what a held full pass would do; a new one may do as much."""

    type = "lms.run.released.v1"


class ConnectionTesting(IntegrationEvent):
    """A test of the connection began."""

    type = "lms.connection.testing.v1"


class ConnectionTested(IntegrationEvent):
    """A test of the connection ended and found it as it was."""

    type = "lms.connection.tested.v1"


class ConnectionChecked(IntegrationEvent):
    """The first contact of a company's day, by a probe: the connection is as it was."""

    type = "lms.connection.checked.v1"


class MaintenanceBegan(IntegrationEvent):
    """A planned window began: no run takes place in it."""

    type = "lms.connection.maintenance_began.v1"


class MaintenanceEnded(IntegrationEvent):
    """A planned window is over."""

    type = "lms.connection.maintenance_ended.v1"


class ConnectionLost(IntegrationEvent):
    """The LMS can no longer be reached, or refuses us."""

    type = "lms.connection.lost.v1"


class ConnectionRestored(IntegrationEvent):
    """The LMS answers again."""

    type = "lms.connection.restored.v1"


class CommandRefused(Event):
    """A command was refused for the state of its stream; no row changes, a retry gets the same answer."""

    topic_of: str = Field("lms.integration", description="The topic of the stream")
    command: str = Field(description="Name of the command")
    rule: str = Field(description="The rule that said no")
    field: str = Field("", description="The field it is about")
    expected: str = Field("", description="What would have been accepted")
    message: str = Field(description="The answer in one sentence")
    type = "lms.command.refused.v1"
    topic = "lms.integration"
