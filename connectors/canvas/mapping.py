"""What rows of Canvas mean: facts, never statuses (the hub derives those).

A learner in several sections has several rows; they are one enrollment. What is told of it is its row with the strongest
state (active before invited, held, concluded, removed), with the latest access and the earliest beginning of all. Canvas
lists states, so all that is told is told as of when it was read; nothing has a time of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.canvas.lessons import Lesson, Lessons, type_of_submission
from connectors.canvas.settings import Options
from connectors.canvas.values import Row, canvas_id, count, day, optional_id, part, score, text, time
from connectors.observe import Learner
from connectors.parse import Reading, refuse, seconds_of
from hub.domain.rows import dumped
from hub.domain.units import text_of
from hub.domain.values import CourseType

STUDENT: Final = "StudentEnrollment"
OFF_ROSTER: Final = frozenset({"inactive", "completed"})
"""States in which a learner is still in a course, but may be left out of the progress of its roster."""
STATES: Final = ("active", "invited", "creation_pending", "inactive", "completed", "rejected", "deleted")
"""All states of an enrollment, the strongest first."""
_PENDING: Final = frozenset({"invited", "creation_pending"})
_REMOVED: Final = frozenset({"rejected", "deleted"})
_RANK: Final = {state: rank for rank, state in enumerate(STATES)}
_WORK: Final = ("progress", "seconds_total", "last_access_at", "started_on")
_GONE: Final = frozenset({"completed", "deleted"})
_FORMATS: Final[Mapping[str, str]] = {
    "online": CourseType.ELEARNING.value,
    "on_campus": CourseType.INSTRUCTOR_LED.value,
    "blended": CourseType.BLENDED.value,
}
_SUBMISSION: Final = ("unsubmitted", "submitted", "pending_review", "graded")
_HUNDRED: Final = 100 * 10_000
_seconds = seconds_of(1)


@dataclass(frozen=True, slots=True)
class Course:
    """A row of the account's list of courses."""

    key: str
    name: str | None
    code: str | None
    type: str | None
    retired: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """One row of a course's list of enrollments: one learner in one section."""

    id: str
    user: str
    state: str
    created_at: int | None
    updated_at: int | None
    end_at: int | None
    last_activity_at: int | None
    seconds: int | None
    current: tuple[int | None, str | None]
    """Score (ten-thousandths of a percent) and grade, ungraded work left aside."""
    final: tuple[int | None, str | None]
    learner: Learner


@dataclass(frozen=True, slots=True)
class Progress:
    """What a course asks of a learner, and how far they are."""

    percent: int | None
    """Hundredths; None where the course has no requirements."""
    completed_at: int | None


NO_PROGRESS: Final = Progress(None, None)


def course_of(row: Row) -> Course:
    """A course. Raises Unusable."""
    return Course(
        canvas_id(row, "id"),
        text(row, "name", 200),
        text(row, "course_code", 50),
        _FORMATS.get(str(row.get("course_format"))),
        str(row.get("workflow_state")) in _GONE,
    )


def learner_of(user: str, row: Row, person: Row) -> Learner:
    """Who an enrollment is about; ``person`` is their row in the course's list of users, where it could be read."""
    told = {**part(row, "user"), **{name: value for name, value in person.items() if value is not None}}
    number = text(told, "sis_user_id", 100) or text(row, "sis_user_id", 100) or text(told, "integration_id", 100)
    email = text(told, "email", 320)
    return Learner(
        f"lms_user_id:{user}",
        display_name=text(told, "name", 400),
        email=email if email and "@" in email else None,
        login_name=text(told, "login_id", 200),
        hr_number=number,
    )


def membership_of(row: Row, course: str, people: Mapping[str, Row], reading: Reading) -> Membership | None:
    """A row of enrollments; None where it is no learner's. Raises Unusable."""
    number, user = canvas_id(row, "id"), canvas_id(row, "user_id")
    kind = text(row, "type", 200)
    if kind is None:
        refuse("type", "required", STUDENT)
    if kind != STUDENT:
        return None
    if canvas_id(row, "course_id") != course:
        refuse("course_id", "the course that was asked for", course)
    state = row.get("enrollment_state")
    if state not in STATES:
        refuse("enrollment_state", "known state", "one of " + ", ".join(STATES))
    grades = part(row, "grades")
    return Membership(
        number,
        user,
        str(state),
        time(row, "created_at", reading),
        time(row, "updated_at", reading),
        time(row, "end_at", reading),
        time(row, "last_activity_at", reading),
        _seconds(row.get("total_activity_time"), "total_activity_time", reading),
        (score(grades, "current_score", reading), text(grades, "current_grade", 10)),
        _final(grades, reading),
        learner_of(user, row, people.get(user, {})),
    )


def _final(grades: Row, reading: Reading) -> tuple[int | None, str | None]:
    """The final score and grade; what a teacher has put in their place stands above them."""
    own = score(grades, "override_score", reading), text(grades, "override_grade", 10)
    computed = score(grades, "final_score", reading), text(grades, "final_grade", 10)
    return (own[0], own[1] or computed[1]) if own[0] is not None else computed


def progress_of(told: Row, reading: Reading) -> Progress:
    """What an object of progress tells; nothing where Canvas tells an error in its place. Raises Unusable."""
    if not told or "error" in told:
        return NO_PROGRESS
    asked = count(told, "requirement_count", reading)
    done = count(told, "requirement_completed_count", reading) or 0
    percent = min(10_000, (done * 20_000 + asked) // (2 * asked)) if asked else None
    return Progress(percent, time(told, "completed_at", reading))


def combined(rows: Sequence[Membership]) -> list[Membership]:
    """The rows of one learner in one course, the one that stands for all of them first."""
    return sorted(rows, key=lambda row: (_RANK[row.state], int(row.id)))


def enrollment_facts(
    rows: Sequence[Membership], progress: Progress | None, options: Options, reading: Reading, *, doubtful: bool = False
) -> dict[str, Any]:
    """What the rows of one learner in one course (:func:`combined`) and their progress tell of the enrollment.

    ``progress`` None: it could not be read, so neither that it is complete nor that it is not is told. ``doubtful``:
    another row of the learner cannot be read, so no end is told.
    """
    first = rows[0]
    live = [row for row in rows if row.state not in _REMOVED] or rows
    known = progress or NO_PROGRESS
    over = first.state == "completed"
    done = known.completed_at is not None
    result, grade = _result(rows, final=over or done)
    ends = [row.end_at for row in live]
    facts: dict[str, Any] = {
        "enrollment_key": min((row.id for row in rows), key=int),
        "enrolled_on": day(_least(row.created_at for row in live), reading),
        "access_ends_on": None if None in ends else day(_most(ends), reading),
        "removed": first.state in _REMOVED,
        "suspended": first.state == "inactive",
        "completed": True if done else False if known.percent is not None and first.state == "active" else None,
        "completed_at": known.completed_at,
        "progress": known.percent,
        "score": result,
        "score_max": None if result is None else _HUNDRED,
        "grade": grade,
        "seconds_total": _spent(rows),
        "last_access_at": _most(row.last_activity_at for row in rows),
    }
    facts["started_on"] = day(facts["last_access_at"], reading)
    if options.passing_score is not None:
        facts["passing_score"] = options.passing_score * 10_000
    if over and not done and progress is not None:
        facts |= _concluded(result, options)
    if first.state in _PENDING:
        facts |= dict.fromkeys(_WORK)
    if doubtful:
        facts |= {name: None for name in ("removed", "suspended", "expired", "access_ends_on") if facts.get(name)}
    return facts


def _spent(rows: Sequence[Membership]) -> int | None:
    told = [row.seconds for row in rows if row.seconds is not None]
    return sum(told) if told else None


def _concluded(result: int | None, options: Options) -> dict[str, Any]:
    """A term or a teacher ended it before all was done: Canvas calls that completed, but the learner did not finish."""
    if options.passing_score is not None and result is not None and result < options.passing_score * 10_000:
        return {"completed": True, "passed": False}
    return {"expired": True}


def _result(rows: Sequence[Membership], *, final: bool) -> tuple[int | None, str | None]:
    for row in rows:
        found = row.final if final else row.current
        if found != (None, None):
            return found
    return None, None


def _least(values: Any) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _most(values: Any) -> int | None:
    return max((value for value in values if value is not None), default=None)


# -- submissions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Submission:
    """A row of a course's list of submissions: one learner and one lesson."""

    native_id: str | None
    user: str
    lesson: str
    facts: dict[str, Any]
    changed_at: int | None
    """The newest of its own times, microseconds."""


def submission_of(row: Row, lessons: Lessons, reading: Reading) -> Submission:
    """What a submission tells of its lesson. Raises Unusable."""
    key, user = canvas_id(row, "assignment_id"), canvas_id(row, "user_id")
    state = row.get("workflow_state")
    if state not in _SUBMISSION:
        refuse("workflow_state", "known state", "one of " + ", ".join(_SUBMISSION))
    lesson = lessons.get(key)
    submitted, graded = time(row, "submitted_at", reading), time(row, "graded_at", reading)
    facts: dict[str, Any] = {
        "lesson_name": lesson and lesson.name,
        "lesson_type": type_of_submission(row, lesson),
        "skipped": row.get("excused") is True,
    }
    if lesson is not None:
        facts |= {"mandatory": lesson.mandatory, "next_lesson_id": lesson.next_key}
    if not facts["skipped"]:
        facts |= _state(row, str(state), submitted, graded, reading)
        facts |= _score(row, lesson, submitted, reading, graded=state == "graded")
    return Submission(optional_id(row, "id"), user, key, facts, _most((submitted, graded)))


def _state(row: Row, state: str, submitted: int | None, graded: int | None, reading: Reading) -> dict[str, Any]:
    number = count(row, "attempt", reading)
    facts: dict[str, Any] = {"attempts_total": number, "last_access_at": submitted}
    if number == 1:
        facts["first_access_at"] = submitted
    if state == "graded":
        facts |= {"completed": True, "completed_at": submitted if graded is None else graded}
    elif state != "unsubmitted":
        facts |= {"completed": False, "worked": True}
    return facts


def _score(row: Row, lesson: Lesson | None, submitted: int | None, reading: Reading, *, graded: bool) -> dict[str, Any]:
    """Score and mark, and the newest attempt: Canvas overwrites attempts, the hub keeps each that it has seen."""
    found = score(row, "score", reading)
    mark = lesson.min_score if lesson is not None else None
    facts: dict[str, Any] = {"score": found, "passing_score": mark}
    if found is not None:
        facts["score_max"] = lesson and lesson.points
    number = count(row, "attempt", reading)
    if number:
        valid = graded and found is not None and row.get("grade_matches_current_submission") is not False
        told = {
            "number": number,
            "time": None if submitted is None else text_of(submitted),
            "score": found / 10_000 if valid and found is not None else None,
            "passed": found >= mark if valid and found is not None and mark is not None else None,
        }
        facts["attempt"] = dumped({name: value for name, value in told.items() if value is not None})
    return facts
