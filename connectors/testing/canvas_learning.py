"""Routes of the fake Canvas for courses, modules, progress and submissions."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from connectors.testing.canvas_gate import CanvasError, not_found
from connectors.testing.canvas_items import ItemRows, assignment_id, quiz_id
from connectors.testing.canvas_pages import Marker, listed
from connectors.testing.canvas_places import Listed, Places, Route, every
from connectors.testing.canvas_rows import ON_ROSTER, STUDENTS, Row
from connectors.testing.server import Asked
from connectors.testing.world import World
from connectors.testing.world_parts import Activity, Enrollment, Module

MOST_STUDENTS: Final = 100


class LearningRoutes(Places):
    """``most_items``: modules with more come without their items, and so does one module in five."""

    def __init__(self, world: World, rows: ItemRows, lacking: frozenset[str], most_items: int) -> None:
        super().__init__(world, rows, lacking)
        self.most_items = most_items

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            Route("GET", "/courses/:course_id/bulk_user_progress", self._bulk_progress, "view_all_grades"),
            Route("GET", "/courses/:course_id/users/:user_id/progress", self._progress, "view_all_grades"),
            Route("GET", "/courses/:course_id/modules", self._modules),
            Route("GET", "/courses/:course_id/modules/:module_id/items", self._items),
            Route("GET", "/courses/:course_id/assignments", self._assignments),
            Route("GET", "/courses/:course_id/students/submissions", self._submissions, "view_all_grades"),
            Route("GET", "/courses/:course_id/quizzes/:quiz_id/submissions", self._quiz_submissions, "view_all_grades"),
        ]

    def _bulk_progress(self, asked: Asked, at: re.Match[str]) -> Listed:  # noqa: ARG002
        roster = [each for each in self.course(at).roster if each.standing in ON_ROSTER]
        return Listed(listed(roster, self.rows.roster_row), "progress")

    def _progress(self, asked: Asked, at: re.Match[str]) -> Row:  # noqa: ARG002
        return self.rows.progress(self.enrollment(at))

    def _modules(self, asked: Asked, at: re.Match[str]) -> Listed:
        course, include = self.course(at), "items" in every(asked, "include")
        learner = self.student(asked, course)

        def row(pair: tuple[int, Module]) -> Row:
            place, module = pair
            left_out = not include or module.id % 5 == 0 or len(module.activities) > self.most_items
            items = (
                None
                if left_out
                else [self.rows.item(course, one, n, learner) for n, one in enumerate(module.activities, 1)]
            )
            return self.rows.module(course, module, place, learner, items)

        return Listed(listed(list(enumerate(course.modules, 1)), row), "modules")

    def _items(self, asked: Asked, at: re.Match[str]) -> Listed:
        course = self.course(at)
        learner = self.student(asked, course)
        module = next((one for one in course.modules if str(one.id) == at["module_id"]), None)
        if module is None:
            raise not_found()
        rows = [self.rows.item(course, one, place, learner) for place, one in enumerate(module.activities, 1)]
        return Listed(listed(rows), "items")

    def _assignments(self, asked: Asked, at: re.Match[str]) -> Listed:  # noqa: ARG002
        course = self.course(at)
        graded = [one for one in course.path if one.points is not None]
        return Listed(listed(graded, lambda one: self.rows.assignment(course, one)), "assignments")

    def _submissions(self, asked: Asked, at: re.Match[str]) -> Listed:
        course = self.course(at)
        students = _students(asked)
        assignments = set(every(asked, "assignment_ids"))
        graded = [
            one
            for one in course.path
            if one.points is not None and (not assignments or str(assignment_id(one)) in assignments)
        ]
        keep = _kept(asked)
        include = "assignment" in every(asked, "include")

        def rows(enrollment: Enrollment, start: int) -> Iterator[tuple[int, Row]]:
            for place, one in list(enumerate(graded))[start:]:
                row = self.rows.submission(enrollment, one)
                if keep(row):
                    yield place, row | ({"assignment": self.rows.assignment(course, one)} if include else {})

        if asked.query.get("grouped") in ("1", "true"):
            roster = [each for each in course.roster if each.standing in STUDENTS and _is_asked(each, students)]

            def group(each: Enrollment) -> Row:
                mine = [row for _, row in rows(each, 0)]
                return {"user_id": each.learner.id, "section_id": each.seats[0].section_id, "submissions": mine}

            return Listed(listed(roster, group), "submissions")
        if asked.query.get("order") == "graded_at":
            chosen = [each for each in course.roster if each.standing in STUDENTS and _is_asked(each, students)]
            flat = [row for each in chosen for _, row in rows(each, 0)]
            flat.sort(
                key=lambda row: (row["graded_at"] or "~", row["id"]),
                reverse=asked.query.get("order_direction") == "descending",
            )
            return Listed(listed(flat), "submissions")

        def source(here: Marker, size: int) -> tuple[list[Row], Marker | None]:
            found: list[Row] = []
            for position in range(bisect_left(course.roster, here[0], key=_number) if here else 0, len(course.roster)):
                each = course.roster[position]
                if each.standing not in STUDENTS or not _is_asked(each, students):
                    continue
                for place, row in rows(each, here[1] if here and each.id == here[0] else 0):
                    if len(found) == size:
                        return found, [each.id, place]
                    found.append(row)
            return found, None

        return Listed(source, "submissions")

    def _quiz_submissions(self, asked: Asked, at: re.Match[str]) -> Listed:  # noqa: ARG002
        course = self.course(at)
        quiz = next((one for one in course.path if one.kind == "quiz" and str(quiz_id(one)) == at["quiz_id"]), None)
        if quiz is None:
            raise not_found()
        done = [each for each in course.roster if each.standing in STUDENTS and each.lessons.get(quiz.id)]
        return Listed(listed(done, lambda each: self._quiz_submission(each, quiz)), "quiz_submissions")

    def _quiz_submission(self, enrollment: Enrollment, quiz: Activity) -> Row:
        row, lesson = self.rows.submission(enrollment, quiz), enrollment.lessons[quiz.id]
        return {
            "id": row["id"],
            "quiz_id": quiz_id(quiz),
            "user_id": row["user_id"],
            "submission_id": row["id"],
            "attempt": lesson.attempts or 1,
            "started_at": self.rows.time(lesson.started_at),
            "finished_at": row["submitted_at"],
            "kept_score": row["score"],
            "score": row["score"],
            "quiz_points_possible": quiz.points,
            "workflow_state": "complete" if row["submitted_at"] else "untaken",
        }


def _students(asked: Asked) -> set[str] | None:
    """Whose submissions are asked for; None: those of all. Raises CanvasError for an explicit list that is too long."""
    given = set(every(asked, "student_ids"))
    if "all" in given:
        return None
    if len(given) > MOST_STUDENTS:
        raise CanvasError(400, {"errors": [{"message": "too many students"}]})
    return given


def _is_asked(enrollment: Enrollment, students: set[str] | None) -> bool:
    return students is None or str(enrollment.learner.id) in students


def _kept(asked: Asked) -> Callable[[Row], bool]:
    """Which submissions: those after a time, strictly; those in a state. Raises CanvasError for a time that is none."""
    bounds: list[tuple[str, datetime]] = []
    for name, column in (("submitted_since", "submitted_at"), ("graded_since", "graded_at")):
        if text := asked.query.get(name):
            try:
                time = datetime.fromisoformat(text)
            except ValueError:
                raise CanvasError(400, {"errors": {name: "Invalid datetime for " + name}}) from None
            if time.tzinfo is None:
                raise CanvasError(400, {"errors": {name: "Invalid datetime for " + name}})
            bounds.append((column, time))
    state = asked.query.get("workflow_state")

    def keep(row: Row) -> bool:
        if state and row["workflow_state"] != state:
            return False
        return all(row[column] is not None and datetime.fromisoformat(row[column]) > bound for column, bound in bounds)

    return keep


def _number(enrollment: Enrollment) -> int:
    return enrollment.id
