"""What Moodle's rows mean: enrollments, lessons, courses, accounts and certificates."""

from __future__ import annotations

import json

import pytest

from connectors.moodle import course as courses
from connectors.moodle import mapping, values
from connectors.moodle.gradebook import grades_of
from connectors.moodle.settings import options_of, token_of
from hub.domain.enrollment import decide
from hub.domain.learning import Context, State, Told
from hub.domain.units import SECOND
from hub.errors import Refused, Unusable
from tests.unit.moodle_rows import COURSE, USER, config, course, facts_of, graded, standing, status

QUIZ, PAGE, SPARE = (311, "Quiz", "quiz", 2), (312, "Page", "page", 1), (313, "Label", "label", 0)
FAILS = [status(311, 3), status(312, 1)]


def meaning(facts):
    """The status that a first look at these facts gives."""
    told = Told("11111111-1111-5111-8111-111111111111", "i", "a", "42", None, 1_750_000_000 * SECOND)
    return decide(State(), told, facts, Context(now=1_750_000_000 * SECOND)).enrollment["enrollment_status"]


@pytest.mark.parametrize(
    ("expected", "row", "more"),
    [
        ("Not Started", standing(progress=None, lastaccess=None), {"user": {"id": 1, "lastcourseaccess": 0}}),
        ("Not Started", standing(progress=0, lastaccess=0), {"user": {"id": 1}}),
        ("In Progress", standing(progress=0), {}),
        ("In Progress", standing(progress=12.5, lastaccess=0), {"user": {"id": 1}}),
        ("In Progress", standing(progress=100), {}),
        ("Completed", standing(completed=True), {}),
        ("Completed", standing(completed=True, progress=80), {"statuses": [status(311, 2), status(312, 0)]}),
        ("Failed", standing(completed=True), {"grades": graded(71.5, 100), "settings": {"passing_score": 80}}),
        ("Completed", standing(completed=True), {"grades": graded(71.5, 100), "settings": {"passing_score": 70}}),
        ("Failed", standing(progress=100), {"statuses": FAILS, "of": course(QUIZ, PAGE)}),
        ("Failed", standing(progress=50), {"statuses": [status(311, 4), status(312, 1)], "of": course(QUIZ, PAGE)}),
        ("In Progress", standing(progress=25), {"statuses": FAILS, "of": course(QUIZ, PAGE)}),
        ("In Progress", standing(), {"statuses": [status(311, 3), status(312, 0)], "of": course(QUIZ, PAGE)}),
        (
            "Failed",
            standing(progress=None),
            {
                "statuses": [status(311, 1), status(312, 1)],
                "of": course(QUIZ, PAGE),
                "grades": graded(10, 100),
                "settings": {"passing_score": 50},
            },
        ),
        ("On Hold", None, {"active": False}),
        ("In Progress", None, {"active": None}),
    ],
)
def test_status(expected, row, more):
    """The table of Moodle's states, line by line."""
    assert meaning(facts_of(row, **more)) == expected


def test_failed_activity_that_the_course_does_not_depend_on():
    """Only activities that the completion depends on are mandatory, where criteria name them: by link or by name."""
    by_name = [{"type": 4, "details": {"criteria": "Page"}}]
    by_link = [{"type": 4, "details": {"criteria": '<a href="https://m/mod/page/view.php?id=312">Any</a>'}}]
    for criteria in (by_name, by_link):
        made = course(QUIZ, PAGE, criteria=criteria)
        assert [one.mandatory for one in made.activities.values()] == [False, True]
        assert meaning(facts_of(standing(completed=True), statuses=FAILS, of=made)) == "Completed"
        assert meaning(facts_of(standing(progress=100), statuses=FAILS, of=made)) == "In Progress"
    other = [{"type": 6, "details": {"criteria": "Required grade"}}]
    assert [one.mandatory for one in course(QUIZ, PAGE, criteria=other).activities.values()] == [True, True]


def test_states_that_came_short():
    """An answer that lacks an activity of the course shows neither that all is done nor that something is open, and of
    who has completed it not that nothing was failed."""
    told = facts_of(standing(), statuses=[status(311, 3)], of=course(QUIZ, PAGE))
    assert not {"completed", "passed"} & set(told)
    assert not {"completed", "passed"} & set(facts_of(standing(), statuses=[], of=course(QUIZ, PAGE)))
    assert "passed" not in facts_of(standing(completed=True), statuses=[status(312, 1)], of=course(QUIZ, PAGE))
    assert facts_of(standing(), statuses=[], of=course())["completed"] is False


def test_not_completed_is_only_said_where_it_is_known():
    """Who failed by the activities must not look reset in a run that did not read them; without lessons nobody is."""
    assert "completed" not in facts_of(standing())
    assert facts_of(standing(), settings={"lessons": False})["completed"] is False
    assert facts_of(standing(), statuses=[status(311, 0)], of=course(QUIZ))["completed"] is False
    done = facts_of(standing(), statuses=[status(311, 2)], of=course(QUIZ))
    assert "completed" not in done, "all is done, and Moodle's cron has not seen it yet"


def test_result_is_told_anew():
    """What once failed and then passed must be told as passed, since the hub keeps the last word."""
    assert facts_of(standing(completed=True), statuses=[status(311, 2)], of=course(QUIZ))["passed"] is True
    assert facts_of(standing(completed=True), statuses=[status(311, 3)], of=course(QUIZ))["passed"] is False
    assert "passed" not in facts_of(standing(completed=True))
    marked = {"lessons": False, "passing_score": 50}
    assert facts_of(standing(completed=True), grades=graded(60, 100), settings=marked)["passed"] is True
    unread = {"statuses": [status(311, 2)], "of": course(QUIZ), "settings": {"passing_score": 50}}
    assert "passed" not in facts_of(standing(completed=True), **unread), "with a pass mark, and no grade to hold to it"


def test_enrollment_says_what_is_so():
    """Names, total, instructor; enrolled and active in so many words."""
    told = facts_of(standing(), grades=graded(71.5, 100), instructor=("901", "Tom Tutor"))
    expected = {
        "course_name": "Safety & Basics", "course_code": "SAFE-101", "removed": False, "suspended": False, "progress": 3750,
        "last_access_at": 1_740_823_200 * SECOND, "score": 715_000, "score_min": 0, "score_max": 1_000_000,
        "instructor_id": "901", "instructor_name": "Tom Tutor",
    }  # fmt: skip
    assert told == expected


def test_completion_without_a_report():
    """Where the dates of completion cannot be read, the completion is told without one."""
    told = facts_of(standing(completed=True))
    assert told["completed"] is True
    assert "completed_at" not in told


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (standing(progress="many"), "progress"),
        (standing(completed="perhaps"), "completed"),
        (standing(lastaccess="yesterday"), "lastaccess"),
        (standing(lastaccess=99_999_999_999_999), "lastaccess"),
    ],
)
def test_values_that_cannot_be_read(row, field):
    """A value that is none names its field, and is not repeated."""
    with pytest.raises(Unusable) as raised:
        facts_of(row)
    assert raised.value.field == field
    assert str(row[field]) not in str(raised.value)


def test_grades_that_cannot_be_read_cost_one_learner():
    """A grade that is no number is a fault of this learner's record alone."""
    spoiled = grades_of({"gradeitems": [{"itemtype": "course", "graderaw": "many"}]})
    with pytest.raises(Unusable, match="graderaw"):
        facts_of(standing(), grades=spoiled)


# -- lessons ----------------------------------------------------------------------------------------------


def test_lesson_with_its_grade():
    """Name, place and duty from the contents; score, submission and feedback from the grade; the newest time counts."""
    made = course(QUIZ, PAGE, SPARE)
    row = {
        "itemtype": "mod", "cmid": 311, "graderaw": 8, "grademin": 0, "grademax": 10, "gradedatesubmitted": 1_740_739_100,
        "gradedategraded": 1_740_999_999, "feedback": "<p>Well&nbsp;done, <b>Ada</b></p>",
    }  # fmt: skip
    grade = grades_of({"gradeitems": [row, row | {"graderaw": 1}]}).activities["311"]
    told, at = mapping.lesson(status(311, 2), grade, made.activities["311"], "Asia/Tokyo")
    assert at == 1_740_999_999 * SECOND
    assert told["feedback"] == [{"text": "Well done, Ada", "day": "2025-03-03"}]
    assert (told["score"], told["score_max"], told["passed"]) == (80_000, 100_000, True)
    assert (told["lesson_name"], told["lesson_type"], told["mandatory"]) == ("Quiz", "Quiz", True)
    assert told["next_lesson_id"] == "312"
    assert told["last_access_at"] == 1_740_739_100 * SECOND


def test_activity_without_tracking():
    """The state of an activity that is not tracked says nothing; it is a lesson for its grade alone."""
    told, _ = mapping.lesson(status(311, 1, tracking=0), None, None, "UTC")
    assert not {"completed", "completed_at", "passed"} & set(told)
    assert list(course(SPARE, (314, "Test", "quiz", 0)).activities) == ["314"]


def test_lessons_in_order():
    """The catalogue tells the lessons in order, and a custom certificate."""
    made = course(QUIZ, SPARE, (400, "Paper", "customcert", 0), PAGE)
    told = courses.facts(made, options_of(config()))
    assert [one["lesson_id"] for one in json.loads(told["lesson_order"])] == ["311", "312"]
    assert told["leads_to_certificate"] is True
    assert made.certificates == ["5400"]


# -- courses, accounts, certificates ----------------------------------------------------------------------


def test_custom_fields_of_a_course():
    """Type, skills, validity and duty come from the custom fields that the settings name."""
    settings = {
        "course_type_field": "form", "skills_field": "skills", "validity_days_field": "valid", "mandatory_field": "must",
        "compliance_field": "law",
    }  # fmt: skip
    fields = {"form": "blended", "skills": "First aid, , Fire", "valid": "730", "must": "Yes", "law": "0"}
    row = COURSE | {"customfields": [{"shortname": name, "value": value} for name, value in fields.items()]}
    options = options_of(config(settings))
    made = courses.course_of(row, options)
    told = courses.facts(made, options)
    assert (told["course_type"], told["skills"], told["validity_days"]) == ("Blended", ("First aid", "Fire"), 730)
    assert (told["is_mandatory"], told["is_compliance_training"]) == (True, False)
    assert courses.facts(courses.course_of(COURSE, options), options)["validity_days"] is None
    with pytest.raises(Unusable, match="form"):
        courses.course_of({**row, "customfields": [{"shortname": "form", "value": "by post"}]}, options)


@pytest.mark.parametrize(
    ("row", "home"),
    [
        ({"id": 1, "format": "site"}, True),
        ({"id": 3, "categoryid": 0}, True),
        ({"id": 1}, True),
        ({"id": 1, "format": "topics", "categoryid": 4}, False),
        ({"id": 2}, False),
    ],
)
def test_site_home(row, home):
    """The front page is known by its format or category; only where neither is told, by its usual id."""
    assert courses.is_site_home(row) is home


def test_ids_as_numbers_or_text():
    """An id is the same, written as a number or as text; what is none is refused."""
    assert values.moodle_id({"id": 42}) == values.moodle_id({"id": "42"}) == values.moodle_id({"id": "042"}) == "42"
    for wrong in (0, -1, "", "a", None, True, 1.5, [], "9" * 30):
        with pytest.raises(Unusable):
            values.moodle_id({"id": wrong})


def test_account():
    """The keys to the employee, in their own fields."""
    learner = mapping.learner_of(USER, options_of(config({"employee_field": "hr"})))
    assert learner.hr_number == "E1001"
    assert learner.custom_identifier == "X-1"
    assert (learner.email, learner.login_name, learner.display_name) == ("ada.hale@example.org", "ahale", "Ada Hale")
    assert mapping.learner_of(USER | {"idnumber": ""}, options_of(config())).hr_number is None


def test_certificate():
    """A certificate certifies from the day of its issue; its holder stands in the issue or beside it."""
    told, at = mapping.certificate({"id": 5, "code": "A1B2", "timecreated": 1_740_823_200}, "Academy", "UTC")
    assert told == {"certified": True, "certificate_id": "A1B2", "certificate_issuer": "Academy", "valid_from": 20_148}
    assert at == 1_740_823_200 * SECOND
    assert mapping.certificate({"id": 5}, None, "UTC")[0]["certificate_id"] == "customcert/5"
    assert mapping.holder_of({}, {"userid": 7}) == mapping.holder_of({"user": {"id": 7}}, {"id": 5}) == "7"


# -- settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{"page_size": 1}, {"page_size": "500"}, {"lessons": 1}, {"passing_score": 101}, {"learner_roles": ["student"]}],
)
def test_settings_of_the_wrong_kind(settings):
    """A setting of the wrong kind is refused by its name."""
    with pytest.raises(Refused, match=next(iter(settings))):
        options_of(config(settings))


def test_what_moodle_cannot_be_asked_with():
    """Another dialect, another kind of authentication and no token are refused before any request."""
    with pytest.raises(Refused, match="api_version"):
        options_of(config(api_version="v2"))
    with pytest.raises(Refused, match="authentication_type"):
        token_of(config(authentication_type="Basic Auth"))
    with pytest.raises(Refused, match="api_key"):
        token_of(config(credentials={}))
