"""Where a statement belongs: to a course, to a lesson, to a part of a lesson, to a certificate, or nowhere.

The object decides. Its course is the object itself, or the first course among its parents, else among its groupings.
A lesson is what stands right below the course and its sections: a question, an attempt, a chapter or a submission is a
part of the lesson that its parents name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from connectors.xapi import activity_types as types
from connectors.xapi.checks import Json
from connectors.xapi.settings import Options
from hub.domain.values import LessonType

NAME_LENGTH: Final = 200
CODE_LENGTH: Final = 50
_NEVER_LESSONS: Final = types.COURSE_TYPES | types.SITE_TYPES | types.CERTIFICATE_TYPES | types.BADGE_TYPES
_PART_TYPES: Final = types.QUESTION_TYPES | types.ATTEMPT_TYPES | types.SCORM_TYPES


class Scope(Enum):
    """What a statement is about."""

    COURSE = "course"
    CONTAINER = "container"
    """A section or block: between course and lesson."""
    LESSON = "lesson"
    PART = "part of a lesson"
    CERTIFICATE = "certificate"
    SITE = "site"
    NO_ACTIVITY = "no activity"


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity as a statement names it."""

    id: str
    type: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement belongs. ``lesson`` is set for LESSON and PART; ``course`` is None where nothing tells it."""

    scope: Scope
    object: Activity | None = None
    course: Activity | None = None
    course_code: str | None = None
    lesson: Activity | None = None

    @property
    def lesson_type(self) -> LessonType | None:
        """The hub's type of the lesson, where its activity type tells one."""
        return types.lesson_type(self.lesson.type) if self.lesson else None


def place_of(statement: Json, options: Options) -> Place:
    """Where a validated statement belongs."""
    thing = statement["object"]
    if thing.get("objectType", "Activity") != "Activity":
        return Place(Scope.NO_ACTIVITY)
    context = statement.get("context", {})
    language = context.get("language")
    found = _activity(thing, language)
    around = context.get("contextActivities", {})
    parents = [_activity(item, language) for item in _listed(around.get("parent"))]
    groupings = [_activity(item, language) for item in _listed(around.get("grouping"))]
    if found.type in types.SITE_TYPES:
        return Place(Scope.SITE, found)
    course = next((item for item in (*parents, *groupings) if _is_course(item, options)), None)
    # Moodle calls a content package a course too: what has another course for a parent is a part of that.
    inside = any(_is_course(item, options) and item.id != found.id for item in parents)
    if _is_course(found, options) and not inside:
        return Place(Scope.COURSE, found, found, _code(found, options))
    code = _code(course, options) if course else None
    if found.type in types.CERTIFICATE_TYPES | types.BADGE_TYPES:
        return Place(Scope.CERTIFICATE, found, course, code)
    if found.type in types.SECTION_TYPES:
        return Place(Scope.CONTAINER, found, course, code)
    lesson = _lesson(found, [item for item in parents if not _is_course(item, options)])
    scope = Scope.LESSON if lesson is found else Scope.PART
    return Place(scope, found, course, code, lesson)


def name_in(texts: dict[str, str] | None, language: str | None) -> str | None:
    """The text of a language map in a language, else in English, else the first one; at most 200 characters."""
    if not texts:
        return None
    english = (tag for tag in texts if tag.lower().split("-")[0] == "en")
    tag = next((tag for tag in (language, "en", *english) if tag in texts), next(iter(texts)))
    text = texts[str(tag)].replace("\0", "").strip()
    return (text if len(text) <= NAME_LENGTH else text[: NAME_LENGTH - 1] + "…") or None


def _lesson(found: Activity, parents: Iterable[Activity]) -> Activity:
    """The outermost parent that may be a lesson; the object itself where there is none.

    A module is a container of lessons, but the lesson of a part that has no other (Moodle's SCORM packages). Parents
    of questions and attempts count also where their type is not told; others only with one.
    """
    is_part = found.type in _PART_TYPES
    lesson, module = found, None
    for item in parents:
        if item.type in _NEVER_LESSONS or item.type in types.SECTION_TYPES or item.type in types.ATTEMPT_TYPES:
            continue
        if item.type in types.CONTAINER_TYPES:
            module = module or item
        elif item.type in types.CATEGORY_TYPES or item.id == found.id:
            continue
        elif item.type is not None or is_part:
            lesson = item
    return module if is_part and lesson is found and module is not None else lesson


def _is_course(item: Activity, options: Options) -> bool:
    if item.type in types.COURSE_TYPES:
        return True
    return options.course_id_pattern is not None and options.course_id_pattern.search(item.id) is not None


def _code(course: Activity, options: Options) -> str | None:
    found = options.course_code_pattern.search(course.id) if options.course_code_pattern else None
    code = next((group for group in found.groups() if group), None) if found else None
    return code if code and len(code) <= CODE_LENGTH else None


def _activity(thing: Json, language: str | None) -> Activity:
    definition = thing.get("definition", {})
    return Activity(thing["id"], definition.get("type"), name_in(definition.get("name"), language))


def _listed(value: Any) -> Iterator[Json]:
    yield from value if isinstance(value, list) else [value] if value else []
