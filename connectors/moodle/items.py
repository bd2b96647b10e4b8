"""Items of Moodle's rows: each counts once, with its account beside it where that was not told yet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connectors.contract import KEPT_BYTES, Item
from connectors.moodle import course as courses
from connectors.moodle import mapping, values
from connectors.moodle.course import Course
from connectors.moodle.errors import MoodleError
from connectors.moodle.gradebook import Grade
from connectors.moodle.mapping import Record, Status
from connectors.moodle.settings import Options
from connectors.moodle.values import Row, written
from connectors.observe import Learner, Observer, Seen
from connectors.refine import Found, Rules
from hub.errors import Unusable

CERTIFICATES: Final = "certificates"
REMEMBERED: Final = 20_000
"""Accounts that were told already are remembered; more than these are told again."""


@dataclass(slots=True)
class Items:
    """Makes the items of one run. ``at``: as of when all is told, microseconds."""

    observer: Observer
    options: Options
    rules: Rules
    at: int
    _told: set[Learner] = field(default_factory=set)

    def course(self, course: Course) -> Item:
        """The item of a course of the catalogue."""
        item, seen = self._begun(f"course/{course.key}", f"course {course.key}", course.row, course.key)
        try:
            seen = replace(seen, source_time=values.epoch(course.row, "timemodified"))
            hidden = values.flag(course.row, "visible") is False
            facts = courses.facts(course, self.options)
            item.observations.append(self.observer.course(course.key, seen, counted=True, retired=hidden, **facts))
        except Unusable as problem:
            return _spoiled(item, problem, course.row)
        return item

    def unwanted_course(self, course: Course, note: str) -> Item:
        """The item of a course in which nobody is read: it is known, and has no effect on learning."""
        item = self.course(course)
        item.observations = [one | {"counted": False} for one in item.observations]
        item.note = note
        return item

    def enrollment(self, record: Record, learner: Learner, course: Course) -> Item:
        """The item of a learner in a course."""
        total = record.grades.total
        source = {"user": record.user, "standing": record.standing, "grade": total and total.row}
        item, seen = self._begun(self._native_id(learner, course.key), f"course {course.key}", source, course.key)
        try:
            facts = mapping.enrollment(record, course, self.options)
            self._tell(item, Found(learner, course.key, None, facts, {}, None), source, course, seen)
        except Unusable as problem:
            return _spoiled(item, problem, source)
        return item

    def lesson(self, status: Status | None, grade: Grade | None, key: str, learner: Learner, course: Course) -> Item:
        """The item of a learner's activity."""
        source = {"activity": status and status.row, "grade": grade and grade.row}
        place = f"course {course.key}, activity {key}"
        item, seen = self._begun(self._native_id(learner, course.key, key), place, source, course.key)
        try:
            facts, at = mapping.lesson(status, grade, course.activities.get(key), self.observer.config.zone)
            self._tell(item, Found(learner, course.key, key, facts, {}, at), source, course, seen)
        except Unusable as problem:
            return _spoiled(item, problem, source)
        return item

    def certificate(self, told: Row, courses_of: Mapping[str, str], issuer: str | None) -> Item:
        """The item of a certificate. ``courses_of``: the course of each custom certificate that was read."""
        issue = values.part(told, "issue")
        # It stands on no course's list, so nobody can be missing on one for it: a course that is none.
        item, seen = self._begun(f"certificate/{issue.get('id')}", CERTIFICATES, issue, "")
        try:
            user = mapping.holder_of(told, issue)
            course = courses_of.get(values.moodle_id(issue, "customcertid"))
            if course is None:
                item.note = "it is of a course that was not read"
                return item
            facts, at = mapping.certificate(issue, issuer, self.observer.config.zone)
            learner = Learner(mapping.account_key(user))
            item.observations.append(self.observer.enrollment(learner, course, facts, replace(seen, source_time=at)))
        except Unusable as problem:
            return _spoiled(item, problem, issue)
        return item

    def unusable(self, row: object, problem: Unusable, course: str | None = None) -> Item:
        """The item of a row that cannot be read, of a course's list or of the list of courses."""
        place = "courses" if course is None else f"course {course}"
        return _spoiled(self._begun(None, place, row, course)[0], problem, row)

    def unwanted(self, row: object, note: str, place: str) -> Item:
        """The item of what is read, or could not be, and has no effect. ``note`` says why."""
        item, _ = self._begun(None, place, row, None)
        item.note = note
        return item

    def denied(self, course: Course, error: MoodleError) -> Item:
        """The item that makes visible that a course cannot be read."""
        item, _ = self._begun(f"course/{course.key}", f"course {course.key}", course.row, course.key)
        problem = Unusable(
            f"Course {course.key}: {error}", field=error.function, rule=error.errorcode, expected=error.expected
        )
        return _spoiled(item, problem, course.row)

    def _tell(self, item: Item, found: Found, source: Mapping[str, Any], course: Course, seen: Seen) -> None:
        """Put into an item what was found, as the rules of the integration want it."""
        found = self.rules.refine(found, {**source, "course": course.row})
        if found.occurred is not None:
            seen = replace(seen, source_time=found.occurred)
        if found.learner not in self._told:
            if len(self._told) < REMEMBERED:
                self._told.add(found.learner)
            around = replace(seen, source_time=None, native_id=None)
            item.observations.append(self.observer.account(found.learner, around))
        key = found.course_key or course.key
        if found.lesson_key is None:
            told = self.observer.enrollment(found.learner, key, found.facts, seen)
        else:
            told = self.observer.lesson(
                found.learner, key, found.lesson_key, found.facts, seen, course_name=course.name
            )
        item.observations.append(told)

    def _begun(self, native_id: str | None, place: str, row: object, course: str | None) -> tuple[Item, Seen]:
        payload = written(row)
        digest = hashlib.sha256(payload).digest()
        item = Item(place, native_id=native_id, size=len(payload), sha256=digest, course_key=course)
        return item, Seen(self.at, None, native_id, payload, None, place)

    def _native_id(self, learner: Learner, *keys: str) -> str:
        """Which record it is, without naming the person."""
        return "/".join((*keys, self.observer.account_id(learner.native_id)))


def _spoiled(item: Item, problem: Unusable, row: object) -> Item:
    item.observations.clear()
    item.problem, item.kept = problem, written(row)[:KEPT_BYTES]
    return item
