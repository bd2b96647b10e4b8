"""Topic ``lms.learning``: what happened to an enrollment and its lessons. Key: the enrollment's stream.

All events of the topic share one body. ``enrollment`` and ``lesson`` hold the *new values* of what changed (absent:
unchanged), ``cleared`` names what became unknown, ``reported`` keeps what the source said, so that a fact can be taken
out later and the rest be decided again. A late fact (older than what is known) is recorded and moves no row back.

Times are UTC, ``*_seconds`` whole seconds, percentages 0..100. ``*_date`` of an enrollment are days in the company's
time zone.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field

from hub.domain.events.base import Declared, Event
from hub.domain.values import (
    UUID,
    Count,
    CourseType,
    Credits,
    EnrollmentSource,
    EnrollmentStatus,
    Instant,
    JsonText,
    LessonStatus,
    LessonType,
    Money,
    Percent,
    RawScore,
    Score,
    Sealed,
    Seconds,
)


class EnrollmentChange(Declared):
    """New values of an enrollment's cycle; what is absent did not change."""

    employee_id: UUID | None = Field(None, description="The employee the LMS account is linked to")
    course_id: str | None = Field(
        None, max_length=100, description="The course's key in the LMS, or its alias where longer than 100"
    )
    course_name: str | None = Field(None, max_length=200)
    course_code: str | None = Field(None, max_length=50)
    course_type: CourseType | None = None
    enrollment_status: EnrollmentStatus | None = None
    enrollment_date: date | None = None
    enrollment_date_seen: bool | None = Field(
        None, description="True: no source gave the day; it is the day first seen"
    )
    start_date: date | None = None
    end_date: date | None = Field(None, description="Last day of access")
    completion_date: date | None = None
    completion_date_seen: bool | None = Field(
        None, description="True: no source told when; it is the day on which it was first seen"
    )
    due_date: date | None = None
    progress_percentage: Percent | None = None
    time_spent_seconds: Seconds | None = None
    score_achieved: Score | None = None
    max_score: Score | None = None
    passing_score: Score | None = None
    raw_score: RawScore | None = Field(None, description="The score as the source gave it, where it was rescaled")
    raw_max_score: RawScore | None = None
    grade_achieved: str | None = Field(None, max_length=10)
    instructor_id: str | None = Field(None, max_length=100)
    instructor_name: Sealed | None = None
    completion_certificate_url: str | None = Field(None, max_length=500)
    certificate_id: str | None = None
    certificate_issuer: str | None = None
    valid_from: date | None = Field(None, description="First day the certificate is valid")
    valid_until: date | None = Field(None, description="First day it is no longer valid; absent: for ever")
    revoked_on: date | None = None
    credits_earned: Credits | None = None
    cost_amount: Money | None = None
    currency_code: str | None = Field(None, max_length=10)
    is_mandatory: bool | None = None
    is_compliance_training: bool | None = None
    auto_enrollment: bool | None = None
    enrollment_source: EnrollmentSource | None = None
    learning_path_id: str | None = Field(None, max_length=100)
    prerequisite_courses: tuple[str, ...] | None = None
    next_courses: tuple[str, ...] | None = None
    last_access_date: Instant | None = None
    total_access_count: Count | None = None
    enrollment_key: str | None = Field(None, description="The LMS's own id of this cycle, where it has one")
    course_version: str | None = None
    completed: bool | None = Field(None, description="What the LMS last said of completion")
    passed: bool | None = Field(None, description="What the LMS last said of success")
    suspended: bool | None = Field(None, description="What the LMS last said of suspension")
    waived: bool | None = None
    overdue: bool | None = None
    warned_until: date | None = Field(None, description="The validity of which it was last told that it ends soon")
    warned_days: Count | None = Field(None, description="How many days were left when that was told: 90, 60 or 30")
    ended_at: Instant | None = Field(None, description="When the cycle ended, by the source's clock")
    source_time: Instant | None = Field(None, description="The newest state of the LMS that is folded into the row")
    source_time_zone: str | None = None


class LessonChange(Declared):
    """New values of a lesson; what is absent did not change."""

    lesson_name: str | None = Field(None, max_length=200)
    lesson_type: LessonType | None = None
    progress_status: LessonStatus | None = None
    completion_date: Instant | None = None
    time_spent_seconds: Seconds | None = None
    score_achieved: Score | None = None
    max_score: Score | None = None
    raw_score: RawScore | None = None
    raw_max_score: RawScore | None = None
    attempts_count: Count | None = None
    first_access_date: Instant | None = None
    last_access_date: Instant | None = None
    completion_percentage: Percent | None = None
    bookmark_data: JsonText | None = None
    interaction_data: JsonText | None = None
    assessment_results: JsonText | None = None
    feedback_data: Sealed | None = Field(None, description="JSON list of comments with author and day, sealed")
    next_lesson_id: str | None = Field(None, max_length=100)
    prerequisites_completed: bool | None = None
    is_mandatory_lesson: bool | None = None
    completed: bool | None = None
    passed: bool | None = None
    source_time: Instant | None = None


class LearningEvent(Event):
    """Body of all events of an enrollment and its lessons."""

    account_id: UUID = Field(description="The learner's LMS account")
    course_key: str = Field(description="The course's own id in the LMS, whole")
    employee_id: UUID | None = Field(None, description="The employee the enrollment belongs to, once this is applied")
    cycle: int = Field(ge=1, description="Which cycle of the stream: a retake after an end is a new one")
    enrollment_row_id: UUID = Field(description="The row of the cycle")
    existing_enrollment_id: UUID | None = Field(
        None, description="The same, where the row existed when this was decided"
    )
    late: bool = Field(False, description="Older than what was known: recorded, moves no row back")
    compliance_training: bool = Field(False, description="The course is compliance training")
    enrollment: EnrollmentChange | None = None
    enrollment_cleared: tuple[str, ...] = Field((), description="Columns that became unknown")
    lesson_id: str | None = Field(None, max_length=100, description="The lesson it concerns; none: the enrollment")
    lesson_row_id: UUID | None = None
    lesson: LessonChange | None = None
    lesson_cleared: tuple[str, ...] = ()
    reported: JsonText | None = Field(None, description="What the source said, as JSON of the observation's facts")
    other_cycle_ids: tuple[UUID, ...] = Field((), description="Earlier cycles' rows that get the same employee")
    linked_lesson_ids: tuple[UUID, ...] = Field((), description="Lessons' rows that get the same employee")
    retracts: UUID | None = Field(None, description="The event of this stream whose fact is taken out")
    topic = "lms.learning"


class EnrollmentRegistered(LearningEvent):
    """A cycle of a person in a course began: enrolled, registered or first seen there. Source: LMS, file, person."""

    type = "lms.enrollment.registered.v1"


class EnrollmentStarted(LearningEvent):
    """First sign of the learner's own work in the cycle. Source: LMS."""

    type = "lms.enrollment.started.v1"


class EnrollmentProgressed(LearningEvent):
    """Percentage, time or score of the course moved. Source: LMS."""

    type = "lms.enrollment.progressed.v1"


class EnrollmentCompleted(LearningEvent):
    """The LMS counts the course as completed. ``completion_date`` is the day in the company's zone."""

    type = "lms.enrollment.completed.v1"


class EnrollmentFailed(LearningEvent):
    """The course ended without success: an explicit failing result."""

    type = "lms.enrollment.failed.v1"


class EnrollmentWithdrawn(LearningEvent):
    """The learner left or was taken out of the course (status Dropped)."""

    type = "lms.enrollment.withdrawn.v1"


class EnrollmentHeld(LearningEvent):
    """The enrollment was suspended, or waits (status On Hold)."""

    type = "lms.enrollment.held.v1"


class EnrollmentResumed(LearningEvent):
    """A held enrollment goes on."""

    type = "lms.enrollment.resumed.v1"


class EnrollmentExpired(LearningEvent):
    """Access ended before the course was completed (status Expired, no completion date)."""

    type = "lms.enrollment.expired.v1"


class EnrollmentCertified(LearningEvent):
    """A certificate was issued: valid from, valid until, its id, issuer and link."""

    type = "lms.enrollment.certified.v1"


class CertificateLapsed(LearningEvent):
    """The certificate's validity ended (status Expired, completion date kept). Source: clock, LMS."""

    type = "lms.enrollment.certificate_lapsed.v1"


class CertificateRevoked(LearningEvent):
    """The certificate was taken back; the enrollment is Completed again."""

    type = "lms.enrollment.certificate_revoked.v1"


class CertificateExpiring(LearningEvent):
    """The certificate lapses in 90, 60 or 30 days (``days_left``). Source: clock."""

    days_left: int = Field(0, description="90, 60 or 30")
    type = "lms.enrollment.certificate_expiring.v1"


class EnrollmentWaived(LearningEvent):
    """Somebody was excused from the course; it counts as completed (grade "Waived")."""

    type = "lms.enrollment.waived.v1"


class DueDateChanged(LearningEvent):
    """The deadline was set, moved or lifted. The first one stays in the history."""

    type = "lms.enrollment.due_date_changed.v1"


class EnrollmentOverdue(LearningEvent):
    """The due date passed without completion. Source: clock."""

    type = "lms.enrollment.became_overdue.v1"


class EnrollmentDetailsChanged(LearningEvent):
    """Something about the enrollment changed that moves no status: names, dates, instructor, cost, access."""

    type = "lms.enrollment.details_changed.v1"


class EnrollmentCorrected(LearningEvent):
    """A person put a wrong value right, with a reason."""

    type = "lms.enrollment.corrected.v1"


class EnrollmentRetracted(LearningEvent):
    """A fact was taken out (a voided statement, an import undone); the rows are as if it had not been told."""

    type = "lms.enrollment.retracted.v1"


class EnrollmentLinked(LearningEvent):
    """The enrollment's account was linked to an employee, or to another one."""

    type = "lms.enrollment.linked.v1"


class EnrollmentUnlinked(LearningEvent):
    """The enrollment's account is no longer linked to an employee."""

    type = "lms.enrollment.unlinked.v1"


class LessonStarted(LearningEvent):
    """First sign of work in a lesson."""

    type = "lms.lesson.started.v1"


class LessonProgressed(LearningEvent):
    """Percentage, time, score, attempts or answers of a lesson moved."""

    type = "lms.lesson.progressed.v1"


class LessonCompleted(LearningEvent):
    """The LMS counts the lesson as completed."""

    type = "lms.lesson.completed.v1"


class LessonFailed(LearningEvent):
    """The lesson ended without success."""

    type = "lms.lesson.failed.v1"


class LessonSkipped(LearningEvent):
    """The lesson was skipped or waived; it counts as met."""

    type = "lms.lesson.skipped.v1"


class LessonDetailsChanged(LearningEvent):
    """Something about the lesson changed that moves no status."""

    type = "lms.lesson.details_changed.v1"


STRENGTH: tuple[str, ...] = (
    "lesson.details_changed",
    "enrollment.details_changed",
    "lesson.progressed",
    "enrollment.progressed",
    "lesson.started",
    "enrollment.registered",
    "enrollment.started",
    "enrollment.due_date_changed",
    "enrollment.became_overdue",
    "enrollment.certificate_expiring",
    "enrollment.linked",
    "enrollment.unlinked",
    "enrollment.resumed",
    "enrollment.held",
    "lesson.skipped",
    "lesson.failed",
    "lesson.completed",
    "enrollment.expired",
    "enrollment.withdrawn",
    "enrollment.failed",
    "enrollment.waived",
    "enrollment.completed",
    "enrollment.certified",
    "enrollment.certificate_lapsed",
    "enrollment.certificate_revoked",
    "enrollment.corrected",
    "enrollment.retracted",
)
"""Transitions, weakest first; an event is named after the strongest that it carries."""

OWN_ACTIVITY = frozenset(
    f"{subject}.{what}"
    for subject in ("enrollment", "lesson")
    for what in ("started", "progressed", "completed", "failed", "certified")
) & frozenset(STRENGTH)
"""Transitions that show the learner's own doing, unless a person told them."""

RANK: dict[str, int] = {name: rank for rank, name in enumerate(STRENGTH)}


def ordered(transitions: set[str]) -> tuple[str, ...]:
    """Transitions weakest first, as an event lists them."""
    return tuple(sorted(transitions, key=RANK.__getitem__))


def type_of(transition: str) -> str:
    """The event type named after a transition."""
    return f"lms.{transition}.v1"
