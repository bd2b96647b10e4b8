"""``lms_integration_config``: how one LMS of a company is connected (specification 13.4.2), and its share of requests."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from hub.domain.values import (
    AuthenticationType,
    ConnectionStatus,
    DataFormat,
    IntegrationMethod,
    LmsType,
    SyncDirection,
    SyncFrequency,
)
from projections.tables import columns as c
from projections.tables.base import OPS_SCHEMA, Base, described, index, reference, unique
from projections.tables.rules import AtLeast, AtMostColumn, MoreThan


class IntegrationConfig(Base):
    """One LMS of one company, and the state of the connection to it."""

    __tablename__ = "lms_integration_config"
    __table_args__ = described(
        "lms_integration_config",
        "One learning management system of a company: how it is reached, what is taken in, and how the connection is.",
        unique("uk_lms_integration_company_code", "lms_code", "company_id"),
        index("company_id"),
        index("lms_type"),
        index("integration_method"),
        index("is_primary_lms"),
        index("is_active"),
        index("connection_status"),
        index("last_sync_at"),
        index("last_successful_sync_at"),
        reference("fk_lms_integration_company", "company_id", "company"),
        reference("fk_lms_integration_created_by", "created_by_user_id", "user"),
        reference("fk_lms_integration_updated_by", "updated_by_user_id", "user"),
        part="specification",
        rules=(
            AtLeast("chk_error_count_valid", "error_count", 0),
            AtMostColumn("chk_error_count_valid", "error_count", "max_retry_attempts"),
            MoreThan("chk_positive_values", "timeout_seconds", 0),
            MoreThan("chk_positive_values", "rate_limit_per_hour", 0),
            AtLeast("chk_positive_values", "max_retry_attempts", 0),
        ),
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    lms_name: Mapped[str] = c.varchar(200, "Name of the LMS as people know it.")
    lms_type: Mapped[str | None] = c.enum(LmsType, "Product; chooses the connector together with integration_method.")
    lms_code: Mapped[str] = c.varchar(
        50,
        "Chosen once, [A-Za-z0-9_-]{2,50}, unique per company, never changes: commands, events and file names use it.",
    )
    integration_method: Mapped[str | None] = c.enum(IntegrationMethod, "Way in which data is exchanged.")
    api_endpoint_url: Mapped[str | None] = c.varchar(500, "Base address of the LMS (https, except loopback).")
    api_version: Mapped[str | None] = c.varchar(
        20,
        "Dialect spoken (TalentLMS v1 or v2, xAPI 1.0.3 or 2.0); a dialect that the connector lacks is refused.",
        default="v1",
    )
    authentication_type: Mapped[str | None] = c.enum(AuthenticationType, "How the hub proves itself to the LMS.")
    authentication_config: Mapped[Any | None] = c.json("Encrypted authentication credentials.")
    data_format: Mapped[str | None] = c.enum(DataFormat, "Format of the data exchanged.")
    encoding_format: Mapped[str | None] = c.varchar(20, "Character encoding of the data exchanged.", default="UTF-8")
    sync_frequency: Mapped[str | None] = c.enum(SyncFrequency, "How often the hub pulls.")
    sync_direction: Mapped[str | None] = c.enum(SyncDirection, "Whether data flows in, out, or both ways.")
    is_primary_lms: Mapped[bool | None] = c.boolean(
        "At most one per company: setting it moves it. Target of outbound enrollments that name no LMS; "
        "wins where two LMSs describe one course differently.",
        default=False,
    )
    is_active: Mapped[bool | None] = c.boolean(
        "False: no run, no outbound, no webhook taken in; rows and history stay. connection_status is then Disconnected.",
        default=True,
    )
    connection_status: Mapped[str | None] = c.enum(
        ConnectionStatus,
        "Testing while a test runs; Connected after a success; Error when error_count reaches max_retry_attempts; "
        "Maintenance in a planned window; Disconnected before the first contact, when inactive, "
        "or when the host cannot be reached.",
    )
    last_sync_at: Mapped[datetime | None] = c.moment("End of the last ended run (UTC).")
    last_successful_sync_at: Mapped[datetime | None] = c.moment("End of the last completed run (UTC).")
    error_count: Mapped[int | None] = c.integer(
        "Failed runs in a row, held at max_retry_attempts, 0 after a success.", default=0
    )
    max_retry_attempts: Mapped[int | None] = c.integer(
        "Failed runs in a row that make an Error; also limits the retries of one request.", default=3
    )
    timeout_seconds: Mapped[int | None] = c.integer("Longest time to wait for one answer, in seconds.", default=30)
    rate_limit_per_hour: Mapped[int | None] = c.integer("Most requests to the LMS in one hour.", default=1000)
    supported_course_types: Mapped[Any | None] = c.json(
        "Only these are taken in (eLearning, Instructor-led, Blended, Virtual, Microlearning; Virtual means "
        "Virtual Classroom); others count as stored. Empty: all."
    )
    field_mappings: Mapped[Any | None] = c.json("Field mapping between HR and LMS systems (JMESPath).")
    validation_rules: Mapped[Any | None] = c.json("Data validation rules (JSON Schema).")
    transformation_rules: Mapped[Any | None] = c.json("Data transformation logic (JMESPath).")
    compliance_settings: Mapped[Any | None] = c.json(
        "sla, educational, pass_satisfies, retake, versions of SCORM, AICC, xAPI; checked by a schema."
    )
    created_by_user_id: Mapped[UUID | None] = c.uuid("Person of the first command; NULL: a system.")
    updated_by_user_id: Mapped[UUID | None] = c.uuid("Person of the last command; NULL: a system.")
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()


class RequestBudget(Base):
    """How many requests an integration may make now."""

    __tablename__ = "request_budget"
    __table_args__ = described(
        "request_budget",
        "How many requests may be made to an LMS at once; shared by all runs, tests and probes of its integration.",
        part="engine",
        schema=OPS_SCHEMA,
    )

    lms_integration_id: Mapped[UUID] = c.key("Integration (LMS) that is asked.")
    tokens: Mapped[Decimal] = c.decimal(16, 6, "Requests that might be made at once when it was last changed.")
    changed_at: Mapped[datetime] = c.moment("When requests were last taken from it (UTC).", auto=True)
