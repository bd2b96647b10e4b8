"""Every learning event renders as a valid xAPI statement that tells the same thing and no clear or sealed text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.xapi.place import Scope, place_of
from connectors.xapi.settings import options_of
from connectors.xapi.validate import validate_statement
from connectors.xapi.verbs import OTHER, VERBS, kind_of
from hub.domain.events.learning import STRENGTH, LearningEvent, type_of
from hub.domain.values import LessonType
from hub.domain.xapi import LESSON_TYPES, statement_of
from hub.log.avro_schema import declared, schema_of
from hub.log.golden import example
from tests.support.sealing import file_config

HOME = "https://hub.example.org"
TYPES = sorted(name for name, model in declared().items() if issubclass(model, LearningEvent))
ACCOUNT, EMPLOYEE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"

MISSING = st.none()
KEYS = st.one_of(
    st.sampled_from(["C 1/2", "course-v1:org+x+2026", "https://lms.example.org/course?id=7", "urn:x:1", "ü%#?"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
)
HUNDREDTHS = MISSING | st.integers(0, 99_999)
RAW = MISSING | st.integers(-(10**13), 10**13)
DAYS = MISSING | st.integers(-20_000, 60_000)
RESULTS = {
    "score_achieved": HUNDREDTHS,
    "max_score": HUNDREDTHS,
    "raw_score": RAW,
    "raw_max_score": RAW,
    "completed": MISSING | st.booleans(),
    "passed": MISSING | st.booleans(),
    "time_spent_seconds": MISSING | st.integers(0, 10**9),
}


def filled(name: str) -> dict[str, Any]:
    """An event of a type with every field filled."""
    return {"type": name, **example(schema_of(declared()[name]))}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Events of any type, about an enrollment or a lesson, with any values that decisions can give."""
    event = filled(draw(st.sampled_from(TYPES)))
    event["course_key"] = draw(KEYS)
    event["occurred_at"] = draw(st.integers(0, 4_000_000_000_000_000))
    event["employee_id"] = draw(st.sampled_from([None, EMPLOYEE]))
    for name in ("integration_id", "native_id", "retracts"):
        event[name] = draw(st.sampled_from([None, event[name]]))
    event["lesson_id"] = draw(MISSING | KEYS)
    percent = MISSING | st.integers(0, 10_000)
    for part, progress in (("enrollment", "progress_percentage"), ("lesson", "completion_percentage")):
        changes = {name: draw(values) for name, values in RESULTS.items()} | {progress: draw(percent)}
        event[part] = draw(MISSING | st.just(event[part] | changes))
    if event["enrollment"] is not None:
        event["enrollment"] |= {"due_date": draw(DAYS), "course_name": draw(MISSING | st.text(max_size=9))}
    return event


@given(events())
def test_any_event_is_a_valid_statement(event: dict[str, Any]) -> None:
    """Whatever an event holds, the statement fits xAPI 1.0.3, is JSON, and nothing that is sealed is in it."""
    statement = statement_of(event, home_page=HOME)
    validate_statement(statement, "1.0.3", pulled=False)
    assert "sealed:" not in json.dumps(statement, allow_nan=False)
    assert statement == statement_of(event, home_page=HOME + "/")


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_its_verb(name: str) -> None:
    """The statement's id is the event's; a kind without a verb in the table has one under our own address."""
    event = filled(name) | {"lesson_id": "L1" if ".lesson." in name else None}
    statement = statement_of(event, home_page=HOME)
    validate_statement(statement, "1.0.3", pulled=False)
    assert statement["id"] == event["event_id"]
    kind = name.removeprefix("lms.").removesuffix(".v1")
    assert statement["context"]["extensions"][HOME + "/xapi/extensions/kind"] == kind
    assert statement["context"]["registration"] == event["enrollment_row_id"]
    if kind_of(statement["verb"]["id"]) == OTHER:
        assert statement["verb"]["id"] == f"{HOME}/xapi/verbs/{kind.replace('.', '-').replace('_', '-')}"


def test_the_types_are_the_transitions() -> None:
    """No event type of the topic is forgotten here."""
    assert {type_of(transition) for transition in STRENGTH} == set(TYPES)


@pytest.mark.parametrize(
    ("transition", "verb", "scope"),
    [
        ("enrollment.registered", "registered", Scope.COURSE),
        ("enrollment.started", "initialized", Scope.COURSE),
        ("enrollment.progressed", "progressed", Scope.COURSE),
        ("enrollment.completed", "completed", Scope.COURSE),
        ("enrollment.failed", "failed", Scope.COURSE),
        ("enrollment.withdrawn", "unenrolled", Scope.COURSE),
        ("enrollment.held", "suspended", Scope.COURSE),
        ("enrollment.resumed", "resumed", Scope.COURSE),
        ("enrollment.expired", "expired", Scope.COURSE),
        ("enrollment.waived", "waived", Scope.COURSE),
        ("enrollment.certified", "earned", Scope.CERTIFICATE),
        ("enrollment.certificate_lapsed", "expired", Scope.CERTIFICATE),
        ("enrollment.certificate_revoked", "forfeited", Scope.CERTIFICATE),
        ("enrollment.certificate_expiring", OTHER, Scope.CERTIFICATE),
        ("enrollment.linked", OTHER, Scope.COURSE),
        ("lesson.started", "initialized", Scope.LESSON),
        ("lesson.completed", "completed", Scope.LESSON),
        ("lesson.failed", "failed", Scope.LESSON),
        ("lesson.skipped", "skipped", Scope.LESSON),
    ],
)
def test_a_reader_understands_kind_and_place(transition: str, verb: str, scope: Scope) -> None:
    """Our own reader of statements, as any other, finds verb, object and course in what is rendered."""
    event = filled(type_of(transition)) | {"lesson_id": "L1" if transition.startswith("lesson") else None}
    statement = statement_of(event, home_page=HOME)
    place = place_of(statement, options_of(file_config()))
    assert (kind_of(statement["verb"]["id"]), place.scope) == (verb, scope)
    assert place.course is not None
    assert place.course.id.startswith(f"{HOME}/xapi/activities/{event['integration_id']}/")


def test_work_in_a_lesson_that_begins_the_course_tells_of_the_course() -> None:
    """The strongest transition names the event, so its object is the course; the lesson stands beside it."""
    event = filled("lms.enrollment.started.v1") | {"lesson_id": "L1"}
    statement = statement_of(event, home_page=HOME)
    assert statement["object"]["definition"]["type"] == "http://adlnet.gov/expapi/activities/course"
    (beside,) = statement["context"]["contextActivities"]["other"]
    assert beside["id"] == statement["object"]["id"] + "/L1"


def test_verbs_of_the_table_are_emitted_as_it_says() -> None:
    """The first IRI of each row, but TLA's suspended and resumed, which hold a course."""
    said = {statement_of(filled(name), home_page=HOME)["verb"]["id"] for name in TYPES}
    known = {iri for iri in said if kind_of(iri) != OTHER}
    tla = "https://w3id.org/xapi/tla/verbs/"
    assert known - {verb.emit for verb in VERBS.values()} == {tla + "suspended", tla + "resumed"}


def test_the_learner_is_an_opaque_account() -> None:
    """The employee where the account is linked, else the account; never a name."""
    event = filled("lms.enrollment.completed.v1") | {"account_id": ACCOUNT, "employee_id": EMPLOYEE}
    account = {"homePage": HOME + "/", "name": EMPLOYEE}
    assert statement_of(event, home_page=HOME)["actor"] == {"objectType": "Agent", "account": account}
    unlinked = statement_of(event | {"employee_id": None}, home_page=HOME)
    assert unlinked["actor"]["account"]["name"] == ACCOUNT


def test_keys_that_are_iris_stay_as_they_are() -> None:
    """A key with a blank, or of a scheme that only its LMS knows, becomes an IRI of ours, the same one each time."""
    event = filled("lms.lesson.completed.v1") | {"integration_id": ACCOUNT, "lesson_id": "a/b c"}
    for key, iri in (
        ("https://lms.example.org/c/7", "https://lms.example.org/c/7"),
        ("course-v1:edX+Demo", f"{HOME}/xapi/activities/{ACCOUNT}/course-v1%3AedX%2BDemo"),
        ("https://lms.example.org/c 7", f"{HOME}/xapi/activities/{ACCOUNT}/https%3A%2F%2Flms.example.org%2Fc%207"),
    ):
        statement = statement_of(event | {"course_key": key}, home_page=HOME)
        assert statement["context"]["contextActivities"]["parent"][0]["id"] == iri
    assert statement["object"]["id"].endswith("/a%2Fb%20c")
    own = statement_of(event | {"lesson_id": "urn:lesson:1"}, home_page=HOME)
    assert own["object"]["id"] == "urn:lesson:1"


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"score_achieved": 8_550, "max_score": 10_000}, {"raw": 85.5, "min": 0, "max": 100, "scaled": 0.855}),
        ({"score_achieved": 8_500}, {"raw": 85}),
        ({"score_achieved": 10_500, "max_score": 10_000}, {"raw": 105}),
        ({"score_achieved": 0, "max_score": 0}, {"raw": 0}),
        ({"score_achieved": 5_000, "max_score": 10_000, "raw_score": 10_000_000, "raw_max_score": 20_000_000},
         {"raw": 1000, "min": 0, "max": 2000, "scaled": 0.5}),
        ({"raw_score": -12_500}, {"raw": -1.25}),
        ({"max_score": 10_000}, None),
    ],
)  # fmt: skip
def test_a_score_is_told_as_the_source_gave_it(changes: dict[str, int], score: dict[str, Any] | None) -> None:
    """With its range only where the score lies within, which the standard demands."""
    event = filled("lms.enrollment.progressed.v1") | {"lesson_id": None, "enrollment": changes}
    assert statement_of(event, home_page=HOME).get("result", {}).get("score") == score


def test_a_result_says_completion_success_time_and_progress() -> None:
    changes = {"passed": True, "time_spent_seconds": 5400, "progress_percentage": 9_999, "grade_achieved": "A"}
    event = filled("lms.enrollment.completed.v1") | {"lesson_id": None, "enrollment": changes}
    assert statement_of(event, home_page=HOME)["result"] == {
        "completion": True,
        "success": True,
        "duration": "PT5400S",
        "extensions": {
            "https://w3id.org/xapi/cmi5/result/extensions/progress": 99,
            HOME + "/xapi/extensions/grade": "A",
        },
    }


def test_a_retraction_voids_the_statement_of_its_event() -> None:
    """Who keeps our statements takes the same one out; a voiding statement has no result and no platform."""
    event = filled("lms.enrollment.retracted.v1") | {"retracts": ACCOUNT}
    statement = statement_of(event, home_page=HOME)
    validate_statement(statement, "1.0.3", pulled=False)
    assert statement["object"] == {"objectType": "StatementRef", "id": ACCOUNT}
    assert kind_of(statement["verb"]["id"]) == "voided"
    assert "result" not in statement


def test_days_are_told_as_days_and_moments_in_utc() -> None:
    event = filled("lms.enrollment.due_date_changed.v1") | {"lesson_id": None, "enrollment": {"due_date": 20_454}}
    statement = statement_of(event | {"occurred_at": 1_767_225_600_123_456}, home_page=HOME)
    assert statement["timestamp"] == "2026-01-01T00:00:00.123Z"
    assert statement["context"]["extensions"][HOME + "/xapi/extensions/due-date"] == "2026-01-01"


def test_every_type_of_lesson_has_an_activity_type() -> None:
    assert set(LESSON_TYPES) == set(LessonType)
