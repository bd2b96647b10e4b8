"""The words and units of the field, declared once: enumerations and the types that events and tables share.

Tables, schemas, connectors and tests all take their enumerations from here. Values are spelled as in the
specification of the tables; they travel as strings, so a new value never breaks a reader.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field


class EnrollmentStatus(StrEnum):
    """Where one cycle of one person in one course stands."""

    NOT_STARTED = "Not Started"
    IN_PROGRESS = "In Progress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    DROPPED = "Dropped"
    ON_HOLD = "On Hold"
    EXPIRED = "Expired"
    CERTIFIED = "Certified"


class LessonStatus(StrEnum):
    """Where one lesson of an enrollment stands."""

    NOT_STARTED = "Not Started"
    IN_PROGRESS = "In Progress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class CourseType(StrEnum):
    """The form in which a course is held."""

    ELEARNING = "eLearning"
    INSTRUCTOR_LED = "Instructor-led"
    BLENDED = "Blended"
    VIRTUAL_CLASSROOM = "Virtual Classroom"
    MICROLEARNING = "Microlearning"
    WEBINAR = "Webinar"
    WORKSHOP = "Workshop"


class LessonType(StrEnum):
    """The kind of a lesson."""

    VIDEO = "Video"
    READING = "Reading"
    QUIZ = "Quiz"
    ASSIGNMENT = "Assignment"
    PROJECT = "Project"
    DISCUSSION = "Discussion"
    ASSESSMENT = "Assessment"
    SIMULATION = "Simulation"


class EnrollmentSource(StrEnum):
    """By whose act somebody was enrolled."""

    MANAGER = "Manager Assignment"
    SELF = "Self Enrollment"
    SYSTEM = "System Assignment"
    PATH = "Learning Path"
    COMPLIANCE = "Compliance Requirement"


class LmsType(StrEnum):
    """The kinds of learning system the hub knows."""

    CORPORATE = "Corporate LMS"
    MOODLE = "Moodle"
    CANVAS = "Canvas"
    BLACKBOARD = "Blackboard"
    CORNERSTONE = "Cornerstone"
    DOCEBO = "Docebo"
    TALENTLMS = "TalentLMS"
    CUSTOM = "Custom LMS"
    SCORM = "SCORM Compliant"
    XAPI = "xAPI Compatible"


class IntegrationMethod(StrEnum):
    """The way by which data of an integration travels."""

    API = "API"
    LTI = "LTI"
    SCORM = "SCORM"
    XAPI = "xAPI"
    SFTP = "SFTP"
    FILE_UPLOAD = "File Upload"
    WEBHOOK = "Webhook"
    DATABASE_LINK = "Database Link"
    MANUAL_ENTRY = "Manual Entry"


class AuthenticationType(StrEnum):
    """What the hub presents to the LMS."""

    API_KEY = "API Key"
    OAUTH2 = "OAuth 2.0"
    BASIC = "Basic Auth"
    LTI_KEY = "LTI Key"
    JWT = "JWT"
    CERTIFICATE = "Certificate"
    SAML = "SAML"


class DataFormat(StrEnum):
    """The form of what an integration sends."""

    JSON = "JSON"
    XML = "XML"
    CSV = "CSV"
    SCORM = "SCORM"
    XAPI = "xAPI"
    LTI = "LTI"


class SyncFrequency(StrEnum):
    """How often an integration is pulled."""

    REAL_TIME = "Real-time"
    QUARTER_HOURLY = "Every 15 mins"
    HOURLY = "Hourly"
    DAILY = "Daily"
    WEEKLY = "Weekly"
    ON_DEMAND = "On-demand"


class SyncDirection(StrEnum):
    """Which way facts flow."""

    BIDIRECTIONAL = "Bidirectional"
    INBOUND = "Inbound Only"
    OUTBOUND = "Outbound Only"


class ConnectionStatus(StrEnum):
    """What is known of the line to an LMS."""

    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"
    ERROR = "Error"
    TESTING = "Testing"
    MAINTENANCE = "Maintenance"


class EmploymentStatus(StrEnum):
    """Whether somebody works for the company now."""

    ACTIVE = "Active"
    ON_LEAVE = "On Leave"
    TERMINATED = "Terminated"


class MatchedBy(StrEnum):
    """The key that linked an LMS account to an employee, in the order in which they are tried."""

    HR_NUMBER = "hr_number"
    CUSTOM_FIELD = "custom_field"
    EMAIL = "email"
    LOGIN = "login"
    MANUAL = "manual"


class ActorKind(StrEnum):
    """Who acted."""

    EMPLOYEE = "employee"
    USER = "user"
    INTEGRATION = "integration"
    SYSTEM = "system"


class Outcome(StrEnum):
    """What became of one source record; each record counts once, by the first that fits in this order."""

    REJECTED = "rejected"
    UNMATCHED = "unmatched"
    CHANGED = "changed"
    STORED = "stored"
    UNCHANGED = "unchanged"


# -- types that carry their meaning into the Avro schemas -------------------------------------------------


class SealedMark:
    """Marks a field as personal: its value is a sealed token in text form (``sealed:…``), never clear text."""


class JsonMark:
    """Marks a field as JSON text."""


Sealed = Annotated[str, Field(pattern=r"^sealed:[A-Za-z0-9_-]+$"), SealedMark()]
"""Personal data, sealed with the key of its data subject."""

JsonText = Annotated[str, JsonMark()]
"""A JSON document as text, so that its shape may grow without a new schema."""

Instant = AwareDatetime
"""A moment; UTC, microseconds."""

Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)]
"""0 to 100, two decimals."""

Score = Annotated[Decimal, Field(ge=0, max_digits=5, decimal_places=2)]
"""A score or pass mark in the LMS's own scale where that fits 999.99, else rescaled to 0..100."""

RawScore = Annotated[Decimal, Field(max_digits=14, decimal_places=4)]
"""A score as the source gave it."""

Money = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]
"""An amount in the currency beside it."""

Credits = Annotated[Decimal, Field(ge=0, max_digits=8, decimal_places=2)]
"""Credits or points granted by a course."""

Seconds = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]

__all__ = [
    "UUID",
    "ActorKind",
    "AuthenticationType",
    "ConnectionStatus",
    "Count",
    "CourseType",
    "Credits",
    "DataFormat",
    "EmploymentStatus",
    "EnrollmentSource",
    "EnrollmentStatus",
    "Instant",
    "IntegrationMethod",
    "JsonMark",
    "JsonText",
    "LessonStatus",
    "LessonType",
    "LmsType",
    "MatchedBy",
    "Money",
    "Outcome",
    "Percent",
    "RawScore",
    "Score",
    "Sealed",
    "SealedMark",
    "Seconds",
    "SyncDirection",
    "SyncFrequency",
    "date",
    "datetime",
]
