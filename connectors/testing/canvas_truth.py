"""What a fake Canvas would tell of one learner in one course, in Canvas's own words and numbers.

Times are seconds since 1970 UTC, or None for never. It is worked out from the world by itself, so that a fake that tells
something else is found out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from connectors.testing.canvas_items import assignment_id
from connectors.testing.canvas_rows import STATES, letter, told_progress
from connectors.testing.world_parts import Activity, Enrollment

State = Literal["active", "invited", "inactive", "completed", "rejected", "deleted"]
_BEST: Final[tuple[State, ...]] = ("active", "invited", "inactive", "completed", "rejected", "deleted")


@dataclass(frozen=True, slots=True)
class CanvasLesson:
    """One module item. ``completed`` is None where it has no requirement, or is excused; ``submission`` and what follows
    are None where nothing can be handed in, and cannot be read where ``state`` is deleted or rejected."""

    item_id: int
    assignment_id: int | None
    title: str
    completed: bool | None
    min_score: float | None
    submission: Literal["unsubmitted", "submitted", "graded"] | None
    excused: bool | None
    score: float | None
    points_possible: float | None
    attempt: int | None
    submitted_at: int | None
    graded_at: int | None


@dataclass(frozen=True, slots=True)
class CanvasTruth:
    """One learner in one course. ``seats``: number and state of each enrollment row; ``state``: the best of them."""

    user_id: int
    course_id: int
    login_id: str
    number: str
    """The employee number, in ``sis_user_id`` or else in ``integration_id``; empty where Canvas has none."""
    email: str
    course_code: str
    course_name: str
    seats: tuple[tuple[int, State], ...]
    state: State
    requirement_count: int | None
    """None where Canvas tells no progress; so are the next two then."""
    requirement_completed_count: int | None
    completed_at: int | None
    current_score: float | None
    final_score: float | None
    current_grade: str | None
    final_grade: str | None
    last_activity_at: int | None
    """The latest of all seats."""
    total_activity_time: int
    """Seconds, over all seats."""
    lessons: tuple[CanvasLesson, ...]


def truth_of(enrollment: Enrollment, told: Callable[[int], int]) -> CanvasTruth:
    """What would be told of an enrollment; ``told``: a time as the site tells it."""
    course, person = enrollment.course, enrollment.learner.person
    wanted = [one for one in course.path if one.required]
    excused = [enrollment.lessons[one.id].done_at for one in wanted if enrollment.excused(one)]
    met = [
        enrollment.lessons[one.id].done_at
        for one in wanted
        if enrollment.fulfilled(one) and not enrollment.excused(one)
    ]
    count = len(wanted) - len(excused)
    tells = told_progress(enrollment)
    whole = tells and count > 0 and len(met) == count
    current, final = _scores(enrollment)
    seats: list[tuple[int, State]] = [(seat.id, _state(enrollment, gone=seat.gone)) for seat in enrollment.seats]
    return CanvasTruth(
        user_id=enrollment.learner.id,
        course_id=course.id,
        login_id=person.login,
        number=person.number,
        email=person.email,
        course_code=course.code,
        course_name=course.name,
        seats=tuple(seats),
        state=min((state for _, state in seats), key=_BEST.index),
        requirement_count=count if tells else None,
        requirement_completed_count=len(met) if tells else None,
        completed_at=told(max(met + excused)) if whole else None,
        current_score=current,
        final_score=final,
        current_grade=letter(course, current),
        final_grade=letter(course, final),
        last_activity_at=told(max(seat.last_access for seat in enrollment.seats)) or None,
        total_activity_time=sum(seat.seconds for seat in enrollment.seats),
        lessons=tuple(_lesson(enrollment, one, told) for one in course.path),
    )


def _state(enrollment: Enrollment, *, gone: bool) -> State:
    found = "deleted" if gone else STATES[enrollment.standing]
    return _BEST[_BEST.index(found)]


def _scores(enrollment: Enrollment) -> tuple[float | None, float | None]:
    counted = [one for one in enrollment.course.path if one.points and not enrollment.excused(one)]
    got = {
        one.id: lesson.score
        for one in counted
        if (lesson := enrollment.lessons.get(one.id)) and lesson.score is not None
    }
    reached, every = sum(got.values()), sum(one.points or 0 for one in counted)
    graded = sum(one.points or 0 for one in counted if one.id in got)
    return (round(100 * reached / graded, 2) if graded else None), (round(100 * reached / every, 2) if every else None)


def _lesson(enrollment: Enrollment, activity: Activity, told: Callable[[int], int]) -> CanvasLesson:
    lesson = enrollment.lessons.get(activity.id)
    excused = enrollment.excused(activity)
    graded = activity.points is not None
    state: Literal["unsubmitted", "submitted", "graded"] | None = None
    if graded:
        state = "unsubmitted"
        if lesson and lesson.state != "started":
            state = "submitted" if lesson.state == "submitted" else "graded"
    at = (lesson.graded_at or lesson.done_at) if lesson and state == "graded" else 0
    return CanvasLesson(
        item_id=activity.id,
        assignment_id=assignment_id(activity) if graded else None,
        title=activity.name,
        completed=enrollment.fulfilled(activity) if activity.required and not excused else None,
        min_score=activity.pass_points if activity.required else None,
        submission=state,
        excused=excused if graded else None,
        score=lesson.score if lesson and state == "graded" else None,
        points_possible=activity.points,
        attempt=(lesson.attempts or None) if lesson and graded else None,
        submitted_at=(told(lesson.submitted_at) or None) if lesson and graded else None,
        graded_at=told(at) or None,
    )
