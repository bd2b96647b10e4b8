"""Grades of a course by ``gradereport_user_get_grade_items``: of all its learners in one answer where that is small.

An answer holds every grade item of every learner. Where that would be too large it is asked learner by learner, and
only of those whose details are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from connectors.moodle import values
from connectors.moodle.client import MoodleClient
from connectors.moodle.errors import NothingThere
from connectors.moodle.functions import GRADES
from connectors.moodle.values import Row
from hub.errors import Retriable, Unusable

TOGETHER: Final = 10_000
"""So many grade items at most are asked for at once."""
_POINTS: Final = ("graderaw", "grademin", "grademax")


@dataclass(frozen=True, slots=True)
class Grade:
    """One grade: ten-thousandths and microseconds."""

    raw: int | None
    low: int | None
    high: int | None
    submitted_at: int | None
    graded_at: int | None
    feedback: str | None

    row: Row
    """Its points as Moodle wrote them."""

    @property
    def at(self) -> int | None:
        """When it last changed."""
        return max(filter(None, (self.submitted_at, self.graded_at)), default=None)


@dataclass(slots=True)
class Grades:
    """The grades of one learner in a course. ``problem``: they cannot be read."""

    total: Grade | None = None
    activities: dict[str, Grade] = field(default_factory=dict)
    problem: Unusable | None = None

    @property
    def at(self) -> int | None:
        """When the newest grade was given or its work handed in."""
        every = [*self.activities.values(), *([self.total] if self.total else [])]
        return max((grade.at for grade in every if grade.at is not None), default=None)


NONE: Final = Grades()


class Gradebook:
    """The grades of one course. ``together``: of all its learners at once, else of each when asked for."""

    def __init__(self, client: MoodleClient, course: str, *, together: bool) -> None:
        """Raises as :meth:`MoodleClient.ask`."""
        self._client = client
        self._course = course
        self._all: dict[str, Grades] = {}
        if together:
            for told in self._ask():
                self._all[str(told.get("userid"))] = grades_of(told)

    def of(self, learner: str, *, ask: bool) -> Grades:
        """The grades of a learner; where they did not come with all (as of who is suspended), they are asked for only
        with ``ask``. Raises as :meth:`MoodleClient.ask`."""
        known = self._all.get(learner)
        if known is not None or not ask:
            return known or NONE
        try:
            found = self._ask(userid=learner)
        except NothingThere:
            return NONE
        return next((grades_of(told) for told in found if str(told.get("userid")) == learner), NONE)

    def _ask(self, **arguments: Any) -> list[Row]:
        found = self._client.ask(GRADES, dict, courseid=self._course, **arguments).get("usergrades")
        if not isinstance(found, list):
            raise Retriable(f"Moodle answered {GRADES} without grades.")
        return [told for told in found if isinstance(told, dict)]


def grades_of(told: Row) -> Grades:
    """The grades of one learner; of an activity with several, the first one."""
    found = Grades()
    try:
        for item in values.rows(told.get("gradeitems"), "gradeitems"):
            kind, cmid = item.get("itemtype"), item.get("cmid")
            if kind == "course":
                found.total = _grade(item)
            elif kind == "mod" and cmid is not None:
                found.activities.setdefault(str(cmid), _grade(item))
    except Unusable as problem:
        return Grades(problem=problem)
    return found


def _grade(item: Row) -> Grade:
    return Grade(
        values.points(item, "graderaw"),
        values.points(item, "grademin"),
        values.points(item, "grademax"),
        values.epoch(item, "gradedatesubmitted"),
        values.epoch(item, "gradedategraded"),
        values.prose(item, "feedback"),
        {name: item.get(name) for name in _POINTS},
    )
