"""A course as it is read: its names, its activities in order, which of them its completion depends on, its grades."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.moodle import values
from connectors.moodle.settings import Options
from connectors.moodle.values import Row
from connectors.parse import ISO, TRUE_FALSE, boolean, one_of, refuse, whole
from hub.domain import ids
from hub.domain.rows import dumped
from hub.domain.values import CourseType, LessonType

GRADED: Final = frozenset({"quiz", "assign", "workshop", "lesson", "scorm", "h5pactivity", "lti"})
"""Kinds of activities that are lessons also where their completion is not tracked."""
CERTIFICATE: Final = "customcert"
ACTIVITY: Final = 4
"""The type of a criterion of course completion that is an activity."""

LESSON_TYPES: Final[Mapping[str, str]] = {
    "quiz": LessonType.QUIZ.value,
    "assign": LessonType.ASSIGNMENT.value,
    "workshop": LessonType.ASSIGNMENT.value,
    "forum": LessonType.DISCUSSION.value,
    "chat": LessonType.DISCUSSION.value,
    **dict.fromkeys(("page", "book", "resource", "url", "folder", "lesson", "imscp", "glossary", "wiki"), LessonType.READING.value),
}  # fmt: skip
"""Kinds of activities; the others (SCORM packages, H5P, tools) may be of any type of lesson, so nothing is said."""

_LINKED = re.compile(r"view\.php\?id=([0-9]+)")
_TAG = re.compile(r"<[^>]*>")
_flag = boolean(TRUE_FALSE)
_course_type = one_of(CourseType)


@dataclass(slots=True)
class Activity:
    """One activity that is a lesson."""

    key: str
    name: str | None
    type: str | None
    tracked: bool
    mandatory: bool
    following: str | None = None
    """The lesson after it."""


@dataclass(slots=True)
class Course:
    """What is known of one course while its learners are read."""

    key: str
    name: str | None
    code: str | None
    type: str | None
    row: Row
    activities: dict[str, Activity] = field(default_factory=dict)
    certificates: list[str] = field(default_factory=list)
    """The instances of its custom certificates."""
    known: bool = False
    """Its contents were read."""


def course_of(row: Row, options: Options) -> Course:
    """A row of the list of courses. Raises Unusable where it has no id, or its type is no known one."""
    kind = values.custom(row, options.course_type_field)
    return Course(
        values.moodle_id(row),
        values.text(row, "fullname", 200),
        values.text(row, "shortname", 50),
        _course_type(kind, f"customfields.{options.course_type_field}", ISO),
        row,
    )


def is_site_home(row: Row) -> bool:
    """Whether a row of the list of courses is Moodle's front page, which nobody learns in."""
    if "format" in row or "categoryid" in row:
        return row.get("format") == "site" or row.get("categoryid") == 0
    return row.get("id") in (1, "1")


def is_chosen(row: Row, chosen: frozenset[str]) -> bool:
    """Whether the setting ``courses`` names a course; without that setting all are read."""
    return not chosen or str(row.get("id")) in chosen or row.get("shortname") in chosen


def facts(course: Course, options: Options) -> dict[str, Any]:
    """What the catalogue tells of a course. Raises Unusable where a custom field cannot be read."""
    row = course.row
    told = {
        name: values.custom(row, getattr(options, name)) for name in ("skills_field", "mandatory_field", "compliance_field")
    }  # fmt: skip
    skills = [part.strip() for part in (told["skills_field"] or "").split(",") if part.strip()]
    return {
        "course_name": course.name,
        "course_code": course.code,
        "course_type": course.type,
        "skills": tuple(skills) or None,
        "validity_days": _days(values.custom(row, options.validity_days_field)),
        "is_mandatory": _flag(told["mandatory_field"], "mandatory_field", ISO),
        "is_compliance_training": _flag(told["compliance_field"], "compliance_field", ISO),
        "leads_to_certificate": True if course.certificates else None,
        "lesson_order": _order(course.activities.values()) if course.known else None,
    }


def take_contents(course: Course, sections: Iterable[Any]) -> None:
    """Learn the activities of a course, in order. Raises Unusable where an answer is not of its shape."""
    course.known = True
    last: Activity | None = None
    for module in (one for section in sections for one in values.rows(section.get("modules"), "modules")):
        kind = module.get("modname")
        if kind == CERTIFICATE:
            course.certificates.append(values.moodle_id(module, "instance"))
        tracked = values.count(module, "completion") > 0
        if not tracked and kind not in GRADED:
            continue
        key = values.moodle_id(module)
        activity = Activity(key, values.text(module, "name", 200), LESSON_TYPES.get(str(kind)), tracked, tracked)
        course.activities[key] = activity
        if last is not None:
            last.following = ids.short_key(key, 100)
        last = activity


def take_criteria(course: Course, completions: Iterable[Row]) -> None:
    """Learn on which activities the completion of a course depends: these are mandatory, and no others.

    A criterion names its activity by a link, or by its name alone. Where no criterion names one, all that is tracked
    stays mandatory.
    """
    named: dict[str, list[Activity]] = {}
    for activity in course.activities.values():
        named.setdefault(activity.name or "", []).append(activity)
    found: set[str] = set()
    for one in completions:
        details = one.get("details")
        text = details.get("criteria") if isinstance(details, dict) else None
        if one.get("type") != ACTIVITY or not isinstance(text, str):
            continue
        link = _LINKED.search(text)
        if link:
            found.add(link[1])
        else:
            found.update(activity.key for activity in named.get(html.unescape(_TAG.sub("", text)).strip(), ()))
    if found & set(course.activities):
        for activity in course.activities.values():
            activity.mandatory = activity.key in found


def _order(activities: Iterable[Activity]) -> str:
    told = [
        {"lesson_id": one.key, "name": one.name, "type": one.type, "mandatory": one.mandatory} for one in activities
    ]
    return dumped(told)


def _days(value: str | None) -> int | None:
    found = whole(value, "validity_days_field", ISO)
    if found == 0:
        refuse("validity_days_field", "range", "a number from 1")
    return found
