"""What rows of Canvas mean: states, progress, grades, sections, submissions; the traps by their numbers."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.canvas import mapping
from connectors.canvas.lessons import lessons_of, order_text
from connectors.canvas.mapping import Progress, combined, enrollment_facts, membership_of, progress_of, submission_of
from connectors.canvas.settings import Options
from connectors.canvas.values import canvas_id
from connectors.parse import Reading
from hub.domain.certificate import completed_day
from hub.domain.scores import fit_facts
from hub.domain.status import EnrollmentSigns, LessonSigns, enrollment_meaning, lesson_meaning
from hub.domain.units import days
from hub.errors import Unusable
from tests.support.canvas import course, enrollment, progress, submission

READING = Reading()
TODAY = days(date(2026, 1, 1))
OPEN = Options("self", 100, None)


def facts_of(*rows, roster=None, options=OPEN, reading=READING, **more):
    """The facts of one learner's rows in course 565."""
    members = combined([membership_of(row, "565", {}, reading) for row in rows])
    found = progress_of(roster["progress"], reading) if roster is not None else Progress(None, None)
    told = enrollment_facts(members, found, options, reading, **more)
    return {name: value for name, value in told.items() if value is not None}


def status(facts):
    """The status that these facts mean of a new enrollment."""
    work = any(facts.get(name) for name in ("progress", "seconds_total", "last_access_at"))
    names = ("completed", "passed", "removed", "suspended", "expired")
    told = {name: facts[name] for name in names if name in facts}
    score = fit_facts(facts, lambda _: None)
    return enrollment_meaning(
        EnrollmentSigns(today=TODAY, worked=work, score=score.score, passing_score=score.passing, **told)
    )


IDLE = {"last_activity_at": None, "total_activity_time": 0}


@pytest.mark.parametrize(
    ("row", "roster", "expected"),
    [
        ({"enrollment_state": "invited"} | IDLE, None, "Not Started"),
        ({"enrollment_state": "invited"}, progress(done=3), "Not Started"),
        ({"enrollment_state": "creation_pending"}, None, "Not Started"),
        (IDLE, progress(done=0), "Not Started"),
        ({}, progress(done=0), "In Progress"),
        (IDLE, progress(done=1), "In Progress"),
        ({}, progress(done=8, completed_at="2025-03-01T00:00:00Z"), "Completed"),
        ({}, progress(done=8), "In Progress"),
        ({"enrollment_state": "completed"}, progress(done=7, completed_at="2025-03-01T00:00:00Z"), "Completed"),
        ({"enrollment_state": "completed"}, progress(), "Expired"),
        ({"enrollment_state": "inactive"}, progress(), "On Hold"),
        ({"enrollment_state": "deleted"}, progress(), "Dropped"),
        ({"enrollment_state": "rejected"}, None, "Dropped"),
        ({"enrollment_state": "deleted"}, progress(completed_at="2025-03-01T00:00:00Z"), "Dropped"),
        ({"end_at": "2025-12-30T00:00:00Z"}, progress(), "In Progress"),
    ],
)
def test_states(row, roster, expected):
    """Each state of Canvas, with and without work, leads to the status of the mapping table."""
    facts = facts_of(enrollment(**row), roster=roster)
    assert status(facts) == expected


def test_trap_05_concluded_is_not_completed():
    """Trap 5: an enrollment that Canvas calls completed, without completed_at, is not Completed."""
    facts = facts_of(enrollment(enrollment_state="completed"), roster=progress())
    assert "completed" not in facts
    assert facts["expired"] is True


def test_concluded_below_the_pass_mark():
    """Concluded with a final score below the pass mark is Failed; at the mark it is Expired, since not all was done."""
    below = enrollment(enrollment_state="completed")
    at = enrollment(enrollment_state="completed", grades={"final_score": 80})
    marked = Options("self", 100, 80)
    assert status(facts_of(below, roster=progress(), options=marked)) == "Failed"
    assert status(facts_of(at, roster=progress(), options=marked)) == "Expired"
    done = progress(done=8, completed_at="2025-03-01T00:00:00Z")
    assert status(facts_of(enrollment(), roster=done, options=marked)) == "Failed"


def test_unread_progress_ends_nothing():
    """Where the roster's progress cannot be read at all, a concluded enrollment is not told to have run out."""
    member = membership_of(enrollment(enrollment_state="completed"), "565", {}, READING)
    facts = enrollment_facts([member], None, OPEN, READING)
    assert facts.get("expired") is None
    assert facts["completed"] is None


def test_trap_04_progress_that_is_an_error():
    """Trap 4: an error in the place of progress is no progress, and no statement on completion."""
    facts = facts_of(enrollment(), roster={"id": 123, "progress": {"error": {"message": "no progress available"}}})
    assert "progress" not in facts
    assert "completed" not in facts


def test_progress_without_requirements():
    """A course without requirements has no percentage, and nobody is told not to have completed it."""
    assert progress_of(progress(asked=0, done=0)["progress"], READING) == Progress(None, None)


def test_trap_07_one_section_deleted():
    """Trap 7: of two sections of one learner one is deleted: still enrolled, once, with the time of both."""
    rows = [
        enrollment(4711, enrollment_state="deleted", created_at="2025-01-05T08:00:00Z", total_activity_time=100),
        enrollment(4800, created_at="2025-02-10T08:00:00Z", last_activity_at=None, total_activity_time=20),
    ]
    for order in (rows, rows[::-1]):
        facts = facts_of(*order, roster=progress())
        assert facts["removed"] is False
        assert facts["enrollment_key"] == "4711"
        assert facts["enrolled_on"] == days(date(2025, 2, 10))
        assert facts["seconds_total"] == 120
        assert facts["last_access_at"] is not None
    both = [row | {"enrollment_state": "deleted"} for row in rows]
    assert facts_of(*both)["removed"] is True


def test_access_ends_with_the_last_section():
    """Access ends with the latest end of the standing sections, and never where one of them has no end."""
    early, late = enrollment(1, end_at="2025-06-01T00:00:00Z"), enrollment(2, end_at="2025-07-01T00:00:00Z")
    assert facts_of(early, late)["access_ends_on"] == days(date(2025, 7, 1))
    assert "access_ends_on" not in facts_of(early, enrollment(3))


def test_unreadable_section_ends_nothing():
    """While another row of the learner cannot be read, the readable ones do not tell that they have left."""
    facts = facts_of(enrollment(enrollment_state="deleted"), doubtful=True)
    assert "removed" not in facts


def test_trap_10_global_and_local_ids():
    """Trap 10: a global id, its short form and the local id are the same course."""
    for told in (30150000000000565, "30150000000000565", "3015~565", 565, "565"):
        assert canvas_id({"id": told}, "id") == "565"
    member = membership_of(enrollment(course_id=30150000000000565, user_id=30150000000000123), "565", {}, READING)
    assert (member.user, member.learner.native_id) == ("123", "lms_user_id:123")


@pytest.mark.parametrize("told", [None, "", True, 0, -1, 1.5, "E1", "١", 10**13, [1], "9" * 30])
def test_what_is_no_id(told):
    """What is no id of Canvas is refused with the field's name."""
    with pytest.raises(Unusable) as raised:
        canvas_id({"id": told}, "id")
    assert raised.value.field == "id"


def test_trap_32_progress_and_scores_that_overflow():
    """Trap 32: more than all of it is 100.00 percent; 1 450 of 1 500 points is 96.67 of 100; a bonus stays."""
    assert facts_of(enrollment(), roster=progress(asked=24, done=25))["progress"] == 10_000
    lessons = lessons_of([], [{"id": 355, "points_possible": 1500}])
    fitted = fit_facts(submission_of(submission(score=1450), lessons, READING).facts, lambda _: None)
    assert (fitted.score, fitted.maximum) == (9667, 10_000)
    bonus = facts_of(enrollment(grades={"current_score": 104.2}))
    assert fit_facts(bonus, lambda _: None).score == 10_420


def test_trap_33_completion_near_midnight():
    """Trap 33: completion at 23:30 UTC is told as the instant, so that its day in Tokyo is the next one."""
    roster = progress(done=8, completed_at="2025-03-01T23:30:00Z")
    facts = facts_of(enrollment(created_at="2025-03-01T23:30:00Z"), roster=roster, reading=Reading(zone="Asia/Tokyo"))
    assert facts["completed_at"] == 1_740_871_800_000_000
    assert completed_day(facts, "Asia/Tokyo") == days(date(2025, 3, 2))
    assert completed_day(facts, "UTC") == days(date(2025, 3, 1))
    assert facts["enrolled_on"] == days(date(2025, 3, 2))


def test_daylight_saving():
    """Days are those of the company's zone on both sides of a change of its clocks; offsets are understood."""
    berlin = Reading(zone="Europe/Berlin")
    for told, expected in (
        ("2026-03-28T22:59:59Z", date(2026, 3, 28)),
        ("2026-03-28T23:00:00Z", date(2026, 3, 29)),
        ("2026-03-29T21:59:59Z", date(2026, 3, 29)),
        ("2026-03-29T22:00:00Z", date(2026, 3, 30)),
        ("2026-10-25T00:30:00+02:00", date(2026, 10, 25)),
        ("2026-10-25T23:30:00+01:00", date(2026, 10, 25)),
    ):
        assert facts_of(enrollment(created_at=told), reading=berlin)["enrolled_on"] == days(expected)


def test_scores_by_state():
    """The current score while it lasts, the final one once it is over; what a teacher put in its place stands above."""
    grades = {"current_score": 90, "current_grade": "A", "final_score": 45.5, "final_grade": "F"}
    going = facts_of(enrollment(grades=grades), roster=progress())
    assert (going["score"], going["score_max"], going["grade"]) == (900_000, 1_000_000, "A")
    done = progress(done=8, completed_at="2025-03-01T00:00:00Z")
    assert facts_of(enrollment(grades=grades), roster=done)["score"] == 455_000
    put = grades | {"override_score": 70, "override_grade": "C"}
    over = facts_of(enrollment(grades=put), roster=done)
    assert (over["score"], over["grade"]) == (700_000, "C")
    assert "score" not in facts_of(enrollment(grades={"current_score": None}))


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("id", {"id": None}),
        ("user_id", {"user_id": "x"}),
        ("course_id", {"course_id": 566}),
        ("type", {"type": None}),
        ("enrollment_state", {"enrollment_state": None}),
        ("enrollment_state", {"enrollment_state": "nominated"}),
        ("created_at", {"created_at": "yesterday"}),
        ("created_at", {"created_at": "2025-01-01T00:00:00"}),
        ("total_activity_time", {"total_activity_time": -1}),
        ("grades", {"grades": [1]}),
        ("final_score", {"grades": {"final_score": "much"}}),
    ],
)
def test_unusable_enrollments(field, more):
    """What cannot be read is refused with field, rule and expectation."""
    with pytest.raises(Unusable) as raised:
        membership_of(enrollment(**more), "565", {}, READING)
    assert raised.value.field == field
    assert raised.value.rule
    assert raised.value.expected


def test_teachers_are_no_learners():
    """Rows of teachers and observers, asked for or not, are nobody's enrollment."""
    assert membership_of(enrollment(type="TeacherEnrollment", enrollment_state=None), "565", {}, READING) is None


def test_learner():
    """Keys come from the row, its user and the course's list of users, e-mail only where it is one."""
    person = {"email": "ada@example.org", "integration_id": "int-9", "login_id": None}
    found = mapping.learner_of("123", enrollment(), person)
    assert (found.hr_number, found.email, found.login_name) == ("E1001", "ada@example.org", "ahale")
    assert found.display_name == "Ada Hale"
    other = mapping.learner_of("123", enrollment(sis_user_id=None), person)
    assert other.hr_number == "int-9"
    assert mapping.learner_of("123", enrollment(), {"email": "hidden"}).email is None


# -- submissions and lessons ------------------------------------------------------------------------------

MODULES = [
    {
        "id": 2,
        "position": 2,
        "items": [{"id": 9, "position": 1, "title": "Test", "type": "Quiz", "content_id": 6}],
    },
    {
        "id": 1,
        "position": 1,
        "items": [
            {
                "id": 8,
                "position": 3,
                "title": "Essay",
                "type": "Assignment",
                "content_id": 355,
                "completion_requirement": {"type": "min_score", "min_score": 10},
            },
            {"id": 6, "position": 1, "title": "Part one", "type": "SubHeader"},
            {"id": 7, "position": 2, "title": "Read this", "type": "Page", "page_url": "read-this"},
            {"id": "?", "title": "Broken", "type": "Page"},
            {"id": 5, "title": "Draft", "type": "Page", "published": False},
        ],
    },
]


def lesson_status(facts):
    """The status that these facts mean of a new lesson."""
    fitted = fit_facts(facts, lambda _: None)
    names = ("completed", "skipped")
    return lesson_meaning(
        LessonSigns(
            worked=bool(facts.get("worked")),
            score=fitted.score,
            passing_score=fitted.passing,
            **{name: facts[name] for name in names if facts.get(name) is not None},
        )
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"workflow_state": "unsubmitted", "attempt": None, "score": None}, "Not Started"),
        ({"workflow_state": "submitted", "score": None}, "In Progress"),
        ({"workflow_state": "pending_review"}, "In Progress"),
        ({}, "Completed"),
        ({"score": 9.5}, "Failed"),
        ({"score": 10}, "Completed"),
        ({"excused": True, "score": None}, "Skipped"),
    ],
)
def test_submissions(more, expected):
    """Each state of a submission leads to the status of the mapping table."""
    assert lesson_status(submission_of(submission(**more), lessons_of(MODULES), READING).facts) == expected


ASSIGNMENTS = [
    {"id": 355, "name": "Essay", "points_possible": 20},
    {"id": 356, "name": "Test", "points_possible": 30, "quiz_id": 6},
    {"id": 357, "name": "Talk", "points_possible": 0, "discussion_topic": {"id": 1}},
    {"id": None},
    "none",
]


def test_order_of_lessons():
    """Lessons stand in the order of modules and items, without headings and what is unpublished or cannot be read."""
    found = lessons_of(MODULES)
    assert [(one.key, one.next_key) for one in found.values()] == [
        ("item-7", "355"),
        ("355", "quiz-6"),
        ("quiz-6", None),
    ]
    assert json.loads(order_text(found))[1] == {
        "lesson_id": "355",
        "mandatory": True,
        "name": "Essay",
        "type": "Assignment",
    }
    assert order_text({}) is None


def test_lessons_that_are_assignments():
    """A quiz goes by the number of its assignment; an assignment that stands in no module has no place in the order."""
    found = lessons_of(MODULES, ASSIGNMENTS)
    assert [(one.key, one.next_key) for one in found.values()] == [
        ("item-7", "355"),
        ("355", "356"),
        ("356", None),
        ("357", None),
    ]
    assert (found["356"].type, found["356"].points, found["356"].mandatory) == ("Quiz", 300_000, False)
    assert (found["357"].type, found["357"].points, found["357"].mandatory) == ("Discussion", None, None)
    assert [one["lesson_id"] for one in json.loads(order_text(found))] == ["item-7", "355", "356"]


def test_lesson_of_a_submission():
    """A submission takes name, kind, place and points from the lesson; without one it still has its kind."""
    lessons = lessons_of(MODULES, ASSIGNMENTS)
    told = submission_of(submission(), lessons, READING)
    assert (told.lesson, told.facts["lesson_name"], told.facts["next_lesson_id"]) == ("355", "Essay", "356")
    assert (told.facts["mandatory"], told.facts["score_max"], told.facts["passing_score"]) == (True, 200_000, 100_000)
    alone = submission_of(submission(7, submission_type="online_quiz"), {}, READING)
    assert (alone.lesson, alone.facts["lesson_type"]) == ("7", "Quiz")


def test_attempts():
    """The newest attempt is told with its score, but not with one that belongs to the attempt before."""
    graded = submission_of(submission(), lessons_of(MODULES), READING).facts
    assert json.loads(graded["attempt"]) == {
        "number": 2,
        "time": "2025-02-20T09:00:00.000Z",
        "score": 17.5,
        "passed": True,
    }
    again = submission(attempt=3, workflow_state="submitted", grade_matches_current_submission=False)
    told = submission_of(again, {}, READING).facts
    assert json.loads(told["attempt"]) == {"number": 3, "time": "2025-02-20T09:00:00.000Z"}
    assert (told["attempts_total"], told["completed"]) == (3, False)


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("assignment_id", {"assignment_id": None}),
        ("user_id", {"user_id": None}),
        ("workflow_state", {"workflow_state": None}),
        ("graded_at", {"graded_at": "soon"}),
        ("attempt", {"attempt": -1}),
    ],
)
def test_unusable_submissions(field, more):
    """What cannot be read is refused with its field."""
    with pytest.raises(Unusable) as raised:
        submission_of(submission(**more), {}, READING)
    assert raised.value.field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=4,
)


@given(
    st.dictionaries(
        st.sampled_from([*enrollment(), *submission(), *course(), "items", "quiz_id", "points_possible"]), JSON
    )
)
def test_nothing_else_is_raised(more):
    """Whatever a member holds, a row is read or refused with a field; nothing else happens."""
    whole = {"id": 1, "title": "x", "type": "Quiz", "content_id": 2, "completion_requirement": {"type": "min_score"}}
    for read, row in (
        (lambda row: membership_of(row, "565", {}, READING), enrollment()),
        (lambda row: submission_of(row, {}, READING), submission()),
        (lambda row: progress_of(row, READING), progress()["progress"]),
        (mapping.course_of, course(course_format="online")),
        (lambda row: lessons_of([row, {"items": [row]}], [row]), whole),
    ):
        for broken in (more, row | more):
            assert _field_of(read, broken) != ""


def _field_of(read, row):
    """The field that a row is refused for; None where it is read."""
    try:
        read(row)
    except Unusable as problem:
        return problem.field
    return None
