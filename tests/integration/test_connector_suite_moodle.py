"""The Moodle connector against the suite of all API connectors and against a living Moodle, on loopback."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from connectors.contract import Coverage, Pull
from connectors.moodle import guide
from connectors.moodle.connector import MoodleConnector
from connectors.moodle.mapping import account_key
from connectors.observe import Observer
from connectors.testing import server
from connectors.testing.moodle import FakeMoodle
from connectors.testing.suite import ConnectorSuite, Source
from connectors.testing.waiting import ClearSealer, FakeTime
from connectors.testing.world import World
from hub.deciding import learning as deciding
from hub.domain import enrollment, lesson
from hub.domain.integration_config import IntegrationConfig
from hub.domain.learning import Context, State
from hub.domain.units import SECOND
from hub.errors import Refused
from projections.tables import TABLES

TOKEN = "kept-secret-token"
CONFIG = IntegrationConfig(
    id="11111111-1111-5111-8111-111111111111",
    company_id="22222222-2222-5222-8222-222222222222",
    lms_code="moodle",
    lms_name="Moodle",
    lms_type="Moodle",
    integration_method="API",
    authentication_type="API Key",
    credentials={"api_key": TOKEN},
    rate_limit_per_hour=1_000_000,
)
NOW = FakeTime().now().timestamp()


class MoodleSource(Source):
    secrets = (TOKEN, "wstoken", "next=secret")

    def __init__(self, fake, settings):
        self.fake = fake
        self.server = fake.server
        self.settings = {"page_size": 3} | settings

    @property
    def world(self):
        return self.fake.world

    def connect(self, pace=None, *, oauth=False, settings=None, **config):
        config = {"api_endpoint_url": self.fake.url, "settings": self.settings | (settings or {})} | config
        chosen = replace(CONFIG, **config)
        self.observer = Observer(chosen, ClearSealer())
        return MoodleConnector(chosen, self.observer, pace=pace or FakeTime().pace())

    def account(self, learner_id):
        return Observer(CONFIG, ClearSealer()).account_id(account_key(str(learner_id)))

    def expected(self):
        found = [f"course/{number}" for number in self.world.courses]
        found += [f"course {number}: it has no role of learner_roles" for number in self.world.courses]
        for told in self.fake.truth():
            person = self.account(told.userid)
            if told.certificate is not None:
                found.append(f"certificate/{told.certificate[0]}")
            if told.standing != "removed":
                found.append(f"{told.courseid}/{person}")
            if told.standing == "active":
                tracks = self.world.courses[told.courseid].tracks
                lessons = [
                    one for one in told.lessons if one.grademax is not None or (tracks and one.state is not None)
                ]
                found += [f"{told.courseid}/{one.cmid}/{person}" for one in lessons]
        return found

    def identity(self, item):
        assert item.problem is None
        return item.native_id or f"{item.position}: {item.note}"

    def is_page(self, asked):
        return b"core_enrol_get_enrolled_users" in asked.body and b"onlyactive" not in asked.body

    def add(self):
        course = next(iter(self.world.courses.values()))
        # One record: of who is active, the activities would be added too.
        standing = "suspended" if self.settings.get("lessons", True) else "active"
        enrollment = self.world.enroll(self.world.hire().id, course.id, standing)
        enrollment.seats[0].last_access = self.world.now()
        return f"{course.id}/{self.account(enrollment.learner.id)}"

    def remove(self):
        course = next(iter(self.world.courses.values()))
        first = min((one for one in course.roster if one.standing == "active"), key=lambda one: one.learner.id)
        self.world.stand(first, "removed")
        return f"{course.id}/{self.account(first.learner.id)}"

    def repeat_a_page(self):
        self.fake.repeat_a_page()

    def expire_tokens(self):
        self.fake.expire_tokens()

    def set_clock_off(self, seconds):
        self.fake.set_clock_off(seconds)


@contextmanager
def moodle(
    settings=None, *, courses=2, learners=8, enrollments=14, seed=7, clock=lambda: NOW, **fake
) -> Iterator[MoodleSource]:
    world = World(seed, courses=courses, learners=learners, enrollments=enrollments, clock=clock)
    with FakeMoodle(world, token=TOKEN, **fake) as running:
        yield MoodleSource(running, settings or {})


class TestMoodle(ConnectorSuite):
    """With activities, grades and certificates."""

    has_oauth = False

    def source(self):
        return moodle()


class TestMoodleOfCourses(ConnectorSuite):
    """Without activities, and a site that gives fewer rows than it is asked for."""

    has_oauth = False

    @contextmanager
    def source(self):
        with moodle({"lessons": False, "page_size": 500}, courses=1, enrollments=8, page_cap=3) as source:
            whole = source.expected
            source.expected = lambda: [one for one in whole() if one.count("/") < 2]
            yield source


def pulled(connector, since=None, *, full=False):
    with closing(connector):
        return list(connector.pull(Pull(since, full, now=FakeTime().micros)))


def told(items, kind="enrollment"):
    """The counted observations of one kind, by native id."""
    return {
        item.native_id: one
        for item in items
        for one in item.observations
        if one["counted"] and one["type"] == f"lms.observation.{kind}.v1" and "certified" not in one["facts"]
    }


def enrollments(source):
    """How many people are on the lists of courses."""
    return sum(one.standing != "removed" for one in source.fake.truth())


def asked(source, function):
    """How often a function was asked."""
    return sum(parse_qs(one.body.decode()).get("wsfunction") == [function] for one in source.server.asked)


# -- against the site's own truth -------------------------------------------------------------------------


def test_everything_is_as_the_site_has_it():
    """Progress, completion, score, access and standing of everybody, and each lesson, are the site's own."""
    with moodle({"page_size": 20}, courses=8, learners=40, enrollments=None) as source:
        items = pulled(source.connect())
        found, lessons = told(items), told(items, "lesson")
        seen = Counter()
        for truth in source.fake.truth():
            key = f"{truth.courseid}/{source.account(truth.userid)}"
            seen[truth.standing] += 1
            if truth.standing == "removed":
                assert key not in found
                continue
            facts = found[key]["facts"]
            assert facts["removed"] is False
            assert facts["suspended"] is (truth.standing == "suspended")
            assert facts.get("last_access_at") == micros(truth.last_access)
            assert facts.get("score") == (None if truth.graderaw is None else round(truth.graderaw * 10_000))
            if truth.standing == "active":
                # Whoever did everything and failed in something has failed, which Moodle has no word for.
                failed = facts.get("passed") is False and not truth.completed
                assert not failed or all(one.state for one in truth.lessons if one.state is not None)
                seen["completed"] += truth.completed
                seen["failed"] += failed
                assert facts.get("progress") == (None if truth.progress is None else round(truth.progress * 100))
                assert bool(facts.get("completed")) == truth.completed or failed
                assert not truth.completed or facts["completed_at"] == micros(truth.completed_at)
                same_lessons(truth, lessons, key, source.world.courses[truth.courseid].tracks)
        assert min(seen[kind] for kind in ("active", "suspended", "removed", "completed", "failed")) > 0, seen


def same_lessons(truth, lessons, key, tracks):
    course, account = key.split("/")
    for one in truth.lessons:
        if one.grademax is None and not (tracks and one.state is not None):
            continue
        facts = lessons[f"{course}/{one.cmid}/{account}"]["facts"]
        state = one.state if tracks else None
        assert facts["lesson_name"] == one.name
        assert bool(facts.get("completed")) == bool(state)
        assert facts.get("passed") == {1: True, 2: True, 3: False, 4: False}.get(state)
        assert facts.get("score") == (None if one.graderaw is None else round(one.graderaw * 10_000))
        assert facts.get("score_max") == (None if one.grademax is None else round(one.grademax * 10_000))


def micros(seconds):
    return None if seconds is None else seconds * SECOND


def test_every_column_of_the_guide_is_filled():
    """The columns that the page names exist, and a pull fills each; what it names as lacking exists too."""
    wanted = {one.column for one in guide.GUIDE.fills}
    lacking = {column for column, _ in guide.GUIDE.lacks}
    for column in wanted | lacking | {one for right in guide.GUIDE.permissions for one in right.columns}:
        table, name = column.split(".")
        assert name in TABLES[table].c, column
    assert not wanted & lacking
    assert {one for right in guide.GUIDE.permissions for one in right.columns} <= wanted
    settings = {
        "page_size": 20, "passing_score": 60, "employee_field": "employee_no", "course_type_field": "form",
        "skills_field": "skills", "validity_days_field": "valid", "mandatory_field": "must", "compliance_field": "law",
    }  # fmt: skip
    with moodle(settings, courses=8, learners=40, enrollments=None) as source:
        source.server.always(enriched)
        filled = Counter(
            column for item in pulled(source.connect()) for one in item.observations for column in columns(one)
        )
    assert not wanted - set(filled)
    assert not lacking & set(filled)


def enriched(asked, right):
    """What a site may have besides: custom fields of courses, a hidden course, feedback."""
    reply = right(asked)
    value = json.loads(reply.body)
    if b"core_course_get_courses" in asked.body:
        fields = {"form": "eLearning", "skills": "First aid", "valid": "365", "must": "1", "law": "1"}
        for row in value:
            row["customfields"] = [{"shortname": name, "value": text} for name, text in fields.items()]
        value[-1]["visible"] = 0
    elif b"gradereport_user" in asked.body:
        for grade in (one for user in value["usergrades"] for one in user["gradeitems"]):
            grade["feedback"] = "Well done"
    return replace(reply, body=json.dumps(value).encode())


def columns(one):
    """The columns that an observation fills, as the hub's own decisions fill them; those of its facts' default values
    are none."""
    facts = {name: value for name, value in one["facts"].items() if value is not None}
    if one["stream_kind"] in ("account", "course"):
        table = "lms_account" if one["stream_kind"] == "account" else "course"
        retired = ("retired_at",) if one.get("retired") else ()
        return {f"{table}.{name}" for name in (*facts, *retired)}
    found, context = deciding.told_by(one), Context(now=one["observed_at"], course=COURSE_ROW)
    if one["type"] == "lms.observation.enrollment.v1":
        return {
            f"lms_course_enrollment.{name}" for name in enrollment.decide(State(), found, facts, context).enrollment
        }
    return {f"lms_learning_progress.{name}" for name in lesson.decide(State(), found, facts, context).lesson} | {
        "lms_learning_progress.lesson_id"
    }


COURSE_ROW = {"course_type": "eLearning", "is_mandatory": True, "is_compliance_training": True}


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
