"""One course of Canvas, read to its end: its items, and what of it could not be read.

What tells of learners (users, progress) and of lessons (modules) is read first and joined to the enrollments and the
submissions, which are the source records. Nothing of a course is kept once it has been read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connectors.canvas import mapping
from connectors.canvas.client import CanvasClient, NoRight
from connectors.canvas.lessons import Lessons, lessons_of, order_text
from connectors.canvas.mapping import STATES, STUDENT, Course, Membership
from connectors.canvas.settings import Options
from connectors.canvas.values import SHARD, Row, optional_id, written
from connectors.contract import KEPT_BYTES, Item
from connectors.observe import Learner, Observer, Seen
from connectors.parse import Reading
from connectors.refine import Found, Rules
from hub.domain.units import text_of
from hub.errors import Refused, Unusable

REMEMBERED: Final = 20_000
"""Learners whose details a run remembers having told."""
_LISTED: Final = ("active", "invited", "inactive", "completed", "rejected")
"""States of learners that a course's list of users can be asked for."""


@dataclass(slots=True)
class CourseReader:
    """Reads courses, one after the other, for one run."""

    client: CanvasClient
    observer: Observer
    options: Options
    reading: Reading
    rules: Rules
    now: Callable[[], int]
    since: int | None
    """Submissions that changed since; None: all of them."""
    newest: int | None = None
    """The newest time of any submission that was read, by Canvas's clock."""
    refused: NoRight | None = None
    """The last list of enrollments that was refused."""
    _told: dict[str, Learner] = field(default_factory=dict)

    def items(self, raw: bytes, course: Course) -> Iterator[Item]:
        """The course, its enrollments, its submissions. Where its enrollments are refused that is one item, with its
        problem, and :attr:`refused` is set."""
        self.refused = None
        if not self._is_supported(course):
            item = self._course(raw, course, {})
            item.observations = [one | {"counted": False} for one in item.observations]
            item.note = f"courses of the type {course.type} are not in supported_course_types"
            yield item
            return
        base = f"courses/{course.key}"
        lessons = self._lessons(base)
        yield self._course(raw, course, lessons)
        try:
            rows = list(self._enrollment_rows(base))
        except NoRight as error:
            self.refused = error
            yield _unread(course, "enrollments", error)
            return
        known: set[str] = set()
        yield from self._enrollments(course, base, rows, known)
        del rows
        try:
            yield from self._submissions(course, base, lessons, known)
        except NoRight as error:
            yield _unread(course, "submissions", error)

    # -- the course and its details -----------------------------------------------------------------------

    def _is_supported(self, course: Course) -> bool:
        wanted = self.observer.config.supported_course_types
        names = {"Virtual Classroom" if name == "Virtual" else name for name in wanted}
        return course.type is None or not names or course.type in names

    def _course(self, raw: bytes, course: Course, lessons: Lessons) -> Item:
        item, seen = self._item(raw, f"course {course.key}", f"course/{course.key}")
        told = self.observer.course(
            course.key,
            seen,
            counted=True,
            retired=course.retired,
            course_name=course.name,
            course_code=course.code,
            course_type=course.type,
            lesson_order=order_text(lessons),
        )
        item.observations = [_signed(told, item)]
        return item

    def _lessons(self, base: str) -> Lessons:
        modules = self._details(f"{base}/modules", (("include[]", "items"),))
        for module in modules:
            if module.get("items") is None:  # Canvas leaves them out of a large module
                number = _number(module, "id")
                module["items"] = self._details(f"{base}/modules/{number}/items") if number else []
        return lessons_of(modules, self._details(f"{base}/assignments"))

    def _details(self, path: str, query: Iterable[tuple[str, str]] = ()) -> list[dict[str, Any]]:
        """Rows of a list that only adds details; none where it is refused."""
        return [row for row in self._maybe(path, query) or () if isinstance(row, dict)]

    def _maybe(self, path: str, query: Iterable[tuple[str, str]] = ()) -> list[Any] | None:
        return self.client.if_allowed(lambda: list(self.client.rows(path, query)))

    def _by_user(self, rows: Iterable[Any]) -> dict[str, Row]:
        """Rows by the id of their user; one without can be joined to nothing."""
        return {number: row for row in rows if (number := _number(row, "id")) is not None}

    # -- enrollments --------------------------------------------------------------------------------------

    def _enrollment_rows(self, base: str) -> Iterator[Any]:
        """Each row once: rows that come or go while pages are read shift those behind them."""
        query = [("type[]", STUDENT), *(("state[]", state) for state in STATES)]
        seen: set[str] = set()
        for row in self.client.rows(f"{base}/enrollments", query):
            number = _number(row, "id")
            if number is not None:
                if number in seen:
                    continue
                seen.add(number)
            yield row

    def _enrollments(self, course: Course, base: str, rows: list[Any], known: set[str]) -> Iterator[Item]:
        asked = [("include[]", "email"), ("enrollment_type[]", "student")]
        asked += [("enrollment_state[]", state) for state in _LISTED]
        people = self._by_user(self._details(f"{base}/users", asked))
        progress = self._maybe(f"{base}/bulk_user_progress")
        roster = None if progress is None else self._by_user(progress)
        learners: dict[str, list[tuple[Membership, Item]]] = {}
        sources: dict[str, Row] = {}
        doubtful: set[str | None] = set()
        for row in rows:
            item, _ = self._item(written(row), _place(course, "enrollment", row), _native("enrollment", row))
            try:
                member = mapping.membership_of(_demand_row(row), course.key, people, self.reading)
            except Unusable as problem:
                yield _rejected(item, problem, row, course)
                doubtful.add(_number(row, "user_id"))
                continue
            if member is None:
                item.note = "not an enrollment as a student"
                yield item
            else:
                learners.setdefault(member.user, []).append((member, item))
                if self.rules.any:  # only they look at the row itself
                    sources[member.id] = row
        for user, found in learners.items():
            known.add(user)
            yield from self._learner(course, base, found, roster, sources, doubtful=user in doubtful)

    def _learner(
        self,
        course: Course,
        base: str,
        found: list[tuple[Membership, Item]],
        roster: dict[str, Row] | None,
        sources: dict[str, Row],
        *,
        doubtful: bool,
    ) -> Iterator[Item]:
        """The items of one learner: the first row tells of the enrollment, the others are kept beside it."""
        items = {member.id: item for member, item in found}
        rows = mapping.combined([member for member, _ in found])
        item = items.pop(rows[0].id)
        for other in items.values():
            other.note = f"a further section of enrollment {rows[0].id}"
            yield other
        told = self._progress(base, rows, roster)
        try:
            progress = None if told is None else mapping.progress_of(told, self.reading)
        except Unusable as problem:
            problem.field = f"progress.{problem.field}"
            yield _rejected(item, problem, told, course)
            return
        facts = mapping.enrollment_facts(rows, progress, self.options, self.reading, doubtful=doubtful)
        facts |= {"course_name": course.name, "course_code": course.code, "course_type": course.type}
        source = {**sources.get(rows[0].id, {}), "progress": told or {}}
        try:
            read = self.rules.refine(Found(rows[0].learner, course.key, None, facts, {}, None), source)
        except Unusable as problem:
            yield _rejected(item, problem, source, course)
            return
        seen = Seen(self.now(), read.occurred, native_id=item.native_id, position=item.position)
        item.observations = self._account(read.learner, replace(seen, source_time=None))
        item.observations.append(_signed(self._told_of(read, course, seen), item))
        yield item

    def _told_of(self, read: Found, course: Course, seen: Seen) -> dict[str, Any]:
        """The observation of what was read, after the integration's rules."""
        key = read.course_key or course.key
        if read.lesson_key is None:
            return self.observer.enrollment(read.learner, key, read.facts, seen)
        return self.observer.lesson(read.learner, key, read.lesson_key, read.facts, seen, course_name=course.name)

    def _progress(self, base: str, rows: list[Membership], roster: dict[str, Row] | None) -> Row | None:
        """The progress of a learner; None where it is not known. Whoever is held or concluded may be left out of the
        roster: they are asked for one by one, and between full pulls only where they have changed."""
        if roster is None:
            return None
        first = rows[0]
        if first.user in roster:
            told = roster[first.user].get("progress")
            return told if isinstance(told, dict) else {}
        if first.state not in mapping.OFF_ROSTER:
            return {}
        if self.since is not None and all(row.updated_at is not None and row.updated_at < self.since for row in rows):
            return None
        return self.client.if_allowed(lambda: self.client.one(f"{base}/users/{first.user}/progress")) or {}

    def _account(self, learner: Learner, seen: Seen) -> list[dict[str, Any]]:
        """The learner's account, where this run has not told the same of it."""
        if self._told.get(learner.native_id) == learner:
            return []
        if len(self._told) >= REMEMBERED:
            self._told.clear()
        self._told[learner.native_id] = learner
        return [self.observer.account(learner, seen)]

    # -- submissions --------------------------------------------------------------------------------------

    def _submissions(self, course: Course, base: str, lessons: Lessons, known: set[str]) -> Iterator[Item]:
        query = [("student_ids[]", "all")]
        filters: list[list[tuple[str, str]]] = [[]]
        if self.since is not None:
            # Asked apart, since both together would ask for what was submitted and graded since.
            moment = text_of(self.since)
            filters = [[("submitted_since", moment)], [("graded_since", moment)]]
        seen: set[int] = set()
        for chosen in filters:
            for row in self.client.rows(f"{base}/students/submissions", [*query, *chosen]):
                key = _pair(row)
                if key is None or key not in seen:
                    if key is not None:
                        seen.add(key)
                    yield self._submission(course, row, lessons, known)

    def _submission(self, course: Course, row: Any, lessons: Lessons, known: set[str]) -> Item:
        item, seen = self._item(written(row), _place(course, "submission", row), _native("submission", row))
        try:
            found = mapping.submission_of(_demand_row(row), lessons, self.reading)
            learner = Learner(f"lms_user_id:{found.user}")
            read = self.rules.refine(Found(learner, course.key, found.lesson, found.facts, {}, None), row)
        except Unusable as problem:
            return _rejected(item, problem, row, course)
        if found.changed_at is not None and (self.newest is None or found.changed_at > self.newest):
            self.newest = found.changed_at
        if found.user not in known:
            item.note = "of nobody who is enrolled in the course as a student"
            return item
        if read.occurred is not None:
            seen = replace(seen, source_time=read.occurred)
        item.observations = [_signed(self._told_of(read, course, seen), item)]
        return item

    def _item(self, raw: bytes, position: str, native_id: str | None) -> tuple[Item, Seen]:
        item = Item(position, native_id=native_id, size=len(raw), sha256=hashlib.sha256(raw).digest())
        return item, Seen(self.now(), native_id=native_id, position=position)


def _signed(told: dict[str, Any], item: Item) -> dict[str, Any]:
    """The observation with the hash that its item has already."""
    told["payload_sha256"] = item.sha256
    return told


def _rejected(item: Item, problem: Unusable, row: Any, course: Course) -> Item:
    raw = written(row)
    item.course_key = course.key
    item.problem, item.kept, item.size = problem, raw[:KEPT_BYTES], len(raw)
    item.sha256 = hashlib.sha256(raw).digest()
    return item


def _unread(course: Course, what: str, error: Refused) -> Item:
    """A list that the token may not read, as an item that says so: it costs this course alone."""
    problem = Unusable(
        f"The {what} of course {course.key} cannot be read: {error}",
        field=what,
        rule="right of the token",
        expected=f"the right to read the {what} of the course",
    )
    place = f"course {course.key}, {what}"
    return Item(place, problem=problem, native_id=f"course/{course.key}/{what}", course_key=course.key)


def _demand_row(row: Any) -> Row:
    if not isinstance(row, dict):
        raise Unusable(
            "record breaks the rule 'type': expected an object.", field="record", rule="type", expected="an object"
        )
    return row


def _number(row: Any, name: str) -> str | None:
    """An id of a row, where it has one that can be read."""
    try:
        return optional_id(row, name) if isinstance(row, dict) else None
    except Unusable:
        return None


def _place(course: Course, kind: str, row: Any) -> str:
    number = _number(row, "id")
    place = f"course {course.key}, {kind}" + (f" {number}" if number else "")
    assignment = _number(row, "assignment_id")
    return place if assignment is None else f"{place} of assignment {assignment}"


def _native(kind: str, row: Any) -> str | None:
    number = _number(row, "id")
    return f"{kind}/{number}" if number else None


def _pair(row: Any) -> int | None:
    """A submission's natural key, assignment and learner, as one number; None where it has none."""
    assignment, user = _number(row, "assignment_id"), _number(row, "user_id")
    return None if assignment is None or user is None else int(assignment) * SHARD + int(user)
