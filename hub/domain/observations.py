"""Observations: what a connector saw in an LMS, before anything is decided. Topic ``lms.observations``.

An LMS gives states ("Ada is at 40 %") or tells of single facts; both arrive here in one form. Every fact is optional:
``None`` means *not said*, which is not the same as false or zero. The key is the stream the observation concerns, so
all that is said of one enrollment lies in one partition, in order. An observation concerns the enrollment or one
lesson, never several. Facts say what the source means (completed, passed, removed, suspended); the status follows from
them by the precedence in :mod:`hub.domain.status`, never from a source's own status list.

Exactly one observation per source record has ``counted`` true: the run's accounting rests on it.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field

from hub.domain.events.base import Declared, Wire
from hub.domain.events.directory import AccountChange, CourseChange
from hub.domain.values import (
    UUID,
    Count,
    CourseType,
    Credits,
    EnrollmentSource,
    Instant,
    JsonText,
    LessonType,
    Money,
    Percent,
    RawScore,
    Sealed,
    Seconds,
)


class Observation(Wire):
    """What all observations carry."""

    company_id: UUID
    integration_id: UUID
    stream_kind: str = Field(description="enrollment, account, course or settings")
    stream_id: UUID
    observed_at: Instant = Field(description="When the connector saw it")
    source_time: Instant | None = Field(
        None, description="The state's own time in the source; none where it tells none"
    )
    native_id: str | None = Field(None, description="The source's id of the record; never one that names a person")
    payload_sha256: bytes | None = Field(None, description="SHA-256 of the source record")
    content_id: str | None = Field(
        None, description="Identity of a single fact (an xAPI statement's digest); none for a state"
    )
    run_id: UUID | None = None
    source_name: str | None = Field(None, description="File or address, without credentials")
    source_position: str | None = Field(None, description="Line, item or page")
    counted: bool = Field(True, description="Stands for its source record in the accounting")
    overtaken: bool = Field(
        False,
        description="A later observation of the same run says all that this one says, of the same thing and with the same "
        "own time; so it is news only where it was never told",
    )
    backfill: bool = False
    topic = "lms.observations"


class EnrollmentFacts(Declared):
    """What may be said of an enrollment."""

    enrollment_key: str | None = Field(
        None, description="The LMS's own id of this cycle; another one after an end opens a new cycle"
    )
    registered: bool | None = Field(None, description="True: an act of enrolling happened at source_time")
    completed: bool | None = Field(None, description="The source says complete, or not complete")
    passed: bool | None = Field(None, description="An explicit result: success or failure")
    removed: bool | None = Field(None, description="Withdrawn, cancelled, rejected, unenrolled")
    suspended: bool | None = Field(None, description="Suspended, inactive, waiting; false: goes on")
    expired: bool | None = Field(None, description="The source says that access ran out")
    waived: bool | None = None
    worked: bool | None = Field(None, description="A sign of the learner's own work that no other fact shows")
    certified: bool | None = Field(None, description="A certificate was issued; false: it was revoked")
    certificate_id: str | None = None
    certificate_issuer: str | None = None
    certificate_url: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    course_version: str | None = None
    enrolled_on: date | None = None
    started_on: date | None = None
    access_ends_on: date | None = None
    completed_on: date | None = None
    due_on: date | None = None
    completed_at: Instant | None = Field(
        None, description="The instant, where known; the day follows from the company's zone"
    )
    progress: Percent | None = None
    seconds_total: Seconds | None = Field(None, description="Time spent so far")
    seconds_more: Seconds | None = Field(None, description="Time spent in addition (a session)")
    score: RawScore | None = None
    score_min: RawScore | None = None
    score_max: RawScore | None = None
    passing_score: RawScore | None = None
    grade: str | None = None
    instructor_id: str | None = None
    instructor_name: Sealed | None = None
    credits: Credits | None = None
    cost: Money | None = None
    currency: str | None = None
    mandatory: bool | None = None
    compliance: bool | None = None
    automatic: bool | None = None
    enrollment_source: EnrollmentSource | None = None
    learning_path_id: str | None = None
    prerequisite_courses: tuple[str, ...] | None = None
    next_courses: tuple[str, ...] | None = None
    last_access_at: Instant | None = None
    accesses_total: Count | None = None
    accesses_more: Count | None = Field(None, description="Sessions (launches) in addition")
    course_name: str | None = None
    course_code: str | None = None
    course_type: CourseType | None = None
    time_zone: str | None = Field(None, description="Zone of the source, where it tells one")


class LessonFacts(Declared):
    """What may be said of one lesson."""

    lesson_id: str | None = Field(None, description="The lesson's key in the LMS")
    lesson_name: str | None = None
    lesson_type: LessonType | None = None
    completed: bool | None = None
    passed: bool | None = None
    final: bool | None = Field(None, description="The attempt is over; a failing result counts")
    skipped: bool | None = None
    worked: bool | None = None
    completed_at: Instant | None = None
    progress: Percent | None = None
    seconds_total: Seconds | None = None
    seconds_more: Seconds | None = None
    score: RawScore | None = None
    score_min: RawScore | None = None
    score_max: RawScore | None = None
    passing_score: RawScore | None = None
    attempts_total: Count | None = None
    attempts_more: Count | None = None
    first_access_at: Instant | None = None
    last_access_at: Instant | None = None
    bookmark: JsonText | None = None
    interactions: JsonText | None = Field(
        None, description="JSON list of {id, type, response, result, latency}; added to those known"
    )
    attempt: JsonText | None = Field(None, description="JSON {number, time, score, passed}; added to those known")
    feedback: Sealed | None = None
    next_lesson_id: str | None = None
    prerequisites_completed: bool | None = None
    mandatory: bool | None = None


class EnrollmentObserved(Observation):
    """An LMS, a file or a statement told something of an enrollment."""

    account_id: UUID
    course_key: str
    facts: EnrollmentFacts
    type = "lms.observation.enrollment.v1"


class LessonObserved(Observation):
    """An LMS, a file or a statement told something of one lesson of an enrollment."""

    account_id: UUID
    course_key: str
    lesson_key: str
    facts: LessonFacts
    course_name: str | None = None
    type = "lms.observation.lesson.v1"


class AccountObserved(Observation):
    """An account of the LMS was seen; its identifiers are sealed with the account's key."""

    facts: AccountChange
    type = "lms.observation.account.v1"


class CourseObserved(Observation):
    """A course of the LMS's catalogue was seen."""

    facts: CourseChange
    retired: bool = False
    type = "lms.observation.course.v1"


class FactVoided(Observation):
    """A fact told earlier is void: the statement it came from was voided. Key: the enrollment it concerned."""

    voided_native_id: str = Field(description="The native id of the record whose fact is taken out")
    type = "lms.observation.voided.v1"
