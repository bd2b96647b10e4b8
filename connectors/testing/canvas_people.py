"""Routes of the fake Canvas for accounts, people and enrollments, and those that enroll."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connectors.testing.canvas_gate import CanvasError, not_found
from connectors.testing.canvas_pages import Marker, listed
from connectors.testing.canvas_places import ACCOUNT, Listed, Places, Route, every, form
from connectors.testing.canvas_rows import Row, seat_state
from connectors.testing.server import Asked
from connectors.testing.world_parts import Course, Enrollment, Learner, Seat, Standing

_STATES: Final = frozenset({"active", "invited", "creation_pending", "deleted", "rejected", "completed", "inactive"})
_TASKS: Final[dict[str, Standing]] = {
    "conclude": "concluded", "delete": "removed", "inactivate": "suspended", "deactivate": "suspended",
}  # fmt: skip


class PeopleRoutes(Places):
    """Who there is, and who is enrolled in what."""

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            Route("GET", "/accounts/:account_id/courses", self._account_courses, "read_course_list"),
            Route("GET", "/accounts", lambda asked, at: Listed(listed([ACCOUNT]))),  # noqa: ARG005
            Route("GET", "/accounts/:account_id", lambda asked, at: self.account(at)),  # noqa: ARG005
            Route("GET", "/accounts/:account_id/users", self._account_users, "read_roster"),
            Route("GET", "/accounts/:account_id/enrollments/:id", self._one_enrollment, "read_roster"),
            Route("GET", "/users/:id", lambda asked, at: self.rows.user(self.user(at), email=True), "read_roster"),  # noqa: ARG005
            Route("GET", "/users/:user_id/enrollments", self._user_enrollments, "read_roster"),
            Route("GET", "/sections/:section_id/enrollments", self._section_enrollments, "read_roster"),
            Route("GET", "/courses/:id", lambda asked, at: self.rows.course(self.course(at, "id"))),  # noqa: ARG005
            Route("GET", "/courses/:course_id/sections", self._sections),
            Route("GET", "/courses/:course_id/users", self._course_users, "read_roster"),
            Route("GET", "/courses/:course_id/enrollments", self._enrollments, "read_roster"),
        ]

    def _account_courses(self, asked: Asked, at: re.Match[str]) -> Listed:  # noqa: ARG002
        self.account(at)
        return Listed(listed(list(self.world.courses.values()), self.rows.course), "courses")

    def _account_users(self, asked: Asked, at: re.Match[str]) -> Listed:
        self.account(at)
        term = asked.query.get("search_term", "").lower()
        people = [
            one
            for one in (*self.world.teachers.values(), *self.world.learners.values())
            if term in one.name.lower()
            or term in one.person.email.lower()
            or term == one.person.login
            or term == one.person.number.lower()
        ]
        email = "email" in every(asked, "include")
        return Listed(listed(people, lambda one: self.rows.user(one, email=email)), "users")

    def _course_users(self, asked: Asked, at: re.Match[str]) -> Listed:
        course, include = self.course(at), every(asked, "include")
        states = set(every(asked, "enrollment_state") or ("active", "invited"))
        found: list[tuple[Learner, Enrollment | None]] = []
        kinds = every(asked, "enrollment_type")
        if not kinds or "teacher" in kinds:
            found.append((self.world.teachers[course.teacher_id], None))
        if not kinds or "student" in kinds:
            found += [
                (each.learner, each)
                for each in course.roster
                if states & {seat_state(each, seat) for seat in each.seats}
            ]

        def row(pair: tuple[Learner, Enrollment | None]) -> Row:
            learner, enrollment = pair
            made = self.rows.user(learner, email="email" in include)
            if "enrollments" in include and enrollment:
                made["enrollments"] = [self.rows.enrollment(enrollment, seat) for seat in enrollment.seats]
            return made

        return Listed(listed(found, row), "users")

    # -- enrollments --------------------------------------------------------------------------------------

    def _enrollments(self, asked: Asked, at: re.Match[str]) -> Listed:
        course, wanted = self.course(at), _wanted(asked)
        teacher = (
            self.world.teachers[course.teacher_id]
            if "TeacherEnrollment" in wanted.types and "active" in wanted.states
            else None
        )

        def source(here: Marker, size: int) -> tuple[list[Row], Marker | None]:
            found = [self.rows.teaching(course, teacher)] if teacher and not here else []
            for enrollment, seat in _seats_from(course, here):
                if "StudentEnrollment" in wanted.types and seat_state(enrollment, seat) in wanted.states:
                    if len(found) == size:
                        return found, [enrollment.id, enrollment.seats.index(seat)]
                    found.append(self.rows.enrollment(enrollment, seat))
            return found, None

        return Listed(source, "enrollments")

    def _user_enrollments(self, asked: Asked, at: re.Match[str]) -> Listed:
        learner, wanted = self.user(at, "user_id"), _wanted(asked)
        return self._seats([(each, seat) for each in learner.enrollments for seat in each.seats], wanted)

    def _section_enrollments(self, asked: Asked, at: re.Match[str]) -> Listed:
        for course in self.world.courses.values():
            if at["section_id"] in map(str, course.section_ids):
                pairs = [
                    (each, seat)
                    for each in course.roster
                    for seat in each.seats
                    if str(seat.section_id) == at["section_id"]
                ]
                return self._seats(pairs, _wanted(asked))
        raise not_found()

    def _seats(self, pairs: list[tuple[Enrollment, Seat]], wanted: _Wanted) -> Listed:
        found = [pair for pair in pairs if "StudentEnrollment" in wanted.types and seat_state(*pair) in wanted.states]
        return Listed(listed(found, lambda pair: self.rows.enrollment(*pair)), "enrollments")

    def _one_enrollment(self, asked: Asked, at: re.Match[str]) -> Row:  # noqa: ARG002
        self.account(at)
        return self.rows.enrollment(*self.seat(at))

    def _sections(self, asked: Asked, at: re.Match[str]) -> Listed:  # noqa: ARG002
        course = self.course(at)
        rows = [
            {"id": number, "name": f"Section {place}", "course_id": course.id, "sis_section_id": None}
            for place, number in enumerate(course.section_ids, 1)
        ]
        return Listed(listed(rows), "sections")


class EnrollingRoutes(Places):
    """What changes enrollments."""

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            Route("POST", "/courses/:course_id/enrollments", self._enroll, "manage_students"),
            Route("DELETE", "/courses/:course_id/enrollments/:id", self._end, "manage_students"),
            Route("PUT", "/courses/:course_id/enrollments/:id/reactivate", self._reactivate, "manage_students"),
        ]

    def _enroll(self, asked: Asked, at: re.Match[str]) -> Row:
        course, given = self.course(at), form(asked)
        learner = self.found(given.get("enrollment[user_id]", ""))
        before = self.world.enrollment(learner.id, course.id)
        if before is not None and before.standing == "concluded":
            raise CanvasError(400, {"message": "Can't add an enrollment to a concluded course."})
        active = given.get("enrollment[enrollment_state]") == "active"
        enrollment = self.world.enroll(learner.id, course.id, "active" if active else "invited")
        return self.rows.enrollment(enrollment, enrollment.seat())

    def _end(self, asked: Asked, at: re.Match[str]) -> Row:
        enrollment, seat = self.seat(at)
        task = {**asked.query, **form(asked)}.get("task", "conclude")
        if task not in _TASKS:
            raise CanvasError(400, {"errors": {"task": "is not a valid task"}})
        self.world.stand(enrollment, _TASKS[task])
        return self.rows.enrollment(enrollment, seat)

    def _reactivate(self, asked: Asked, at: re.Match[str]) -> Row:  # noqa: ARG002
        enrollment, seat = self.seat(at)
        if enrollment.standing != "suspended":
            raise CanvasError(400, {"error": "enrollment not inactive"})
        self.world.stand(enrollment, "active")
        return self.rows.enrollment(enrollment, seat)


@dataclass(slots=True)
class _Wanted:
    """Types and states of the enrollments that are asked for."""

    types: set[str]
    states: set[str]


def _wanted(asked: Asked) -> _Wanted:
    states = set(every(asked, "state")) or {"active", "invited"}
    if unknown := states - _STATES - {"current_and_invited", "current_and_future", "current_and_concluded"}:
        raise CanvasError(400, {"errors": {"state": f"Invalid state: {', '.join(sorted(unknown))}"}})
    return _Wanted(set(every(asked, "type")) or {"StudentEnrollment", "TeacherEnrollment"}, states)


def _seats_from(course: Course, here: Marker) -> Iterator[tuple[Enrollment, Seat]]:
    """All seats from a place on, by enrollment."""
    start = bisect_left(course.roster, here[0], key=_number) if here else 0
    for position in range(start, len(course.roster)):
        enrollment = course.roster[position]
        first = here[1] if here and enrollment.id == here[0] else 0
        for seat in enrollment.seats[first:]:
            yield enrollment, seat


def _number(enrollment: Enrollment) -> int:
    return enrollment.id
