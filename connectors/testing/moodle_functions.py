"""The web service functions of the fake Moodle: parameters declared as Moodle declares them, answers from the world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

from connectors.testing.moodle_rows import ACTIVE, ON_LIST, SITE_HOME, Rows, certificate_id, standard_number
from connectors.testing.moodle_shapes import Row
from connectors.testing.moodle_wire import MoodleError, integer
from connectors.testing.world import World
from connectors.testing.world_parts import Course, Enrollment, Learner

MOST_ISSUES: Final = 500
Call = dict[str, Any]

PARAMETERS: Final[dict[str, dict[str, str]]] = {
    "core_webservice_get_site_info": {"serviceshortnames": "list"},
    "core_course_get_courses": {"options": "dict"},
    "core_course_get_courses_by_field": {"field": "str", "value": "str"},
    "core_course_get_contents": {"courseid": "int!", "options": "list"},
    "core_course_get_updates_since": {"courseid": "int!", "since": "int!", "filter": "list"},
    "core_user_get_users": {"criteria": "list!"},
    "core_user_get_users_by_field": {"field": "str!", "values": "list!"},
    "core_enrol_get_enrolled_users": {"courseid": "int!", "options": "list"},
    "core_enrol_get_users_courses": {"userid": "int!", "returnusercount": "int"},
    "core_completion_get_activities_completion_status": {"courseid": "int!", "userid": "int!"},
    "core_completion_get_course_completion_status": {"courseid": "int!", "userid": "int!"},
    "gradereport_user_get_grade_items": {"courseid": "int!", "userid": "int", "groupid": "int"},
    "mod_customcert_list_issues": {
        "timecreatedfrom": "int", "userid": "int", "customcertid": "int", "includepdf": "int", "limit": "int", "offset": "int",
    },
    "enrol_manual_enrol_users": {"enrolments": "list!"},
    "enrol_manual_unenrol_users": {"enrolments": "list!"},
}  # fmt: skip
"""Every function that it knows, with its parameters."""

NEEDS: Final[dict[str, str]] = {
    "core_course_get_contents": "moodle/course:view",
    "core_enrol_get_enrolled_users": "moodle/course:viewparticipants",
    "core_completion_get_activities_completion_status": "report/progress:view",
    "gradereport_user_get_grade_items": "moodle/grade:viewall",
    "mod_customcert_list_issues": "mod/customcert:viewallcertificates",
    "enrol_manual_enrol_users": "enrol/manual:enrol",
    "enrol_manual_unenrol_users": "enrol/manual:unenrol",
}
"""The capability without which a function is refused."""
CAPABILITIES: Final = frozenset(NEEDS.values()) | {
    "moodle/site:viewuseridentity", "moodle/user:viewhiddendetails", "moodle/user:viewdetails", "moodle/course:enrolreview",
    "report/completion:view",
}  # fmt: skip
"""All that can lack."""
_SITE: Final = {"id": SITE_HOME, "shortname": "site", "fullname": "The site itself", "displayname": "The site itself",
                "idnumber": "", "categoryid": 0, "format": "site", "visible": 1, "enablecompletion": 1, "startdate": 0, "enddate": 0,
                "summary": "", "summaryformat": 1, "lang": ""}  # fmt: skip


class Functions:
    """``lacking``: capabilities that the token's user has not. ``page_cap``: the most enrolled users in one answer."""

    def __init__(self, world: World, lacking: Collection[str], told: Callable[[int], int]) -> None:
        self.world = world
        self.lacking = lacking
        self.page_cap: int | None = None
        self.shifted: dict[int, int] = {}
        self.repeats = 0
        """In so many lists, as many rows as a page has come in while it is read: the page comes twice."""
        self.rows = Rows(lacking, told)
        self.table: dict[str, Callable[[Call], Any]] = {
            "core_course_get_courses": self._courses,
            "core_course_get_courses_by_field": self._courses_by_field,
            "core_course_get_contents": lambda call: self.rows.contents(self._course(call)),
            "core_course_get_updates_since": lambda call: {"instances": [], "warnings": []},  # noqa: ARG005
            "core_user_get_users": self._users,
            "core_user_get_users_by_field": self._users_by_field,
            "core_enrol_get_enrolled_users": self._enrolled_users,
            "core_enrol_get_users_courses": self._users_courses,
            "core_completion_get_activities_completion_status": self._activities,
            "core_completion_get_course_completion_status": self._completion,
            "gradereport_user_get_grade_items": self._grades,
            "mod_customcert_list_issues": self._issues,
            "enrol_manual_enrol_users": self._enrol,
            "enrol_manual_unenrol_users": self._unenrol,
        }

    def call(self, name: str, given: Call) -> Any:
        """The answer of a function whose parameters are checked. Raises MoodleError."""
        if NEEDS.get(name) in self.lacking:
            raise MoodleError("nopermissions", NEEDS[name])
        return self.table[name](given)

    # -- courses ------------------------------------------------------------------------------------------

    def _catalogue(self) -> Iterator[Course]:
        """A token whose user may not see courses sees none."""
        return iter(() if "moodle/course:view" in self.lacking else self.world.courses.values())

    def _course(self, call: Call) -> Course:
        course = self.world.courses.get(call["courseid"])
        if course is None or "moodle/course:view" in self.lacking:
            raise MoodleError("errorcoursecontextnotvalid")
        return course

    def _courses(self, call: Call) -> list[Row]:
        found = [_SITE, *map(self.rows.course, self._catalogue())]
        asked = [integer(number) for number in call["options"].get("ids", {}).values()]
        return [row for row in found if row["id"] in asked] if asked else found

    def _courses_by_field(self, call: Call) -> Row:
        field, value = call["field"], call["value"]
        fields = {
            "": "id",
            "id": "id",
            "ids": "id",
            "shortname": "shortname",
            "idnumber": "idnumber",
            "category": "categoryid",
        }
        if field not in fields:
            raise MoodleError("invalidparameter", f"Invalid field name: {field}")
        wanted = value.split(",") if field == "ids" else [value]
        found = self._courses({"options": {}})
        courses = [row for row in found if not field or str(row[fields[field]]) in wanted]
        return {"courses": courses, "warnings": []}

    # -- people -------------------------------------------------------------------------------------------

    def _everybody(self) -> Iterator[Learner]:
        if "moodle/user:viewdetails" not in self.lacking:
            yield from self.world.teachers.values()
            yield from self.world.learners.values()

    def _users(self, call: Call) -> Row:
        known, warnings = [], []
        for criterion in call["criteria"]:
            key, value = str(criterion.get("key", "")), str(criterion.get("value", ""))
            if key in ("id", "lastname", "firstname", "idnumber", "username", "email", "auth"):
                known.append(
                    (key, value.lower().replace("[", "[[]").replace("*", "[*]").replace("?", "[?]").replace("%", "*"))
                )
            else:
                text = f"The search key '{key}' is not supported, look at the web service documentation"
                warnings.append({"item": key, "warningcode": "invalidfieldparameter", "message": text})
        found = []
        for learner in self._everybody():
            row = self.rows.user(learner)
            shown = row | {"auth": "manual", "idnumber": row.get("idnumber", ""), "email": row.get("email", "")}
            if all(fnmatchcase(str(shown[key]).lower(), pattern) for key, pattern in known):
                found.append(row)
        return {"users": found, "warnings": warnings}

    def _users_by_field(self, call: Call) -> list[Row]:
        field, values = call["field"], {str(value).lower() for value in call["values"]}
        if field not in _FIELDS:
            raise MoodleError("invalidparameter", f"invalid field: {field}")
        if field in ("idnumber", "email") and "moodle/site:viewuseridentity" in self.lacking:
            return []
        everybody: Iterable[Learner] = self._everybody()
        if field == "id" and "moodle/user:viewdetails" not in self.lacking:
            numbers = sorted(integer(value) for value in values)
            named = (self.world.learners.get(one) or self.world.teachers.get(one) for one in numbers)
            everybody = [one for one in named if one]
        return [self.rows.user(one) for one in everybody if _FIELDS[field](one).lower() in values]

    # -- enrollments --------------------------------------------------------------------------------------

    def _enrolled_users(self, call: Call) -> list[Row]:
        course, options = self._course(call), _options(call["options"])
        if options.get("onlyactive", "0") not in ("", "0"):
            if "moodle/course:enrolreview" in self.lacking:
                raise MoodleError("nopermissions", "moodle/course:enrolreview")
            on_list = ACTIVE
        else:
            on_list = ON_LIST
        found: list[tuple[Learner, Enrollment | None]] = [(self.world.teachers[course.teacher_id], None)]
        found += [(each.learner, each) for each in course.roster if each.standing in on_list]
        by, descending = options.get("sortby", "id"), options.get("sortdirection", "ASC").upper() == "DESC"
        if by not in _ORDER:
            raise MoodleError("invalidparameter", f"Invalid value for sortby parameter (value: {by})")
        found.sort(key=lambda pair: _ORDER[by](pair[0]), reverse=descending)
        page = self._page(course, found, options)
        rows = [self.rows.participant(learner, enrollment) for learner, enrollment in page]
        if fields := [name.strip() for name in options.get("userfields", "").split(",") if name.strip()]:
            rows = [{name: row[name] for name in ("id", *fields) if name in row} for row in rows]
        return rows

    def _page(self, course: Course, found: list[Any], options: dict[str, str]) -> list[Any]:
        start, number = integer(options.get("limitfrom", "0")), integer(options.get("limitnumber", "0"))
        if start == 0:
            self.shifted[course.id] = 0
        elif self.repeats and number:
            self.repeats -= 1
            self.shifted[course.id] = self.shifted.get(course.id, 0) + number
        start = max(0, start - self.shifted.get(course.id, 0))
        most = min(number or len(found), self.page_cap or len(found))
        return found[start : start + most]

    def _users_courses(self, call: Call) -> list[Row]:
        learner = self.world.learners.get(call["userid"])
        if learner is None or "moodle/course:view" in self.lacking:
            return []
        found = []
        for enrollment in sorted(learner.enrollments, key=lambda each: each.course.id):
            if enrollment.standing in ACTIVE:
                row = self.rows.course_of(enrollment)
                if call["returnusercount"]:
                    row["enrolledusercount"] = sum(each.standing in ON_LIST for each in enrollment.course.roster)
                found.append(row)
        return found

    # -- learning -----------------------------------------------------------------------------------------

    def _tracked(self, call: Call) -> Enrollment:
        """An enrollment that is active; of all others Moodle says that the user is not enrolled."""
        course = self._course(call)
        enrollment = self.world.enrollment(call["userid"], course.id)
        if enrollment is None or enrollment.standing not in ACTIVE:
            raise MoodleError("usernotenroled")
        return enrollment

    def _activities(self, call: Call) -> Row:
        enrollment = self._tracked(call)
        return {"statuses": self.rows.statuses(enrollment) if enrollment.course.tracks else [], "warnings": []}

    def _completion(self, call: Call) -> Row:
        if "report/completion:view" in self.lacking or not self._course(call).tracks:
            raise MoodleError("cannotviewreport")
        enrollment = self._tracked(call)
        if not enrollment.course.criteria:
            raise MoodleError("nocriteriaset")
        done = bool(enrollment.completed_at)
        status = {"completed": done, "aggregation": 1, "completions": self.rows.criteria(enrollment)}
        return {"completionstatus": status, "warnings": []}

    def _grades(self, call: Call) -> Row:
        course = self._course(call)
        if not call["userid"]:
            every = [each for each in course.roster if each.standing in ACTIVE]
            return {"usergrades": [self.rows.grades(each) for each in every], "warnings": []}
        enrollment = self.world.enrollment(call["userid"], course.id)
        if enrollment is None or enrollment.standing not in ON_LIST:
            raise MoodleError("usernotenroled")
        return {"usergrades": [self.rows.grades(enrollment)], "warnings": []}

    def _issues(self, call: Call) -> list[Row]:
        limit, start = max(1, min(MOST_ISSUES, call["limit"] or 100)), max(0, call["offset"])
        learner = self.world.learners.get(call["userid"])
        among = learner.enrollments if learner else [] if call["userid"] else self.world.enrollments
        held = [
            (each.certificate, each)
            for each in among
            if each.certificate
            and self.rows.told(each.certificate.at) >= call["timecreatedfrom"]
            and call["customcertid"] in (0, certificate_id(each.course))
        ]
        held.sort(key=lambda pair: (pair[0].at, pair[0].id), reverse=True)
        page = held[start : start + limit]
        return [self.rows.issue(each, one, with_pdf=bool(call["includepdf"])) for one, each in page]

    # -- enrolling ----------------------------------------------------------------------------------------

    def _enrol(self, call: Call) -> None:
        rows = [(*self._pair(row), str(row.get("suspend", "0"))) for row in call["enrolments"]]
        for learner, course, suspend in rows:
            enrollment = self.world.enroll(learner.id, course.id)
            standing = "suspended" if suspend == "1" else "active"
            if enrollment.standing != standing:
                self.world.stand(enrollment, "suspended" if suspend == "1" else "active")

    def _unenrol(self, call: Call) -> None:
        for learner, course in [self._pair(row) for row in call["enrolments"]]:
            if enrollment := self.world.enrollment(learner.id, course.id):
                self.world.stand(enrollment, "removed")

    def _pair(self, row: Row) -> tuple[Learner, Course]:
        """Whom a row enrolls; the first bad row undoes all. Raises MoodleError."""
        learner = self.world.learners.get(integer(row.get("userid")))
        course = self.world.courses.get(integer(row.get("courseid")))
        if learner is None:
            raise MoodleError("invaliduser")
        if course is None:
            raise MoodleError("wsnoinstance", str(row.get("courseid")))
        return learner, course


def _options(given: Iterable[Any]) -> dict[str, str]:
    return {str(option.get("name")): str(option.get("value", "")) for option in given}


_FIELDS: Final[dict[str, Callable[[Learner], str]]] = {
    "id": lambda learner: str(learner.id),
    "idnumber": standard_number,
    "username": lambda learner: learner.person.login,
    "email": lambda learner: learner.person.email,
}
_ORDER: Final[dict[str, Callable[[Learner], Any]]] = {
    "id": lambda learner: learner.id,
    "firstname": lambda learner: (learner.person.given, learner.id),
    "lastname": lambda learner: (learner.person.family, learner.id),
    "siteorder": lambda learner: (learner.person.family, learner.person.given, learner.id),
}
