"""What a pull of Canvas gives: each source record once, what costs a course alone, and what bad input does."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.testing import server
from connectors.testing.server import Reply, json_reply
from connectors.testing.waiting import ClearSealer
from hub.domain.sealing import from_text
from hub.errors import Refused
from tests.support.canvas import (
    connect,
    course,
    enrollment,
    facts,
    found_by,
    lists,
    progress,
    pulled,
    serving,
    submission,
)

NO_RIGHT = json_reply({"status": "unauthorized", "errors": [{"message": "user not authorized"}]}, 401)
THREE = [enrollment(4711), enrollment(4712, user_id=124), enrollment(4713, user_id=125)]


def outcome(item):
    """What an item is: rejected, stored or counted."""
    return "rejected" if item.problem else "stored" if item.stored else "counted"


def test_each_record_once():
    """A course, each enrollment and each submission is one item with at most one counted observation."""
    told = lists(THREE, [progress()], [submission(), submission(356)])
    with serving(told) as canvas:
        items = pulled(connect(canvas))
    assert [item.position for item in items] == [
        "course 565",
        "course 565, enrollment 4711",
        "course 565, enrollment 4712",
        "course 565, enrollment 4713",
        "course 565, submission of assignment 355",
        "course 565, submission of assignment 356",
    ]
    assert all(sum(told["counted"] for told in item.observations) == 1 for item in items)
    assert all(
        told["source_time"] is None and told["payload_sha256"] for item in items for told in item.observations[-1:]
    )


def test_all_states_are_asked_for():
    """Enrollments are asked for in all states, else whoever leaves is never seen; only of students."""
    with serving(lists()) as canvas:
        pulled(connect(canvas))
        raw = [parse_qs(urlsplit(one.target).query) for one in canvas.server.asked]
    asked = next(params for params in raw if "state[]" in params)
    states = ["active", "completed", "creation_pending", "deleted", "inactive", "invited", "rejected"]
    assert sorted(asked["state[]"]) == states
    assert asked["type[]"] == ["StudentEnrollment"]


def test_trap_07_sections_are_one_enrollment():
    """Trap 7: of two sections one is deleted: one record is counted and tells of both, the other is kept with a note."""
    rows = [enrollment(4711, enrollment_state="deleted"), enrollment(4800)]
    with serving(lists(rows, [progress()])) as canvas:
        items = pulled(connect(canvas))
    assert [(item.native_id, outcome(item)) for item in items[1:]] == [
        ("enrollment/4711", "stored"),
        ("enrollment/4800", "counted"),
    ]
    assert items[1].note == "a further section of enrollment 4800"
    assert [told["removed"] for told in facts(items)] == [False]


def test_person_enrolled_twice_in_one_list():
    """A row that comes again, as when pages shift, is one record; so is one with a global and a local id."""
    rows = [enrollment(4711), enrollment(4711), enrollment(30150000000004711)]
    with serving(lists(rows), page=1) as canvas:
        items = pulled(connect(canvas))
    assert [told["seconds_total"] for told in facts(items)] == [7260]
    assert [outcome(item) for item in items] == ["counted", "counted"]


def test_trap_04_error_in_the_roster():
    """Trap 4: a learner whose progress is an error is taken in without one, and so are all others."""
    roster = [{"id": 123, "progress": {"error": {"message": "no progress"}}}, progress(124)]
    with serving(lists(THREE[:2], roster)) as canvas:
        assert [told.get("progress") for told in facts(pulled(connect(canvas)))] == [None, 3750]


def test_progress_of_the_concluded():
    """Who is left out of the roster's progress is asked for alone: in a full pull, and else where they have changed."""
    rows = [enrollment(4711, enrollment_state="completed"), enrollment(4712, user_id=124, enrollment_state="inactive")]
    done = json_reply(progress(done=8, completed_at="2025-03-01T00:00:00Z")["progress"])
    with serving(lists(rows, **{"courses/565/users/123/progress": done})) as canvas:
        first = facts(pulled(connect(canvas)))
        assert len(canvas.asked("/progress")) == 2
        later = facts(pulled(connect(canvas), 1_750_000_000_000_000))
        assert len(canvas.asked("/progress")) == 2
        facts(pulled(connect(canvas), 1_740_000_000_000_000))
        assert len(canvas.asked("/progress")) == 4
    assert [told.get("completed") for told in first] == [True, None]
    assert [{"completed", "expired", "progress"} & set(told) for told in later] == [set(), set()]


def test_one_bad_row_costs_itself():
    """A row that cannot be read is rejected with its field and the record; what stands beside it is taken in."""
    rows = [enrollment(4711, created_at="soon"), enrollment(4712, user_id=124), "row", None]
    with serving(lists(rows, [], [submission(graded_at="soon"), submission(356, 124), 7])) as canvas:
        items = pulled(connect(canvas))
    bad = [item for item in items if item.problem]
    assert [item.problem.field for item in bad] == ["created_at", "record", "record", "graded_at", "record"]
    assert json.loads(bad[0].kept)["id"] == 4711
    assert {item.course_key for item in bad} == {"565"}
    assert len(facts(items)) == 1
    assert len(facts(items, "lesson")) == 1


def test_bad_progress_is_named():
    """Progress that cannot be read rejects its enrollment and says that it was the progress."""
    with serving(lists(THREE[:1], [progress(asked=-1)])) as canvas:
        items = pulled(connect(canvas))
    assert items[1].problem.field == "progress.requirement_count"


def test_course_row_that_is_none():
    """A row of the courses without an id is rejected; then nobody can say that the catalogue was read whole."""
    told = lists(accounts__self__courses=[{"name": "No id"}, course()])
    with serving(told) as canvas:
        connector = connect(canvas)
        items = pulled(connector)
    assert [outcome(item) for item in items] == ["rejected", "counted"]
    assert connector.coverage().catalogue is False


def test_learners_are_told_once():
    """An account is told with the first record of its learner, with the e-mail of the course's users, sealed."""
    second = {**course(566), "name": "Fire"}
    told = lists(
        THREE[:1],
        users=[{"id": 123, "email": "ada@example.org", "login_id": "ada"}],
        accounts__self__courses=[course(), second],
        courses__566__enrollments=[enrollment(4900, course_id=566)],
        courses__566__users=[{"id": 123, "email": "ada@example.org", "login_id": "ada"}],
        courses__566__students__submissions=[],
    )
    with serving(told) as canvas:
        accounts = facts(pulled(connect(canvas)), "account")
    assert len(accounts) == 1
    opened = {name: ClearSealer().open(from_text(value)) for name, value in accounts[0].items()}
    assert opened == {
        "native_id": "lms_user_id:123",
        "display_name": "Ada Hale",
        "email": "ada@example.org",
        "login_name": "ada",
        "hr_number": "E1001",
    }


def test_trap_34_learner_without_any_key():
    """Trap 34: a learner of whom Canvas shows the token no key is taken in all the same."""
    row = enrollment()
    del row["user"], row["sis_user_id"]
    with serving(lists([row], users=NO_RIGHT)) as canvas:
        items = pulled(connect(canvas))
    assert len(facts(items)) == 1
    assert set(facts(items, "account")[0]) == {"native_id"}


# -- lists that are refused -------------------------------------------------------------------------------


def two_courses(**more):
    """Two courses with one learner each."""
    return lists(
        THREE[:1],
        accounts__self__courses=[course(), course(566)],
        **{
            "courses__566__enrollments": [enrollment(4900, course_id=566)],
            "courses__566__students__submissions": [],
            **more,
        },
    )


@pytest.mark.parametrize("refusal", [NO_RIGHT, json_reply({"message": "no"}, 403), json_reply({"error": "x"}, 404)])
def test_refused_course_costs_itself(refusal):
    """A course whose enrollments are refused is one rejected record; it is not covered, nor is the catalogue."""
    with serving(two_courses(courses__566__enrollments=refusal)) as canvas:
        connector = connect(canvas)
        items = pulled(connector, full=True)
    (bad,) = [item for item in items if item.problem]
    assert (bad.position, bad.problem.field, bad.course_key) == ("course 566, enrollments", "enrollments", "566")
    assert connector.coverage().courses == {"565"}
    assert connector.coverage().catalogue is False
    assert len(facts(items)) == 1


def test_all_courses_refused():
    """Where no course may be read at all the run is refused: it must not look like an empty LMS."""
    with serving(lists(courses__565__enrollments=NO_RIGHT)) as canvas:
        connector = connect(canvas)
        with pytest.raises(Refused):
            pulled(connector, full=True)
        assert connector.coverage() is None
        assert connector.watermark() is None


def test_refused_submissions():
    """Submissions that are refused are one rejected record; the enrollments of the course are taken in and covered."""
    with serving(two_courses(courses__565__students__submissions=NO_RIGHT)) as canvas:
        connector = connect(canvas)
        items = pulled(connector, full=True)
    assert [item.position for item in items if item.problem] == ["course 565, submissions"]
    assert connector.coverage().courses == {"565", "566"}


def test_refused_details():
    """Without progress, modules and users everything else is taken in, and nothing is said of completion."""
    told = lists([enrollment(enrollment_state="completed")], NO_RIGHT)
    del told["courses/565/modules"], told["courses/565/users"]
    with serving(told) as canvas:
        items = pulled(connect(canvas))
    (found,) = facts(items)
    assert {"completed", "expired", "progress"} & set(found) == set()
    assert "lesson_order" not in facts(items, "course")[0]


def test_token_that_is_unknown_midway():
    """A token that is revoked midway ends the run: it is no missing right of single courses."""
    revoked = json_reply({"errors": [{"message": "Invalid access token."}]}, 401, {"WWW-Authenticate": "Bearer"})
    with serving(two_courses(courses__566__enrollments=revoked)) as canvas:
        connector = connect(canvas)
        with pytest.raises(Refused, match="credentials"):
            pulled(connector, full=True)
        assert connector.coverage() is None


@pytest.mark.parametrize("path", ["accounts/self/courses", "courses/565/enrollments", "courses/565/users"])
def test_login_page_with_200(path):
    """A web page with status 200 in the place of any list ends the run; nothing is covered and nothing is taken for gone."""
    page = Reply(200, b"<html>Log in</html>", {"Content-Type": "text/html"})
    with serving({**two_courses(), path: page}) as canvas:
        connector = connect(canvas)
        with pytest.raises(Refused, match="web page"):
            pulled(connector, full=True)
        assert connector.coverage() is None


# -- what is read, and up to when ---------------------------------------------------------------------------


def test_coverage_of_full_and_other_pulls():
    """Only a pull of everything says what it has read whole; one since a watermark does not."""
    with serving(lists(THREE)) as canvas:
        connector = connect(canvas)
        pulled(connector, full=True)
        assert (connector.coverage().courses, connector.coverage().catalogue) == ({"565"}, True)
        later = connect(canvas)
        pulled(later, 1_740_000_000_000_000)
        assert later.coverage() is None


def test_list_that_is_suddenly_half_as_long():
    """A list that has lost half its rows is told as it is and covered; nobody is said to have left by the connector."""
    many = [enrollment(4000 + number, user_id=1000 + number) for number in range(10)]
    with serving(lists(many)) as canvas:
        assert len(facts(pulled(connect(canvas), full=True))) == 10
        canvas.lists["courses/565/enrollments"] = many[:5]
        connector = connect(canvas)
        told = facts(pulled(connector, full=True))
    assert [one["removed"] for one in told] == [False] * 5
    assert connector.coverage().courses == {"565"}


def test_page_size_that_changes():
    """Whatever number of rows Canvas puts on a page, also from one page to the next, all of them arrive."""
    many = [enrollment(4000 + number, user_id=1000 + number) for number in range(10)]
    with serving(lists(many), page=4) as canvas:

        def shrink(asked, right):
            canvas.page = 1
            return right(asked)

        canvas.server.script(None, shrink, meant=lambda asked: asked.path.endswith("/enrollments"))
        assert len(facts(pulled(connect(canvas)))) == 10


def test_ids_that_change():
    """A Canvas that was moved gives other ids: all that it tells is of other learners and courses, nothing is mixed up."""
    with serving(lists(THREE[:1])) as canvas:
        before = pulled(connect(canvas))
        moved = enrollment(94711, course_id=90565, user_id=90123)
        canvas.lists = lists(
            accounts__self__courses=[course(90565)],
            courses__90565__enrollments=[moved],
            courses__90565__students__submissions=[],
        )
        after = pulled(connect(canvas))
    streams = [{told["stream_id"] for item in items for told in item.observations} for items in (before, after)]
    assert not streams[0] & streams[1]


def test_course_renamed_midway():
    """A course that is renamed while it is read has one name in one pull, and the new one in the next, also in enrollments."""
    with serving(lists(THREE, submissions=[submission()]), page=1) as canvas:

        def rename(asked, right):
            canvas.lists["accounts/self/courses"] = [course(name="Safety 2")]
            return right(asked)

        canvas.server.script(rename, meant=lambda asked: asked.path.endswith("/enrollments"))
        first, second = pulled(connect(canvas)), pulled(connect(canvas))
    assert {told["course_name"] for told in facts(first)} == {"Safety Basics"}
    assert {told["course_name"] for told in facts(second) + facts(second, "course")} == {"Safety 2"}


def test_submissions_since():
    """What was submitted and what was graded since are asked for apart, and a row in both lists is one record."""
    with serving(lists(THREE[:1], submissions=[submission()])) as canvas:
        items = pulled(connect(canvas), 1_740_135_000_000_000)
        queries = [dict(asked.query) for asked in canvas.asked("/submissions")]
    assert [{"submitted_since", "graded_since"} & set(query) for query in queries] == [
        {"submitted_since"},
        {"graded_since"},
    ]
    assert queries[0]["submitted_since"] == "2025-02-21T10:50:00.000Z"
    assert len(facts(items, "lesson")) == 1


def test_watermark():
    """The newest time of a submission, but never later than Canvas's clock at the first answer; none without any."""
    with serving(lists(THREE[:1], submissions=[submission(), submission(356, graded_at=None)])) as canvas:
        connector = connect(canvas)
        pulled(connector)
        assert connector.watermark() == 1_740_135_600_000_000
        canvas.lists["courses/565/students/submissions"] = [submission(graded_at="2999-01-01T00:00:00Z")]
        ahead = connect(canvas)
        pulled(ahead)
        assert 1_740_135_600_000_000 < ahead.watermark() < 32_000_000_000_000_000
        canvas.lists["courses/565/students/submissions"] = []
        silent = connect(canvas)
        pulled(silent, 1_740_135_600_000_000)
        assert silent.watermark() is None


def test_submission_of_nobody():
    """A submission of somebody who is no student of the course, such as the test student, is kept without an effect."""
    with serving(lists(THREE[:1], submissions=[submission(355, 999)])) as canvas:
        item = pulled(connect(canvas))[-1]
    assert outcome(item) == "stored"
    assert "nobody" in item.note


def test_items_left_out_of_a_large_module():
    """Where Canvas leaves the items out of a module they are asked for apart."""
    item = {"id": 7, "position": 1, "title": "Essay", "type": "Assignment", "content_id": 355}
    told = lists(
        THREE[:1],
        submissions=[submission()],
        modules=[{"id": 3, "position": 1, "items_count": 1}, {"id": 4, "position": 2}, {"id": "?"}, "none"],
        courses__565__modules__3__items=[item],
    )
    with serving(told) as canvas:
        (lesson,) = facts(pulled(connect(canvas)), "lesson")
    assert lesson["lesson_name"] == "Essay"


def test_requests_of_details():
    """The time of each course is kept; a detail that may not be read is counted as an error."""
    told = two_courses()
    del told["courses/565/users"], told["courses/565/modules"], told["courses/565/assignments"]
    with serving(told) as canvas:
        connector = connect(canvas)
        pulled(connector)
        asked = len(canvas.server.asked)
    assert list(connector.requests.course_seconds) == ["565", "566"]
    assert connector.requests.outcomes == {"error": 7, "ok": asked - 7}


# -- the connection test ------------------------------------------------------------------------------------


def test_missing_rights_are_named():
    """Each right that is missing is named with the columns that stay empty and the setting in Canvas."""
    row = enrollment(user={"id": 123})
    del row["grades"], row["sis_user_id"]
    told = lists([row], NO_RIGHT, users=[{"id": 123}])
    for name in ("students/submissions", "modules", "assignments"):
        del told[f"courses/565/{name}"]
    with serving(told) as canvas:
        found = found_by(connect(canvas))
    bad = [check for check in found if not check.ok]
    assert [check.name.rpartition("/")[2] for check in found if check.ok] == ["courses", "enrollments"]
    assert len(bad) == 9
    assert len({check.name for check in found}) == len(found) == 11
    assert all(check.empty_columns and "Permissions" in check.remedy for check in bad)


def test_test_of_an_empty_canvas():
    """Where there is no course, or no learner, nothing is found wrong and that is said."""
    for told in (lists(accounts__self__courses=[]), lists()):
        with serving(told) as canvas:
            found = found_by(connect(canvas))
        assert all(check.ok for check in found)
        assert any("yet" in check.text for check in found)


def test_test_of_a_canvas_that_is_none():
    """Where the courses cannot be read, every right is open, and what is wrong is said."""
    with serving({}) as canvas:
        canvas.server.always(server.web_page)
        found = found_by(connect(canvas))
    assert not any(check.ok for check in found)
    assert "web page" in found[0].text


def test_rules_of_the_integration_hold():
    """Mappings see Canvas's row and what was read of it, as with files."""
    rows = [enrollment(4711, sis_section_id="C-9"), enrollment(4712, user_id=124, sis_section_id=None)]
    with serving(lists(rows, [progress()], [submission(grade="complete")])) as canvas:
        items = pulled(
            connect(
                canvas,
                field_mappings={"course_code": "sis_section_id", "lesson_name": "grade"},
            )
        )
    told = facts(items)
    assert told[0]["course_code"] == "C-9"
    assert facts(items, "lesson")[0]["lesson_name"] == "complete"


def test_a_record_that_breaks_a_rule_is_rejected():
    """It names the field and the rule; the others go on."""
    rows = [enrollment(4711), enrollment(4712, user_id=124, sis_user_id="X7")]
    with serving(lists(rows)) as canvas:
        items = pulled(connect(canvas, validation_rules={"properties": {"hr_number": {"pattern": "^E"}}}))
    assert [outcome(item) for item in items] == ["counted", "counted", "rejected"]
    assert items[2].problem.field == "hr_number"


def test_unsupported_course_types_are_stored():
    """A course of a type that is not taken in is known, and nobody in it is read."""
    told = lists(THREE)
    with serving(told) as canvas:
        canvas.lists["accounts/self/courses"] = [course(course_format="on_campus")]
        items = pulled(connect(canvas, supported_course_types=("eLearning",)), full=True)
    assert [outcome(item) for item in items] == ["stored"]
    assert "Instructor-led" in items[0].note
