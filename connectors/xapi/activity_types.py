"""What the type of an activity says: which lesson type it is, or that it is a course, a container, an attempt ….

Types are IRIs and compared as exact strings. A type that is not listed, or none, says nothing: nothing is guessed.
"""

from __future__ import annotations

from typing import Final

from hub.domain.values import LessonType

_ADL = "http://adlnet.gov/expapi/activities/"
_TINCAN = "http://id.tincanapi.com/activitytype/"
_ACROSSX = "https://w3id.org/xapi/acrossx/activities/"
_STREAMS = "http://activitystrea.ms/"
_STREAMS_1 = "http://activitystrea.ms/schema/1.0/"
_EDLM = "https://xapi.edlm/profiles/edlm-lms/concepts/activity-types/"

COURSE_TYPES: Final = frozenset({_ADL + "course", "https://w3id.org/xapi/cmi5/activitytype/course"})
"""A course: its statements concern the enrollment, never a lesson."""

SECTION_TYPES: Final = frozenset({"https://w3id.org/xapi/cmi5/activitytype/block", _TINCAN + "section"})
"""Parts of a course that hold lessons and are never one."""

CONTAINER_TYPES: Final = SECTION_TYPES | {_ADL + "module"}
"""Between course and lesson. Moodle also calls a lesson a module."""

CATEGORY_TYPES: Final = frozenset({_EDLM + "course-category"})
"""Above courses."""

ATTEMPT_TYPES: Final = frozenset({_ADL + "attempt", _EDLM + "lesson-session"})
"""One attempt at the lesson that is its parent."""

SUBMISSION_TYPES: Final = frozenset({_EDLM + "submission"})
"""What was handed in for the assignment that is its parent; its score is the assignment's."""

QUESTION_TYPES: Final = frozenset({_ADL + "question", _ADL + "cmi.interaction", _ADL + "interaction"})
"""One question of the lesson that is its parent."""

CERTIFICATE_TYPES: Final = frozenset(
    {_EDLM + "certificate", "https://www.opigno.org/en/tincan_registry/activity_type/certificate"}
)
"""Proof that was issued: what is earned here certifies."""

BADGE_TYPES: Final = frozenset({_STREAMS + "badge", _STREAMS_1 + "badge"})
"""A badge: what is earned here certifies."""

SITE_TYPES: Final = frozenset({_TINCAN + "lms"})
"""The learning system itself, where Moodle reports accounts and logins."""

SCORM_TYPES: Final = frozenset({_EDLM + "scorm-content-object"})
"""SCORM content as Moodle names it; a lesson of no known type."""

_LESSON_TYPES: Final[dict[LessonType, frozenset[str]]] = {
    LessonType.VIDEO: frozenset(
        {
            "https://w3id.org/xapi/video/activity-type/video",
            _ACROSSX + "video",
            _STREAMS + "video",
            _STREAMS_1 + "video",
            _ADL + "media",
            "https://w3id.org/xapi/audio/activity-type/audio",
        }
    ),
    LessonType.READING: frozenset(
        {
            *(_TINCAN + name for name in ("document", "book", "chapter", "slide-deck", "resource")),
            *(_ACROSSX + name for name in ("webpage", "page", "e-book")),
            *(spelling + name for spelling in (_STREAMS, _STREAMS_1) for name in ("page", "article")),
            *(_ADL + name for name in ("link", "file", "lesson")),
        }
    ),
    LessonType.QUIZ: QUESTION_TYPES,
    LessonType.ASSIGNMENT: frozenset({_TINCAN + "school-assignment", _TINCAN + "essay"}),
    LessonType.PROJECT: frozenset({_TINCAN + "project"}),
    LessonType.DISCUSSION: frozenset(
        {
            *(_TINCAN + name for name in ("discussion", "forum-topic", "forum-reply", "chat-channel", "chat-message")),
            _ACROSSX + "online-discussion",
            _ADL + "meeting",
        }
    ),
    LessonType.ASSESSMENT: frozenset({_ADL + "assessment", "https://w3id.org/xapi/openedx/activity/timed-assessment"}),
    LessonType.SIMULATION: frozenset({_ADL + "simulation", _ADL + "performance", _TINCAN + "scenario"}),
}

_BY_TYPE: Final = {iri: lesson_type for lesson_type, iris in _LESSON_TYPES.items() for iri in iris}


def lesson_type(type_iri: str | None) -> LessonType | None:
    """The lesson type of an activity type; None where the type is missing, not listed, or no lesson's.

    An attempt takes the type of its parent, so its own type gives None. A question gives Quiz, of which it is a part.
    """
    return _BY_TYPE.get(type_iri) if type_iri else None
