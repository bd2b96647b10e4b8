"""What Moodle tells of the world, row by row: its states, percentages, grades and times (seconds, 0 for never)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from connectors.testing.moodle_shapes import Row, grade_row, module_row, section_row
from connectors.testing.world_parts import Activity, Certificate, Course, Enrollment, Learner, Lesson

MODULES: Final = {"quiz": "quiz", "page": "page", "assignment": "assign", "forum": "forum", "video": "url"}
CUSTOM_FIELD: Final = "employee_no"
STUDENT, TEACHER = 5, 3
SITE_HOME: Final = 1
ON_LIST: Final = frozenset({"active", "invited", "suspended", "concluded"})
ACTIVE: Final = frozenset({"active", "invited"})
_HIDES_GRADES: Final = 7


def tracking(activity: Activity) -> int:
    """0 none, 1 manual, 2 automatic."""
    return (1 if activity.kind == "video" else 2) if activity.required else 0


def instance(activity: Activity) -> int:
    """The number of a course module within its kind."""
    return activity.id + 5000


def certificate_id(course: Course) -> int:
    """The number of a course's custom certificate."""
    return course.id + 80_000


def standard_number(learner: Learner) -> str:
    """What stands in ``idnumber``: one in twenty was given the number in the custom field alone."""
    return "" if learner.id % 20 == 0 else learner.person.number


def hides_grade(activity: Activity) -> bool:
    """Whether learners do not see the grade."""
    return activity.kind == "quiz" and activity.id % _HIDES_GRADES == 0


def state(activity: Activity, lesson: Lesson | None) -> int:
    """0 incomplete, 1 complete, 2 passed, 3 failed, 4 failed with a hidden grade."""
    if lesson is None or lesson.state == "started":
        return 0
    if lesson.state == "failed":
        return 4 if hides_grade(activity) else 3
    return 2 if lesson.state == "passed" else 1


def progress(enrollment: Enrollment) -> float | None:
    """Percent of the tracked activities that are complete; none where the course does not track."""
    tracked = [one for one in enrollment.course.path if one.required]
    if not enrollment.course.tracks or not tracked:
        return None
    return 100 * sum(enrollment.fulfilled(one) for one in tracked) / len(tracked)


def total(enrollment: Enrollment) -> float | None:
    """The total grade, on the course's own scale."""
    graded = [
        (lesson.score, activity.points)
        for activity in enrollment.course.path
        if activity.points and (lesson := enrollment.lessons.get(activity.id)) and lesson.score is not None
    ]
    if not graded:
        return None
    return round(enrollment.course.scale * sum(score for score, _ in graded) / sum(most for _, most in graded), 5)


def course_fields(course: Course) -> list[Row]:
    """The custom fields of a course: what it teaches, whether it is required, how long a completion is valid."""
    told = {
        "skills": f"{course.name.lower()}, working safely" if course.id % 3 else "",
        "mandatory": str(int(course.id % 4 == 1)),
        "compliance": str(int(course.id % 2)),
        "validity_days": "365" if course.certificate else "",
    }
    return [
        {"name": name, "shortname": name, "type": "text", "valueraw": text, "value": text}
        for name, text in told.items()
    ]


@dataclass(slots=True)
class Rows:
    """``lacking``: capabilities that the token's user has not. ``told``: a time as the site tells it."""

    lacking: Collection[str]
    told: Callable[[int], int]

    # -- people -------------------------------------------------------------------------------------------

    def user(self, learner: Learner) -> Row:
        """An account."""
        person = learner.person
        row: Row = {
            "id": learner.id,
            "username": person.login,
            "firstname": person.given,
            "lastname": person.family,
            "fullname": learner.name,
        }
        if "moodle/site:viewuseridentity" not in self.lacking:
            row["email"] = person.email
            row["idnumber"] = standard_number(learner)
            field = {"type": "text", "value": person.number, "displayvalue": person.number, "name": "Employee number"}
            row["customfields"] = [field | {"shortname": CUSTOM_FIELD}] if person.number else []
        row["department"] = ""
        if "moodle/user:viewhiddendetails" not in self.lacking:
            row["firstaccess"] = self.told(learner.created_at)
            row["lastaccess"] = self.told(learner.last_access)
        return row

    def participant(self, learner: Learner, enrollment: Enrollment | None) -> Row:
        """A row of the list of enrolled users; a teacher has no enrollment."""
        row = self.user(learner)
        if "moodle/user:viewhiddendetails" not in self.lacking:
            row["lastcourseaccess"] = self.told(enrollment.last_access) if enrollment else 0
        role, name = (STUDENT, "student") if enrollment else (TEACHER, "editingteacher")
        row["groups"] = []
        row["roles"] = [{"roleid": role, "name": "", "shortname": name, "sortorder": 0}]
        return row

    # -- courses ------------------------------------------------------------------------------------------

    def course(self, course: Course) -> Row:
        """A course of the catalogue."""
        return {
            "id": course.id,
            "shortname": course.code,
            "categoryid": 1,
            "categorysortorder": 10_000 + course.id,
            "fullname": course.name,
            "displayname": course.name,
            "idnumber": course.number,
            "summary": "",
            "summaryformat": 1,
            "format": "topics",
            "showgrades": 1,
            "newsitems": 5,
            "startdate": self.told(course.starts_at),
            "enddate": 0,
            "numsections": len(course.modules),
            "visible": 1,
            "lang": "",
            "timecreated": self.told(course.created_at),
            "timemodified": self.told(course.created_at),
            "enablecompletion": int(course.tracks),
            "completionnotify": 0,
            "customfields": course_fields(course),
        }

    def contents(self, course: Course) -> list[Row]:
        """The sections of a course; the first one holds announcements and, where there is one, the certificate."""
        news = module_row(course.id + 60_000, "forum", "Announcements", course.id + 65_000, 0)
        general = [news]
        if course.certificate:
            general.append(module_row(course.id + 70_000, "customcert", "Certificate", certificate_id(course), 0))
        sections = [section_row(course.id + 50_000, "General", 0, general)]
        for number, module in enumerate(course.modules, 1):
            modules = [
                module_row(one.id, MODULES[one.kind], one.name, instance(one), tracking(one) if course.tracks else 0)
                for one in module.activities
            ]
            sections.append(section_row(module.id, module.name, number, modules))
        return sections

    # -- learning -----------------------------------------------------------------------------------------

    def course_of(self, enrollment: Enrollment) -> Row:
        """A course as one of its learners has it."""
        course = enrollment.course
        hidden = "moodle/user:viewhiddendetails" in self.lacking
        return {
            "id": course.id,
            "shortname": course.code,
            "fullname": course.name,
            "displayname": course.name,
            "idnumber": course.number,
            "visible": 1,
            "summary": "",
            "summaryformat": 1,
            "format": "topics",
            "showgrades": True,
            "lang": "",
            "enablecompletion": course.tracks,
            "completionhascriteria": course.tracks and course.criteria,
            "completionusertracked": course.tracks,
            "category": 1,
            "progress": progress(enrollment),
            "completed": bool(enrollment.completed_at) if course.tracks else None,
            "startdate": self.told(course.starts_at),
            "enddate": 0,
            "marker": 0,
            "lastaccess": None if hidden else self.told(enrollment.last_access),
            "isfavourite": False,
            "hidden": False,
        }

    def statuses(self, enrollment: Enrollment) -> list[Row]:
        """The states of the activities that are tracked. The time is that of the row, whatever its state."""
        found = []
        for activity in enrollment.course.path:
            if kind := tracking(activity):
                lesson = enrollment.lessons.get(activity.id)
                found.append(
                    {
                        "cmid": activity.id,
                        "modname": MODULES[activity.kind],
                        "instance": instance(activity),
                        "state": state(activity, lesson),
                        "timecompleted": self.told((lesson.done_at or lesson.changed_at) if lesson else 0),
                        "tracking": kind,
                        "overrideby": None,
                        "valueused": False,
                    }
                )
        return found

    def criteria(self, enrollment: Enrollment) -> list[Row]:
        """What the completion of the course depends on."""
        found = []
        for activity in enrollment.course.path:
            if activity.criterion:
                lesson = enrollment.lessons.get(activity.id)
                done = enrollment.fulfilled(activity)
                details = {"type": "Activity completion", "criteria": activity.name, "requirement": "", "status": ""}
                found.append(
                    {
                        "type": 4,
                        "title": "Activity completion",
                        "status": "Yes" if done else "No",
                        "complete": done,
                        "timecompleted": self.told(lesson.done_at) if done and lesson else None,
                        "details": details,
                    }
                )
        return found

    def grades(self, enrollment: Enrollment) -> Row:
        """The grades of one learner; the last row is the total."""
        course, learner = enrollment.course, enrollment.learner
        items = [
            self._item(activity, enrollment.lessons.get(activity.id)) for activity in course.path if activity.points
        ]
        whole = total(enrollment)
        at = max((lesson.graded_at for lesson in enrollment.lessons.values()), default=0) if whole is not None else 0
        items.append(
            grade_row(course.id + 900, "course", None, None, whole, course.scale)
            | {"iteminstance": course.id, "gradedategraded": self.told(at) or None}
        )
        found: Row = {
            "courseid": course.id,
            "courseidnumber": course.number,
            "userid": learner.id,
            "userfullname": learner.name,
        }
        if "moodle/site:viewuseridentity" not in self.lacking:
            found["useridnumber"] = self.user(learner)["idnumber"]
        return found | {"maxdepth": 2, "gradeitems": items}

    def _item(self, activity: Activity, lesson: Lesson | None) -> Row:
        name = MODULES[activity.kind]
        row = grade_row(
            activity.id + 1_000, "mod", name, activity.id, lesson.score if lesson else None, activity.points or 0
        )
        row |= {"itemname": activity.name, "iteminstance": instance(activity), "gradeishidden": hides_grade(activity)}
        if lesson:
            row["gradedatesubmitted"] = self.told(lesson.submitted_at) or None
            row["gradedategraded"] = self.told(lesson.graded_at) or None
            row["status"] = "excluded" if lesson.state == "excused" else ""
        return row

    def issue(self, enrollment: Enrollment, held: Certificate, *, with_pdf: bool) -> Row:
        """A certificate that was issued."""
        learner = enrollment.learner
        number = certificate_id(enrollment.course)
        content = "JVBERi0xLjQK" if with_pdf else None
        return {
            "issue": {
                "id": held.id,
                "customcertid": number,
                "code": held.code,
                "emailed": True,
                "timecreated": self.told(held.at),
            },
            "user": {
                "id": learner.id,
                "fullname": learner.name,
                "username": learner.person.login,
                "email": learner.person.email,
            },
            "template": {"id": number, "name": "Certificate", "contextid": number},
            "pdf": {
                "name": "certificate_certificate.pdf" if with_pdf else None,
                "content": content,
                "haspdf": with_pdf,
            },
        }
