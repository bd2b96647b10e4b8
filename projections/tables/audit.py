"""``lms_audit_trail``: one row per decided event, the id of the row is that of the event (specification 13.4.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from projections.tables import columns as c
from projections.tables.base import Base, described, index, own_index, reference
from projections.tables.rules import AtLeast

AUDIT_TYPES = (
    "Data Sync",
    "Configuration Change",
    "Access Control",
    "Security Incident",
    "Compliance Check",
    "Performance Issue",
    "Course Enrollment",
    "Progress Update",
    "Content Management",
)
ACTIONS = (
    "Create",
    "Update",
    "Delete",
    "Activate",
    "Deactivate",
    "Sync",
    "Export",
    "Import",
    "Approve",
    "Reject",
    "Enroll",
    "Unenroll",
    "Complete",
)
ENTITY_TYPES = (
    "LMS Config",
    "Course Enrollment",
    "Learning Progress",
    "User Role",
    "Employee Data",
    "Content Data",
    "Compliance Setting",
)
RISK_LEVELS = ("Low", "Medium", "High", "Critical")
SENSITIVITY_LEVELS = ("Public", "Internal", "Confidential", "Restricted", "PII", "Learning Data")
REGULATORY_IMPACTS = ("None", "GDPR", "Industry Standards", "Company Policy", "Educational Compliance")


class AuditTrail(Base):
    """One decided event, as an auditor reads it."""

    __tablename__ = "lms_audit_trail"
    __table_args__ = described(
        "lms_audit_trail",
        "One row per event, written in the same transaction as the row that it changed. The id is that of the event.",
        index("company_id"),
        index("lms_integration_id"),
        index("enrollment_id"),
        index("audit_type"),
        index("action"),
        index("entity_type"),
        index("risk_level"),
        index("performed_by_user_id"),
        index("timestamp"),
        index("data_sensitivity_level"),
        own_index("entity", "entity_id", where="enrollment_id IS NULL"),  # the others are found by their enrollment
        reference("fk_lms_audit_company", "company_id", "company"),
        reference("fk_lms_audit_lms_integration", "lms_integration_id", "lms_integration_config"),
        reference("fk_lms_audit_enrollment", "enrollment_id", "lms_course_enrollment"),
        reference("fk_lms_audit_performed_by", "performed_by_user_id", "user"),
        part="specification",
        rules=(AtLeast("chk_affected_employees_positive", "affected_employees", 0),),
    )

    id: Mapped[UUID] = c.key("Identifier of the event.")
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID | None] = c.uuid("Integration (LMS) that the event concerns, if any.")
    enrollment_id: Mapped[UUID | None] = c.uuid(
        "Enrollment that the event or its lesson concerns, where it existed when the event was decided; "
        "else named in additional_context."
    )
    audit_type: Mapped[str | None] = c.enum(
        AUDIT_TYPES, "Kind of event; the exact word is additional_context.event_type."
    )
    action: Mapped[str | None] = c.enum(
        ACTIONS, "What was done, coarsely; the exact word is additional_context.event_type."
    )
    entity_type: Mapped[str | None] = c.enum(ENTITY_TYPES, "Kind of thing that the event is about.")
    entity_id: Mapped[UUID | None] = c.uuid("Id of the row that the event is about.")
    old_values: Mapped[Any | None] = c.json(
        "Previous values before change; NULL for a first row or where no row changed. Secrets are masked, "
        "personal fields sealed."
    )
    new_values: Mapped[Any | None] = c.json(
        "New values after change; NULL for a removal or where no row changed. Secrets are masked, personal fields sealed."
    )
    field_changes: Mapped[Any | None] = c.json(
        "Specific field changes: {field: [old, new]} of what differs, without updated_at."
    )
    action_reason: Mapped[str | None] = c.long_text("The reason that the event carries.")
    business_justification: Mapped[str | None] = c.long_text("Why a person did it; required from risk High on.")
    impact_assessment: Mapped[str | None] = c.long_text(
        "One sentence from the decision: what changed from what to what."
    )
    risk_level: Mapped[str | None] = c.enum(
        RISK_LEVELS, "Risk of the event by its family, raised by at most one level."
    )
    compliance_impact: Mapped[str | None] = c.long_text(
        "Requirements that became met or unmet by the event; NULL: none."
    )
    affected_employees: Mapped[int | None] = c.integer(
        "Number of employees whom the event affects, counted when it was decided.", default=0
    )
    data_sensitivity_level: Mapped[str | None] = c.enum(SENSITIVITY_LEVELS, "Class of the data that the event touches.")
    regulatory_impact: Mapped[str | None] = c.enum(REGULATORY_IMPACTS, "Regulation that the event falls under.")
    performed_by_user_id: Mapped[UUID | None] = c.uuid(
        "The person; NULL when a system acted, then additional_context.actor names it."
    )
    ip_address: Mapped[str | None] = c.varchar(
        45, "Address the request came from; only for people and keys.", personal=True
    )
    user_agent: Mapped[str | None] = c.long_text(
        "Program that sent the request; only for people and keys.", personal=True
    )
    session_id: Mapped[str | None] = c.varchar(100, "Session of the request; only for people and keys.", personal=True)
    timestamp: Mapped[datetime] = c.moment("When the hub recorded the event (UTC).", auto=True)
    additional_context: Mapped[Any | None] = c.json(
        "Extra context information: event_type, occurred_at, topic, partition, offset, hash, actor, causation."
    )
