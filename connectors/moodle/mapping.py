"""What Moodle's rows mean: facts of accounts, enrollments, lessons and certificates, as plain values.

Pure: no clock, no network. Moodle has no status of an enrollment; what its rows say is told as facts, and the status
follows from these.

* Whoever is on a course's list is enrolled (``removed`` false); who is missing on the list of the active is suspended.
* ``completed`` is Moodle's own word. That everything tracked is done means nothing by itself, since a course may ask
  for more; but with a total below the pass mark, or a mandatory activity failed, the course is over and failed.
* "Not completed" is only said where the activities were read and one of them is open: a learner who failed must not
  look as if the course had been reset.
* The time of an activity's state is that of its row, also where the state is 0: then it is no time of completion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.moodle import values
from connectors.moodle.course import LESSON_TYPES, Activity, Course
from connectors.moodle.gradebook import Grade, Grades
from connectors.moodle.settings import Options
from connectors.moodle.values import Row
from connectors.observe import Learner
from connectors.parse import plain
from hub.domain import units
from hub.domain.units import day_in
from hub.errors import Unusable

Facts = dict[str, Any]

FAILED_STATES: Final = frozenset({3, 4})


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one activity for one learner."""

    key: str
    kind: str
    state: int
    tracked: bool
    row: Row
    changed_at: int | None


@dataclass(slots=True)
class Record:
    """All that was read of one learner in one course."""

    user: Row
    active: bool | None
    """None: Moodle does not say."""
    standing: Row | None
    """The course among the learner's own; None where Moodle tells nothing."""
    grades: Grades
    statuses: list[Status] | None = None
    """None: the activities were not read."""
    spoiled: list[tuple[Row, Unusable]] = field(default_factory=list)
    """States that cannot be read."""
    completions: Sequence[Row] | None = None
    is_quiet: bool = False
    """Nothing was done since the last run: neither activities nor the date of completion were read."""
    instructor: tuple[str, str | None] | None = None


def learner_of(user: Row, options: Options) -> Learner:
    """Whose account it is. Raises Unusable where a row has no id."""
    return Learner(
        account_key(values.moodle_id(user)),
        display_name=values.text(user, "fullname", 400),
        email=plain(user.get("email"), "email"),
        login_name=plain(user.get("username"), "username"),
        hr_number=plain(user.get("idnumber"), "idnumber"),
        custom_identifier=values.custom(user, options.employee_field),
    )


def account_key(user: str) -> str:
    """The native id of an account, by the id of its user; the same that a file's lms_user_id gives."""
    return f"lms_user_id:{user}"


def roles_of(user: Row) -> frozenset[str]:
    """The short names of somebody's roles in the course."""
    return frozenset(str(role.get("shortname")) for role in values.rows(user.get("roles"), "roles"))


def learns(user: Row, options: Options) -> bool:
    """Whether somebody learns in the course, by the setting ``learner_roles``; whose roles are not told does."""
    roles = roles_of(user)
    return not roles or not options.learner_roles or not roles.isdisjoint(options.learner_roles)


def last_access(user: Row, standing: Row | None) -> int | None:
    """The last access to the course, 0 for never; None where Moodle hides it."""
    told = [row[name] for row, name in ((user, "lastcourseaccess"), (standing or {}, "lastaccess")) if row.get(name) is not None]  # fmt: skip
    if not told:
        return None
    return max(values.epoch({"lastaccess": one}, "lastaccess") or 0 for one in told)


def status_of(row: Row) -> Status:
    """The state of one activity. Raises Unusable where it cannot be read."""
    return Status(
        values.moodle_id(row, "cmid"),
        str(row.get("modname")),
        values.count(row, "state"),
        row.get("tracking") != 0,
        row,
        values.epoch(row, "timecompleted"),
    )


# -- enrollments ------------------------------------------------------------------------------------------


def enrollment(record: Record, course: Course, options: Options) -> Facts:
    """The facts of an enrollment. Raises Unusable where a value cannot be read."""
    standing = record.standing or {}
    if record.grades.problem is not None:
        raise record.grades.problem
    facts: Facts = {
        "course_name": course.name,
        "course_code": course.code,
        "course_type": course.type,
        "removed": False,
        "suspended": None if record.active is None else not record.active,
        "progress": values.share(standing, "progress"),
        "last_access_at": last_access(record.user, record.standing) or None,
    }
    if record.instructor is not None:
        facts["instructor_id"], facts["instructor_name"] = record.instructor
    mark = _take_total(facts, record.grades.total, options)
    _take_result(facts, record, course, options, mark)
    return _said(facts)


def _take_total(facts: Facts, total: Grade | None, options: Options) -> bool | None:
    """The course's total, and the pass mark on its scale; returns whether the mark was reached, None for unknown."""
    if total is None:
        return None
    passing = None
    if options.passing_score is not None and total.high is not None:
        low = total.low or 0
        passing = low + (total.high - low) * options.passing_score // 100
        facts["passing_score"] = passing
    facts["score_max"] = total.high
    facts["score_min"] = total.low
    facts["score"] = total.raw
    return None if passing is None or total.raw is None else total.raw >= passing


def _take_result(facts: Facts, record: Record, course: Course, options: Options, reached: bool | None) -> None:
    completed = values.flag(record.standing or {}, "completed")
    tracked = [one for one in record.statuses or () if one.tracked]
    failing = reached is False or any(one.state in FAILED_STATES and _is_mandatory(one, course) for one in tracked)
    whole = _is_whole(record, tracked, course)
    if completed:
        facts["completed"] = True
        facts["completed_at"] = _completed_at(record.completions)
        if failing:
            facts["passed"] = False
        elif (whole or not options.lessons) and (reached is not None or options.passing_score is None):
            facts["passed"] = True
    elif whole and failing and _is_done(tracked, values.share(record.standing or {}, "progress")):
        facts["completed"], facts["passed"] = True, False
        facts["completed_at"] = max((one.changed_at for one in tracked if one.changed_at is not None), default=None)
    elif completed is False and (not options.lessons or _is_open(whole, tracked)):
        facts["completed"] = False


def _is_whole(record: Record, tracked: Sequence[Status], course: Course) -> bool:
    """Whether the states of all activities are known, by the contents of the course; an answer that came short proves
    nothing."""
    if record.statuses is None or record.spoiled:
        return False
    known = {key for key, activity in course.activities.items() if activity.tracked}
    return not course.known or known == {one.key for one in tracked}


def _is_done(tracked: Sequence[Status], progress: int | None) -> bool:
    """Whether everything tracked is done, well or not. The percentage, which comes by another way, must agree: with all
    states that are not 0, or without the failed ones, as versions of Moodle differ."""
    if not tracked or not all(one.state for one in tracked):
        return False
    good = sum(one.state not in FAILED_STATES for one in tracked)
    return progress is None or any(abs(progress - 10_000 * part // len(tracked)) <= 1 for part in (good, len(tracked)))


def _is_open(whole: bool, tracked: Sequence[Status]) -> bool:
    """Whether something is still to be done, or nothing is tracked at all."""
    return any(not one.state for one in tracked) or (whole and not tracked)


def _is_mandatory(status: Status, course: Course) -> bool:
    activity = course.activities.get(status.key)
    return activity is None or activity.mandatory is not False


def _completed_at(completions: Sequence[Row] | None) -> int | None:
    """When the last of the criteria was met, which is the only time that Moodle tells of a course's completion."""
    times = (values.epoch(one, "timecompleted") for one in completions or ())
    return max((time for time in times if time is not None), default=None)


# -- lessons ----------------------------------------------------------------------------------------------


def lesson(
    status: Status | None, grade: Grade | None, activity: Activity | None, zone: str
) -> tuple[Facts, int | None]:
    """The facts of a lesson, and the time of its last change where Moodle tells one."""
    facts: Facts = {}
    if activity is not None:
        facts |= {"lesson_name": activity.name, "lesson_type": activity.type, "mandatory": activity.mandatory}
        facts["next_lesson_id"] = activity.following
    elif status is not None:
        facts["lesson_type"] = LESSON_TYPES.get(status.kind)
    times = [None if status is None else status.changed_at]
    if status is not None and status.tracked:
        _take_state(facts, status)
    if grade is not None:
        _take_grade(facts, grade, zone)
        times.append(grade.at)
    return _said(facts), max((time for time in times if time is not None), default=None)


def _said(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if value is not None}


def _take_state(facts: Facts, status: Status) -> None:
    if status.state:
        facts["completed"] = True
        facts["completed_at"] = status.changed_at
        # Complete without a pass mark is no failure either, and takes back one that was told before.
        facts["passed"] = status.state not in FAILED_STATES
    elif status.changed_at is not None:
        # A row that was never touched is not begun; one that was has been begun, or its completion taken back.
        facts["completed"] = False


def _take_grade(facts: Facts, grade: Grade, zone: str) -> None:
    facts["score_max"] = grade.high
    facts["score_min"] = grade.low
    facts["score"] = grade.raw
    facts["last_access_at"] = grade.submitted_at
    if grade.feedback is not None:
        given = None if grade.graded_at is None else units.day(day_in(grade.graded_at, zone)).isoformat()
        facts["feedback"] = [{"text": grade.feedback, "day": given}]


# -- certificates -----------------------------------------------------------------------------------------


def certificate(issue: Row, issuer: str | None, zone: str) -> tuple[Facts, int | None]:
    """The facts of a certificate that was issued, and when. Raises Unusable where it has no id."""
    at = values.epoch(issue, "timecreated")
    return {
        "certified": True,
        "certificate_id": values.text(issue, "code", 200) or f"customcert/{values.moodle_id(issue)}",
        "certificate_issuer": issuer,
        "valid_from": None if at is None else day_in(at, zone),
    }, at


def holder_of(told: Mapping[str, Any], issue: Row) -> str:
    """The id of the user whom a certificate was issued to. Raises Unusable where it is not told."""
    user = told.get("user")
    if issue.get("userid") is None and isinstance(user, dict):
        return values.moodle_id(user)
    return values.moodle_id(issue, "userid")
