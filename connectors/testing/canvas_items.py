"""What Canvas tells of modules, their items, and what learners hand in."""

from __future__ import annotations

from typing import Final

from connectors.testing.canvas_rows import Row, Rows
from connectors.testing.world_parts import Activity, Course, Enrollment, Lesson, Module

_TYPES: Final = {
    "quiz": "Quiz",
    "page": "Page",
    "assignment": "Assignment",
    "forum": "Discussion",
    "video": "ExternalUrl",
}
_NEEDS: Final = {
    "quiz": "min_score",
    "page": "must_view",
    "assignment": "must_submit",
    "forum": "must_contribute",
    "video": "must_view",
}


def assignment_id(activity: Activity) -> int:
    """The number of what is handed in; a quiz has one beside its own."""
    return activity.id + 10_000


def quiz_id(activity: Activity) -> int:
    """The number of a quiz, which is another one than that of its assignment."""
    return activity.id + 20_000


class ItemRows(Rows):
    """Rows of modules, items, assignments and submissions too."""

    def module(
        self, course: Course, module: Module, place: int, learner: Enrollment | None, items: list[Row] | None
    ) -> Row:
        """A module, with how far a learner is where one is asked for."""
        url = f"{self.host}/api/v1/courses/{course.id}/modules/{module.id}/items"
        row: Row = {
            "id": module.id,
            "name": module.name,
            "position": place,
            "unlock_at": None,
            "require_sequential_progress": False,
            "requirement_type": "all",
            "prerequisite_module_ids": [],
            "published": True,
            "items_count": len(module.activities),
            "items_url": url,
        }
        if learner is not None:
            row["state"], at = _module_state(learner, module)
            row["completed_at"] = self.time(at)
        if items is not None:
            row["items"] = items
        return row

    def item(self, course: Course, activity: Activity, place: int, learner: Enrollment | None) -> Row:
        """A module item."""
        row: Row = {
            "id": activity.id,
            "title": activity.name,
            "position": place,
            "indent": 0,
            "type": _TYPES[activity.kind],
            "module_id": activity.module_id,
            "html_url": f"{self.host}/courses/{course.id}/modules/items/{activity.id}",
            "published": True,
        }
        if activity.kind == "quiz":
            row["content_id"] = quiz_id(activity)
        elif activity.kind in ("assignment", "forum"):
            row["content_id"] = assignment_id(activity)
        elif activity.kind == "page":
            row["page_url"] = f"page-{activity.id}"
        if activity.required and not (learner and learner.excused(activity)):
            need: Row = {"type": _NEEDS[activity.kind]}
            if activity.pass_points is not None:
                need["min_score"] = activity.pass_points
            if learner is not None:
                need["completed"] = learner.fulfilled(activity)
            row["completion_requirement"] = need
        return row

    def assignment(self, course: Course, activity: Activity) -> Row:
        """What is handed in and graded; that of a quiz names the quiz."""
        row: Row = {
            "id": assignment_id(activity),
            "name": activity.name,
            "course_id": course.id,
            "points_possible": activity.points,
            "due_at": None,
            "grading_type": "points",
            "workflow_state": "published",
            "submission_types": ["online_quiz" if activity.kind == "quiz" else "online_upload"],
        }
        return row | ({"quiz_id": quiz_id(activity)} if activity.kind == "quiz" else {})

    def submission(self, enrollment: Enrollment, activity: Activity) -> Row:
        """What one learner handed in; there is a row also where that is nothing."""
        lesson = enrollment.lessons.get(activity.id)
        state = submission_state(lesson)
        graded = lesson is not None and state == "graded"
        score = lesson.score if lesson and graded else None
        by = (-quiz_id(activity) if activity.kind == "quiz" else enrollment.course.teacher_id) if graded else None
        graded_at = self.time(lesson.graded_at or lesson.done_at) if lesson and graded else None
        return {
            "id": enrollment.id * 100 + enrollment.course.path.index(activity),
            "assignment_id": assignment_id(activity),
            "user_id": enrollment.learner.id,
            "attempt": (lesson.attempts or None) if lesson else None,
            "score": score,
            "entered_score": score,
            "grade": None if score is None else f"{score:g}",
            "workflow_state": state,
            "submission_type": None
            if not lesson or not lesson.attempts
            else "online_quiz"
            if activity.kind == "quiz"
            else "online_upload",
            "submitted_at": self.time(lesson.submitted_at) if lesson else None,
            "graded_at": graded_at,
            "posted_at": graded_at,
            "grader_id": by,
            "late": False,
            "missing": False,
            "excused": bool(lesson and lesson.state == "excused"),
            "seconds_late": 0,
            "points_deducted": None,
        }


def submission_state(lesson: Lesson | None) -> str:
    """``unsubmitted``, ``submitted`` or ``graded``."""
    if lesson is None or lesson.state == "started":
        return "unsubmitted"
    return "submitted" if lesson.state == "submitted" else "graded"


def _module_state(enrollment: Enrollment, module: Module) -> tuple[str, int]:
    """Where a learner stands in a module, and when it was completed (0: it is not)."""
    wanted = [one for one in module.activities if one.required and not enrollment.excused(one)]
    met = [enrollment.lessons[one.id].done_at for one in wanted if enrollment.fulfilled(one)]
    if wanted and len(met) == len(wanted):
        return "completed", max(met)
    return ("started" if any(one.id in enrollment.lessons for one in module.activities) else "unlocked"), 0
