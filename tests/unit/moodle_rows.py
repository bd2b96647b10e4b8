"""Small rows of a Moodle, made by hand after its documentation."""

from __future__ import annotations

from dataclasses import replace

from connectors.moodle import course as courses
from connectors.moodle import mapping
from connectors.moodle.gradebook import NONE, grades_of
from connectors.moodle.settings import options_of
from hub.domain.integration_config import IntegrationConfig

USER = {
    "id": 1017,
    "username": "ahale",
    "fullname": "Ada Hale",
    "email": "ada.hale@example.org",
    "idnumber": "E1001",
    "customfields": [{"shortname": "hr", "value": "X-1"}],
    "lastcourseaccess": 1_740_823_200,
    "roles": [{"shortname": "student"}],
}
COURSE = {"id": 42, "shortname": "SAFE-101", "fullname": "Safety &amp; Basics", "visible": 1}
_CONFIG = IntegrationConfig(
    "i", "c", "m", "M", "Moodle", "API", authentication_type="API Key", credentials={"api_key": "t"}
)


def config(settings=None, **more):
    """A configuration of an integration."""
    return replace(_CONFIG, settings=settings or {}, **more)


def standing(**more):
    """A course among a learner's own."""
    return {"id": 42, "progress": 37.5, "completed": False, "lastaccess": 1_740_823_200, "enddate": 0} | more


def status(cmid, state, *, at=1_740_739_200, tracking=2):
    """The state of an activity."""
    row = {"cmid": cmid, "modname": "quiz", "instance": 18, "state": state, "timecompleted": at, "tracking": tracking}
    return mapping.status_of(row)


def graded(raw, most, **more):
    """Grades with a total."""
    return grades_of({"gradeitems": [{"itemtype": "course", "graderaw": raw, "grademin": 0, "grademax": most} | more]})


def course(*modules, criteria=(), settings=None):
    """A course with modules of ``(cmid, name, kind, completion)``."""
    made = courses.course_of(COURSE, options_of(config(settings)))
    rows = [
        {"id": number, "name": name, "modname": kind, "instance": number + 5000, "completion": completion}
        for number, name, kind, completion in modules
    ]
    courses.take_contents(made, [{"modules": rows}])
    courses.take_criteria(made, criteria)
    return made


def facts_of(row, user=USER, *, grades=NONE, active=True, of=None, settings=None, **more):
    """The facts of an enrollment."""
    record = mapping.Record(user, active, row, grades, **more)
    return mapping.enrollment(record, of or course(), options_of(config(settings)))
