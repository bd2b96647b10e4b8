"""What the tables must say of an LMS: its own truth, column by column, written from the mapping tables and not from the code.

A *difference* is a sentence; there are none where tables and LMS agree. What an LMS does not show (the progress of one who
is suspended, anything of one who was removed) is not held against the tables, which keep what was last seen. Where an
enrollment has ended, only what may still move it counts: an end that was seen stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import psycopg.rows

Row = Mapping[str, Any]
Truth = Mapping[str, Any]

NEWEST = """
SELECT a.native_id, e.course_id, e.id::text AS id, e.enrollment_status, e.progress_percentage, e.score_achieved, e.max_score,
       e.completion_date, e.last_access_date, e.time_spent_minutes, e.course_name, e.employee_id IS NOT NULL AS known,
       (SELECT m.employee_number FROM hub.employee m WHERE m.id = e.employee_id) AS number
FROM hub.stream_head h JOIN hub.lms_course_enrollment e ON e.id = h.row_id
JOIN hub.lms_account a ON a.id = (e.fold_state->>'account_id')::uuid
JOIN hub.lms_integration_config c ON c.id = e.lms_integration_id WHERE c.lms_code = %s
"""
LESSONS = """
SELECT a.native_id, e.course_id, p.lesson_id, p.progress_status, p.score_achieved, p.max_score
FROM hub.lms_learning_progress p JOIN hub.lms_integration_config c ON c.id = p.lms_integration_id
JOIN hub.lms_course_enrollment e ON e.id = p.enrollment_id
JOIN hub.lms_account a ON a.id = (e.fold_state->>'account_id')::uuid
WHERE c.lms_code = %s ORDER BY (e.fold_state->>'cycle')::integer
"""
ENDED = ("Completed", "Certified", "Failed", "Expired")


class Tables:
    """What the hub has of one integration: the newest cycle of each enrollment, and each lesson as it was last told; one that
    was done before the newest cycle stands in the cycle in which it was done."""

    def __init__(self, url: str, code: str) -> None:
        with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
            rows = connection.execute(NEWEST, (code,)).fetchall()
            lessons = connection.execute(LESSONS, (code,)).fetchall()
            found = connection.execute("SELECT DISTINCT time_zone FROM hub.company").fetchone()
        self.zone = ZoneInfo(found["time_zone"] if found else "UTC")
        self.enrollments = {(row["native_id"], row["course_id"]): row for row in rows}
        self.lessons: dict[tuple[str, str], dict[str, Row]] = {}
        for row in lessons:
            self.lessons.setdefault((row["native_id"], row["course_id"]), {})[row["lesson_id"]] = row

    def day(self, seconds: int) -> Any:
        """The company's day of a moment."""
        return datetime.fromtimestamp(seconds, UTC).astimezone(self.zone).date()


def hundredths(value: float) -> Decimal:
    """As a column of two places holds it."""
    return Decimal(repr(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def scale(score: float, most: float) -> tuple[Decimal, Decimal]:
    """Score and maximum as columns hold them: above 999.99 as percent."""
    return (
        (hundredths(score), hundredths(most)) if most <= 999.99 else (hundredths(100 * score / most), Decimal("100.00"))
    )


def first_day(wanted: Any, got: Any) -> tuple[Any, Any]:
    """The first completion of a cycle stands; a course that grew may be completed once more, later."""
    return (wanted, got) if got is None or got > wanted else (got, got)


def seen(row: Row, told: int) -> int | None:
    """The last access of a row; one that was seen is not unseen where an LMS tells an older one later on."""
    known = row["last_access_date"]
    return None if known is None else min(told, int(known.timestamp()))


def moodle_differences(tables: Tables, truths: Iterable[Truth]) -> Iterator[str]:
    """Where the tables differ from a Moodle."""
    for truth in truths:
        key = (f"lms_user_id:{truth['userid']}", str(truth["courseid"]))
        row = tables.enrollments.get(key)
        if row is None:
            if truth["standing"] != "removed":
                yield f"{key} is not in the tables"
            continue
        for name, wanted, got in _moodle_enrollment(tables, truth, row):
            if wanted != got:
                yield f"{key}: {name} is {got!r}, in Moodle {wanted!r} ({truth['standing']}, {row['enrollment_status']})"
        if truth["standing"] == "active":
            lessons = tables.lessons.get(key, {})
            for lesson in truth["lessons"]:
                yield from _told(key, str(lesson["cmid"]), *_moodle_lesson(lesson), lessons)


def _moodle_enrollment(tables: Tables, truth: Truth, row: Row) -> Iterator[tuple[str, Any, Any]]:
    status = row["enrollment_status"]
    if truth["standing"] == "removed":
        yield "removed", True, status in ("Dropped", *ENDED)
        return
    if truth["standing"] == "suspended":
        yield "suspended", True, status in ("On Hold", *ENDED)
        return
    if truth["certificate"]:
        yield "status", "Certified", status
    elif truth["completed"]:
        failing = any(one["state"] in (3, 4) for one in truth["lessons"])
        yield "status", "Failed" if failing and status == "Failed" else "Completed", status
    elif status != "Failed":
        begun = bool(truth["progress"]) or truth["last_access"] is not None
        yield "status", "In Progress" if begun else "Not Started", status
    if truth["completed"] and status == "Completed" and truth["completed_at"]:
        yield "completion_date", *first_day(tables.day(truth["completed_at"]), row["completion_date"])
    if truth["progress"] is not None:
        yield "progress_percentage", hundredths(truth["progress"]), row["progress_percentage"]
    if truth["graderaw"] is not None:
        score, most = scale(truth["graderaw"], truth["grademax"])
        yield "score_achieved", score, row["score_achieved"]
        yield "max_score", most, row["max_score"]
    if truth["last_access"] is not None:
        yield "last_access_date", truth["last_access"], seen(row, truth["last_access"])
    yield "course_name", truth["fullname"], row["course_name"]
    if truth["number"] and row["known"]:
        yield "employee", truth["number"], row["number"]


def _moodle_lesson(lesson: Truth) -> tuple[tuple[str, ...], float | None, float | None]:
    states = {1: ("Completed",), 2: ("Completed",), 3: ("Failed",), 4: ("Failed",), 0: ("Not Started", "In Progress")}
    wanted: tuple[str, ...] = states.get(lesson["state"], ()) if lesson["state"] is not None else ()
    return wanted, lesson["graderaw"], lesson["grademax"]


def canvas_differences(tables: Tables, truths: Iterable[Truth]) -> Iterator[str]:
    """Where the tables differ from a Canvas."""
    for truth in truths:
        key = (f"lms_user_id:{truth['user_id']}", str(truth["course_id"]))
        row = tables.enrollments.get(key)
        if row is None:
            if truth["state"] not in ("deleted", "rejected"):
                yield f"{key} is not in the tables"
            continue
        for name, wanted, got in _canvas_enrollment(tables, truth, row):
            if wanted != got:
                yield f"{key}: {name} is {got!r}, in Canvas {wanted!r} ({truth['state']}, {row['enrollment_status']})"
        if truth["state"] == "active":
            lessons = tables.lessons.get(key, {})
            for lesson in truth["lessons"]:
                if lesson["assignment_id"] is not None:
                    yield from _told(key, str(lesson["assignment_id"]), *_canvas_lesson(lesson), lessons)


def _canvas_enrollment(tables: Tables, truth: Truth, row: Row) -> Iterator[tuple[str, Any, Any]]:
    status, state = row["enrollment_status"], truth["state"]
    if state in ("deleted", "rejected"):
        yield "removed", True, status in ("Dropped", *ENDED)
        return
    whole = truth["completed_at"] is not None
    if state == "inactive":
        yield "held", True, status in ("On Hold", *ENDED)
    elif whole:
        yield "status", "Completed", status
    elif state == "completed":
        yield "concluded", True, status in ("Expired", "Failed", "Completed")
    elif status not in ENDED:
        begun = bool(truth["requirement_completed_count"]) or truth["last_activity_at"] is not None
        begun = begun or bool(truth["total_activity_time"])
        yield "status", "In Progress" if begun and state != "invited" else status, status
    if whole and state == "active":
        yield "completion_date", *first_day(tables.day(truth["completed_at"]), row["completion_date"])
    if truth["requirement_count"] and state == "active":
        progress = 100 * truth["requirement_completed_count"] / truth["requirement_count"]
        yield "progress_percentage", hundredths(progress), row["progress_percentage"]
    score = truth["final_score"] if whole else truth["current_score"]
    if score is not None and state == "active":
        yield "score_achieved", hundredths(score), row["score_achieved"]
    if truth["last_activity_at"] is not None:
        yield "last_access_date", truth["last_activity_at"], seen(row, truth["last_activity_at"])
    if state == "active":
        yield "time_spent_minutes", truth["total_activity_time"] // 60, row["time_spent_minutes"] or 0
    yield "course_name", truth["course_name"], row["course_name"]


def _canvas_lesson(lesson: Truth) -> tuple[tuple[str, ...], float | None, float | None]:
    if lesson["excused"]:
        return ("Skipped",), None, None
    if lesson["submission"] == "graded":
        failed = lesson["min_score"] is not None and (lesson["score"] or 0) < lesson["min_score"]
        return ("Failed" if failed else "Completed",), lesson["score"], lesson["points_possible"]
    return (("In Progress",) if lesson["submission"] == "submitted" else ("Not Started", "In Progress")), None, None


def _told(
    key: Any,
    lesson_id: str,
    wanted: tuple[str, ...],
    score: float | None,
    most: float | None,
    lessons: Mapping[str, Row],
) -> Iterator[str]:
    row = lessons.get(lesson_id)
    if row is None:
        if (wanted and "Not Started" not in wanted) or score is not None:
            yield f"{key} lesson {lesson_id} is not in the tables; wanted {wanted}"
        return
    if wanted and row["progress_status"] not in wanted:
        yield f"{key} lesson {lesson_id}: {row['progress_status']}, wanted {wanted}"
    if (
        score is not None
        and most
        and (row["score_achieved"], row["max_score"]) != (hundredths(score), hundredths(most))
    ):
        yield f"{key} lesson {lesson_id}: score {row['score_achieved']}/{row['max_score']}, wanted {score}/{most}"
