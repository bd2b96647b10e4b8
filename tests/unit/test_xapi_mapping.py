"""What statements tell: which facts, of whom, of which course and lesson."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connectors.observe import Observer
from connectors.refine import Rules
from connectors.testing.waiting import ClearSealer
from connectors.xapi.ledger import NothingStored
from connectors.xapi.mapping import Source, StatementMapper
from connectors.xapi.settings import options_of
from hub.domain import ids
from hub.domain.integration_config import IntegrationConfig
from hub.domain.observations import EnrollmentFacts, LessonFacts
from hub.domain.sealing import from_text
from hub.errors import Refused

ADL, TLA = "http://adlnet.gov/expapi/verbs/", "https://w3id.org/xapi/tla/verbs/"
TYPE, EDLM = "http://adlnet.gov/expapi/activities/", "https://xapi.edlm/profiles/edlm-lms/concepts/activity-types/"
CMI5 = "https://w3id.org/xapi/cmi5/"
SITE = "https://lms.example.org"
COURSE = f"{SITE}/course/view.php?id=2"
LESSON = f"{SITE}/mod/quiz/view.php?id=7"
WHEN, OCCURRED = "2026-03-01T10:00:00Z", 1772359200_000000
NOW = OCCURRED + 3600_000000
CONFIG = IntegrationConfig(
    id="11111111-1111-5111-8111-111111111111",
    company_id="22222222-2222-5222-8222-222222222222",
    lms_code="lrs",
    lms_name="LRS",
    lms_type="Moodle",
    integration_method="xAPI",
    zone="Asia/Tokyo",
)
SEALER = ClearSealer()
ACTOR = {"account": {"homePage": SITE, "name": "4711"}, "name": "Ada Hale"}
MOODLE_COURSE = {"id": COURSE, "definition": {"type": CMI5 + "activitytype/course", "name": {"en": "Safety"}}}
QUIZ = {"id": LESSON, "definition": {"type": TYPE + "assessment", "name": {"de": "Prüfung", "en-GB": "Exam"}}}


def activity(key, kind=None, name=None):
    definition = ({"type": kind} if kind else {}) | ({"name": {"en": name}} if name else {})
    return {"id": key, "definition": definition}


def statement(verb, thing=MOODLE_COURSE, parents=(), **more):
    """A statement of Ada; ``verb`` below ADL's verbs unless it is an IRI; parents as contextActivities.parent."""
    context = more.pop("context", {})
    if parents:
        context = {"contextActivities": {"parent": list(parents)}} | context
    whole = {"actor": ACTOR, "verb": {"id": verb if ":" in verb else ADL + verb}, "object": thing, "timestamp": WHEN}
    return whole | ({"context": context} if context else {}) | more


def lesson(verb, thing=QUIZ, **more):
    """A statement about a lesson of the course."""
    return statement(verb, thing, [MOODLE_COURSE], **more)


def mapper(index=None, **changes):
    config = replace(CONFIG, **changes)
    observer = Observer(config, SEALER, run_id="33333333-3333-5333-8333-333333333333")
    return StatementMapper(observer, options_of(config), Rules(config), index or NothingStored(), "1.0.3")


def source(told, position="item 1"):
    return Source(position, told, json.dumps(told).encode())


def item_of(told, **changes):
    (item,) = mapper(**changes).items([source(told)], lambda: NOW)
    return item


def counted(item):
    assert item.problem is None, item.problem
    found = [told for told in item.observations if told["counted"]]
    assert len(found) == 1, item.note
    return found[0]


def facts(told, **settings):
    """The facts that a statement tells; all of them have names that the hub knows."""
    found = counted(item_of(told, settings=settings))
    known = LessonFacts if found["type"] == "lms.observation.lesson.v1" else EnrollmentFacts
    assert set(found["facts"]) <= set(known.model_fields)
    return found["facts"]


def subset(expected, found):
    return {name: found.get(name) for name in expected}


# -- the enrollment ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "result", "expected"),
    [
        ("registered", None, {"registered": True}),
        ("https://xapi.edlm/profiles/edlm-lms/concepts/verbs/enrolled", None, {"registered": True}),
        ("http://activitystrea.ms/leave", None, {"removed": True, "worked": None}),
        ("launched", None, {"accesses_more": 1, "last_access_at": OCCURRED, "worked": None}),
        ("initialized", None, {"worked": True, "last_access_at": OCCURRED}),
        ("http://id.tincanapi.com/verb/viewed", None, {"worked": True, "completed": None}),
        ("completed", None, {"completed": True, "completed_at": OCCURRED, "passed": None}),
        ("completed", {"completion": True, "success": False}, {"completed": True, "passed": False}),
        ("completed", {"completion": False}, {"completed": False, "completed_at": None}),
        ("passed", None, {"passed": True, "completed": None}),
        ("passed", {"completion": True, "success": True}, {"passed": True, "completed": True}),
        ("failed", None, {"passed": False, "completed": None}),
        ("https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted", None, {"completed": False}),
        ("https://w3id.org/xapi/adl/verbs/satisfied", None, {"completed": True, "completed_at": OCCURRED}),
        ("https://w3id.org/xapi/adl/verbs/waived", None, {"waived": True, "completed": None}),
        (TLA + "suspended", None, {"suspended": True, "worked": None}),
        (TLA + "resumed", None, {"suspended": False}),
        ("suspended", None, {"worked": True, "suspended": None}),
        ("http://id.tincanapi.com/verb/expired", None, {"expired": True}),
        (TLA + "forfeited", None, {"certified": False}),
        ("terminated", {"duration": "PT1M30.9S"}, {"seconds_more": 90, "worked": True}),
        (
            "https://w3id.org/xapi/adl/verbs/abandoned",
            {"duration": "PT10S"},
            {"seconds_more": 10, "last_access_at": None},
        ),
        ("experienced", {"completion": False}, {"completed": None}),
        ("mastered", None, {"passed": None, "worked": True}),
    ],
)
def test_facts_of_a_course(verb, result, expected):
    """A statement about a course changes its enrollment, by verb and result; completion and success are apart."""
    found = facts(statement(verb, **({"result": result} if result else {})))
    assert subset(expected, found) == expected
    assert (found["course_name"], found["course_code"]) == ("Safety", "2")


def test_earned_of_a_course_is_a_score():
    """Open edX reports a grade by the verb that others use for certificates; it certifies and completes nothing."""
    course = activity("https://edx.example.org/course/course-v1:edX+DemoX", TYPE + "course")
    result = {
        "score": {"scaled": 0.02, "raw": 0.02, "min": 0, "max": 1},
        "extensions": {"http://www.tincanapi.co.uk/activitytypes/grade_classification": "Fail"},
    }
    found = facts(statement("http://id.tincanapi.com/verb/earned", course, [course], result=result))
    assert found == {
        "score": 200,
        "score_min": 0,
        "score_max": 10_000,
        "grade": "Fail",
        "course_code": "course-v1:edX+DemoX",
    }


@pytest.mark.parametrize("verb", [TLA + "achieved", TLA + "certified", "http://id.tincanapi.com/verb/earned"])
def test_certificate(verb):
    """What is earned of a certificate certifies the course around it, with code, link and the company's day."""
    thing = activity(f"{SITE}/admin/tool/certificate/index.php?code=4303AU", EDLM + "certificate")
    late = statement(verb, thing, [MOODLE_COURSE], timestamp="2026-02-28T20:00:00Z")
    found = facts(late)
    assert found["certified"] is True
    assert found["certificate_id"] == "4303AU"
    assert found["certificate_url"] == thing["id"]
    assert found["valid_from"] == 20513  # 1 March 2026 in Tokyo
    assert facts(statement(TLA + "forfeited", thing, [MOODLE_COURSE]))["certified"] is False
    assert facts(statement(TLA + "expired", thing, [MOODLE_COURSE]))["valid_until"] == 20513
    assert item_of(statement("experienced", thing, [MOODLE_COURSE])).stored


def test_badge_has_no_id_of_its_own():
    """A badge certifies; the id of its class is no certificate's id, since all who earn it share it."""
    found = facts(
        statement(
            "http://id.tincanapi.com/verb/earned",
            activity(SITE + "/b", "http://activitystrea.ms/badge"),
            [MOODLE_COURSE],
        )
    )
    assert (found["certified"], found.get("certificate_id")) == (True, None)


# -- lessons ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "result", "expected"),
    [
        ("completed", None, {"completed": True, "completed_at": OCCURRED, "worked": True}),
        ("completed", {"success": False}, {"completed": True, "passed": False}),
        ("passed", {"success": True}, {"passed": True, "completed": None, "final": None}),
        ("failed", {"success": False}, {"passed": False, "final": True}),
        ("http://id.tincanapi.com/verb/skipped", None, {"skipped": True, "worked": None}),
        ("https://w3id.org/xapi/adl/verbs/waived", None, {"skipped": True}),
        ("https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted", None, {"completed": False}),
        ("attempted", None, {"attempts_more": 1, "worked": True}),
        ("initialized", None, {"worked": True, "first_access_at": OCCURRED, "last_access_at": OCCURRED}),
        (
            TLA + "scored",
            {"score": {"raw": 8, "min": 0, "max": 10}, "success": True},
            {"score": 80_000, "passed": True},
        ),
        ("attended", {"completion": True, "duration": "PT1H"}, {"completed": True, "seconds_more": 3600}),
        ("progressed", {"extensions": {CMI5 + "result/extensions/progress": 42}}, {"progress": 4200}),
        ("progressed", {"extensions": {"https://w3id.org/xapi/video/extensions/progress": 0.425}}, {"progress": 4250}),
        ("progressed", {"extensions": {CMI5 + "result/extensions/progress": 104.2}}, {"progress": 10_000}),
        ("progressed", {"extensions": {CMI5 + "result/extensions/progress": "half"}}, {"progress": None}),
        ("completed", {"duration": "P1Y"}, {"seconds_more": None}),
    ],
)
def test_facts_of_a_lesson(verb, result, expected):
    """Anything below a course changes a lesson; name and type come from the activity."""
    found = facts(lesson(verb, **({"result": result} if result else {})))
    assert subset(expected, found) == expected
    assert (found["lesson_name"], found["lesson_type"]) == ("Exam", "Assessment")


def test_launch_of_a_lesson_is_an_access_of_the_course():
    """Sessions are counted in the enrollment; a launch alone is no work in the lesson."""
    found = counted(item_of(lesson("launched")))
    assert found["type"] == "lms.observation.enrollment.v1"
    assert found["facts"]["accesses_more"] == 1


def test_attempt_ends_without_completing_the_lesson():
    """The same verb completed, of an attempt: its score, and one attempt more, never completion."""
    thing = activity(f"{SITE}/mod/quiz/attempt.php?attempt=1&cmid=7", TYPE + "attempt", "Exam Attempt 1")
    parents = [
        QUIZ,
        activity(SITE + "/course/section.php?id=1", "http://id.tincanapi.com/activitytype/section"),
        MOODLE_COURSE,
    ]
    result = {
        "completion": True,
        "success": True,
        "duration": "PT5M",
        "score": {"min": 0, "max": 100, "raw": 50, "scaled": 0.0},
    }
    told = counted(item_of(statement("completed", thing, parents, result=result)))
    assert told["lesson_key"] == LESSON
    found = told["facts"]
    assert subset(("completed", "passed", "score", "score_max", "seconds_more"), found) == {
        "completed": None,
        "passed": True,
        "score": 500_000,
        "score_max": 1_000_000,
        "seconds_more": 300,
    }
    assert json.loads(found["attempt"]) == {"time": "2026-03-01T10:00:00.000Z", "score": 50.0, "passed": True}
    begun = facts(statement("http://activitystrea.ms/start", thing, parents))
    assert begun["attempts_more"] == 1


def test_answer_goes_to_the_lesson_of_the_question():
    """An answer is an interaction of the lesson around the attempt; its completion is not the lesson's."""
    question = activity(f"{SITE}/question/question.php?id=1", TYPE + "cmi.interaction")
    question["definition"]["interactionType"] = "choice"
    parents = [activity(SITE + "/attempt", TYPE + "attempt"), activity(LESSON), MOODLE_COURSE]
    result = {"completion": True, "success": False, "response": "a[,]b\0", "duration": "PT4S"}
    told = counted(item_of(statement("answered", question, parents, result=result)))
    assert told["lesson_key"] == LESSON
    assert subset(("completed", "passed", "seconds_more"), told["facts"]) == dict.fromkeys(
        ("completed", "passed", "seconds_more")
    )
    assert json.loads(told["facts"]["interactions"]) == [
        {"id": question["id"], "type": "choice", "response": "a[,]b", "result": "incorrect", "latency": "PT4S"}
    ]


def test_question_right_below_the_course_is_a_lesson():
    """Where nothing stands between question and course (Open edX), the question is the lesson, with score and answer."""
    question = activity("https://edx.example.org/xblock/p1", TYPE + "cmi.interaction")
    result = {"success": False, "response": "x", "score": {"raw": 0, "min": 0, "max": 1}}
    told = counted(item_of(lesson("https://w3id.org/xapi/acrossx/verbs/evaluated", question, result=result)))
    assert told["lesson_key"] == question["id"]
    assert subset(("score", "passed", "lesson_type"), told["facts"]) == {
        "score": 0,
        "passed": False,
        "lesson_type": "Quiz",
    }
    assert "interactions" in told["facts"]


@pytest.mark.parametrize(
    ("verb", "result", "expected"),
    [
        ("completed", None, {"completed": None, "worked": True}),
        ("completed", {"score": {"raw": 90, "max": 100}}, {"completed": None, "score": 900_000}),
        ("completed", {"completion": True}, {"completed": True}),
        ("passed", None, {"completed": True, "passed": True}),
        ("failed", None, {"completed": True, "passed": False}),
    ],
)
def test_scorm_of_the_moodle_plugin(verb, result, expected):
    """Its completed without a completion may be merely begun; passed and failed are ends. The lesson is the module."""
    module = activity(f"{SITE}/mod/scorm/view.php?id=1", TYPE + "module", "Package")
    sco = activity(f"{SITE}/mod/scorm/view.php?id=1#sco", EDLM + "scorm-content-object")
    told = counted(item_of(statement(verb, sco, [module, MOODLE_COURSE], **({"result": result} if result else {}))))
    assert subset(expected, told["facts"]) == expected
    assert (told["lesson_key"], told["facts"]["lesson_name"]) == (module["id"], "Package")


def test_parts_show_work_only():
    """A chapter that is completed is work in its book, not the book's completion."""
    book = activity(SITE + "/book", "http://id.tincanapi.com/activitytype/book")
    chapter = activity(SITE + "/book?chapter=1", "http://id.tincanapi.com/activitytype/chapter")
    told = counted(item_of(statement("completed", chapter, [book, MOODLE_COURSE])))
    assert (told["lesson_key"], told["facts"]["worked"]) == (book["id"], True)
    assert "completed" not in told["facts"]


def test_graded_submission_is_the_score_of_its_assignment():
    """A submission brings the assignment's score."""
    assignment = activity(SITE + "/mod/assign/view.php?id=1", EDLM + "assignment")
    thing = activity(SITE + "/mod/assign/view.php?id=1#submission", EDLM + "submission")
    graded = statement(
        TLA + "scored", thing, [assignment, MOODLE_COURSE], result={"score": {"raw": 4, "max": 5}, "success": True}
    )
    told = counted(item_of(graded))
    assert told["lesson_key"] == assignment["id"]
    assert subset(("score", "score_max", "passed"), told["facts"]) == {
        "score": 40_000,
        "score_max": 50_000,
        "passed": True,
    }


@pytest.mark.parametrize(
    ("score", "settings", "expected"),
    [
        ({"raw": 50, "min": 0, "max": 100, "scaled": 0.0}, {"scaled_is": "-1..1"}, (500_000, 0, 1_000_000)),
        ({"raw": -5, "min": -10, "max": 10}, {}, (-50_000, -100_000, 100_000)),
        ({"scaled": 0.85}, {}, (850_000, 0, 1_000_000)),
        ({"scaled": 0.0}, {"scaled_is": "-1..1"}, (500_000, 0, 1_000_000)),
        ({"raw": 8, "scaled": 0.8}, {}, (800_000, 0, 1_000_000)),
        ({"raw": 8}, {}, (80_000, None, None)),
    ],
)
def test_scores(score, settings, expected):
    """Raw with its bounds is taken as it is; scaled stands in only where there is no maximum, by the sender's range."""
    found = facts(lesson("passed", result={"score": score}), **settings)
    assert (found.get("score"), found.get("score_min"), found.get("score_max")) == expected


def test_score_that_no_score_can_be():
    """A number beyond all scores is rejected with its field; the statement is not cut to fit."""
    item = item_of(lesson("passed", result={"score": {"raw": 1e15}}))
    assert (item.problem.field, item.raw, item.observations) == ("result.score.raw", [], [])
    item = item_of(lesson("passed", result={"score": {"raw": 1e308, "max": 1.1e308}}))
    assert item.problem is not None


# -- cmi5 and SCORM profile -------------------------------------------------------------------------------


def profile(verb, category, thing=QUIZ, **more):
    context = {
        "registration": "AAAAAAAA-0000-4000-8000-000000000001",
        "contextActivities": {"category": [{"id": category}], "grouping": [MOODLE_COURSE]},
        "extensions": {CMI5 + "context/extensions/masteryscore": 0.8},
    }
    return statement(verb, thing, context=context, **more)


def test_cmi5():
    """The course may be a grouping; durations count with the session's end alone; the pass mark is in the context."""
    category = CMI5 + "context/categories/cmi5"
    passed = facts(profile("passed", category, result={"success": True, "duration": "PT9M", "score": {"scaled": 0.9}}))
    assert subset(("score", "passing_score", "seconds_more", "completed"), passed) == {
        "score": 900_000,
        "passing_score": 800_000,
        "seconds_more": None,
        "completed": None,
    }
    assert facts(profile("terminated", category, result={"duration": "PT9M"}))["seconds_more"] == 540
    satisfied = facts(profile("https://w3id.org/xapi/adl/verbs/satisfied", category, MOODLE_COURSE))
    assert satisfied["enrollment_key"] == "aaaaaaaa-0000-4000-8000-000000000001"
    block = activity(SITE + "/block", CMI5 + "activitytype/block")
    assert item_of(profile("https://w3id.org/xapi/adl/verbs/satisfied", category, block)).stored


def test_registration_is_a_cycle_only_where_that_is_said():
    """Moodle puts its session there, so only cmi5 or the setting makes a registration the enrollment's key."""
    told = statement("registered", context={"registration": "aaaaaaaa-0000-4000-8000-000000000001"})
    assert "enrollment_key" not in facts(told)
    assert facts(told, registration_is_enrollment=True)["enrollment_key"] == "aaaaaaaa-0000-4000-8000-000000000001"


def test_scorm_profile_adds_time_once():
    """With the SCORM profile a session's time comes when it ends, not with the status beside it."""
    category = "https://w3id.org/xapi/scorm"
    assert "seconds_more" not in facts(profile("completed", category, result={"duration": "PT9M"}))
    assert facts(profile("suspended", category, result={"duration": "PT9M"}))["seconds_more"] == 540


# -- courses, learners, times -----------------------------------------------------------------------------


def test_course_within_a_course_is_a_lesson():
    """Moodle types a content package as a course; its parent tells that it is none."""
    package = activity(f"{SITE}/mod/imscp/view.php?id=1", CMI5 + "activitytype/course", "Package")
    told = counted(item_of(lesson("completed", package)))
    assert (told["course_key"], told["lesson_key"]) == (COURSE, package["id"])


def test_course_by_pattern():
    """Where types are not sent, a pattern of ids names the courses."""
    course, unit = activity("https://x.example.org/c/9"), activity("https://x.example.org/u/1")
    told = statement("completed", unit, [course])
    assert item_of(told).note == "its course cannot be told"
    found = counted(item_of(told, settings={"course_id_pattern": r"/c/\d+$", "course_code_pattern": r"/c/(\d+)$"}))
    assert (found["course_key"], found["lesson_key"]) == (course["id"], unit["id"])


def test_observations_around_the_fact():
    """Course and account come with the fact, not counted, with the account's identifiers sealed; once in a run."""
    first, second = mapper().items([source(statement("registered")), source(lesson("completed"))], lambda: NOW)
    course, account, fact = first.observations
    assert [told["counted"] for told in first.observations] == [False, False, True]
    assert course["facts"] == {"course_id": COURSE, "course_key": COURSE, "course_name": "Safety", "course_code": "2"}
    opened = {name: SEALER.open(from_text(value)) for name, value in account["facts"].items()}
    assert opened == {"native_id": f"account:{SITE}|4711", "display_name": "Ada Hale", "login_name": "4711"}
    assert (course["source_time"], account["source_time"]) == (None, None)
    assert fact["stream_id"] == ids.enrollment_stream(CONFIG.id, fact["account_id"], COURSE)
    assert (fact["source_time"], fact["observed_at"]) == (OCCURRED, NOW)
    assert [told["counted"] for told in second.observations] == [True]
    assert "4711" not in fact["account_id"]


@pytest.mark.parametrize(
    ("actor", "setting", "expected"),
    [
        (
            {"mbox": "mailto:Ada@Example.ORG"},
            "login",
            {"native_id": "mbox:Ada@example.org", "email": "Ada@example.org"},
        ),
        ({"mbox_sha1sum": "AB" * 20}, "login", {"native_id": "mbox_sha1sum:" + "ab" * 20}),
        ({"openid": "https://ada.example/"}, "login", {"native_id": "openid:https://ada.example/"}),
        (ACTOR, "hr_number", {"hr_number": "4711", "login_name": None}),
        (ACTOR, "custom", {"custom_identifier": "4711", "login_name": None}),
    ],
)
def test_learners(actor, setting, expected):
    """Each of the four ways to name a learner gives an account; a setting says what an account's name is."""
    item = item_of(statement("registered") | {"actor": actor}, settings={"account_name_is": setting})
    account = next(told for told in item.observations if told["type"] == "lms.observation.account.v1")
    found = {name: SEALER.open(from_text(value)) for name, value in account["facts"].items()}
    assert subset(expected, found) == expected


def test_group_is_no_learner():
    """A statement about a group is kept, sealed with the company's key, and changes nothing."""
    item = item_of(statement("completed") | {"actor": {"objectType": "Group", "member": [ACTOR]}})
    assert item.stored
    assert "group" in item.note
    (received,) = item.raw
    assert (received["account_id"], received["target_stream"]) == (None, None)


def test_future_is_cut():
    """A time in the future becomes the time of storing, else of reading: later truths must not come late."""
    ahead = "2030-01-01T00:00:00Z"
    assert counted(item_of(statement("completed", timestamp=ahead)))["source_time"] == NOW
    stored = counted(item_of(statement("completed", timestamp=ahead, stored=WHEN)))
    assert stored["source_time"] == OCCURRED


@pytest.mark.parametrize(
    ("told", "note"),
    [
        (statement("https://example.org/verbs/danced"), "no learning effect"),
        (statement("registered", activity(SITE, "http://id.tincanapi.com/activitytype/lms")), "the site"),
        (statement("completed", activity(SITE + "/x")), "course cannot be told"),
        (lesson("registered"), "nothing of a lesson"),
        (statement("experienced", {"objectType": "Agent", **ACTOR}), "no activity"),
        (lesson("https://xapi.edlm/profiles/edlm-lms/concepts/verbs/exceeded"), "nothing of a lesson"),
    ],
)
def test_stored_without_effect(told, note):
    """What has no learning effect is kept whole, with a note why."""
    item = item_of(told)
    assert item.stored
    assert note in item.note
    (received,) = item.raw
    assert received["target_stream"] is None
    assert json.loads(SEALER.open(from_text(received["statement"]))) == told


@pytest.mark.parametrize(
    "settings",
    [
        {"account_name_is": "mail"},
        {"scaled_is": "0..100"},
        {"course_id_pattern": "("},
        {"course_code_pattern": "no group"},
        {"attachments": "yes"},
        {"page_size": True},
        {"page_size": 0},
    ],
)
def test_settings_that_are_wrong(settings):
    """A setting of the wrong kind is refused by name before anything is read."""
    with pytest.raises(Refused, match=next(iter(settings))):
        mapper(settings=settings)
