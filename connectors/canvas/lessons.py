"""The lessons of a course: the items of its modules in their order, and its assignments.

A lesson is named by what it holds, not by its place: the number of its assignment, also for a quiz or a discussion that
is graded, else ``quiz-9``, ``discussion-4``, ``item-77``. So what moves to another module stays the lesson that it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from connectors.canvas.values import Row, canvas_id, optional_id, part, score, text
from connectors.parse import ISO
from hub.domain.rows import dumped
from hub.domain.values import LessonType
from hub.errors import Unusable

_TYPES: Final[Mapping[str, str]] = {
    "Assignment": LessonType.ASSIGNMENT.value,
    "Quiz": LessonType.QUIZ.value,
    "Discussion": LessonType.DISCUSSION.value,
    "Page": LessonType.READING.value,
}
_SUBMITTED: Final[Mapping[str, str]] = {
    "online_quiz": LessonType.QUIZ.value,
    "discussion_topic": LessonType.DISCUSSION.value,
}
_PREFIX: Final[Mapping[str, str]] = {"Assignment": "", "Quiz": "quiz-", "Discussion": "discussion-"}
_HEADING: Final = "SubHeader"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One item of the modules, or an assignment that is in none of them."""

    key: str
    name: str | None
    type: str | None
    points: int | None = None
    """The most that it brings, ten-thousandths of a point."""
    mandatory: bool | None = None
    """Whether Canvas requires something of it; None where it stands in no module."""
    min_score: int | None = None
    """Points (ten-thousandths) below which it is failed."""
    next_key: str | None = None


Lessons = Mapping[str, Lesson]
"""The lessons of a course by their keys, those of the modules first and in order."""


def lessons_of(modules: Iterable[Any], assignments: Iterable[Any] = ()) -> Lessons:
    """The lessons of a course; modules come with their items. What of them cannot be read is left out: they are
    details, no records."""
    graded: dict[str, Lesson] = {}
    other_names: dict[str, str] = {}
    for row in filter(_is_row, assignments):
        try:
            lesson, other = _assignment(row)
        except Unusable:
            continue
        graded[lesson.key] = lesson
        if other is not None:
            other_names[other] = lesson.key
    found: dict[str, Lesson] = {}
    for item in _items(modules):
        try:
            lesson = _lesson(item)
        except Unusable:
            continue
        key = other_names.get(lesson.key, lesson.key)
        points = graded[key].points if key in graded else None
        found.setdefault(key, replace(lesson, key=key, points=points))
    following = dict(pairwise(found))
    placed = {key: replace(lesson, next_key=following.get(key)) for key, lesson in found.items()}
    return placed | {key: lesson for key, lesson in graded.items() if key not in placed}


def order_text(lessons: Lessons) -> str | None:
    """The order as the catalogue keeps it: a JSON list of ``{lesson_id, name, type, mandatory}``."""
    placed = [
        {"lesson_id": one.key, "name": one.name, "type": one.type, "mandatory": one.mandatory}
        for one in lessons.values()
        if one.mandatory is not None
    ]
    return dumped(placed) if placed else None


def type_of_submission(row: Row, lesson: Lesson | None) -> str:
    """The kind of lesson that a submission shows."""
    if lesson is not None and lesson.type is not None:
        return lesson.type
    return _SUBMITTED.get(str(row.get("submission_type")), LessonType.ASSIGNMENT.value)


def _assignment(row: Row) -> tuple[Lesson, str | None]:
    """An assignment, and what its quiz or discussion would be called in a module."""
    quiz, topic = optional_id(row, "quiz_id"), optional_id(part(row, "discussion_topic"), "id")
    other, kind = None, "Assignment"
    if quiz is not None:
        other, kind = _PREFIX["Quiz"] + quiz, "Quiz"
    elif topic is not None:
        other, kind = _PREFIX["Discussion"] + topic, "Discussion"
    points = score(row, "points_possible", ISO)
    return Lesson(canvas_id(row, "id"), text(row, "name", 200), _TYPES[kind], points or None), other


def _items(modules: Iterable[Any]) -> Iterator[Row]:
    """The items that learners see, in order."""
    for module in sorted(filter(_is_row, modules), key=_position):
        items = module.get("items")
        for item in sorted(filter(_is_row, items if isinstance(items, list) else ()), key=_position):
            if item.get("type") != _HEADING and item.get("published") is not False:
                yield item


def _lesson(item: Row) -> Lesson:
    kind = str(item.get("type"))
    content = optional_id(item, "content_id") if kind in _PREFIX else None
    key = "item-" + canvas_id(item, "id") if content is None else _PREFIX[kind] + content
    requirement = part(item, "completion_requirement")
    least = score(requirement, "min_score", ISO) if requirement.get("type") == "min_score" else None
    return Lesson(key, text(item, "title", 200), _TYPES.get(kind), None, bool(requirement), least)


def _is_row(value: Any) -> bool:
    return isinstance(value, dict)


def _position(row: Row) -> int:
    value = row.get("position")
    return value if isinstance(value, int) else 0
