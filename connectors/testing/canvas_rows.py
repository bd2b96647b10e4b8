"""What Canvas tells of the world, row by row: seats as enrollments, requirements, scores in percent, submissions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from connectors.testing.world_parts import Course, Enrollment, Learner, Seat

Row = dict[str, Any]

STATES: Final = {
    "active": "active", "invited": "invited", "suspended": "inactive", "removed": "deleted", "concluded": "completed",
    "rejected": "rejected",
}  # fmt: skip
ON_ROSTER: Final = frozenset({"active", "invited"})
STUDENTS: Final = frozenset({"active", "invited", "suspended", "concluded"})
_LEAST: Final = (64, 70, 74, 77, 80, 84, 87, 90, 94)
_LETTERS: Final = ("F", "D", "C-", "C", "C+", "B-", "B", "B+", "A-", "A")
_REFUSAL: Final = (
    "no progress available because this course is not module based (has modules and module completion requirements) or "
    "the user is not enrolled as a student in this course"
)


def seat_state(enrollment: Enrollment, seat: Seat) -> str:
    """The state of one seat."""
    return "deleted" if seat.gone else STATES[enrollment.standing]


def letter(course: Course, percent: float | None) -> str | None:
    """The letter for a score; one course in four has no grading scheme."""
    if percent is None or course.id % 4 == 0:
        return None
    return _LETTERS[bisect_right(_LEAST, percent)]


def scores(enrollment: Enrollment) -> tuple[float | None, float | None]:
    """Current and final score in percent: what is not graded is ignored by the first and counts as nothing for the second."""
    reached = graded = every = 0.0
    for activity in enrollment.course.path:
        if not activity.points or enrollment.excused(activity):
            continue
        every += activity.points
        lesson = enrollment.lessons.get(activity.id)
        if lesson and lesson.score is not None:
            reached += lesson.score
            graded += activity.points
    return (
        round(100 * reached / graded, 2) if graded else None,
        round(100 * reached / every, 2) if every else None,
    )


def told_progress(enrollment: Enrollment) -> bool:
    """Whether it tells how far a learner is: not where a course has no requirements, nor of one learner in fifty."""
    return enrollment.course.tracks and enrollment.standing in STUDENTS and enrollment.learner.id % 50 != 0


def requirements(enrollment: Enrollment) -> tuple[int, int, int]:
    """How many there are, how many are met, and when the last was met (0: not all are). What is excused does not count."""
    wanted = [one for one in enrollment.course.path if one.required and not enrollment.excused(one)]
    met = [enrollment.lessons[one.id].done_at for one in wanted if enrollment.fulfilled(one)]
    if not wanted or len(met) < len(wanted):
        return len(wanted), len(met), 0
    excused = [
        enrollment.lessons[one.id].done_at for one in enrollment.course.path if one.required and enrollment.excused(one)
    ]
    return len(wanted), len(met), max(met + excused)


class Rows:
    """``lacking``: permissions that the token's user has not. ``told``: a time as the site tells it. ``host``: its address."""

    def __init__(self, lacking: Collection[str], told: Callable[[int], int], host: str) -> None:
        self.sis = "read_sis" not in lacking
        self.emails = "read_email_addresses" not in lacking
        self.logins = "view_user_logins" not in lacking
        self.grades = "view_all_grades" not in lacking
        self.told = told
        self.host = host

    def time(self, at: int) -> str | None:
        """A time as it is told; none for never."""
        return _iso(self.told(at)) if at else None

    def course(self, course: Course) -> Row:
        """A course."""
        row: Row = {
            "id": course.id,
            "name": course.name,
            "course_code": course.code,
            "account_id": 1,
            "root_account_id": 1,
            "enrollment_term_id": 1,
            "uuid": f"course{course.id}",
            "created_at": self.time(course.created_at),
            "start_at": self.time(course.starts_at),
            "end_at": None,
            "workflow_state": "available",
            "default_view": "modules",
            "time_zone": "Europe/Vienna",
            "grading_standard_id": None,
            "is_public": False,
        }
        if self.sis:
            row |= {"sis_course_id": course.number or None, "integration_id": None}
        return row

    def user(self, learner: Learner, *, email: bool = False) -> Row:
        """A user. Of one in twenty the employee number is not the SIS id, but the integration id."""
        person = learner.person
        row: Row = {
            "id": learner.id,
            "name": learner.name,
            "created_at": self.time(learner.created_at),
            "sortable_name": f"{person.family}, {person.given}",
            "short_name": learner.name,
        }
        if self.sis:
            other = learner.id % 20 == 0
            row["sis_user_id"] = person.number if person.number and not other else None
            row["integration_id"] = person.number if person.number and other else None
        if self.logins:
            row["login_id"] = person.login
        if email and self.emails:
            row["email"] = person.email
        return row

    def enrollment(self, enrollment: Enrollment, seat: Seat) -> Row:
        """One seat of a learner."""
        course, learner = enrollment.course, enrollment.learner
        row: Row = {
            "id": seat.id,
            "user_id": learner.id,
            "course_id": course.id,
            "type": "StudentEnrollment",
            "created_at": self.time(seat.created_at),
            "updated_at": self.time(seat.changed_at),
            "associated_user_id": None,
            "start_at": None,
            "end_at": None,
            "course_section_id": seat.section_id,
            "root_account_id": 1,
            "limit_privileges_to_course_section": False,
            "enrollment_state": seat_state(enrollment, seat),
            "role": "StudentEnrollment",
            "role_id": 3,
            "last_activity_at": self.time(seat.last_access),
            "last_attended_at": None,
            "total_activity_time": seat.seconds,
            "html_url": f"{self.host}/courses/{course.id}/users/{learner.id}",
        }
        user = self.user(learner)
        del user["created_at"]
        if self.sis:
            row |= {"sis_course_id": course.number or None, "sis_user_id": user["sis_user_id"]}
        if self.grades:
            current, final = scores(enrollment)
            current_letter, final_letter = letter(course, current), letter(course, final)
            row["grades"] = {
                "html_url": f"{self.host}/courses/{course.id}/grades/{learner.id}",
                "current_score": current,
                "current_grade": current_letter,
                "final_score": final,
                "final_grade": final_letter,
                "unposted_current_score": current,
                "unposted_current_grade": current_letter,
                "unposted_final_score": final,
                "unposted_final_grade": final_letter,
            }
        row["user"] = user
        return row

    def teaching(self, course: Course, teacher: Learner) -> Row:
        """The enrollment of a teacher."""
        user = self.user(teacher)
        return {
            "id": 50_000 + course.id,
            "user_id": teacher.id,
            "course_id": course.id,
            "type": "TeacherEnrollment",
            "role": "TeacherEnrollment",
            "role_id": 4,
            "created_at": self.time(course.created_at),
            "updated_at": self.time(course.created_at),
            "course_section_id": course.section_ids[0],
            "root_account_id": 1,
            "enrollment_state": "active",
            "last_activity_at": None,
            "total_activity_time": 0,
            "user": user,
        }

    def progress(self, enrollment: Enrollment) -> Row:
        """How far a learner is, or that it cannot be told."""
        if not told_progress(enrollment):
            return {"error": {"message": _REFUSAL}}
        every, met, at = requirements(enrollment)
        course = enrollment.course
        following = next((one for one in course.path if one.required and not enrollment.fulfilled(one)), None)
        url = f"{self.host}/courses/{course.id}/modules/items/{following.id}" if following else None
        return {
            "requirement_count": every,
            "requirement_completed_count": met,
            "next_requirement_url": url,
            "completed_at": self.time(at),
        }

    def roster_row(self, enrollment: Enrollment) -> Row:
        """One row of the progress of all."""
        learner = enrollment.learner
        return {
            "id": learner.id,
            "display_name": learner.name,
            "html_url": f"{self.host}/courses/{enrollment.course.id}/users/{learner.id}",
            "progress": self.progress(enrollment),
        }


@lru_cache(65_536)
def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()[:-6] + "Z"
