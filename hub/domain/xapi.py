"""Learning events as xAPI 1.0.3 statements.

Every event of ``lms.learning`` renders as one valid statement, and always as the same one: its id is the event's. The
learner is an account with an opaque name (the employee's id where the account is linked, else the account's), never a
name or an address; what is sealed in the event is left out. IRIs that the hub makes begin with the operator's own
address, which is the only one that is ours to give out; a course or lesson whose key is an IRI keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from hub.domain.units import day, text_of

Event = Mapping[str, Any]
Json = dict[str, Any]

VERSION: Final = "1.0.3"
_ADL: Final = "http://adlnet.gov/expapi/verbs/"
_TLA: Final = "https://w3id.org/xapi/tla/verbs/"
_TINCAN: Final = "http://id.tincanapi.com/verb/"
VOIDED: Final = _ADL + "voided"

VERBS: Final[Mapping[str, str]] = {
    "enrollment.registered": _ADL + "registered",
    "enrollment.started": _ADL + "initialized",
    "enrollment.progressed": _ADL + "progressed",
    "enrollment.completed": _ADL + "completed",
    "enrollment.failed": _ADL + "failed",
    "enrollment.withdrawn": _TINCAN + "unregistered",
    # ADL's own suspended and resumed end and begin a session; of a course, TLA's put it on hold.
    "enrollment.held": _TLA + "suspended",
    "enrollment.resumed": _TLA + "resumed",
    "enrollment.expired": _TINCAN + "expired",
    "enrollment.certified": _TINCAN + "earned",
    "enrollment.certificate_lapsed": _TINCAN + "expired",
    "enrollment.certificate_revoked": _TLA + "forfeited",
    "enrollment.waived": "https://w3id.org/xapi/adl/verbs/waived",
    "lesson.started": _ADL + "initialized",
    "lesson.progressed": _ADL + "progressed",
    "lesson.completed": _ADL + "completed",
    "lesson.failed": _ADL + "failed",
    "lesson.skipped": _TINCAN + "skipped",
}
"""Kind of event → verb. A kind that is not here has a verb of the hub's own."""

CERTIFICATE_KINDS: Final = frozenset(
    f"enrollment.{kind}" for kind in ("certified", "certificate_lapsed", "certificate_revoked", "certificate_expiring")
)
"""What is told of the certificate: earned of a *course* would be read as a grade."""

_ACTIVITIES: Final = "http://adlnet.gov/expapi/activities/"
COURSE_TYPE: Final = _ACTIVITIES + "course"
CERTIFICATE_TYPE: Final = "https://www.opigno.org/en/tincan_registry/activity_type/certificate"
LESSON_TYPES: Final[Mapping[str, str]] = {
    "Video": "https://w3id.org/xapi/video/activity-type/video",
    "Reading": "http://id.tincanapi.com/activitytype/document",
    "Quiz": _ACTIVITIES + "assessment",
    "Assignment": "http://id.tincanapi.com/activitytype/school-assignment",
    "Project": "http://id.tincanapi.com/activitytype/project",
    "Discussion": "http://id.tincanapi.com/activitytype/discussion",
    "Assessment": _ACTIVITIES + "assessment",
    "Simulation": _ACTIVITIES + "simulation",
}
PROGRESS: Final = "https://w3id.org/xapi/cmi5/result/extensions/progress"

_IRI: Final = re.compile(r"(?:https?://|urn:[A-Za-z0-9-]+:|tag:)[^\s\x00-\x20<>\"{}|\\^`]+")
_ENDS: Final[Mapping[str, tuple[str, bool]]] = {
    "completed": ("completion", True),
    "waived": ("completion", True),
    "failed": ("success", False),
}
"""Last part of a kind → what its result says in any case."""


def statement_of(event: Event, *, home_page: str) -> Json:
    """The statement of an event of ``lms.learning`` (plain values).

    ``home_page``: the address of the hub, an IRL; it is the learners' home page and the beginning of our IRIs.
    """
    home = home_page.rstrip("/") + "/"
    kind = _kind(event)
    thing = _object(event, kind, home)
    verb, voids = _verb(event, kind, home)
    if voids:
        thing = {"objectType": "StatementRef", "id": event["retracts"]}
    statement: Json = {
        "id": event["event_id"],
        "actor": _actor(event, home),
        "verb": {"id": verb, "display": {"en": verb.rsplit("/", 1)[-1].replace("-", " ")}},
        "object": thing,
        "context": _context(event, kind, home, about_activity=not voids),
        "timestamp": text_of(event["occurred_at"]),
        "version": VERSION,
    }
    result = {} if voids else _result(event, kind, home)
    return statement | ({"result": result} if result else {})


def _kind(event: Event) -> str:
    """The strongest transition, after which the type is named: ``enrollment.completed``."""
    return str(event["type"]).removeprefix("lms.").rsplit(".v", 1)[0]


def _actor(event: Event, home: str) -> Json:
    name = event.get("employee_id") or event["account_id"]
    return {"objectType": "Agent", "account": {"homePage": home, "name": str(name)}}


def _verb(event: Event, kind: str, home: str) -> tuple[str, bool]:
    """The verb, and whether the statement voids another one: a retraction takes out the statement of its event."""
    if kind == "enrollment.retracted" and event.get("retracts"):
        return VOIDED, True
    return VERBS.get(kind) or f"{home}xapi/verbs/{_dashed(kind)}", False


def _part(event: Event, kind: str) -> str:
    """Which of the two the statement is about. Work in a lesson may also begin the enrollment, and then tells of that."""
    return "lesson" if kind.startswith("lesson.") and event.get("lesson_id") else "enrollment"


# -- what it is about ----------------------------------------------------------------------------------------


def _object(event: Event, kind: str, home: str) -> Json:
    if _part(event, kind) == "lesson":
        return _lesson(event, home)
    if kind in CERTIFICATE_KINDS:
        registration = event["enrollment_row_id"]
        definition = {"type": CERTIFICATE_TYPE}
        return {"objectType": "Activity", "id": f"{home}xapi/certificates/{registration}", "definition": definition}
    return _course(event, home)


def _course(event: Event, home: str) -> Json:
    name = _said(event, "enrollment", "course_name")
    return _activity(_iri(home, event, event["course_key"]), COURSE_TYPE, name)


def _lesson(event: Event, home: str) -> Json:
    lesson_id = event["lesson_id"]
    iri = lesson_id if _IRI.fullmatch(lesson_id) else _own(home, event, event["course_key"], lesson_id)
    kind = _said(event, "lesson", "lesson_type")
    return _activity(iri, LESSON_TYPES.get(kind or ""), _said(event, "lesson", "lesson_name"))


def _iri(home: str, event: Event, key: str) -> str:
    return key if _IRI.fullmatch(key) else _own(home, event, key)


def _own(home: str, event: Event, *keys: str) -> str:
    """Keys of different LMSs may be equal, so the integration stands before them."""
    parts = [str(event.get("integration_id") or event["company_id"]), *keys]
    return f"{home}xapi/activities/" + "/".join(quote(part, safe="") for part in parts)


def _activity(iri: str, kind: str | None, name: str | None) -> Json:
    definition: Json = {}
    if kind:
        definition["type"] = kind
    if name:
        definition["name"] = {"und": name}
    return {"objectType": "Activity", "id": iri} | ({"definition": definition} if definition else {})


# -- result --------------------------------------------------------------------------------------------------


def _result(event: Event, kind: str, home: str) -> Json:
    part = _part(event, kind)
    result: Json = {}
    score = _score(event, part)
    if score:
        result["score"] = score
    for fact, name in (("completed", "completion"), ("passed", "success")):
        said = _said(event, part, fact)
        if said is not None:
            result[name] = said
    end = _ENDS.get(kind.rsplit(".", 1)[-1])
    if end is not None:
        result[end[0]] = end[1]
    seconds = _said(event, part, "time_spent_seconds")
    if seconds is not None:
        result["duration"] = f"PT{seconds}S"
    progress = _said(event, part, "completion_percentage" if part == "lesson" else "progress_percentage")
    grade = _said(event, part, "grade_achieved")
    extensions = {PROGRESS: None if progress is None else progress // 100, _extension(home, "grade"): grade}
    given = {name: value for name, value in extensions.items() if value is not None}
    return result | ({"extensions": given} if given else {})


def _score(event: Event, part: str) -> Json:
    """The score as the source gave it; with its range only where it lies within, as the standard demands."""
    raw, scale = _said(event, part, "raw_score"), 10_000
    high = _said(event, part, "raw_max_score")
    if raw is None:
        raw, high, scale = _said(event, part, "score_achieved"), _said(event, part, "max_score"), 100
    if raw is None:
        return {}
    score: Json = {"raw": _number(raw, scale)}
    if high is not None and 0 <= raw <= high and high > 0:
        score |= {"min": 0, "max": _number(high, scale), "scaled": round(raw / high, 4)}
    return score


def _number(value: int, scale: int) -> int | float:
    return value // scale if value % scale == 0 else value / scale


# -- context -------------------------------------------------------------------------------------------------


def _context(event: Event, kind: str, home: str, *, about_activity: bool) -> Json:
    context: Json = {"registration": event["enrollment_row_id"]}
    if about_activity:
        context["platform"] = str(event.get("integration_id") or "lms-hub")
        around = _around(event, kind, home)
        if around:
            context["contextActivities"] = around
    context["extensions"] = {_extension(home, name): value for name, value in _facts(event, kind).items()}
    return context


def _around(event: Event, kind: str, home: str) -> Json:
    """The course above a lesson or a certificate; beside a course, the lesson in which it was worked."""
    if _part(event, kind) == "lesson" or kind in CERTIFICATE_KINDS:
        return {"parent": [_course(event, home)]}
    return {"other": [_lesson(event, home)]} if event.get("lesson_id") else {}


def _facts(event: Event, kind: str) -> Json:
    """What has no place in a statement of its own."""
    facts: Json = {
        "kind": kind,
        "transitions": list(event.get("transitions") or ()) or None,
        "cycle": event["cycle"],
        "late": event.get("late") or None,
        "backfill": event.get("backfill") or None,
        "recorded": text_of(event["recorded_at"]),
        "source-record": event.get("native_id"),
        "days-left": event.get("days_left"),
        "enrollment-status": _said(event, "enrollment", "enrollment_status"),
        "lesson-status": _said(event, "lesson", "progress_status"),
        "lesson-type": _said(event, "lesson", "lesson_type"),
        "certificate": _said(event, "enrollment", "certificate_id"),
    }
    for name in ("due_date", "valid_from", "valid_until", "completion_date"):
        said = _said(event, "enrollment", name)
        facts[_dashed(name)] = None if said is None else day(said).isoformat()
    return {name: value for name, value in facts.items() if value is not None}


def _said(event: Event, part: str, name: str) -> Any:
    """A new value of the enrollment or the lesson; None where it did not change."""
    return (event.get(part) or {}).get(name)


def _extension(home: str, name: str) -> str:
    return f"{home}xapi/extensions/{name}"


def _dashed(text: str) -> str:
    return text.replace("_", "-").replace(".", "-")
