"""What a fake Moodle would tell of one learner in one course, in Moodle's own words and numbers.

Times are seconds since 1970 UTC, or None for never. It is worked out from the world by itself, so that a fake that tells
something else is found out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from connectors.testing.moodle_rows import ACTIVE, MODULES, ON_LIST
from connectors.testing.world_parts import Activity, Enrollment


@dataclass(frozen=True, slots=True)
class MoodleLesson:
    """One activity. ``state`` is None where it is not tracked; ``completed_at`` where it is not complete (0)."""

    cmid: int
    name: str
    modname: str
    state: int | None
    completed_at: int | None
    graderaw: float | None
    grademax: float | None


@dataclass(frozen=True, slots=True)
class MoodleTruth:
    """One learner in one course. Lessons and progress can be read only where ``standing`` is active."""

    userid: int
    courseid: int
    username: str
    number: str
    """The employee number, in ``idnumber`` or else in the custom field; empty where Moodle has none."""
    email: str
    shortname: str
    fullname: str
    standing: Literal["active", "suspended", "removed"]
    progress: float | None
    completed: bool
    completed_at: int | None
    """The latest of the times of ``completions[]``, where the course is completed."""
    graderaw: float | None
    grademax: float
    last_access: int | None
    certificate: tuple[int, str, int] | None
    """Its number, code and time of issue."""
    lessons: tuple[MoodleLesson, ...]


def truth_of(enrollment: Enrollment, told: Callable[[int], int]) -> MoodleTruth:
    """What would be told of an enrollment; ``told``: a time as the site tells it."""
    course, person = enrollment.course, enrollment.learner.person
    tracked = [one for one in course.path if one.required]
    done = [enrollment.lessons[one.id] for one in tracked if enrollment.fulfilled(one)]
    scored = [
        (lesson.score, one.points)
        for one in course.path
        if one.points and (lesson := enrollment.lessons.get(one.id)) and lesson.score is not None
    ]
    points = sum(most for _, most in scored)
    met = [enrollment.lessons[one.id].done_at for one in course.path if one.criterion and enrollment.fulfilled(one)]
    held = enrollment.certificate
    return MoodleTruth(
        userid=enrollment.learner.id,
        courseid=course.id,
        username=person.login,
        number=person.number,
        email=person.email,
        shortname=course.code,
        fullname=course.name,
        standing=_standing(enrollment),
        progress=100 * len(done) / len(tracked) if course.tracks and tracked else None,
        completed=enrollment.completed_at > 0,
        completed_at=told(max(met)) if enrollment.completed_at else None,
        graderaw=round(course.scale * sum(score for score, _ in scored) / points, 5) if scored else None,
        grademax=course.scale,
        last_access=told(enrollment.last_access) or None,
        certificate=(held.id, held.code, told(held.at)) if held else None,
        lessons=tuple(_lesson(enrollment, one, told) for one in course.path if one.required or one.points),
    )


def _standing(enrollment: Enrollment) -> Literal["active", "suspended", "removed"]:
    if enrollment.standing in ACTIVE:
        return "active"
    return "suspended" if enrollment.standing in ON_LIST else "removed"


def _lesson(enrollment: Enrollment, activity: Activity, told: Callable[[int], int]) -> MoodleLesson:
    lesson = enrollment.lessons.get(activity.id)
    state: int | None = None
    at = None
    if activity.required:
        state = (
            {"done": 1, "submitted": 1, "excused": 1, "passed": 2, "failed": 3}.get(lesson.state, 0) if lesson else 0
        )
        if state == 3 and activity.kind == "quiz" and activity.id % 7 == 0:
            state = 4
        if lesson and state:
            at = told(lesson.done_at or lesson.graded_at)
    return MoodleLesson(
        cmid=activity.id,
        name=activity.name,
        modname=MODULES[activity.kind],
        state=state,
        completed_at=at,
        graderaw=lesson.score if lesson and activity.points else None,
        grademax=activity.points,
    )
