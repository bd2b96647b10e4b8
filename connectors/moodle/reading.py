"""One run through a Moodle: its courses one after the other, of each its learners one after the other.

Nothing is kept but what the next row needs. A course that is refused costs itself alone; the lists of the active and of
all are held against each other, so that a list that came short drops and suspends nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from connectors.contract import Coverage, Item, Pull, RequestLog
from connectors.moodle import course as courses
from connectors.moodle import functions, guide, mapping, paging, values
from connectors.moodle.client import MoodleClient
from connectors.moodle.course import Course
from connectors.moodle.errors import Denied, NothingThere
from connectors.moodle.gradebook import NONE, TOGETHER, Gradebook, Grades
from connectors.moodle.items import CERTIFICATES, Items
from connectors.moodle.learners import Learners
from connectors.moodle.mapping import Record
from connectors.moodle.settings import Options
from connectors.moodle.values import Row
from connectors.observe import Learner, Observer
from connectors.refine import Rules
from hub.domain.units import DAY, SECOND
from hub.errors import Refused, Unusable

SORTED: Final = 5_000
"""So many certificates, 1.4 KB each, are put in the order of their issue before they are told."""
CRON: Final = DAY
"""A course is found to be completed by Moodle's cron, so long at most after the learner's last access."""


@dataclass(slots=True)
class _Open:
    """A course while its learners are read."""

    course: Course
    active: set[str] | None
    """Ids of the active; None where Moodle does not say who is."""
    instructor: tuple[str, str | None] | None
    gradebook: Gradebook | None
    learner: str | None = None
    """Somebody who learns in it."""
    closed: set[str] = field(default_factory=set)
    """Functions that tell nothing in this course."""


class Reader:
    """Reads everything that a pull asks for."""

    def __init__(
        self,
        client: MoodleClient,
        requests: RequestLog,
        observer: Observer,
        options: Options,
        rules: Rules,
        ask: Pull,
    ) -> None:
        self._client = client
        self._requests = requests
        self._observer = observer
        self._options = options
        self._rules = rules
        self._now = ask.now
        self._since = None if ask.full else ask.since
        self._only = ask.courses
        self._learners = Learners(client)
        self._granted: set[str] = set()
        self._issuing: dict[str, str] = {}
        self._read: set[str] = set()
        self._whole = True
        self.began = 0
        """The second in which the run began, by the clock that is behind: Moodle's or ours."""
        self.coverage: Coverage | None = None

    def items(self) -> Iterator[Item]:
        """Everything, course by course. Raises as the connector's pull."""
        site = self._client.ask(functions.SITE_INFO, dict)
        self._granted = granted(site)
        for right in guide.FUNCTIONS:
            if right.required and right.name not in self._granted:
                raise Refused(
                    f"The service of the token lacks the function {right.name}: expected {right.remedy}",
                    field=right.name,
                    rule="function of the service",
                    expected=right.remedy,
                )
        first, now = self._client.first_date, self._now() // SECOND * SECOND
        self.began = now if first is None else min(first, now)
        self._items = Items(self._observer, self._options, self._rules, self.began)
        listed = self._catalogue()
        keys = set(map(values.key_of, listed))
        refused: list[Denied] = []
        listed.reverse()
        while listed:
            try:
                yield from self._course(listed.pop())
            except Denied as problem:
                refused.append(problem)
        if refused and len(refused) == len(keys):
            raise refused[0]
        yield from self._certificates(issuer_of(site))
        if self._since is None and self._only is None:
            self.coverage = Coverage(self._read, catalogue=self._whole and self._is_same(keys))

    # -- courses ------------------------------------------------------------------------------------------

    def _catalogue(self) -> list[Row]:
        """The chosen courses, each once."""
        found: dict[object, Row] = {}
        for number, told in enumerate(self._client.ask(functions.COURSES, list)):
            row = told if isinstance(told, dict) else {}
            if courses.is_site_home(row):
                continue
            if courses.is_chosen(row, self._options.courses) and self._is_asked_for(row):
                # Those without an id are kept apart by their place, to be rejected one by one.
                key = values.key_of(row)
                found.setdefault(("row", number) if key is None else key, row)
            else:
                self._whole = False
        return list(found.values())

    def _is_asked_for(self, row: Row) -> bool:
        """Whether a pull of certain courses wants this one; a row without an id may be any."""
        key = values.key_of(row)
        return self._only is None or key is None or str(key) in self._only

    def _is_same(self, keys: set[values.Key]) -> bool:
        """Whether the list of courses is still the same: one that came short must not end all others."""
        return set(map(values.key_of, self._catalogue())) == keys

    def _course(self, row: Row) -> Iterator[Item]:
        """A course and all that is in it. Raises Denied after the item that says so."""
        before = self._requests.milliseconds
        try:
            course = courses.course_of(row, self._options)
        except Unusable as problem:
            yield self._items.unusable(row, problem)
            return
        if not self._is_supported(course):
            note = f"courses of the type {course.type} are not in supported_course_types"
            yield self._items.unwanted_course(course, note)
            return
        try:
            yield from self._in_course(course)
        except Denied as error:
            yield self._items.denied(course, error)
            raise
        self._requests.course_seconds[course.key] = round((self._requests.milliseconds - before) / 1000, 3)

    def _is_supported(self, course: Course) -> bool:
        wanted = self._observer.config.supported_course_types
        names = {"Virtual Classroom" if name == "Virtual" else name for name in wanted}
        return course.type is None or not names or course.type in names

    def _in_course(self, course: Course) -> Iterator[Item]:
        opened = _Open(course, None, None, None)
        yield from self._parts(opened)
        yield self._items.course(course)
        seen: set[str] = set()
        missing: set[str] = set()
        for _ in range(2):
            for user in paging.enrolled(self._client, course.key, self._options.page_size):
                yield from self._user(user, opened, seen)
            missing = (opened.active or set()) - seen
            if not missing:
                break
        # Who is active and on no list of all may have left meanwhile, or the list came short.
        if not missing:
            self._read.add(course.key)

    def _parts(self, opened: _Open) -> Iterator[Item]:
        """Read of a course what is not of one learner; an item for each part that is refused."""
        course = opened.course
        for function, read in (
            (functions.ENROLLED, self._take_active),
            (functions.CONTENTS, self._take_contents),
            (functions.COMPLETION, self._take_criteria),
            (functions.GRADES, self._take_grades),
        ):
            if function not in self._granted:
                continue
            try:
                read(opened)
            except NothingThere:
                opened.closed.add(function)
            except Denied as error:
                opened.closed.add(function)
                yield self._items.unwanted({}, str(error), f"course {course.key}")
            except Unusable as problem:
                yield self._items.unusable(course.row, problem, course.key)

    def _take_active(self, opened: _Open) -> None:
        """Who is active, and who teaches. Lower ids come first."""
        active: set[str] = set()
        size = self._options.page_size
        asked = {"onlyactive": 1, "userfields": "id,fullname,roles"}
        for user in paging.enrolled(self._client, opened.course.key, size, **asked):
            active.add(values.moodle_id(user))
            if opened.learner is None and mapping.learns(user, self._options):
                opened.learner = values.moodle_id(user)
            if opened.instructor is None and mapping.roles_of(user) & self._options.instructor_roles:
                opened.instructor = (values.moodle_id(user), values.text(user, "fullname", 200))
        opened.active = active

    def _take_contents(self, opened: _Open) -> None:
        found = self._client.ask(functions.CONTENTS, list, courseid=opened.course.key)
        courses.take_contents(opened.course, values.rows(found, "contents"))
        self._issuing.update(dict.fromkeys(opened.course.certificates, opened.course.key))

    def _take_criteria(self, opened: _Open) -> None:
        """On what the completion depends; Moodle tells it with anybody's."""
        if self._options.lessons and opened.course.activities and opened.learner is not None:
            courses.take_criteria(opened.course, self._completions(opened, opened.learner) or ())

    def _take_grades(self, opened: _Open) -> None:
        items = len(opened.active or ()) * (1 + len(opened.course.activities))
        opened.gradebook = Gradebook(self._client, opened.course.key, together=0 < items <= TOGETHER)

    # -- learners -----------------------------------------------------------------------------------------

    def _user(self, user: Row, opened: _Open, seen: set[str]) -> Iterator[Item]:
        """A row of the list of enrolled users, with the learner's lessons."""
        place = f"course {opened.course.key}"
        key = ""
        try:
            key = values.moodle_id(user if isinstance(user, dict) else {})
            if key in seen:
                return
            seen.add(key)
            learner = mapping.learner_of(user, self._options)
            if not mapping.learns(user, self._options):
                yield self._items.unwanted(user, "it has no role of learner_roles", place)
                return
            record = self._record(user, key, opened)
        except Unusable as problem:
            yield self._items.unusable(user, problem, opened.course.key)
            return
        except Denied as error:
            opened.closed.add(error.function)
            yield self._items.unwanted({}, str(error), place)
            seen.discard(key)
            yield from self._user(user, opened, seen)
            return
        yield self._items.enrollment(record, learner, opened.course)
        if record.statuses is not None:
            yield from self._lessons(record, learner, opened.course)

    def _record(self, user: Row, key: str, opened: _Open) -> Record:
        """All that is to be read of a learner in a course."""
        is_listed = opened.active is not None and key in opened.active
        # Who is not among the active is only believed to be suspended where Moodle says so now.
        standing = self._learners.standing(key, opened.course.key, fresh=opened.active is not None and not is_listed)
        active = True if is_listed or standing is not None else None if opened.active is None else False
        record = Record(user, active, standing, NONE, instructor=opened.instructor)
        access = mapping.last_access(user, standing)
        record.grades = self._grades(opened, key, access)
        newest = max(filter(None, (access, record.grades.at)), default=0)
        since = 0 if self._since is None or access is None else self._since
        if self._options.lessons and newest >= since:
            self._take_statuses(record, opened, key)
        record.is_quiet = newest < since - CRON
        if standing is not None and values.flag(standing, "completed") and not record.is_quiet:
            record.completions = self._completions(opened, key)
        return record

    def _grades(self, opened: _Open, key: str, access: int | None) -> Grades:
        book = opened.gradebook
        if book is None or functions.GRADES in opened.closed:
            return NONE
        return book.of(key, ask=self._since is None or access is None or access >= self._since)

    def _take_statuses(self, record: Record, opened: _Open, key: str) -> None:
        if not self._may(functions.ACTIVITIES, opened):
            return
        try:
            told = self._client.ask(functions.ACTIVITIES, dict, courseid=opened.course.key, userid=key)
        except NothingThere:
            return
        rows = values.rows(told.get("statuses"), "statuses")
        if not rows and told.get("warnings"):
            return  # warnings in place of states are failures
        record.statuses = []
        for row in rows:
            try:
                record.statuses.append(mapping.status_of(row))
            except Unusable as problem:
                record.spoiled.append((row, problem))

    def _completions(self, opened: _Open, key: str) -> list[Row] | None:
        if not self._may(functions.COMPLETION, opened):
            return None
        try:
            told = self._client.ask(functions.COMPLETION, dict, courseid=opened.course.key, userid=key)
        except NothingThere as answer:
            if answer.errorcode == "nocriteriaset":
                opened.closed.add(functions.COMPLETION)
            return None
        status = told.get("completionstatus")
        return values.rows(status.get("completions"), "completions") if isinstance(status, dict) else None

    def _may(self, function: str, opened: _Open) -> bool:
        return function in self._granted and function not in opened.closed

    def _lessons(self, record: Record, learner: Learner, course: Course) -> Iterator[Item]:
        """Every activity that is tracked or graded, once."""
        graded = dict(record.grades.activities)
        for status in record.statuses or ():
            grade = graded.pop(status.key, None)
            yield self._items.lesson(status, grade, status.key, learner, course)
        for key, grade in graded.items():
            yield self._items.lesson(None, grade, key, learner, course)
        for row, problem in record.spoiled:
            yield self._items.unusable(row, problem, course.key)

    # -- certificates -------------------------------------------------------------------------------------

    def _certificates(self, issuer: str | None) -> Iterator[Item]:
        """Certificates of the courses that were read, older ones first as far as they are held together."""
        if functions.CERTIFICATES not in self._granted:
            return
        since = 0 if self._since is None else self._since // SECOND
        waiting: list[Row] = []
        try:
            for told in paging.certificates(self._client, since):
                waiting.append(told)
                if len(waiting) >= SORTED:
                    yield from self._told(waiting, issuer)
                    waiting = []
        except Denied as error:
            yield self._items.unwanted({}, str(error), CERTIFICATES)
        yield from self._told(waiting, issuer)

    def _told(self, waiting: list[Row], issuer: str | None) -> Iterator[Item]:
        return (self._items.certificate(told, self._issuing, issuer) for told in reversed(waiting))


def granted(site: Row) -> set[str]:
    """The functions that the token may call, by what the site tells of itself."""
    found = site.get("functions")
    return {str(one.get("name")) for one in found if isinstance(one, dict)} if isinstance(found, list) else set()


def issuer_of(site: Row) -> str | None:
    """The site's name, which stands on its certificates."""
    try:
        return values.text(site, "sitename", 200)
    except Unusable:
        return None
