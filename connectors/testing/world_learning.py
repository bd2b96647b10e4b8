"""What a learner, or their teacher, does next in one course: every change is one that a real LMS would allow."""

from __future__ import annotations

from itertools import count
from random import Random

from connectors.testing.world_parts import (
    ATTEMPTS,
    FULFILLED,
    Activity,
    Certificate,
    Change,
    Enrollment,
    Lesson,
    Seat,
)


def learn(enrollment: Enrollment, now: int, rng: Random, certificates: count[int]) -> Change | None:
    """The learner's next move: accept, start, submit, pass, fail, finish, complete, get a certificate; None: no move."""
    if enrollment.standing == "invited":
        enrollment.standing = "active"
        _seen(enrollment, now, 0)
        return _change(enrollment, now, "accepted")
    if enrollment.standing != "active":
        return None
    if enrollment.completed_at and enrollment.course.certificate and enrollment.certificate is None:
        number = next(certificates)
        enrollment.certificate = Certificate(number, f"{number * 2654435761 % 2**32:08X}BW", now)
        return _change(enrollment, now, "certificate")
    for activity in enrollment.course.path:
        lesson = enrollment.lessons.get(activity.id)
        if _open(enrollment, activity, lesson):
            _seen(enrollment, now, rng.randrange(60, 2400))
            kind = _work(enrollment, activity, lesson, now, rng)
            return _finish(enrollment, activity, now, kind)
    return None


def grade(enrollment: Enrollment, now: int, rng: Random) -> Change | None:
    """The teacher grades the first thing that waits for it, with a bonus now and then."""
    for activity in enrollment.course.path:
        lesson = enrollment.lessons.get(activity.id)
        if lesson and lesson.state == "submitted":
            bonus = 2.0 if rng.random() < 0.02 else 0.0
            lesson.score = _points(enrollment, activity, rng) + bonus
            lesson.state, lesson.graded_at, lesson.changed_at = "done", now, now
            enrollment.changed_at = now
            return _change(enrollment, now, "graded", activity)
    return None


def excuse(enrollment: Enrollment, now: int) -> Change | None:
    """The teacher excuses the learner from the first open thing that has a grade."""
    for activity in enrollment.course.path:
        lesson = enrollment.lessons.get(activity.id)
        if activity.points and activity.required and (lesson is None or lesson.state not in FULFILLED):
            lesson = enrollment.lessons.setdefault(activity.id, Lesson("excused", now))
            lesson.state, lesson.done_at, lesson.changed_at, lesson.score = "excused", now, now, None
            enrollment.changed_at = now
            return _finish(enrollment, activity, now, "excused")
    return None


def reset(enrollment: Enrollment, now: int) -> Change | None:
    """Everything starts anew, as before a recertification; a certificate that was issued stays."""
    if not enrollment.completed_at:
        return None
    enrollment.lessons.clear()
    enrollment.completed_at, enrollment.changed_at = 0, now
    return _change(enrollment, now, "reset")


def second_seat(enrollment: Enrollment, now: int, number: int) -> Change | None:
    """The learner gets a seat in the course's other section too."""
    if len(enrollment.seats) > 1 or enrollment.standing != "active":
        return None
    enrollment.seats.append(Seat(number, enrollment.course.section_ids[1], now, changed_at=now))
    return _change(enrollment, now, "second section")


def leave_seat(enrollment: Enrollment, now: int) -> Change | None:
    """The learner loses one of two seats, and stays enrolled by the other."""
    if len(enrollment.seats) < 2 or any(seat.gone for seat in enrollment.seats) or enrollment.standing != "active":
        return None
    enrollment.seats[0].gone, enrollment.seats[0].changed_at = True, now
    return _change(enrollment, now, "left a section")


def _open(enrollment: Enrollment, activity: Activity, lesson: Lesson | None) -> bool:
    if lesson is None:
        return activity.required or (enrollment.learner.id + activity.id) % 3 == 0
    if lesson.state == "failed":
        return lesson.attempts < ATTEMPTS
    return lesson.state == "started"


def _work(enrollment: Enrollment, activity: Activity, lesson: Lesson | None, now: int, rng: Random) -> str:
    if lesson is None:
        lesson = enrollment.lessons[activity.id] = Lesson("started", now, changed_at=now)
        if activity.kind == "video" or (activity.kind == "quiz" and rng.random() < 0.3):
            return "started"
    lesson.changed_at = now
    if activity.kind == "quiz":
        lesson.attempts += 1
        lesson.submitted_at = lesson.graded_at = now
        lesson.score = max(lesson.score or 0.0, _points(enrollment, activity, rng))
        passed = lesson.score >= (activity.pass_points or 0)
        lesson.state = "passed" if passed else "failed"
        lesson.done_at = now if passed else 0
        return lesson.state
    lesson.done_at = now
    if activity.kind == "assignment":
        lesson.attempts, lesson.submitted_at, lesson.state = 1, now, "submitted"
        return "submitted"
    lesson.state = "done"
    return "finished"


def _points(enrollment: Enrollment, activity: Activity, rng: Random) -> float:
    part = min(1.0, max(0.0, rng.gauss(enrollment.learner.skill, 0.12)))
    return round(2 * part * (activity.points or 0)) / 2


def _seen(enrollment: Enrollment, now: int, seconds: int) -> None:
    seat = enrollment.seat()
    seat.last_access = seat.changed_at = now
    seat.seconds += seconds
    enrollment.learner.last_access = max(enrollment.learner.last_access, now)
    enrollment.changed_at = now


def _finish(enrollment: Enrollment, activity: Activity, now: int, kind: str) -> Change:
    """What happened, or that the course is complete with it."""
    course = enrollment.course
    if (
        not enrollment.completed_at
        and course.tracks
        and course.criteria
        and all(enrollment.fulfilled(one) for one in course.path if one.criterion)
    ):
        enrollment.completed_at = now
        kind = "completed"
    return _change(enrollment, now, kind, activity)


def _change(enrollment: Enrollment, now: int, kind: str, activity: Activity | None = None) -> Change:
    return Change(now, kind, enrollment.learner.id, enrollment.course.id, activity.id if activity else 0)
