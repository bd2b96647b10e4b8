"""The fake Moodle keeps to what is known of Moodle's web services, and tells nothing but its truth."""

from __future__ import annotations

import json
from contextlib import ExitStack
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import httpx
import pytest

from connectors.testing.moodle import FUNCTIONS, SERVER, FakeMoodle
from connectors.testing.moodle_rows import certificate_id
from connectors.testing.server import Asked
from connectors.testing.wire import parameters
from connectors.testing.world import World

NOW = 1_772_438_400.0


def flat(value, name=""):
    """Parameters as PHP writes arrays."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in flat(inner, f"{name}[{key}]" if name else str(key))]
    if isinstance(value, list):
        return [pair for place, inner in enumerate(value) for pair in flat(inner, f"{name}[{place}]")]
    return [(name, str(value))]


def asked(fake, function, form="json", token=None, **given):
    own = {"wstoken": token or fake.token, "wsfunction": function}
    own |= {"moodlewsrestformat": form} if form else {}
    return Asked("POST", SERVER, parameters(""), {}, urlencode([*own.items(), *flat(given)]).encode())


def call(fake, function, **given):
    reply = fake.answer(asked(fake, function, **given))
    assert reply.status == 200
    return json.loads(reply.body)


def options(**given):
    return [{"name": name, "value": value} for name, value in given.items()]


@pytest.fixture(scope="module")
def lived():
    """A world with a past and a present in which everything has happened."""
    world = World(3, courses=14, learners=70, clock=lambda: NOW, habits={"suspend": 5, "resume": 1, "excuse": 3})
    world.step(900)
    return world


@pytest.fixture
def moodle(lived):
    """Makes fakes that are asked without a connection."""
    with ExitStack() as stack:

        def make(world=lived, **given):
            fake = FakeMoodle(world, **given)
            stack.callback(fake.close)
            return fake

        yield make


@pytest.fixture
def fake(moodle):
    return moodle()


def standing(world, *wanted):
    return next(each for each in world.enrollments if each.standing in wanted and each.course.tracks)


# -- the form of it ---------------------------------------------------------------------------------------------


def test_over_http(lived):
    """Asked by a form or by a query, over a connection that stays open; a wrong address is a web page with status 200."""
    with FakeMoodle(lived) as fake, httpx.Client() as client:
        given = {"wstoken": fake.token, "wsfunction": "core_webservice_get_site_info", "moodlewsrestformat": "json"}
        by_form = client.post(fake.url + SERVER, data=given)
        assert by_form.json() == client.get(fake.url + SERVER, params=given).json()
        assert by_form.json()["siteurl"] == fake.url
        assert by_form.headers["date"] == "Mon, 02 Mar 2026 08:00:00 GMT"
        wrong = client.post(fake.url + "/moodle" + SERVER, data=given)
        assert (wrong.status_code, wrong.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert fake.server.requests == 3


def test_xml_unless_json_is_asked_for(fake):
    """Without the format, answers and errors are XML."""
    answer = ET.fromstring(fake.answer(asked(fake, "core_course_get_courses", form=None)).body)
    names = [one.find("VALUE").text for one in answer.iterfind("MULTIPLE/SINGLE/KEY[@name='fullname']")]
    assert names == [course["fullname"] for course in call(fake, "core_course_get_courses")]
    error = ET.fromstring(fake.answer(asked(fake, "core_course_get_contents", form=None)).body)
    assert (error.tag, error.find("ERRORCODE").text) == ("EXCEPTION", "invalidparameter")


def test_errors_have_status_200(lived, fake, moodle):
    """Every error is an exception in the body, by its code; only a site in debug mode tells what may hold SQL."""
    withdrawn = standing(lived, "removed", "rejected")
    pair = {"courseid": withdrawn.course.id, "userid": withdrawn.learner.id}
    untold = next(each for each in lived.enrollments if each.standing == "active" and not each.course.tracks)
    uncounted = next(
        each
        for each in lived.enrollments
        if each.standing == "active" and each.course.tracks and not each.course.criteria
    )
    status = "core_completion_get_course_completion_status"
    errors = [
        (call(fake, "core_course_get_courses", token="another"), "invalidtoken"),
        (call(fake, "core_nothing_at_all"), "invalidrecord"),
        (call(fake, ""), "missingparam"),
        (call(fake, "core_course_get_contents"), "invalidparameter"),
        (call(fake, "core_course_get_contents", courseid="two"), "invalidparameter"),
        (call(fake, "core_course_get_contents", courseid=2, also=1), "invalidparameter"),
        (call(fake, "core_course_get_contents", courseid=99_999), "errorcoursecontextnotvalid"),
        (call(fake, status, **pair), "usernotenroled"),
        (call(fake, "core_completion_get_activities_completion_status", **pair), "usernotenroled"),
        (call(fake, "gradereport_user_get_grade_items", **pair), "usernotenroled"),
        (call(fake, status, courseid=untold.course.id, userid=untold.learner.id), "cannotviewreport"),
        (call(fake, status, courseid=uncounted.course.id, userid=uncounted.learner.id), "nocriteriaset"),
    ]
    assert [answer["errorcode"] for answer, _ in errors] == [code for _, code in errors]
    assert all(answer["exception"] and answer["message"] for answer, _ in errors)
    assert not any("debuginfo" in answer for answer, _ in errors)
    assert "SELECT" in call(moodle(debug=True), "core_course_get_contents")["debuginfo"]


def test_functions_of_the_service(lived, moodle):
    """Only functions of the service can be called and are listed; those of a plugin that is missing are not there at all."""
    some = moodle(functions=FUNCTIONS - {"core_user_get_users"}, not_installed={"mod_customcert_list_issues"})
    listed = {one["name"] for one in call(some, "core_webservice_get_site_info")["functions"]}
    assert listed == FUNCTIONS - {"core_user_get_users", "mod_customcert_list_issues"}
    criteria = [{"key": "email", "value": "%"}]
    assert call(some, "core_user_get_users", criteria=criteria)["errorcode"] == "accessexception"
    assert call(some, "mod_customcert_list_issues")["errorcode"] == "invalidrecord"


def test_token_ends(lived, moodle):
    """A token is good until its last second; when all are withdrawn, a login gives a new one."""
    assert call(moodle(valid_until=int(NOW) + 1), "core_course_get_courses")
    fake = moodle(valid_until=int(NOW))
    assert call(fake, "core_course_get_courses")["errorcode"] == "invalidtoken"
    fake = moodle()
    fake.expire_tokens()
    assert call(fake, "core_course_get_courses")["errorcode"] == "invalidtoken"
    login = Asked("POST", "/login/token.php", parameters("service=hub"), {}, b"username=hub&password=wrong")
    assert json.loads(fake.answer(login).body)["errorcode"] == "invalidlogin"
    login = Asked("POST", "/login/token.php", parameters("service=hub"), {}, b"username=hub&password=kept-secret")
    assert call(fake, "core_course_get_courses", token=json.loads(fake.answer(login).body)["token"])


# -- courses and people -----------------------------------------------------------------------------------------


def test_courses(lived, fake):
    """The list begins with the site itself, number 1; by a field it is wrapped."""
    found = call(fake, "core_course_get_courses")
    assert [row["id"] for row in found] == [1, *lived.courses]
    assert (found[0]["format"], found[1]["enddate"]) == ("site", 0)
    assert [row["id"] for row in call(fake, "core_course_get_courses", options={"ids": [3, 5]})] == [3, 5]
    course = next(each for each in lived.courses.values() if each.number)
    for field, value in (
        ("shortname", course.code),
        ("idnumber", course.number),
        ("id", course.id),
        ("ids", course.id),
    ):
        answer = call(fake, "core_course_get_courses_by_field", field=field, value=value)
        assert [row["id"] for row in answer["courses"]] == [course.id]
        assert answer["warnings"] == []
    assert len(call(fake, "core_course_get_courses_by_field")["courses"]) == len(found)
    assert call(fake, "core_course_get_courses_by_field", field="colour", value="x")["errorcode"] == "invalidparameter"


def test_contents(lived, fake):
    """Sections hold modules by their course module number; a certificate is a module whose instance names it."""
    course = next(each for each in lived.courses.values() if each.certificate and each.tracks)
    general, *sections = call(fake, "core_course_get_contents", courseid=course.id)
    assert [one["modname"] for one in general["modules"]] == ["forum", "customcert"]
    assert general["modules"][1]["instance"] == certificate_id(course)
    modules = [one for section in sections for one in section["modules"]]
    assert [(one["id"], one["name"]) for one in modules] == [(one.id, one.name) for one in course.path]
    assert {one["completion"] for one in modules} <= {0, 1, 2}


def test_people_by_field(lived, fake):
    """Looked up by number, name and address; the number of one in twenty stands in the custom field alone."""
    learner = next(each for each in lived.learners.values() if each.person.number and each.id % 20)
    person = learner.person
    for field, value in (
        ("id", learner.id),
        ("idnumber", person.number),
        ("username", person.login),
        ("email", person.email),
    ):
        found = call(fake, "core_user_get_users_by_field", field=field, values=[value])
        assert [row["id"] for row in found] == [learner.id]
    (other,) = call(fake, "core_user_get_users_by_field", field="id", values=[1020])
    assert other["idnumber"] == ""
    assert [(one["shortname"], one["value"]) for one in other["customfields"]] == [("employee_no", "E10020")]
    assert call(fake, "core_user_get_users_by_field", field="shoe", values=[1])["errorcode"] == "invalidparameter"


def test_people_by_criteria(lived, fake):
    """Criteria are joined by and; % stands for anything; unknown keys are ignored with a warning."""
    person = lived.learners[1001].person
    criteria = [{"key": "lastname", "value": person.family}, {"key": "email", "value": person.email[:3].upper() + "%"}]
    found = call(fake, "core_user_get_users", criteria=criteria)
    assert 1001 in [row["id"] for row in found["users"]]
    assert all(row["lastname"] == person.family for row in found["users"])
    everybody = call(fake, "core_user_get_users", criteria=[{"key": "shoe", "value": "44"}])
    assert len(everybody["users"]) == len(lived.learners) + len(lived.teachers)
    assert [one["item"] for one in everybody["warnings"]] == ["shoe"]
    assert call(fake, "core_user_get_users", criteria=[{"key": "email", "value": "*"}])["users"] == []


# -- enrollments ------------------------------------------------------------------------------------------------


def enrolled(fake, course, **given):
    return call(fake, "core_enrol_get_enrolled_users", courseid=course.id, options=options(**given))


def test_enrolled_users_tell_no_standing(lived, fake):
    """Who is suspended is on the list without onlyactive and not with it; who was removed is on neither; no row says so."""
    for course in lived.courses.values():
        every = {row["id"] for row in enrolled(fake, course)}
        active = {row["id"] for row in enrolled(fake, course, onlyactive=1)}
        teacher = {course.teacher_id}
        assert active - teacher == {each.learner.id for each in course.roster if each.standing in ("active", "invited")}
        gone = {each.learner.id for each in course.roster if each.standing in ("removed", "rejected")}
        assert every == teacher | {each.learner.id for each in course.roster} - gone
        assert not {"status", "suspended", "timeend"} & {key for row in enrolled(fake, course) for key in row}


def test_enrolled_users_have_roles(lived, fake):
    """A teacher is on the list too, and is told by the role."""
    course = lived.courses[2]
    roles = {row["id"]: [role["shortname"] for role in row["roles"]] for row in enrolled(fake, course)}
    assert [number for number, names in roles.items() if names == ["editingteacher"]] == [course.teacher_id]
    assert {tuple(names) for number, names in roles.items() if number != course.teacher_id} == {("student",)}


def test_enrolled_users_in_pages(lived, fake):
    """Pages by limitfrom and limitnumber, 0 meaning all; sorted by number unless told otherwise."""
    course = max(lived.courses.values(), key=lambda each: len(each.roster))
    every = [row["id"] for row in enrolled(fake, course)]
    assert every == sorted(every)
    pages = [enrolled(fake, course, limitfrom=start, limitnumber=7) for start in range(0, len(every) + 7, 7)]
    assert [row["id"] for page in pages for row in page] == every
    assert pages[-1] == []
    assert [row["id"] for row in enrolled(fake, course, sortdirection="DESC")] == every[::-1]
    by_name = [row["lastname"] for row in enrolled(fake, course, sortby="lastname")]
    assert by_name == sorted(by_name)
    assert set(enrolled(fake, course, userfields="id,idnumber")[0]) == {"id", "idnumber"}
    answer = call(fake, "core_enrol_get_enrolled_users", courseid=course.id, options=options(sortby="shoe"))
    assert answer["errorcode"] == "invalidparameter"


def test_page_that_comes_twice_and_cap(lived, moodle):
    """Rows that come in while a list is read shift its pages by one; a cap cuts what is asked for, and may change midway."""
    fake = moodle()
    course = max(lived.courses.values(), key=lambda each: len(each.roster))
    every = [row["id"] for row in enrolled(fake, course)]
    fake.repeat_a_page()
    pages = [[row["id"] for row in enrolled(fake, course, limitfrom=start, limitnumber=5)] for start in range(0, 15, 5)]
    assert pages == [every[:5], every[:5], every[5:10]]
    fake.page_cap = 3
    assert [row["id"] for row in enrolled(fake, course, limitnumber=5)] == every[:3]


def test_capabilities_that_lack(lived, moodle):
    """Each capability that lacks hides fields or refuses a function; of a learner's numbers only the user name stays."""

    def without(*names):
        return moodle(lacking=names)

    course = lived.courses[2]
    blind = without("moodle/site:viewuseridentity", "moodle/user:viewhiddendetails")
    shown = enrolled(blind, course)[1]
    hidden = {"idnumber", "email", "customfields", "lastaccess", "lastcourseaccess", "firstaccess"}
    assert not hidden & set(shown)
    assert shown["username"]
    each = standing(lived, "active")
    rows = call(blind, "core_enrol_get_users_courses", userid=each.learner.id)
    assert {row["lastaccess"] for row in rows} == {None}
    pair = {"courseid": each.course.id, "userid": each.learner.id}
    grades = call(blind, "gradereport_user_get_grade_items", **pair)["usergrades"][0]
    assert "useridnumber" not in grades
    refused = [
        ("moodle/course:viewparticipants", "core_enrol_get_enrolled_users", {"courseid": 2}, "nopermissions"),
        ("report/progress:view", "core_completion_get_activities_completion_status", pair, "nopermissions"),
        ("report/completion:view", "core_completion_get_course_completion_status", pair, "cannotviewreport"),
        ("moodle/grade:viewall", "gradereport_user_get_grade_items", pair, "nopermissions"),
        ("mod/customcert:viewallcertificates", "mod_customcert_list_issues", {}, "nopermissions"),
        ("moodle/course:view", "core_course_get_contents", {"courseid": 2}, "nopermissions"),
    ]
    for capability, function, given, code in refused:
        assert call(without(capability), function, **given)["errorcode"] == code
    only = without("moodle/course:enrolreview")
    assert enrolled(only, course)
    assert enrolled(only, course, onlyactive=1)["errorcode"] == "nopermissions"
    assert call(without("moodle/course:view"), "core_enrol_get_users_courses", userid=each.learner.id) == []
    nobody = call(without("moodle/user:viewdetails"), "core_user_get_users_by_field", field="id", values=[1001])
    assert nobody == []
    with pytest.raises(ValueError, match="no capability"):
        without("moodle/everything:at_all")


# -- learning ---------------------------------------------------------------------------------------------------


def test_times_of_what_is_not_complete(lived, fake):
    """A state of 0 may stand beside a time, which is that of the row; never is 0."""
    seen = set()
    for each in lived.enrollments:
        if each.standing == "active":
            pair = {"courseid": each.course.id, "userid": each.learner.id}
            for row in call(fake, "core_completion_get_activities_completion_status", **pair)["statuses"]:
                seen.add((row["state"], row["timecompleted"] > 0))
                assert row["tracking"] in (1, 2)
    assert {(0, False), (0, True), (1, True), (2, True), (3, True)} <= seen
    assert not seen & {(1, False), (2, False), (3, False), (4, False)}


def test_grades(lived, fake):
    """The last row is the total of the course, on its own scale; the pass mark is told nowhere; a learner of 0 means all."""
    each = next(
        one for one in lived.enrollments if one.standing == "active" and one.course.scale == 1500 and
        any(lesson.score is not None for lesson in one.lessons.values())
    )  # fmt: skip
    answer = call(fake, "gradereport_user_get_grade_items", courseid=each.course.id, userid=each.learner.id)
    *mods, total = answer["usergrades"][0]["gradeitems"]
    assert (total["itemtype"], total["grademax"]) == ("course", 1500)
    got = [(one["graderaw"], one["grademax"]) for one in mods if one["graderaw"] is not None]
    assert total["graderaw"] == pytest.approx(
        1500 * sum(raw for raw, _ in got) / sum(most for _, most in got), abs=1e-5
    )
    assert total["percentageformatted"].endswith(" %")
    assert "," in total["percentageformatted"]
    assert not {"gradepass", "pass"} & set(total)
    every = call(fake, "gradereport_user_get_grade_items", courseid=each.course.id, userid=0)["usergrades"]
    assert answer["usergrades"][0] in every
    assert len(every) == sum(one.standing in ("active", "invited") for one in each.course.roster)


def test_certificates(lived, fake):
    """Issues come newest first, at most 500 at once, filtered by learner, certificate and time (included)."""
    every = call(fake, "mod_customcert_list_issues", limit=9999)
    times = [row["issue"]["timecreated"] for row in every]
    assert len(every) == sum(each.certificate is not None for each in lived.enrollments) > 5
    assert times == sorted(times, reverse=True)
    assert call(fake, "mod_customcert_list_issues", limit=2, offset=1) == every[1:3]
    user, number = every[0]["user"]["id"], every[0]["issue"]["customcertid"]
    assert call(fake, "mod_customcert_list_issues", userid=user) == [row for row in every if row["user"]["id"] == user]
    of_one = call(fake, "mod_customcert_list_issues", customcertid=number)
    assert of_one == [row for row in every if row["issue"]["customcertid"] == number]
    assert call(fake, "mod_customcert_list_issues", timecreatedfrom=times[2]) == every[: times.count(times[2]) + sum(
        time > times[2] for time in times
    )]  # fmt: skip
    assert (every[0]["pdf"]["content"], every[0]["pdf"]["haspdf"]) == (None, False)
    assert call(fake, "mod_customcert_list_issues", limit=1, includepdf=1)[0]["pdf"]["content"]


def test_updates_since_tell_nothing_of_learners(fake):
    """Changes are told as the token's user sees them: none."""
    assert call(fake, "core_course_get_updates_since", courseid=2, since=0) == {"instances": [], "warnings": []}


def test_clock_that_is_off(lived, moodle):
    """All times move together with the header; never stays never."""
    fake, off = moodle(), moodle()
    off.set_clock_off(7200)
    course = lived.courses[2]
    moved = [(row["lastcourseaccess"], other["lastcourseaccess"]) for row, other in zip(enrolled(fake, course), enrolled(off, course), strict=True)]  # fmt: skip
    assert {other - time for time, other in moved if time} == {7200}
    assert {other for time, other in moved if not time} == {0}
    assert next(off.truth()).last_access in (
        None,
        next(fake.truth()).last_access and next(fake.truth()).last_access + 7200,
    )


def test_enrolling(lived, moodle):
    """Enrolling answers null; the first bad row undoes all; suspending is enrolling again."""
    world = World(5, courses=3, learners=5, enrollments=0, clock=lambda: NOW)
    fake = moodle(world)
    row = {"roleid": 5, "userid": 1001, "courseid": 2}
    assert (
        call(fake, "enrol_manual_enrol_users", enrolments=[row, row | {"courseid": 99}])["errorcode"] == "wsnoinstance"
    )
    assert world.enrollments == []
    assert call(fake, "enrol_manual_enrol_users", enrolments=[row]) is None
    assert call(fake, "enrol_manual_enrol_users", enrolments=[row | {"suspend": 1}]) is None
    assert [truth.standing for truth in fake.truth()] == ["suspended"]
    assert call(fake, "enrol_manual_unenrol_users", enrolments=[row]) is None
    assert [truth.standing for truth in fake.truth()] == ["removed"]


# -- truth ------------------------------------------------------------------------------------------------------


def read(fake, course, learner, active):
    """What the functions tell of one learner in one course, put together as a connector would."""
    pair = {"courseid": course, "userid": learner}
    found = {"standing": "active" if active else "suspended"}
    *mods, total = call(fake, "gradereport_user_get_grade_items", **pair)["usergrades"][0]["gradeitems"]
    found |= {"graderaw": total["graderaw"], "grademax": total["grademax"]}
    found["grades"] = {one["cmid"]: one["graderaw"] for one in mods}
    if active:
        (row,) = [one for one in call(fake, "core_enrol_get_users_courses", userid=learner) if one["id"] == course]
        found |= {
            "progress": row["progress"],
            "completed": bool(row["completed"]),
            "last_access": row["lastaccess"] or None,
        }
        statuses = call(fake, "core_completion_get_activities_completion_status", **pair)["statuses"]
        found["states"] = {
            one["cmid"]: (one["state"], one["timecompleted"] if one["state"] else None) for one in statuses
        }
        answer = call(fake, "core_completion_get_course_completion_status", **pair)
        times = [one["timecompleted"] for one in answer.get("completionstatus", {}).get("completions", ())]
        found["completed_at"] = max(filter(None, times)) if row["completed"] else None
    return found


def test_truth_is_what_the_functions_tell(lived, fake):
    """For every learner in every course, what the functions tell is the truth, and nobody else is told of."""
    told = {}
    for course in lived.courses.values():
        active = {row["id"] for row in enrolled(fake, course, onlyactive=1)}
        for row in enrolled(fake, course):
            if row["id"] != course.teacher_id:
                told[row["id"], course.id] = read(fake, course.id, row["id"], row["id"] in active)
    truths = {(truth.userid, truth.courseid): truth for truth in fake.truth()}
    assert {pair for pair, truth in truths.items() if truth.standing != "removed"} == set(told)
    for pair, found in told.items():
        truth = truths[pair]
        tracked = lived.courses[pair[1]].tracks
        assert found.pop("grades") == {one.cmid: one.graderaw for one in truth.lessons if one.grademax is not None}
        if states := found.pop("states", None):
            assert states == {one.cmid: (one.state, one.completed_at) for one in truth.lessons if one.state is not None}
        assert states or not tracked or truth.standing != "active"
        assert found == {name: getattr(truth, name) for name in found}


def test_truth_of_people_courses_and_certificates(lived, fake):
    """Names and numbers in the truth are those that the functions tell."""
    courses = {row["id"]: row for row in call(fake, "core_course_get_courses")}
    everybody = call(fake, "core_user_get_users", criteria=[{"key": "email", "value": "%"}])
    people = {row["id"]: row for row in everybody["users"]}
    issues = {(row["user"]["id"], row["issue"]["customcertid"]): row["issue"] for row in call(fake, "mod_customcert_list_issues", limit=500)}  # fmt: skip
    for truth in fake.truth():
        course, person = courses[truth.courseid], people[truth.userid]
        assert (truth.shortname, truth.fullname) == (course["shortname"], course["fullname"])
        assert (truth.username, truth.email) == (person["username"], person["email"])
        custom = [one["value"] for one in person["customfields"] if one["shortname"] == "employee_no"]
        assert truth.number == (person["idnumber"] or "".join(custom))
        issue = issues.pop((truth.userid, truth.courseid + 80_000), None)
        assert truth.certificate == (issue and (issue["id"], issue["code"], issue["timecreated"]))
    assert issues == {}
