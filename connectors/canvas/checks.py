"""The test of a connection to Canvas: each right is tried, on a course with learners where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from connectors.canvas import guide
from connectors.canvas.client import CanvasClient
from connectors.canvas.mapping import STUDENT
from connectors.canvas.settings import Options
from connectors.canvas.values import optional_id
from connectors.contract import Check
from connectors.guide import Permission
from hub.errors import HubError

TRIED: Final = 5
"""Courses that are looked at for one with learners."""
_LISTS: Final = (
    (guide.PROGRESS, "bulk_user_progress", ()),
    (guide.SUBMISSIONS, "students/submissions", (("student_ids[]", "all"),)),
    (guide.MODULES, "modules", ()),
    (guide.ASSIGNMENTS, "assignments", ()),
)
_GOOD: Final = "It can be read."
_NOBODY: Final = "There is no learner yet to try it on."


def checks(client: CanvasClient, options: Options) -> list[Check]:
    """One finding for each right of the guide. Raises nothing: a failure is a finding."""
    try:
        courses = client.first(f"accounts/{options.account_id}/courses")
    except HubError as error:
        rest = [right for right in guide.GUIDE.permissions if right is not guide.COURSES]
        untried = "It could not be tried, since the courses cannot be read."
        return [_bad(guide.COURSES, str(error)), *(_bad(right, untried) for right in rest)]
    cost = f" A request takes {client.cost:g} of Canvas's allowance." if client.cost else ""
    found = [Check(guide.COURSES.name, True, "The courses of the account can be read." + cost)]
    numbers = [number for row in courses[:TRIED] if (number := _number(row)) is not None]
    return [*found, *_of_course(client, numbers)]


def _of_course(client: CanvasClient, numbers: list[str]) -> Iterator[Check]:
    """The rights within a course."""
    if not numbers:
        for right in guide.GUIDE.permissions[1:]:
            yield Check(right.name, True, "There is no course yet to try it on.")
        return
    number, rows = numbers[0], []
    try:
        for number in numbers:
            rows = client.first(f"courses/{number}/enrollments", (("type[]", STUDENT),))
            if rows:
                break
    except HubError as error:
        yield _bad(guide.ENROLLMENTS, str(error))
    else:
        yield Check(guide.ENROLLMENTS.name, True, "Enrollments can be read.")
    yield _shown(guide.GRADES, rows, "grades", "Enrollments come with their grades.")
    yield _shown(guide.LOGINS, rows, "login_id", "Users come with their login ids.")
    yield _one_progress(client, number, rows)
    for right, path, query in _LISTS:
        yield _readable(client, right, f"courses/{number}/{path}", query)
    people: list[Any] = []
    try:
        people = client.first(f"courses/{number}/users", (("include[]", "email"), ("enrollment_type[]", "student")))
    except HubError as error:
        yield _bad(guide.EMAIL, str(error))
    else:
        yield _shown(guide.EMAIL, people, "email", "Users come with their e-mail addresses.")
    yield _shown(guide.SIS, [*rows, *people], "sis_user_id", "Users come with their SIS ids.")


def _one_progress(client: CanvasClient, number: str, rows: list[Any]) -> Check:
    right = guide.ONE_PROGRESS
    users = [user for row in rows if (user := _number(row, "user_id")) is not None]
    if not users:
        return Check(right.name, True, _NOBODY)
    try:
        client.one(f"courses/{number}/users/{users[0]}/progress")
    except HubError as error:
        return _bad(right, str(error))
    return Check(right.name, True, _GOOD)


def _number(row: Any, name: str = "id") -> str | None:
    try:
        return optional_id(row, name) if isinstance(row, dict) else None
    except HubError:
        return None


def _readable(client: CanvasClient, right: Permission, path: str, query: tuple[tuple[str, str], ...]) -> Check:
    try:
        client.first(path, query)
    except HubError as error:
        return _bad(right, str(error))
    return Check(right.name, True, _GOOD)


def _shown(right: Permission, rows: list[Any], member: str, good: str) -> Check:
    """Whether Canvas shows a member in any of these rows: it leaves out what the token may not see."""
    if not rows:
        return Check(right.name, True, _NOBODY)
    if any(isinstance(row, dict) and (member in row or member in (row.get("user") or ())) for row in rows):
        return Check(right.name, True, good)
    return _bad(right, f"Canvas leaves out {member}.")


def _bad(right: Permission, text: str) -> Check:
    return Check(right.name, False, text, empty_columns=right.columns, remedy=right.remedy)
