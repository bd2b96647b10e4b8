"""The fake Canvas keeps to what is known of Canvas's REST API, and tells nothing but its truth."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from datetime import datetime
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from connectors.testing import canvas as canvas_module
from connectors.testing import canvas_recorded as recorded
from connectors.testing.canvas import ERROR_SHAPES, FakeCanvas
from connectors.testing.canvas_rows import STUDENTS
from connectors.testing.server import Asked
from connectors.testing.waiting import FakeTime
from connectors.testing.wire import parameters
from connectors.testing.world import World

NOW = 1_772_438_400.0


def ask(fake, path, method="GET", token=None, accept="application/json", body=b"", **given):
    """The answer to a request; parameters that are lists are repeated, as ``state[]``."""
    pairs = [(f"{name}[]" if isinstance(value, list) else name, one) for name, value in given.items() for one in (value if isinstance(value, list) else [value])]  # fmt: skip
    path, _, query = path.partition("?")
    query = "&".join(part for part in (query, urlencode(pairs)) if part)
    headers = {"authorization": f"Bearer {token or fake.token}", "host": "canvas.test", "accept": accept}
    return fake.answer(Asked(method, "/api/v1" + path, parameters(query), headers, body))


def get(fake, path, **given):
    """The value of an answer that is good."""
    reply = ask(fake, path, **given)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def following(reply):
    """Where the next page is, by the header or by the body; None on the last."""
    for name, value in reply.headers.items():
        if name.lower() == "link":
            found = re.search(r'<([^>]+)>; rel="next"', value)
            return found and found[1]
    value = json.loads(reply.body)
    return value["meta"]["pagination"].get("next") if isinstance(value, dict) else None


def pages(fake, path, **given):
    """All pages of a list."""
    reply = ask(fake, path, **given)
    while True:
        assert reply.status == 200, reply.body
        yield json.loads(reply.body)
        if not (url := following(reply)):
            return
        parts = urlsplit(url)
        reply = ask(fake, parts.path.removeprefix("/api/v1") + "?" + parts.query)


def every(fake, path, **given):
    """All rows of a list."""
    return [row for page in pages(fake, path, per_page=100, **given) for row in page]


def epoch(text):
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


@pytest.fixture(scope="module")
def lived():
    """A world with a past and a present in which everything has happened."""
    habits = {"suspend": 5, "resume": 1, "excuse": 5, "second": 8, "leave": 5, "decline": 3}
    world = World(3, courses=14, learners=110, clock=lambda: NOW, habits=habits)
    world.step(1500)
    return world


@pytest.fixture
def canvas(lived):
    """Makes fakes that are asked without a connection."""
    with ExitStack() as stack:

        def make(world=lived, **given):
            fake = FakeCanvas(world, **given)
            stack.callback(fake.close)
            return fake

        yield make


@pytest.fixture
def fake(canvas):
    return canvas()


def largest(world):
    return max(world.courses.values(), key=lambda each: len(each.roster))


# -- pages ------------------------------------------------------------------------------------------------------


def test_over_http(lived):
    """Over a connection that stays open: ten rows, and a link on the client's own address that leads on."""
    with FakeCanvas(lived) as fake, httpx.Client(headers={"Authorization": f"Bearer {fake.token}"}) as client:
        url, rows = f"{fake.url}/api/v1/courses/2/enrollments", []
        while url:
            answer = client.get(url)
            assert answer.headers["x-request-cost"]
            assert "x-rate-limit-remaining" not in answer.headers
            rows += answer.json()
            url = answer.links.get("next", {}).get("url")
            assert not url or url.startswith(fake.url)
        assert len(rows) > 20
        missing = client.get(fake.url + "/not/here")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_pages(lived, fake):
    """Ten rows unless more are asked for, up to the limit; links are opaque, have no last, and their name varies in case."""
    course = largest(lived)
    path = f"/courses/{course.id}/enrollments"
    sizes = [len(page) for page in pages(fake, path)]
    assert set(sizes[:-1]) == {10}
    assert len(next(pages(fake, path, per_page=7))) == 7
    fake.page_limit = 25
    assert len(next(pages(fake, path, per_page=1000))) == 25
    replies = [ask(fake, path) for _ in range(3)]
    assert {name for reply in replies for name in reply.headers if name.lower() == "link"} == {"Link", "link", "LINK"}
    links = next(value for name, value in replies[0].headers.items() if name.lower() == "link")
    assert 'rel="last"' not in links
    assert "page=2" not in links
    assert ask(fake, path, page="2").status == 400


def test_page_size_that_changes_midway(lived, fake):
    """Where the limit falls while a list is read, no row is lost and none comes twice."""
    course = largest(lived)
    for path in (f"/courses/{course.id}/enrollments", "/accounts/1/users", f"/courses/{course.id}/bulk_user_progress"):
        fake.page_limit = 100
        whole = [row["id"] for row in every(fake, path)]
        found = []
        for page in pages(fake, path, per_page=20):
            found += [row["id"] for row in page]
            fake.page_limit = 3
        assert found == whole


def test_page_that_comes_twice(lived, fake):
    """A link that leads to its own page does so once."""
    whole = [row["id"] for row in every(fake, "/accounts/1/users")]
    fake.repeat_a_page()
    found = [row["id"] for page in pages(fake, "/accounts/1/users", per_page=50) for row in page]
    assert found == whole[:50] + whole


def test_rows_that_move(canvas):
    """Users and courses are counted off, so that a row which goes shifts the others; enrollments have bookmarks, and do not."""
    world = World(3, courses=2, learners=40, enrollments=80, clock=lambda: NOW)
    fake = canvas(world)
    path = "/courses/2/enrollments"
    whole = [row["id"] for row in every(fake, path, state=["active"])]
    found = []
    for page in pages(fake, path, state=["active"], per_page=5):
        if not found:
            world.stand(world.seats[page[2]["id"]][0], "removed")
        found += [row["id"] for row in page]
    assert found == whole


def test_next_in_the_body(lived, canvas):
    """Some lists name their next page in the body and have no header; which, can be chosen."""
    quiz = next(one for one in lived.courses[2].path if one.kind == "quiz")
    path = f"/courses/2/quizzes/{quiz.id + 20_000}/submissions"
    rows = [row for page in pages(canvas(), path, per_page=4) for row in page["quiz_submissions"]]
    assert len({row["id"] for row in rows}) == len(rows) > 4
    chosen = canvas(in_body={"courses"})
    assert [row["id"] for page in pages(chosen, "/accounts/1/courses") for row in page["courses"]] == list(
        lived.courses
    )


# -- who may --------------------------------------------------------------------------------------------------------


def test_401_with_and_without_a_challenge(lived, canvas):
    """A token that is missing or bad is told with a challenge, a permission that lacks without one."""
    fake = canvas(lacking={"read_roster"}, scopes=set(canvas().scope_names()) - {"url:GET|/api/v1/courses/:id"})
    bad = ask(fake, "/courses/2", token="another")
    none = fake.answer(Asked("GET", "/api/v1/courses/2", parameters(""), {}, b""))
    forbidden, unscoped = ask(fake, "/courses/2/enrollments"), ask(fake, "/courses/2")
    assert [reply.status for reply in (bad, none, forbidden, unscoped)] == [401] * 4
    assert ["WWW-Authenticate" in reply.headers for reply in (bad, none, forbidden, unscoped)] == [
        True,
        True,
        False,
        False,
    ]
    assert b"Insufficient scopes" in unscoped.body
    assert get(fake, "/users/self")["id"] == 900


def test_token_of_an_hour(lived, canvas):
    """A refresh token gives a token for an hour; a wrong client or refresh token gives none."""
    time = FakeTime()
    fake = canvas(World(3, courses=2, learners=2, clock=lambda: time.now().timestamp()))

    def grant(**given):
        right = {"grant_type": "refresh_token", "client_id": fake.client[0], "client_secret": fake.client[1]}
        right |= {"refresh_token": fake.refresh_token} | given
        return fake.answer(Asked("POST", "/login/oauth2/token", parameters(""), {}, urlencode(right).encode()))

    answer = json.loads(grant().body)
    token = answer["access_token"]
    assert answer["expires_in"] == 3600
    time.sleep(3599)
    assert ask(fake, "/users/self", token=token).status == 200
    time.sleep(1)
    assert "WWW-Authenticate" in ask(fake, "/users/self", token=token).headers
    assert ask(fake, "/users/self").status == 200
    fake.expire_tokens()
    assert ask(fake, "/users/self").status == 401
    statuses = [grant(client_secret="x").status, grant(refresh_token="x").status, grant(grant_type="password").status]
    assert statuses == [401, 400, 400]


def test_permissions_that_lack(lived, canvas):
    """Each permission that lacks hides fields or refuses routes, and a question after permissions says so."""
    blind = canvas(lacking={"read_sis", "read_email_addresses", "view_user_logins", "view_all_grades"})
    user = get(blind, "/courses/2/users", include=["email"])[1]
    assert not {"sis_user_id", "integration_id", "email", "login_id"} & set(user)
    row = get(blind, "/courses/2/enrollments", type=["StudentEnrollment"])[0]
    assert not {"grades", "sis_user_id", "sis_course_id"} & set(row)
    assert "sis_course_id" not in get(blind, "/courses/2")
    for path in ("bulk_user_progress", "students/submissions", "users/1001/progress"):
        assert ask(blind, f"/courses/2/{path}").status == 401
    assert ask(canvas(lacking={"read_course_list"}), "/accounts/1/courses").status == 401
    told = get(blind, "/accounts/self/permissions", permissions=["read_sis", "read_roster"])
    assert told == {"read_sis": False, "read_roster": True}
    with pytest.raises(ValueError, match="no permission"):
        canvas(lacking={"become_user"})


def test_leaky_bucket(lived, canvas):
    """Cost fills a bucket that leaks; over its size it is 429, or 403 with its own words, and nothing says when to come back."""
    time = FakeTime()
    world = World(3, courses=2, learners=2, clock=lambda: time.now().timestamp())
    for status, words in ((429, b"429"), (403, b"403 Forbidden (Rate Limit Exceeded)")):
        fake = canvas(world, bucket=1.0, cost=0.3, leak_per_second=0.1, throttle_status=status)
        replies = [ask(fake, "/users/self") for _ in range(4)]
        assert [reply.status for reply in replies] == [200, 200, 200, status]
        assert [float(reply.headers["X-Rate-Limit-Remaining"]) for reply in replies] == pytest.approx(
            [0.7, 0.4, 0.1, 0.1]
        )
        assert replies[-1].body.startswith(words)
        assert "Retry-After" not in replies[-1].headers
        time.sleep(2)
        assert ask(fake, "/users/self").status == 200
        assert ask(fake, "/users/self", token="another").status == 401


def test_error_shapes(lived):
    """Each shape of an error can be had with a status."""
    bodies = []
    with FakeCanvas(lived) as fake:
        for shape in range(len(ERROR_SHAPES)):
            fake.server.script(canvas_module.failing(500, shape))
            answer = httpx.get(fake.url + "/api/v1/users/self")
            assert answer.status_code == 500
            bodies.append(answer.json())
    assert bodies == list(ERROR_SHAPES)


# -- what is there ----------------------------------------------------------------------------------------------


def test_missing_things(fake):
    """What is not there is 404, whatever it is."""
    paths = ["/courses/99999", "/courses/x", "/users/99999", "/accounts/7", "/courses/2/modules/1/items", "/courses/2/nothing",
             "/sections/1/enrollments", "/users/sis_user_id:NOBODY", "/accounts/1/enrollments/1", "/courses/2/users/99999/progress"]  # fmt: skip
    assert {ask(fake, path).status for path in paths} == {404}


def test_sis_ids(lived, fake):
    """A path may name a user or a course by other keys; of one in twenty the number is the integration id."""
    course = next(each for each in lived.courses.values() if each.number)
    assert get(fake, f"/courses/sis_course_id:{course.number}")["id"] == course.id
    learner = next(each for each in lived.learners.values() if each.person.number and each.id % 20)
    for key in (f"sis_user_id:{learner.person.number}", f"sis_login_id%3A{learner.person.login}", str(learner.id)):
        assert get(fake, f"/users/{key}")["id"] == learner.id
    other = get(fake, "/users/1020")
    assert (other["sis_user_id"], other["integration_id"]) == (None, "E10020")
    assert get(fake, "/users/sis_integration_id:E10020")["id"] == 1020


def test_search_for_people(lived, fake):
    """A term is sought in names, addresses and numbers; the address is told only when it is asked for."""
    person = lived.learners[1001].person
    (row,) = get(fake, "/accounts/1/users", search_term=person.email)
    assert row["id"] == 1001
    assert "email" not in row
    assert get(fake, "/accounts/1/users", search_term=person.email, include=["email"])[0]["email"] == person.email


def test_text_ids(fake):
    """A client that asks for it gets numbers of things as text."""
    reply = ask(fake, "/courses/2/enrollments", accept="application/json+canvas-string-ids")
    row = json.loads(reply.body)[1]
    assert [type(row[name]) for name in ("id", "user_id", "course_id")] == [str] * 3
    assert type(row["user"]["id"]) is str
    assert type(row["total_activity_time"]) is int


# -- enrollments ------------------------------------------------------------------------------------------------


def test_states_of_enrollments(lived, fake):
    """Without states only active and invited ones are shown; with all of them everything that ever was."""
    course = largest(lived)
    path = f"/courses/{course.id}/enrollments"
    plain = {row["enrollment_state"] for row in every(fake, path)}
    assert plain <= {"active", "invited"}
    states = ["active", "invited", "creation_pending", "deleted", "rejected", "completed", "inactive"]
    rows = [row for each in lived.courses for row in every(fake, f"/courses/{each}/enrollments", state=states)]
    assert {row["enrollment_state"] for row in rows} == set(states) - {"creation_pending"}
    assert len(rows) == len(lived.seats) + len(lived.courses)
    assert {row["type"] for row in rows} == {"StudentEnrollment", "TeacherEnrollment"}
    students = every(fake, path, type=["StudentEnrollment"], state=states)
    assert {row["type"] for row in students} == {"StudentEnrollment"}
    assert ask(fake, path, state=["asleep"]).status == 400


def test_two_seats(lived, fake):
    """A learner may have two rows in a course, of which one may be deleted while the other is active."""
    two = [each for each in lived.enrollments if len(each.seats) == 2]
    left = [each for each in two if each.standing == "active" and each.seats[0].gone]
    assert two
    assert left
    each = left[0]
    rows = every(fake, f"/users/{each.learner.id}/enrollments", state=["active", "deleted"])
    mine = {row["id"]: row["enrollment_state"] for row in rows if row["course_id"] == each.course.id}
    assert sorted(mine.values()) == ["active", "deleted"]
    in_section = every(fake, f"/sections/{each.course.section_ids[1]}/enrollments")
    assert each.seats[1].id in [row["id"] for row in in_section]
    assert get(fake, f"/accounts/1/enrollments/{each.seats[1].id}")["user_id"] == each.learner.id
    assert [row["id"] for row in get(fake, f"/courses/{each.course.id}/sections")] == list(each.course.section_ids)


def test_enrolling(canvas):
    """An enrollment is invited unless it is said to be active; ending it has four ways; only an inactive one comes back."""
    fake = canvas(World(5, courses=3, learners=5, enrollments=0, clock=lambda: NOW))

    def post(**given):
        body = urlencode({f"enrollment[{name}]": value for name, value in given.items()}).encode()
        return ask(fake, "/courses/2/enrollments", "POST", body=body)

    assert json.loads(post(user_id="sis_user_id:E10001").body)["enrollment_state"] == "invited"
    row = json.loads(post(user_id=1002, enrollment_state="active").body)
    assert row["enrollment_state"] == "active"
    path = f"/courses/2/enrollments/{row['id']}"
    assert ask(fake, path + "/reactivate", "PUT").status == 400
    assert json.loads(ask(fake, path, "DELETE", task="inactivate").body)["enrollment_state"] == "inactive"
    assert json.loads(ask(fake, path + "/reactivate", "PUT").body)["enrollment_state"] == "active"
    assert json.loads(ask(fake, path, "DELETE").body)["enrollment_state"] == "completed"
    assert post(user_id=1002).status == 400
    assert json.loads(ask(fake, path, "DELETE", task="delete").body)["enrollment_state"] == "deleted"
    assert ask(fake, path, "DELETE", task="forget").status == 400


# -- learning ---------------------------------------------------------------------------------------------------


def test_progress(lived, fake):
    """The roster's progress is that of each learner; where it cannot be told, an error object stands in its place."""
    refused = told = 0
    for course in lived.courses.values():
        for row in every(fake, f"/courses/{course.id}/bulk_user_progress"):
            assert row["progress"] == get(fake, f"/courses/{course.id}/users/{row['id']}/progress")
            refused += "error" in row["progress"]
            told += "requirement_count" in row["progress"]
            if not course.tracks:
                assert "no progress available" in row["progress"]["error"]["message"]
    assert refused
    assert told
    on_rosters = sum(each.standing in ("active", "invited") for each in lived.enrollments)
    assert refused + told == on_rosters


def test_excused_work_lowers_the_count(lived, fake):
    """What somebody is excused from is no requirement any more."""
    each = next(
        one for one in lived.enrollments if one.standing == "active" and one.learner.id % 50 and
        any(lesson.state == "excused" for lesson in one.lessons.values())
    )  # fmt: skip
    told = get(fake, f"/courses/{each.course.id}/users/{each.learner.id}/progress")
    required = sum(one.required for one in each.course.path)
    excused = sum(lesson.state == "excused" for lesson in each.lessons.values())
    assert told["requirement_count"] == required - excused


def test_modules_may_lack_their_items(lived, fake, canvas):
    """Items come with the modules where they are asked for, but not with some modules: there the items call gives them."""
    lacking = 0
    for course in lived.courses.values():
        found = []
        for module in every(fake, f"/courses/{course.id}/modules", include=["items"]):
            items = every(fake, f"/courses/{course.id}/modules/{module['id']}/items")
            assert module["items_count"] == len(items)
            assert module.get("items", items) == items
            lacking += "items" not in module
            found += items
        assert [item["id"] for item in found] == [one.id for one in course.path]
    assert 0 < lacking < sum(len(course.modules) for course in lived.courses.values())
    assert not any("items" in module for module in get(fake, "/courses/2/modules"))
    assert not any("items" in module for module in get(canvas(most_items=0), "/courses/2/modules", include=["items"]))


def test_items_of_one_learner(lived, fake):
    """For a learner, modules have a state and items say whether they are completed; without one they do not."""
    each = next(one for one in lived.enrollments if one.standing == "active" and one.lessons and one.course.tracks)
    path = f"/courses/{each.course.id}/modules"
    states = {module["state"] for module in every(fake, path, student_id=each.learner.id)}
    assert states <= {"unlocked", "started", "completed"}
    assert not any("state" in module for module in every(fake, path))
    for module in every(fake, path):
        for item in every(fake, f"{path}/{module['id']}/items", student_id=each.learner.id):
            if need := item.get("completion_requirement"):
                assert need["completed"] == each.fulfilled(each.course.find(item["id"]))
        for item in every(fake, f"{path}/{module['id']}/items"):
            assert "completed" not in item.get("completion_requirement", {})


def test_quiz_items_name_the_quiz(lived, fake):
    """The content of a quiz item is the quiz, and submissions name its assignment: the list of assignments joins them."""
    course = next(each for each in lived.courses.values() if any(one.kind == "quiz" for one in each.path))
    assignments = {
        row["quiz_id"]: row["id"] for row in every(fake, f"/courses/{course.id}/assignments") if "quiz_id" in row
    }
    items = [one for module in course.modules for one in every(fake, f"/courses/{course.id}/modules/{module.id}/items")]
    quizzes = [one["content_id"] for one in items if one["type"] == "Quiz"]
    assert set(quizzes) == set(assignments)
    handed_in = {
        row["assignment_id"] for row in every(fake, f"/courses/{course.id}/students/submissions", student_ids=["all"])
    }
    assert set(assignments.values()) <= handed_in


def submissions(fake, course, **given):
    return every(fake, f"/courses/{course.id}/students/submissions", **({"student_ids": ["all"]} | given))


def test_submissions(lived, fake):
    """All students have a row for everything that is graded, also where nothing was handed in; graders may be negative."""
    course = largest(lived)
    rows = submissions(fake, course)
    graded = [one for one in course.path if one.points]
    students = [each for each in course.roster if each.standing in STUDENTS]
    assert len({(row["user_id"], row["assignment_id"]) for row in rows}) == len(rows) == len(graded) * len(students)
    assert {row["workflow_state"] for row in rows} == {"unsubmitted", "submitted", "graded"}
    assert {row["grader_id"] < 0 for row in rows if row["grader_id"]} == {True, False}
    assert all(
        row["submitted_at"] is None and row["attempt"] is None for row in rows if row["workflow_state"] == "unsubmitted"
    )
    some = submissions(fake, course, student_ids=[rows[0]["user_id"], rows[-1]["user_id"]])
    assert some == [row for row in rows if row["user_id"] in (rows[0]["user_id"], rows[-1]["user_id"])]
    one = submissions(fake, course, assignment_ids=[rows[0]["assignment_id"]], include=["assignment"])
    assert {row["assignment"]["id"] for row in one} == {rows[0]["assignment_id"]}
    assert submissions(fake, course, workflow_state="graded") == [
        row for row in rows if row["workflow_state"] == "graded"
    ]
    assert get(fake, f"/courses/{course.id}/students/submissions") == []
    many = ask(fake, f"/courses/{course.id}/students/submissions", student_ids=[str(n) for n in range(101)])
    assert (many.status, json.loads(many.body)) == (400, {"errors": [{"message": "too many students"}]})
    grouped = submissions(fake, course, grouped="true")
    assert [row for group in grouped for row in group["submissions"]] == rows


def test_submissions_since(lived, fake):
    """The time is strictly exceeded; what is no time with an offset is refused by its name; the order may be by grading."""
    course = largest(lived)
    rows = submissions(fake, course)
    for name, column in (("submitted_since", "submitted_at"), ("graded_since", "graded_at")):
        times = sorted(row[column] for row in rows if row[column])
        middle = times[len(times) // 2]
        assert submissions(fake, course, **{name: middle}) == [
            row for row in rows if row[column] and row[column] > middle
        ]
        for wrong in ("yesterday", "2026-03-01T00:00:00"):
            reply = ask(fake, f"/courses/{course.id}/students/submissions", student_ids=["all"], **{name: wrong})
            assert reply.status == 400
            assert list(json.loads(reply.body)["errors"]) == [name]
    ordered = [row["graded_at"] for row in submissions(fake, course, order="graded_at") if row["graded_at"]]
    assert ordered == sorted(ordered)


def test_clock_that_is_off(lived, canvas):
    """All times move together; never stays none."""
    off = canvas()
    plain = {row["id"]: row["last_activity_at"] for row in every(canvas(), "/courses/2/enrollments")}
    off.set_clock_off(-7200)
    for row in every(off, "/courses/2/enrollments"):
        moved, before = epoch(row["last_activity_at"]), epoch(plain[row["id"]])
        assert moved == (before and before - 7200)


def test_recorded_answers(lived, canvas, tmp_path):
    """Answers of a file are served at their own paths with links to here; whatever was not recorded, the world tells."""
    link = '<https://example.com/api/v1/courses/2/list_sections?page=2&per_page=2>; rel="next"'
    entries = {
        "sections": {"method": "GET", "endpoint": "courses/2/sections", "data": [{"id": 71}], "headers": {"Link": link}},
        "sections2": {"method": "GET", "endpoint": "courses/2/list_sections?page=2&per_page=2", "data": [{"id": 72}], "status_code": 200},
        "gone": {"method": "GET", "endpoint": "courses/77", "data": {"message": "gone"}, "status_code": 404},
        "made": {"method": "POST", "endpoint": "courses/2/modules", "data": {"id": 1}},
    }  # fmt: skip
    (tmp_path / "section.json").write_text(json.dumps(entries))
    found = recorded.read([tmp_path / "section.json"])
    assert [one.name for one in found] == ["section.sections", "section.sections2", "section.gone"]
    fake = canvas(recorded=found)
    assert [row["id"] for row in every(fake, "/courses/2/sections")] == [71, 72]
    assert ask(fake, "/courses/77").status == 404
    assert ask(fake, "/courses/2/sections", token="another").status == 401
    assert [row["id"] for row in get(fake, "/courses/3/sections")] == list(lived.courses[3].section_ids)


# -- truth ------------------------------------------------------------------------------------------------------


STATES = ["active", "invited", "deleted", "rejected", "completed", "inactive"]


def test_truth_of_enrollments(lived, fake):
    """Folded by learner and course, the rows are the truth: seats, scores, letters, times."""
    truths = {(truth.user_id, truth.course_id): truth for truth in fake.truth()}
    folded = {}
    for course in lived.courses:
        for row in every(fake, f"/courses/{course}/enrollments", type=["StudentEnrollment"], state=STATES):
            folded.setdefault((row["user_id"], course), []).append(row)
    assert set(folded) == set(truths)
    for pair, rows in folded.items():
        truth = truths[pair]
        assert {(row["id"], row["enrollment_state"]) for row in rows} == set(truth.seats)
        assert truth.state in {row["enrollment_state"] for row in rows}
        seen = max(epoch(row["last_activity_at"]) or 0 for row in rows)
        assert (truth.last_activity_at or 0) == seen
        assert truth.total_activity_time == sum(row["total_activity_time"] for row in rows)
        for row in rows:
            for name in ("current_score", "final_score", "current_grade", "final_grade"):
                assert row["grades"][name] == getattr(truth, name)
        person = rows[0]["user"]
        assert truth.login_id == person["login_id"]
        assert truth.number == (person["sis_user_id"] or person["integration_id"] or "")
        assert truth.course_name == lived.courses[pair[1]].name


def test_truth_of_progress(lived, fake):
    """What is told of progress is the truth, also that it is not told."""
    completed = 0
    for truth in fake.truth():
        told = get(fake, f"/courses/{truth.course_id}/users/{truth.user_id}/progress")
        assert truth.requirement_count == told.get("requirement_count")
        assert truth.requirement_completed_count == told.get("requirement_completed_count")
        assert truth.completed_at == epoch(told.get("completed_at"))
        completed += truth.completed_at is not None
    assert completed


def test_truth_of_lessons(lived, fake):
    """Items and submissions are the truth for whoever is a student still."""
    truths = {(truth.user_id, truth.course_id): truth for truth in fake.truth()}
    for course in lived.courses.values():
        handed_in = {(row["user_id"], row["assignment_id"]): row for row in submissions(fake, course)}
        for each in course.roster:
            truth = truths[each.learner.id, course.id]
            if each.standing not in STUDENTS:
                continue
            path = f"/courses/{course.id}/modules"
            items = [
                one
                for module in course.modules
                for one in get(fake, f"{path}/{module.id}/items", student_id=truth.user_id)
            ]
            needs = [one.get("completion_requirement", {}) for one in items]
            assert [(one["id"], one["title"]) for one in items] == [(one.item_id, one.title) for one in truth.lessons]
            assert [need.get("completed") for need in needs] == [one.completed for one in truth.lessons]
            for lesson in truth.lessons:
                if lesson.assignment_id is not None:
                    row = handed_in.pop((truth.user_id, lesson.assignment_id))
                    assert (row["workflow_state"], row["score"], row["attempt"], row["excused"]) == (
                        lesson.submission, lesson.score, lesson.attempt, lesson.excused
                    )  # fmt: skip
                    assert (epoch(row["submitted_at"]), epoch(row["graded_at"])) == (
                        lesson.submitted_at,
                        lesson.graded_at,
                    )
        assert handed_in == {}
