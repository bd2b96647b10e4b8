"""What a statement does: the facts that its verb, its object and its result tell of an enrollment or a lesson.

The same verb means different things of a course, a lesson, an attempt and a certificate, so the object is asked first.
Facts are plain values by the names of :mod:`hub.domain.observations`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from connectors.xapi import activity_types as types
from connectors.xapi import results
from connectors.xapi.checks import Json
from connectors.xapi.place import Place, Scope
from connectors.xapi.settings import Options
from connectors.xapi.verbs import OTHER
from hub.domain import ids
from hub.domain.units import day_in

Facts = dict[str, Any]

WORK: Final = frozenset(
    {"initialized", "progressed", "experienced", "attempted", "interacted", "answered", "commented", "submitted"}
    | {"attended", "suspended", "resumed", "terminated", "abandoned", "completed", "passed", "failed", "mastered"}
    | {"scored", "logged_in", "logged_out"}
)
"""Kinds that show the learner's own work."""

_TOLD_BY_OTHERS: Final = frozenset({"abandoned", "scored"})
"""Kinds whose time is not a moment at which the learner was there."""
_SESSION_ENDS: Final = frozenset({"terminated", "abandoned", "suspended"})
_JUDGED: Final = frozenset({"completed", "passed", "failed", "mastered", "scored", "attended", "answered"})
"""Kinds whose result says something of completion and success."""
_SAID_OF_COURSE: Final[dict[str, Facts]] = {
    "registered": {"registered": True},
    "enrolled": {"registered": True},
    "unenrolled": {"removed": True},
    "uncompleted": {"completed": False},
    "waived": {"waived": True},
    "expired": {"expired": True},
    "forfeited": {"certified": False},
}
_SAID_OF_LESSON: Final[dict[str, Facts]] = {
    "uncompleted": {"completed": False},
    "skipped": {"skipped": True},
    "waived": {"skipped": True},
}
_TLA: Final = "https://w3id.org/xapi/tla/verbs/"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement tells. No facts: nothing, and ``note`` says why."""

    of_lesson: bool = False
    facts: Facts = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """A statement and what is known of it already. ``occurred`` in microseconds, None where it tells no time."""

    statement: Json
    kind: str
    place: Place
    occurred: int | None
    options: Options
    zone: str

    @property
    def result(self) -> Json:
        found: Json = self.statement.get("result", {})
        return found

    @property
    def is_cmi5(self) -> bool:
        return results.has_category(self.statement, results.CMI5_CATEGORY)


def effect_of(told: Telling) -> Effect:
    """What a statement does. A statement of a known course and lesson may do nothing all the same."""
    place = told.place
    if told.kind == OTHER:
        return _nothing("its verb has no learning effect")
    if place.scope in (Scope.SITE, Scope.NO_ACTIVITY):
        return _nothing(f"it is about {'the site' if place.scope is Scope.SITE else 'no activity'}")
    if place.course is None:
        return _nothing("its course cannot be told")
    if place.scope is Scope.CERTIFICATE:
        return _certificate(told)
    if told.kind == "launched":
        return _enrollment(told, {"accesses_more": 1, "last_access_at": told.occurred})
    if told.kind in ("earned", "scored"):
        return _scored(told)
    if place.scope is Scope.COURSE:
        return _course(told)
    if place.scope is Scope.CONTAINER:
        if told.kind in WORK:
            return _enrollment(told, {"worked": True, "last_access_at": _seen(told)})
        return _nothing("a section of a course has no status of its own")
    return _lesson(told) if place.scope is Scope.LESSON else _part(told)


# -- the course -------------------------------------------------------------------------------------------


def _course(told: Telling) -> Effect:
    kind = told.kind
    said = _SAID_OF_COURSE.get(kind)
    if kind == "satisfied":
        said = {"completed": True, "completed_at": told.occurred}
    if said is None and kind in ("suspended", "resumed") and told.statement["verb"]["id"].startswith(_TLA):
        said = {"suspended": kind == "suspended"}
    if said is not None:
        return _enrollment(told, said)
    if kind in WORK:
        return _enrollment(told, _work(told) | _judged(told))
    return _nothing(f"{kind} says nothing of a course")


def _enrollment(told: Telling, facts: Facts) -> Effect:
    """Facts of the enrollment, with what every statement about it may tell beside them."""
    context, place = told.statement.get("context", {}), told.place
    named: Facts = {"course_name": place.course.name if place.course else None, "course_code": place.course_code}
    if told.is_cmi5 or told.options.registration_is_enrollment:
        named["enrollment_key"] = context["registration"].lower() if "registration" in context else None
    if place.scope is Scope.COURSE and len(context.get("revision", "")) <= 50:
        named["course_version"] = context.get("revision")
    return Effect(facts=_told(facts | named))


def _certificate(told: Telling) -> Effect:
    thing = told.place.object
    if told.kind == "forfeited":
        return _enrollment(told, {"certified": False})
    if told.kind == "expired" and told.occurred is not None:
        return _enrollment(told, {"valid_until": day_in(told.occurred, told.zone)})
    if told.kind != "earned" or thing is None:
        return _nothing(f"{told.kind} changes no certificate")
    facts: Facts = {"certified": True}
    if told.occurred is not None:
        facts["valid_from"] = day_in(told.occurred, told.zone)
    if thing.type in types.CERTIFICATE_TYPES:  # the id of a badge is that of its class, not of the one that was earned
        code = parse_qs(urlsplit(thing.id).query).get("code", [thing.id])[0]
        facts["certificate_id"] = ids.short_key(code, 100)
        facts["certificate_url"] = thing.id if thing.id.startswith("https://") and len(thing.id) <= 500 else None
    return _enrollment(told, facts)


# -- lessons and their parts ------------------------------------------------------------------------------


def _lesson(told: Telling) -> Effect:
    kind = told.kind
    said = _SAID_OF_LESSON.get(kind)
    if said is not None:
        return _of_lesson(told, said)
    if kind not in WORK:
        return _nothing(f"{kind} says nothing of a lesson")
    facts = _work(told) | _judged(told)
    if kind in ("passed", "failed", "completed", "mastered", "attended", "answered"):
        facts |= results.score_facts(told.statement, told.options.scaled_is)
    if kind == "attempted":
        facts["attempts_more"] = 1
    if kind == "answered":
        facts["interactions"] = results.answer(told.statement)
    return _of_lesson(told, facts)


def _part(told: Telling) -> Effect:
    """A part never completes its lesson; an attempt brings its score, a question its answer."""
    kind, thing = told.kind, told.place.object
    part_type = thing.type if thing else None
    if part_type in types.SCORM_TYPES:
        return _lesson(told)
    if kind not in WORK:
        return _nothing(f"{kind} says nothing of a lesson by one of its parts")
    facts = _work(told)
    if part_type in types.ATTEMPT_TYPES:
        if kind in ("initialized", "attempted"):
            facts["attempts_more"] = 1
        if kind in ("completed", "passed", "failed"):
            facts |= _attempt(told)
    elif kind == "answered":
        facts["interactions"] = results.answer(told.statement)
    return _of_lesson(told, facts)


def _attempt(told: Telling) -> Facts:
    score: Facts = dict(results.score_facts(told.statement, told.options.scaled_is))
    passed = _success(told)
    return score | {"passed": passed, "attempt": results.attempt(score.get("score"), passed, told.occurred)}


def _scored(told: Telling) -> Effect:
    """A score of a course, a lesson, or a part. Open edX says ``earned`` of a course to report a grade."""
    facts: Facts = dict(results.score_facts(told.statement, told.options.scaled_is))
    place = told.place
    if place.scope is Scope.PART and place.object is not None and place.object.type in types.QUESTION_TYPES:
        return _of_lesson(told, _work(told) | {"interactions": results.answer(told.statement)})
    if not facts and "success" not in told.result:
        return _nothing(f"{told.kind} without a score or a certificate says nothing")
    facts |= {"passed": told.result.get("success"), "grade": results.grade(told.statement)}
    if place.scope is Scope.COURSE:
        return _enrollment(told, facts)
    if place.scope is Scope.CONTAINER:
        return _nothing("a section of a course has no score of its own")
    del facts["grade"]
    if place.scope is Scope.PART and place.object is not None and not _brings_score(place.object.type):
        return _of_lesson(told, {"worked": True})
    if "response" in told.result and place.object is not None and place.object.type in types.QUESTION_TYPES:
        facts["interactions"] = results.answer(told.statement)
    return _of_lesson(told, facts | {"worked": True})


def _brings_score(part_type: str | None) -> bool:
    return part_type in types.ATTEMPT_TYPES | types.SUBMISSION_TYPES | types.SCORM_TYPES


def _of_lesson(told: Telling, facts: Facts) -> Effect:
    place = told.place
    named: Facts = {"lesson_name": place.lesson.name if place.lesson else None, "lesson_type": place.lesson_type}
    return Effect(of_lesson=True, facts=_told(facts | named))


# -- what work and results tell ---------------------------------------------------------------------------


def _work(told: Telling) -> Facts:
    """Signs of work: when, for how long, how far."""
    seen = _seen(told)
    facts: Facts = {"worked": True, "last_access_at": seen, "progress": results.progress(told.statement)}
    if told.place.lesson is not None:
        facts["first_access_at"] = seen
    if _counts_time(told):
        facts["seconds_more"] = results.seconds(told.statement)
    return facts


def _seen(told: Telling) -> int | None:
    return None if told.kind in _TOLD_BY_OTHERS else told.occurred


def _counts_time(told: Telling) -> bool:
    """Whether the duration adds to the time spent: ends of sessions always; others unless their profile has sessions."""
    if told.kind in _SESSION_ENDS:
        return True
    thing = told.place.object
    if told.kind == "answered" or (thing is not None and thing.type in types.QUESTION_TYPES):
        return False
    return not (told.is_cmi5 or results.has_category(told.statement, results.SCORM_CATEGORY))


def _judged(told: Telling) -> Facts:
    """Completion and success by result and verb (they are independent of one another).

    "Not completed" counts only where completion is what the statement is about: who looks again into a finished video
    does not take its completion back. What the Moodle plugin calls a completed SCORM content may be merely begun.
    """
    kind, thing = told.kind, told.place.object
    if kind not in _JUDGED or (kind == "mastered" and not told.options.mastered_is_passed):
        return {}
    completed = told.result.get("completion")
    is_scorm = thing is not None and thing.type in types.SCORM_TYPES
    if completed is None and is_scorm:
        # Of SCORM 1.2, where these are values of one status, passed is completed and failed is an end.
        completed = True if kind in ("passed", "failed") else None
    elif completed is None and kind == "completed":
        completed = True
    elif completed is False and kind != "completed":
        completed = None
    facts: Facts = {"completed": completed, "passed": _success(told)}
    if completed:
        facts["completed_at"] = told.occurred
    if kind == "failed" and told.place.lesson is not None:
        facts["final"] = True
    return facts


def _success(told: Telling) -> bool | None:
    said: bool | None = told.result.get("success")
    if said is not None:
        return said
    return {"passed": True, "mastered": True, "failed": False}.get(told.kind)


def _told(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if value is not None}


def _nothing(note: str) -> Effect:
    return Effect(note=note)
