"""What is known of a world at a moment, found slowly and simply: loops over versions, a day at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.support.figures_company import Enrollment, Lesson, Version, World

ENDS = ("Completed", "Certified", "Failed", "Dropped", "Expired")
ONE = timedelta(days=1)
Row = dict[str, Any]


def half_up(value: Fraction, digits: int = 2) -> int:
    """Rounded half away from zero, as a whole number of the last digit's units."""
    whole, rest = divmod(abs(value) * 10**digits, 1)
    return int(whole) + int(rest >= Fraction(1, 2))


def percent(above: int, below: int) -> float | None:
    """A percentage with two decimals."""
    return half_up(Fraction(above * 100, below)) / 100 if below else None


@dataclass
class Tale:
    """What is known of an enrollment."""

    row: Enrollment
    last: dict[str, Any]
    completed_on: date | None = None
    other: tuple[str, date] | None = None
    certified_on: date | None = None
    lapsed_on: date | None = None
    valid_until: date | None = None
    statuses: list[tuple[date, str]] = field(default_factory=list)
    deadlines: list[tuple[date, date | None]] = field(default_factory=list)
    first_deadline: date | None = None
    spent: list[tuple[date, int]] = field(default_factory=list)
    doings: list[tuple[date, bool]] = field(default_factory=list)

    @property
    def who(self) -> UUID | None:
        found: UUID | None = self.last["employee_id"]
        return found

    @property
    def waived(self) -> bool:
        return bool(self.last["waived"])


class Knowledge:
    """What is known of a world at a moment."""

    def __init__(self, world: World, as_of: datetime) -> None:
        self.world, self.as_of, self.zone = world, as_of, ZoneInfo(world.zone)
        self.today = as_of.astimezone(self.zone).date()
        self.catalog = {(one["lms_integration_id"], one["course_id"]): one for one in world.courses}
        told = (self._tale(row) for row in world.enrollments.values())
        self.tales = [tale for tale in told if tale is not None]
        self.tracking = {tale.row.fixed["lms_integration_id"] for tale in self.tales if tale.spent}

    def local(self, moment: datetime | None) -> date | None:
        """The company's day of a moment."""
        return None if moment is None else moment.astimezone(self.zone).date()

    # -- people -------------------------------------------------------------------------------------------------

    def _as_told(self, versions: Iterable[tuple[date, datetime, Row]], day: date) -> Row | None:
        """The values on a day: of the versions begun by then the one told last; before all of them, the earliest."""
        known = [(since, values) for since, recorded, values in versions if recorded <= self.as_of]
        if not known:
            return None
        day = max(day, min(since for since, _ in known))
        return [values for since, values in known if since <= day][-1]

    @cache  # noqa: B019  an oracle lives as long as its test
    def person(self, who: UUID | None, day: date) -> Row | None:
        return None if who is None else self._as_told(self.world.people[who], day)

    def department_of(self, who: UUID | None, day: date) -> UUID | None:
        person = self.person(who, day)
        return person["department_id"] if person else None

    @cache  # noqa: B019
    def jobs(self, who: UUID) -> list[tuple[date, date]]:
        """First and last day of each employment."""
        found: list[list[Any]] = []
        gone = True
        for since, recorded, values in self.world.people[who]:
            if recorded > self.as_of:
                continue
            ended = values["employment_status"] == "Terminated"
            if (gone and not ended) or not found:
                hired, former = values["hire_date"], found[-1][1] if found else None
                start = (hired or date.min) if former is None else hired if hired and hired > former else since
                found.append([start, date.max])
            elif len(found) == 1 and values["hire_date"]:
                found[-1][0] = values["hire_date"]
            if ended and (not gone or found[-1][1] == date.max):
                found[-1][1] = values["termination_date"] or since
            elif not ended:
                last = values["termination_date"]
                found[-1][1] = last if last and last >= found[-1][0] else date.max
            gone = ended
        return [(start, last) for start, last in found]

    def employed(self, who: UUID | None, day: date) -> bool:
        return who is not None and any(start <= day <= last for start, last in self.jobs(who))

    def left_on(self, who: UUID | None, day: date) -> date | None:
        """The last day of work, where it is that day or before."""
        if who is None or self.person(who, day) is None:
            return None
        begun = [last for start, last in self.jobs(who) if start <= day]
        return begun[-1] if begun and begun[-1] <= day else None

    def away(self, who: UUID | None, day: date) -> bool:
        person = self.person(who, day)
        if person is None:
            return False
        on_leave = person["employment_status"] == "On Leave"
        if person["leave_start_date"] is None:
            return on_leave
        ends = person["leave_end_date"]
        return bool(person["leave_start_date"] <= day and (on_leave if ends is None else day <= ends))

    def departments(self, day: date) -> dict[UUID, Row]:
        told = {one: self._as_told(versions, day) for one, versions in self.world.departments.items()}
        return {one: values for one, values in told.items() if values is not None}

    def beneath(self, top: UUID, day: date) -> set[UUID]:
        """A department and all that report to it."""
        found, size = {top}, 0
        while size != len(found):
            size = len(found)
            found |= {one for one, values in self.departments(day).items() if values["parent_department_id"] in found}
        return found

    # -- what is known of an enrollment -----------------------------------------------------------------------------

    def versions(self, row: Enrollment | Lesson) -> list[Version]:
        return [version for version in row.versions if version.recorded <= self.as_of]

    def _tale(self, row: Enrollment) -> Tale | None:
        known = self.versions(row)
        if not known:
            return None
        tale = Tale(row, known[-1].values)
        self._end(tale, known)
        self._changes(tale, known)
        lessons = [one for one in self.world.lessons.values() if one.enrollment_id == row.id]
        if not tale.waived:
            tale.spent = self._spent(known) or [
                more for lesson in lessons for more in self._spent(self.versions(lesson))
            ]
            if any(self._rises(known)) and not self._spent(known):
                tale.spent = []
        tale.doings = [
            *self._doings(known),
            *(one for lesson in lessons for one in self._doings(self.versions(lesson))),
        ]
        return tale

    def _end(self, tale: Tale, known: list[Version]) -> None:
        last, status = tale.last, tale.last["enrollment_status"]
        run: list[Version] = []
        for version in known:
            run = [*run, version] if version.values["enrollment_status"] in ENDS else []
        finished = status in ("Completed", "Certified") or (status == "Expired" and last["completion_date"] is not None)
        if run and finished:
            tale.completed_on = last["completion_date"] or self.local(run[0].happened)
            if run[0].values["enrollment_status"] == "Failed":
                tale.other = ("Failed", self.local(run[0].happened) or date.max)
        elif run:
            tale.other = (status, self.local(run[0].happened) or date.max)

        def first_day(name: str) -> date | None:
            days = [self.local(one.happened) for one in known if one.values["enrollment_status"] == name]
            return min((day for day in days if day), default=None)

        validity = self.course(tale).get("validity_days")
        lapsed = finished and status == "Expired"
        tale.valid_until = last["valid_until"]
        if tale.valid_until is None and tale.completed_on and validity:
            tale.valid_until = tale.completed_on + timedelta(days=validity)
        if tale.valid_until is None and lapsed:
            tale.valid_until = first_day("Expired")
        tale.lapsed_on = tale.valid_until if lapsed else None
        if status == "Certified" or lapsed or last["revoked_on"]:
            tale.certified_on = last["valid_from"] or first_day("Certified") or tale.completed_on

    def course(self, tale: Tale) -> Row:
        fixed = tale.row.fixed
        return self.catalog.get((fixed["lms_integration_id"], fixed["course_id"]), {})

    def _changes(self, tale: Tale, known: list[Version]) -> None:
        status: Any = None
        due: Any = None
        for version in known:
            day = self.local(version.happened) or date.max
            values = version.values
            if values["enrollment_status"] != status:
                at = tale.statuses[-1][0] if version.retracted and tale.statuses else day
                status = values["enrollment_status"]
                tale.statuses.append((at, status))
            if values["due_date"] != due:
                at = tale.deadlines[-1][0] if version.retracted and tale.deadlines else day
                due = values["due_date"]
                tale.deadlines.append((at, due))
        tale.first_deadline = next((day for _, day in tale.deadlines if day), None)

    def _rises(self, known: list[Version]) -> Iterator[bool]:
        before = 0
        for version in known:
            now = version.values["time_spent_seconds"] or 0
            yield now > before
            before = now

    def _spent(self, known: list[Version]) -> list[tuple[date, int]]:
        """Increases, by day; what was taken out comes off the newest ones."""
        found: list[tuple[date, int]] = []
        before = 0
        for version in known:
            now = version.values["time_spent_seconds"] or 0
            day = self.local(version.values["last_access_date"] or version.happened) or date.max
            if now > before:
                found.append((day, now - before))
            elif version.retracted:
                gone = before - now
                while gone and found:
                    on, size = found.pop()
                    if size > gone:
                        found.append((on, size - gone))
                    gone = max(0, gone - size)
            before = now
        return found

    def _doings(self, known: list[Version]) -> Iterator[tuple[date, bool]]:
        before: Row = {}
        for version in known:
            values = version.values
            if version.own:
                yield self._doing_day(version, before), self._advanced(values, before)
            before = values

    def _doing_day(self, version: Version, before: Row) -> date:
        values = version.values
        accessed, completed = values["last_access_date"], values["completion_date"]
        if accessed is not None and accessed != before.get("last_access_date"):
            return self.local(accessed) or date.max
        if completed is not None and completed != before.get("completion_date"):
            return (self.local(completed) if isinstance(completed, datetime) else completed) or date.max
        return self.local(version.happened) or date.max

    @staticmethod
    def _advanced(values: Row, before: Row) -> bool:
        if "progress_status" in values:
            more = (values["completion_percentage"] or 0) > (before.get("completion_percentage") or 0)
            return more or (values["progress_status"] == "Completed" != before.get("progress_status"))
        more = (values["progress_percentage"] or 0) > (before.get("progress_percentage") or 0)
        done = ("Completed", "Certified")
        return more or (
            values["enrollment_status"] in done and before.get("enrollment_status") not in (*done, "Expired")
        )
