"""The test of a connection to Moodle: each right is looked up, and tried on a course with learners where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from connectors.contract import Check
from connectors.guide import Permission
from connectors.moodle import guide
from connectors.moodle.client import MoodleClient
from connectors.moodle.course import is_site_home
from connectors.moodle.errors import NothingThere
from connectors.moodle.mapping import learns
from connectors.moodle.reading import granted
from connectors.moodle.settings import Options
from connectors.moodle.values import Row, moodle_id
from hub.errors import HubError

TRIED: Final = 5
"""Courses that are looked at for one with learners."""
LOOKED_AT: Final = 100
"""Users that are looked at for their fields."""
_NOBODY: Final = "There is no learner yet to try it on."


def checks(client: MoodleClient, options: Options) -> list[Check]:
    """One finding for each right of the guide. Raises nothing: a failure is a finding."""
    try:
        there = granted(client.ask(guide.SITE_INFO.name, dict))
    except HubError as error:
        return [_bad(right, str(error)) for right in guide.GUIDE.permissions]
    return [*_of_site(there), *_Trial(client, options, there).findings()]


def _of_site(there: set[str]) -> Iterator[Check]:
    for right in guide.FUNCTIONS:
        if right.name not in there:
            yield _bad(right, f"The service of the token has no function {right.name}.")
    if guide.SITE_INFO.name in there:
        yield _good(guide.SITE_INFO, "The site tells what the token may call.")


class _Trial:
    """Tries what the token may call, on one learner of one course."""

    def __init__(self, client: MoodleClient, options: Options, there: set[str]) -> None:
        self._client = client
        self._options = options
        self._there = there
        self._course: Any = None
        self._users: list[Row] = []

    def findings(self) -> Iterator[Check]:
        """A finding for each right that was not found missing yet."""
        courses: list[Any] = []
        if guide.COURSES.name in self._there:
            try:
                courses = [row for row in self._client.ask(guide.COURSES.name, list) if not is_site_home(row)]
            except HubError as error:
                yield _bad(guide.COURSES, str(error))
            else:
                yield self._listed(courses)
        if guide.ENROLLED.name in self._there:
            yield from self._roster([row.get("id") for row in courses[:TRIED]])
        yield from self._functions(next(filter(None, map(self._learner, self._users)), None))
        yield self._shown(guide.HIDDEN, "lastcourseaccess", "The last access to courses is shown.")
        yield self._shown(guide.NUMBER, "idnumber", "Accounts come with their ID numbers.")
        yield self._shown(guide.EMAIL, "email", "Accounts come with their e-mail addresses.")

    def _learner(self, user: object) -> str | None:
        """The id of a user who learns in the course."""
        try:
            found = user if isinstance(user, dict) else {}
            return moodle_id(found) if learns(found, self._options) else None
        except HubError:
            return None

    def _listed(self, courses: list[Any]) -> Check:
        if courses:
            return _good(guide.COURSES, f"{len(courses)} courses can be read.")
        return _bad(guide.COURSES, "The token's user sees no course.")

    def _roster(self, courses: list[Any]) -> Iterator[Check]:
        """Find a course with users."""
        options = [{"name": "limitnumber", "value": LOOKED_AT}, {"name": "sortby", "value": "id"}]
        try:
            for course in courses:
                self._course = course
                self._users = self._client.ask(guide.ENROLLED.name, list, courseid=course, options=options)
                if len(self._users) > 1:
                    break
        except HubError as error:
            yield _bad(guide.ENROLLED, str(error))
            return
        yield _good(
            guide.ENROLLED, "Enrolled users can be read." if courses else "There is no course yet to try it on."
        )
        if courses:
            asked = [*options, {"name": "onlyactive", "value": 1}]
            yield self._tried(guide.ACTIVE, guide.ENROLLED.name, list, courseid=self._course, options=asked)

    def _functions(self, learner: str | None) -> Iterator[Check]:
        of_learner: dict[str, Any] = {"courseid": self._course, "userid": learner}
        for right, shape, arguments in (
            (guide.COURSES_OF_USER, list, {"userid": learner, "returnusercount": 0}),
            (guide.CONTENTS, list, {"courseid": self._course}),
            (guide.ACTIVITIES, dict, of_learner),
            (guide.COMPLETION, dict, of_learner),
            (guide.GRADES, dict, of_learner),
            (guide.CERTIFICATES, list, {"limit": 1}),
        ):
            if right.name not in self._there:
                continue
            if None in arguments.values():
                yield _good(right, _NOBODY)
            else:
                yield self._tried(right, right.name, shape, **arguments)

    def _tried(self, right: Permission, function: str, shape: type[Any], **arguments: Any) -> Check:
        try:
            self._client.ask(function, shape, **arguments)
        except NothingThere as answer:
            if answer.errorcode == "cannotviewreport":
                text = f"{answer} Where completion tracking is on in the course, the right is missing."
                return _bad(right, text) if right is guide.COMPLETION else _good(right, text)
        except HubError as error:
            return _bad(right, str(error))
        return _good(right, "It can be read.")

    def _shown(self, right: Permission, name: str, text: str) -> Check:
        """Whether accounts come with a field. One that nobody has a value in is no use either."""
        if not self._users:
            return _good(right, _NOBODY)
        if any(isinstance(user, dict) and name in user for user in self._users):
            return _good(right, text)
        return _bad(right, f"Accounts come without {name}.")


def _good(right: Permission, text: str) -> Check:
    return Check(right.name, True, text)


def _bad(right: Permission, text: str) -> Check:
    return Check(right.name, False, text, right.columns, right.remedy)
