"""A Moodle that grants less, fails in part, lies or changes; and what the connector asks of it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from connectors.contract import Coverage
from connectors.moodle import guide
from connectors.testing import server
from hub.domain.units import SECOND
from hub.errors import Refused
from tests.support.moodle import NOW, TOKEN, asked, columns, enriched, enrollments, moodle, pulled, told

# -- rights -----------------------------------------------------------------------------------------------


def findings(source):
    with closing(source.connect()) as connector:
        return {check.name: check for check in connector.test()}


def test_each_function_that_is_not_granted():
    """A function that the service lacks is found missing, with the columns that stay empty and the remedy; the run goes
    on without it, or says which one it cannot do without."""
    for right in guide.FUNCTIONS:
        granted = {one.name for one in guide.FUNCTIONS} - {right.name}
        with moodle(functions=granted) as source:
            check = findings(source)[right.name]
            assert not check.ok
            assert (check.empty_columns, check.remedy) == (right.columns, right.remedy)
            if right.required:
                with pytest.raises(Refused, match=right.name):
                    pulled(source.connect())
                continue
            items = pulled(source.connect())
            assert not [item for item in items if item.problem]
            filled = {column for item in items for one in item.observations for column in columns(one)}
            assert not filled & set(right.columns) - DERIVED


DERIVED = {
    # of an activity that is known by its grade alone
    *(f"lms_learning_progress.{name}" for name in ("progress_status", "first_access_date", "last_access_date")),
}


@pytest.mark.parametrize(
    ("capability", "right"),
    [
        ("moodle/site:viewuseridentity", guide.NUMBER),
        ("moodle/site:viewuseridentity", guide.EMAIL),
        ("moodle/user:viewhiddendetails", guide.HIDDEN),
        ("moodle/course:enrolreview", guide.ACTIVE),
        ("report/progress:view", guide.ACTIVITIES),
        ("report/completion:view", guide.COMPLETION),
        ("moodle/grade:viewall", guide.GRADES),
        ("mod/customcert:viewallcertificates", guide.CERTIFICATES),
        ("moodle/course:viewparticipants", guide.ENROLLED),
        ("moodle/course:view", guide.COURSES),
    ],
)
def test_capability_that_lacks(capability, right):
    """A capability that the token's user lacks is found by trying, and names columns and remedy."""
    with moodle(lacking={capability}) as source:
        check = findings(source)[right.name]
    assert not check.ok
    assert (check.empty_columns, check.remedy) == (right.columns, right.remedy)


def test_unknown_who_is_active():
    """Where Moodle does not say who is active nobody is taken for suspended, and that is visible."""
    with moodle(lacking={"moodle/course:enrolreview"}) as source:
        items = pulled(source.connect())
        facts = [one["facts"] for one in told(items).values()]
        assert facts
        assert not any(one.get("suspended") for one in facts)
        assert [item.position for item in items if "nopermissions" in item.note] == ["course 2", "course 3"]


def test_plugin_that_is_not_there():
    """Without the certificate plugin nothing fails."""
    with moodle(not_installed={guide.CERTIFICATES.name}) as source:
        assert not [item for item in pulled(source.connect()) if item.problem]
        assert not findings(source)[guide.CERTIFICATES.name].ok


# -- courses that fail, lists that lie --------------------------------------------------------------------


def denying(code, function, course=None):
    """An error for one function (of one course)."""

    def fault(asked, right):
        form = parse_qs(asked.body.decode())
        hit = form["wsfunction"] == [function] and (course is None or form.get("courseid") == [str(course)])
        return server.json_reply({"exception": "e", "errorcode": code, "message": "no"}) if hit else right(asked)

    return fault


def test_course_that_is_refused():
    """A course that cannot be read costs itself alone: it is rejected visibly, and not taken for read."""
    with moodle(courses=3) as source:
        lost, *rest = source.world.courses
        source.server.always(denying("requireloginerror", "core_enrol_get_enrolled_users", lost))
        connector = source.connect()
        items = pulled(connector)
        (problem,) = {(item.native_id, item.problem.rule) for item in items if item.problem}
        assert problem == (f"course/{lost}", "requireloginerror")
        assert {key.split("/")[0] for key in told(items)} == set(map(str, rest))
        assert connector.coverage() == Coverage(set(map(str, rest)), catalogue=True)
        assert {item.course_key for item in items if item.problem} == {str(lost)}
        assert connector.watermark() is not None


def test_all_courses_are_refused():
    """Where no course can be read the run says why, and is not taken for whole."""
    with moodle() as source:
        source.server.always(denying("nopermissions", "core_enrol_get_enrolled_users"))
        connector = source.connect()
        with pytest.raises(Refused, match="nopermissions"):
            pulled(connector)
        assert connector.coverage() is None
        assert connector.watermark() is None


def test_trap_15_course_without_criteria():
    """Without criteria the course's completion is not asked for again, and its activities are read all the same."""
    with moodle(courses=4, learners=12, enrollments=40) as source:
        for course in source.world.courses.values():
            course.tracks, course.criteria = True, False
        items = pulled(source.connect())
        assert not [item for item in items if item.problem]
        assert asked(source, "core_completion_get_course_completion_status") <= 4
        assert any(one["facts"].get("completed") for one in told(items, "lesson").values())


def test_part_that_is_refused():
    """Grades or activities that are refused in a course are named once, and the rest of it is read."""
    for function in ("gradereport_user_get_grade_items", "core_completion_get_activities_completion_status"):
        with moodle(courses=1, enrollments=8) as source:
            source.server.always(denying("nopermissions", function))
            connector = source.connect()
            items = pulled(connector)
            assert [function in item.note for item in items if item.note].count(True) == 1
            assert not [item for item in items if item.problem]
            assert len(told(items)) == enrollments(source)
            assert connector.coverage().courses == set(map(str, source.world.courses))


def halved(*functions):
    """Every list of these functions comes short by half, as if that were all."""

    def fault(asked, right):
        reply = right(asked)
        if parse_qs(asked.body.decode())["wsfunction"][0] not in functions or b"onlyactive" in asked.body:
            return reply
        rows = json.loads(reply.body)
        return replace(reply, body=json.dumps(rows[: len(rows) // 2]).encode())

    return fault


def test_list_that_is_suddenly_half_as_long():
    """A list that lacks people who are active is read again; if it stays so, nobody in the course is taken for gone."""
    with moodle({"page_size": 500}, courses=1, learners=12, enrollments=12, page_cap=None) as source:
        source.server.script(None, halved("core_enrol_get_enrolled_users"), meant=source.is_page)
        whole = source.connect()
        assert len(told(pulled(whole))) == enrollments(source)

        def lying(asked, right):
            reply = right(asked)
            rows = json.loads(reply.body)
            start = b"limitfrom&options%5B2%5D%5Bvalue%5D=0" in asked.body
            return replace(reply, body=json.dumps(rows[:4] if start else rows[:1]).encode())

        source.server.always(lying, meant=source.is_page)
        short = source.connect()
        found = told(pulled(short))
        assert 0 < len(found) < 12
        assert not any(one["facts"].get("removed") for one in found.values())
        assert short.coverage() == Coverage(set(), catalogue=True)


def test_list_of_courses_that_comes_short():
    """A list of courses that is longer at the end than it was at the beginning does not end the missing ones."""
    with moodle(courses=4) as source:
        source.server.script(
            halved("core_course_get_courses"), meant=lambda asked: b"core_course_get_courses" in asked.body
        )
        connector = source.connect()
        pulled(connector)
        assert len(connector.coverage().courses) < 4
        assert connector.coverage().catalogue is False


def test_list_of_the_active_that_comes_short():
    """Who is missing on the list of the active is suspended only if Moodle says so when asked about the person."""
    with moodle() as source:
        source.server.always(
            lambda asked, right: server.json_reply([]), meant=lambda asked: b"onlyactive" in asked.body
        )
        found = told(pulled(source.connect()))
        for truth in source.fake.truth():
            if truth.standing != "removed":
                facts = found[f"{truth.courseid}/{source.account(truth.userid)}"]["facts"]
                assert facts["suspended"] is (truth.standing == "suspended")


# -- sources that change ----------------------------------------------------------------------------------


def test_site_that_changes_its_ids():
    """After a move the same people and courses under other numbers are others; nothing is mixed up."""
    with moodle(courses=1, learners=8, enrollments=8) as source:
        before = told(pulled(source.connect()))
        source.world.renumber()
        connector = source.connect()
        after = told(pulled(connector))
        assert len(before) == len(after)
        assert not set(before) & set(after)
        assert not {one["stream_id"] for one in before.values()} & {one["stream_id"] for one in after.values()}
        assert connector.coverage() == Coverage(set(map(str, source.world.courses)), catalogue=True)


def test_course_that_is_renamed_midway():
    """Within a run a course has one name, that of its list; the next run tells the new one."""
    with moodle(courses=1, enrollments=8) as source:
        (course,) = source.world.courses.values()
        old = course.name

        def rename(asked, right):
            source.world.rename(course, "Renamed")
            return right(asked)

        source.server.script(None, rename, meant=source.is_page)
        assert {one["facts"]["course_name"] for one in told(pulled(source.connect())).values()} == {old}
        assert {one["facts"]["course_name"] for one in told(pulled(source.connect())).values()} == {"Renamed"}


def test_person_who_is_enrolled_twice():
    """Two methods of enrollment are one record; active by either is active."""
    with moodle({"page_size": 500}, courses=1, enrollments=8) as source:

        def doubled(asked, right):
            reply = right(asked)
            rows = [row for row in json.loads(reply.body) for _ in range(2)]
            return replace(reply, body=json.dumps(rows).encode())

        source.server.script(doubled, meant=lambda asked: b"core_enrol_get_enrolled_users" in asked.body)
        items = pulled(source.connect())
        assert sorted(map(source.identity, items)) == sorted(source.expected())


def test_page_size_that_changes():
    """A site that suddenly gives fewer rows, and then more again, is read whole."""
    with moodle({"page_size": 4}, courses=1, learners=12, enrollments=12) as source:

        def capping(most):
            def fault(asked, right):
                source.fake.page_cap = most
                return right(asked)

            return fault

        source.server.script(None, capping(2), None, capping(None), meant=source.is_page)
        assert sorted(map(source.identity, pulled(source.connect()))) == sorted(source.expected())


def test_login_page_with_status_200():
    """A redirect to the site's own login page, which answers with 200, is a wrong configuration; the form is not sent on."""
    with moodle() as source:
        source.server.script(None, server.redirect("/login/index.php"), meant=source.is_page)
        connector = source.connect()
        with pytest.raises(Refused, match="web page"):
            pulled(connector)
        assert connector.watermark() is None
        last = source.server.asked[-1]
        assert (last.method, last.path, last.body) == ("GET", "/login/index.php", b"")


def test_redirect_that_keeps_the_form():
    """A redirect on the same host that says to ask the same again is followed with the form; to another host it is not."""
    with moodle() as source:
        again = "/webservice/rest/server.php"
        source.server.script(lambda asked, right: server.Reply(308, b"", {"Location": again}), meant=source.is_page)
        assert sorted(map(source.identity, pulled(source.connect()))) == sorted(source.expected())
        away = "http://localhost:1/webservice/rest/server.php"
        source.server.always(lambda asked, right: server.Reply(308, b"", {"Location": away}), meant=source.is_page)
        with pytest.raises(Refused, match="another host"):
            pulled(source.connect())


# -- what is asked for ------------------------------------------------------------------------------------


def test_token_stays_out_of_addresses():
    """Every request is a POST with the token in its body."""
    with moodle() as source:
        pulled(source.connect())
        assert {one.method for one in source.server.asked} == {"POST"}
        assert not any(one.query for one in source.server.asked)
        assert not any(TOKEN in str(one.headers) for one in source.server.asked)


def test_few_requests():
    """One request per learner for progress, one per course for grades, one per active learner and course for activities."""
    with moodle({"page_size": 100}, courses=3, learners=10, enrollments=20) as source:
        pulled(source.connect())
        truth = list(source.fake.truth())
        active = [one for one in truth if one.standing == "active"]
        suspended = [one for one in truth if one.standing == "suspended"]
        assert asked(source, "core_enrol_get_users_courses") <= len({one.userid for one in truth}) + len(suspended)
        assert asked(source, "gradereport_user_get_grade_items") == 3 + len(suspended)
        assert asked(source, "core_completion_get_activities_completion_status") == len(active) + len(suspended)
        assert asked(source, "core_enrol_get_enrolled_users") == 3 * 4


def test_later_runs_ask_for_what_was_touched():
    """After a first run only the activities of those are read who were in the course, or were graded, since."""
    with moodle({"page_size": 100}, courses=1, learners=10, enrollments=10, clock=lambda: NOW - 1) as source:
        first = source.connect()
        pulled(first)
        assert first.watermark() == int(NOW - 1) * SECOND
        states = "core_completion_get_activities_completion_status"
        before = asked(source, states)
        source.world.clock = lambda: NOW
        enrollment = next(one for one in source.world.enrollments if one.standing == "active" and one.last_access)
        enrollment.seats[0].last_access = int(NOW)
        second = source.connect()
        items = pulled(second, first.watermark())
        assert asked(source, states) == before + 1
        account = source.account(enrollment.learner.id)
        assert {key.split("/")[2] for key in told(items, "lesson")} == {account}
        assert len(told(items)) == enrollments(source)
        assert second.coverage() is None
        again = source.connect()
        assert sorted(map(source.identity, pulled(again, first.watermark(), full=True))) == sorted(source.expected())
        assert again.coverage() is not None


def test_chosen_courses():
    """With the setting only these courses are read, and the others are not taken for gone."""
    with moodle(courses=3) as source:
        chosen, other, _ = source.world.courses.values()
        connector = source.connect(settings={"courses": f"{chosen.id}, {other.code}"})
        assert {one["course_key"] for one in told(pulled(connector)).values()} == {str(chosen.id), str(other.id)}
        assert connector.coverage() == Coverage({str(chosen.id), str(other.id)}, catalogue=False)


def test_course_types_that_are_not_taken_in():
    """Nobody is read in a course whose type the integration does not take in; the course counts as stored."""
    with moodle({"course_type_field": "form"}) as source:
        source.server.always(enriched)
        items = pulled(source.connect(supported_course_types=("Webinar",)))
        assert all(item.stored for item in items)
        assert {one["type"] for item in items for one in item.observations} == {"lms.observation.course.v1"}
        assert told(pulled(source.connect(supported_course_types=("eLearning",))))


def test_rules_of_the_integration():
    """Field mappings see Moodle's own rows; a record that breaks a validation rule is rejected with its course."""
    with moodle(courses=1, enrollments=8) as source:
        connector = source.connect(field_mappings={"grade_achieved": "user.username"})
        found = told(pulled(connector))
        assert {one["facts"]["grade"] for one in found.values()} <= {
            one.person.login for one in source.world.learners.values()
        }
        rule = {"properties": {"progress_percentage": {"maximum": 50}}}
        connector = source.connect(validation_rules=rule)
        items = pulled(connector)
        rejected = [item for item in items if item.problem]
        assert rejected
        assert all(item.problem.field == "progress_percentage" for item in rejected)
        assert {item.course_key for item in rejected} == set(map(str, source.world.courses))


def test_time_of_a_run():
    """All that is read is told as of the second in which the run began, by the clock that is behind; what Moodle dates
    itself has its own time."""
    for off, expected in ((-7200, NOW - 7200), (7200, NOW)):
        with moodle() as source:
            source.set_clock_off(off)
            connector = source.connect()
            items = pulled(connector)
            assert {one["observed_at"] for item in items for one in item.observations} == {int(expected) * SECOND}
            assert {one["source_time"] for one in told(items).values() if "certified" not in one["facts"]} == {None}
            assert any(one["source_time"] for one in told(items, "lesson").values())


def test_nothing_personal_in_ids():
    """No native id of a record holds a number, name or address of a person."""
    with moodle() as source:
        ids = " ".join(item.native_id or "" for item in pulled(source.connect()))
        for learner in source.world.learners.values():
            assert str(learner.id) not in ids.split("/")
            assert learner.person.login not in ids
