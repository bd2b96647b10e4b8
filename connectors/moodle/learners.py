"""How far learners are, by ``core_enrol_get_users_courses``: one request tells all courses of one learner.

Courses are read one after the other, so an answer is kept until the learner's other courses come. What is kept is
bounded: whose courses have no place is asked for again. Nobody is put out for somebody else, since learners come in the
same order in every course and each would be put out right before being needed.
"""

from __future__ import annotations

from typing import Any, Final

from connectors.moodle.client import MoodleClient
from connectors.moodle.errors import Denied, NothingThere
from connectors.moodle.functions import COURSES_OF_USER
from connectors.moodle.values import Row

KEPT: Final = 100_000
"""So many courses of learners are kept at most."""
_TOLD: Final = ("progress", "completed", "lastaccess", "completionhascriteria")


class Learners:
    """The courses of learners, each learner asked for once as long as they are remembered."""

    def __init__(self, client: MoodleClient, kept: int = KEPT) -> None:
        self._client = client
        self._most = kept
        self._kept: dict[str, dict[Any, tuple[Any, ...]]] = {}
        self._size = 0

    def standing(self, learner: str, course: str, *, fresh: bool = False) -> Row | None:
        """What Moodle tells of a learner in a course; None where it tells nothing, as of who is suspended.

        ``fresh``: nothing that was kept is good enough to say that it tells nothing. Raises as
        :meth:`MoodleClient.ask`, but where this learner's courses cannot be seen.
        """
        courses = self._kept.pop(learner, None)
        if courses is not None and fresh and course not in courses:
            self._size -= len(courses)
            courses = None
        if courses is None:
            courses = self._ask(learner)
        else:
            self._size -= len(courses)
        found = courses.pop(course, None)
        if courses and self._size + len(courses) <= self._most:
            self._kept[learner] = courses
            self._size += len(courses)
        return None if found is None else dict(zip(_TOLD, found, strict=True))

    def _ask(self, learner: str) -> dict[Any, tuple[Any, ...]]:
        try:
            told = self._client.ask(COURSES_OF_USER, list, userid=learner, returnusercount=0)
        except (Denied, NothingThere):
            return {}
        return {str(row.get("id")): tuple(row.get(name) for name in _TOLD) for row in told if isinstance(row, dict)}
