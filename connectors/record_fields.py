"""The fields of a hub record: which there are, how each is read, and which fact it tells.

A field is named as the column of the specification's tables that it fills, or as the fact it tells where no column
holds that (see :mod:`hub.domain.observations`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.parse import (
    Parser,
    boolean,
    currency,
    decimal,
    https_link,
    json_list,
    json_value,
    names,
    one_of,
    percent,
    seconds_of,
    text,
    whole,
)
from connectors.parse_dates import day, moment
from hub.domain.values import CourseType, EnrollmentSource, EnrollmentStatus, LessonStatus, LessonType

LEARNER: Final[Mapping[str, str]] = {
    "lms_user_id": "lms_user_id",
    "hr_number": "hr_number",
    "employee_number": "hr_number",
    "employee_id": "hr_number",
    "email": "email",
    "login_name": "login_name",
    "display_name": "display_name",
    "custom_identifier": "custom_identifier",
}
"""Fields that name the learner, and what each means. A source's ``employee_id`` is HR's number of the employee."""

ACCOUNT_KEYS: Final = ("lms_user_id", "hr_number", "email", "login_name")
"""What may name the account, in this order."""

CHANGED: Final = ("changed_at", "source_time", "updated_at")
"""The state's own time in the source, in this order."""

ENROLLMENT_STATUS: Final[Mapping[str, Mapping[str, bool]]] = {
    EnrollmentStatus.NOT_STARTED: {"worked": False},
    EnrollmentStatus.IN_PROGRESS: {"worked": True, "suspended": False},
    EnrollmentStatus.COMPLETED: {"completed": True, "passed": True},
    EnrollmentStatus.FAILED: {"completed": True, "passed": False},
    EnrollmentStatus.DROPPED: {"removed": True},
    EnrollmentStatus.ON_HOLD: {"suspended": True},
    EnrollmentStatus.EXPIRED: {"expired": True},
    EnrollmentStatus.CERTIFIED: {"certified": True, "completed": True},
}
LESSON_STATUS: Final[Mapping[str, Mapping[str, bool]]] = {
    LessonStatus.NOT_STARTED: {"worked": False},
    LessonStatus.IN_PROGRESS: {"worked": True},
    LessonStatus.COMPLETED: {"completed": True, "passed": True},
    LessonStatus.FAILED: {"completed": True, "passed": False},
    LessonStatus.SKIPPED: {"skipped": True},
}
STATUS: Final[Mapping[str, Parser]] = {
    "enrollment_status": one_of(EnrollmentStatus),
    "progress_status": one_of(LessonStatus),
}

_flag = boolean()
_score = decimal(4, None, 9_999_999_999)

COURSE: Final[Mapping[str, tuple[str, Parser]]] = {
    "course_name": ("course_name", text(200)),
    "course_code": ("course_code", text(50)),
    "course_type": ("course_type", one_of(CourseType)),
}
"""Fields of the course: field → (fact of the course, parser)."""

ENROLLMENT: Final[Mapping[str, tuple[str, Parser]]] = {
    "course_name": ("course_name", text(200)),
    "course_code": ("course_code", text(50)),
    "course_type": ("course_type", one_of(CourseType)),
    "enrollment_number": ("enrollment_key", text()),
    "enrollment_key": ("enrollment_key", text()),
    "enrollment_date": ("enrolled_on", day),
    "start_date": ("started_on", day),
    "end_date": ("access_ends_on", day),
    "completion_date": ("completed_on", day),
    "due_date": ("due_on", day),
    "progress_percentage": ("progress", percent),
    "time_spent_minutes": ("seconds_total", seconds_of(60)),
    "time_spent_seconds": ("seconds_total", seconds_of(1)),
    "seconds_more": ("seconds_more", seconds_of(1)),
    "score_achieved": ("score", _score),
    "max_score": ("score_max", _score),
    "score_min": ("score_min", _score),
    "passing_score": ("passing_score", _score),
    "grade_achieved": ("grade", text(10)),
    "instructor_id": ("instructor_id", text(100)),
    "instructor_name": ("instructor_name", text(200)),
    "completion_certificate_url": ("certificate_url", https_link),
    "credits_earned": ("credits", decimal(2, 0, 999_999)),
    "cost_amount": ("cost", decimal(2, 0, 99_999_999)),
    "currency_code": ("currency", currency),
    "is_mandatory": ("mandatory", _flag),
    "is_compliance_training": ("compliance", _flag),
    "auto_enrollment": ("automatic", _flag),
    "enrollment_source": ("enrollment_source", one_of(EnrollmentSource)),
    "learning_path_id": ("learning_path_id", text(100)),
    "prerequisite_courses": ("prerequisite_courses", names),
    "next_courses": ("next_courses", names),
    "last_access_date": ("last_access_at", moment),
    "total_access_count": ("accesses_total", whole),
    "accesses_more": ("accesses_more", whole),
    "certificate_id": ("certificate_id", text(200)),
    "certificate_issuer": ("certificate_issuer", text(200)),
    "valid_from": ("valid_from", day),
    "valid_until": ("valid_until", day),
    "course_version": ("course_version", text(50)),
    "completed_at": ("completed_at", moment),
} | {
    flag: (flag, _flag)
    for flag in (
        "registered",
        "completed",
        "passed",
        "removed",
        "suspended",
        "expired",
        "waived",
        "worked",
        "certified",
    )
}
"""Fields of an enrollment's record: field → (fact, parser)."""

LESSON: Final[Mapping[str, tuple[str, Parser]]] = {
    "lesson_name": ("lesson_name", text(200)),
    "lesson_type": ("lesson_type", one_of(LessonType)),
    "completion_date": ("completed_at", moment),
    "completed_at": ("completed_at", moment),
    "time_spent_minutes": ("seconds_total", seconds_of(60)),
    "time_spent_seconds": ("seconds_total", seconds_of(1)),
    "seconds_more": ("seconds_more", seconds_of(1)),
    "score_achieved": ("score", _score),
    "max_score": ("score_max", _score),
    "score_min": ("score_min", _score),
    "passing_score": ("passing_score", _score),
    "attempts_count": ("attempts_total", whole),
    "attempts_more": ("attempts_more", whole),
    "first_access_date": ("first_access_at", moment),
    "last_access_date": ("last_access_at", moment),
    "completion_percentage": ("progress", percent),
    "bookmark_data": ("bookmark", json_value),
    "interaction_data": ("interactions", json_list),
    "assessment_results": ("attempt", json_list),
    "feedback_data": ("feedback", json_list),
    "next_lesson_id": ("next_lesson_id", text()),
    "prerequisites_completed": ("prerequisites_completed", _flag),
    "is_mandatory_lesson": ("mandatory", _flag),
} | {flag: (flag, _flag) for flag in ("completed", "passed", "final", "skipped", "worked")}
"""Fields of a lesson's record: field → (fact, parser)."""

LESSON_ONLY: Final = frozenset(
    {"progress_status", "lesson_name", "lesson_type", "completion_percentage", "attempts_count"}
)
"""Fields that tell that a record means a lesson."""

FIELDS: Final = frozenset(
    {"course_id", "lesson_id"} | set(LEARNER) | set(CHANGED) | set(STATUS) | set(COURSE) | set(ENROLLMENT) | set(LESSON)
)
"""Every field that a hub record may have."""

BARE_FACTS: Final = frozenset(
    {"registered", "completed", "passed", "removed", "suspended", "expired", "waived", "worked", "certified"}
    | {"final", "skipped", "completed_at", "seconds_more", "accesses_more", "attempts_more", "score_min"}
    | {"source_time"}
)

OWN_NAMES: Final = FIELDS - BARE_FACTS
"""Fields that a source's column tells by its name alone. Not the bare facts: a column "Completed" is often a date."""
