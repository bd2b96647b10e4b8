"""The hub record: a flat dict between a source and the hub, and what it tells.

Its keys are the specification's own column names, the learner's keys, and facts that have no column
(:data:`connectors.record_fields.FIELDS`); its values are as the source wrote them. A record with ``lesson_id`` tells of a
lesson, else of an enrollment; columns that the one does not have are left out. A status says what it means as facts;
a fact that is said beside it stands above it. A completion date without any status means completed; Expired with one
is a lapsed certificate. That a status stands before completion says "not completed" only where the record tells the
time of its change: an old file must not look like a reset.

Whatever cannot be read is :class:`~hub.errors.Unusable`, with field, rule and expectation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.contract import KEPT_BYTES, Item
from connectors.observe import Learner, Observer, Seen
from connectors.parse import ISO, NOTHING, Parser, Reading, plain, refuse
from connectors.parse_dates import moment, moment_of_day
from connectors.record_fields import (
    ACCOUNT_KEYS,
    CHANGED,
    COURSE,
    ENROLLMENT,
    ENROLLMENT_STATUS,
    LEARNER,
    LESSON,
    LESSON_ONLY,
    LESSON_STATUS,
    STATUS,
)
from hub.domain import ids
from hub.domain.rows import dumped
from hub.errors import Unusable

Record = Mapping[str, Any]

NOBODY = NOTHING | {"n/a", "#n/a", "null", "none"}
"""What stands where a key is missing; it must not become one account for many people."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Told:
    """What one record tells; facts are plain values by the names of :mod:`hub.domain.observations`."""

    learner: Learner
    course_key: str
    lesson_key: str | None
    facts: dict[str, Any]
    course: dict[str, Any]
    """What is known of the course."""
    changed_at: int | None = None
    """The state's own time in the source, microseconds."""
    earlier_attempts: list[str] = field(default_factory=list)
    """Attempts before the last one, each as JSON text."""


def read(record: Record, reading: Reading = ISO) -> Told:
    """Read a hub record.

    Raises:
        Unusable: a value cannot be read, or the learner's or the course's key is missing.
    """
    learner = learner_of(record)
    course_key = _key(record, "course_id")
    if course_key is None:
        refuse("course_id", "required", "the id of the course in the LMS")
    lesson_key = _key(record, "lesson_id")
    if lesson_key is None:
        _no_lesson(record)
    facts = _lesson(record, reading) if lesson_key is not None else _enrollment(record, reading)
    attempts = [_attempt(told) for told in facts.pop("attempt", ())]
    if attempts:
        facts["attempt"] = attempts[-1]
    return Told(
        learner,
        course_key,
        lesson_key,
        facts,
        _parsed(record, COURSE, reading),
        _changed_at(record, reading),
        attempts[:-1],
    )


def to_item(record: Record, observer: Observer, seen: Seen, raw: bytes, reading: Reading = ISO) -> Item:
    """The item of one source record: course, account, then what is told of the enrollment or lesson (counted).

    A record that cannot be read, or whose type of course the integration does not take in, becomes an item that says
    why. ``raw`` is the source record as bytes; its hash goes with the observations. A time of change in the record
    stands above ``seen.source_time``. Raises what the observer's sealer raises for a store that is away.
    """
    item = Item(seen.position or "", native_id=seen.native_id, size=len(raw), sha256=hashlib.sha256(raw).digest())
    try:
        told = read(record, reading)
        unwanted = _unwanted(told, observer)
        if unwanted:
            item.note = unwanted
        else:
            item.observations = _observations(told, observer, replace(seen, payload=raw))
    except Unusable as problem:
        item.problem, item.kept = problem, raw[:KEPT_BYTES]
    return item


def learner_of(record: Record) -> Learner:
    """Who a record is about. The account's native id is ``<kind>:<value>`` of the first key that is told.

    Raises:
        Unusable: no key of a learner is told, or the e-mail address is none.
    """
    told: dict[str, str] = {}
    for name, meaning in LEARNER.items():
        value = _key(record, name)
        if value is not None:
            told.setdefault(meaning, value)
    if "email" in told and not _EMAIL.fullmatch(told["email"]):
        refuse("email", "e-mail address", "one address such as ada@example.org")
    key = next((name for name in ACCOUNT_KEYS if name in told), None)
    if key is None:
        refuse("learner", "required", "one of lms_user_id, employee_number, email, login_name")
    native_id = f"{key}:{told[key]}"
    told.pop("lms_user_id", None)
    return Learner(native_id, **told)


def _key(record: Record, name: str) -> str | None:
    """An id as text; None where it is missing or stands for nothing."""
    given = record.get(name)
    value = None if given is None or given == "" else plain(given, name)
    if value is None or value.casefold() in NOBODY:
        return None
    if len(value) > 1000:
        refuse(name, "length", "at most 1000 characters")
    return value


def _no_lesson(record: Record) -> None:
    """A record of an enrollment tells nothing that only a lesson has."""
    for name in LESSON_ONLY:
        if plain(record.get(name), name) not in (None, *NOTHING):
            refuse("lesson_id", "required", f"the id of the lesson, since {name} is told")


def _parsed(record: Record, table: Mapping[str, tuple[str, Parser]], reading: Reading) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, (fact, parse) in table.items():
        given = record.get(name)
        if given is None or given == "":
            continue
        value = parse(given, name, reading)
        if value is not None:
            facts[fact] = value
    return facts


def _by_status(record: Record, name: str, meaning: Mapping[str, Mapping[str, bool]], facts: dict[str, Any]) -> None:
    """Put what a status means below the facts that are said."""
    status = STATUS[name](record.get(name), name, ISO)
    done = "completed_on" in facts or "completed_at" in facts
    if status is not None:
        for fact, value in meaning[status].items():
            facts.setdefault(fact, value)
    elif done:
        facts.setdefault("completed", True)


def _enrollment(record: Record, reading: Reading) -> dict[str, Any]:
    facts = _parsed(record, ENROLLMENT, reading)
    exact = moment_of_day(record.get("completion_date"), "completion_date", reading)
    if exact is not None:
        facts.setdefault("completed_at", exact)
        del facts["completed_on"]
    _by_status(record, "enrollment_status", ENROLLMENT_STATUS, facts)
    if facts.get("expired") and ("completed_on" in facts or "completed_at" in facts):
        facts["completed"] = facts["certified"] = True
    if facts.get("worked") is not None and "completed" not in facts and _changed_at(record, reading) is not None:
        facts["completed"] = False
    if "certificate_id" in facts:
        facts.setdefault("certified", True)
    if reading.time_zone is not None:
        facts["time_zone"] = reading.time_zone
    for name in ("prerequisite_courses", "next_courses"):
        if name in facts:
            facts[name] = tuple(ids.short_key(key, 100) for key in facts[name])
    return facts


def _lesson(record: Record, reading: Reading) -> dict[str, Any]:
    facts = _parsed(record, LESSON, reading)
    _by_status(record, "progress_status", LESSON_STATUS, facts)
    if "next_lesson_id" in facts:
        facts["next_lesson_id"] = ids.short_key(facts["next_lesson_id"], 100)
    if "bookmark" in facts:
        facts["bookmark"] = dumped(facts["bookmark"])
    if "interactions" in facts:
        if not all(isinstance(answer, dict) for answer in facts["interactions"]):
            refuse("interaction_data", "list of answers", "a JSON list of objects with id, type, response and result")
        facts["interactions"] = dumped(facts["interactions"])
    return facts


def _attempt(told: object) -> str:
    """One attempt as JSON text."""
    number = told.get("number") if isinstance(told, dict) else 0
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
        refuse("assessment_results", "list of attempts", "JSON objects with number (from 1), time, score and passed")
    return dumped(told)


def _changed_at(record: Record, reading: Reading) -> int | None:
    times = (moment(record.get(name), name, reading) for name in CHANGED)
    return next((found for found in times if found is not None), None)


def _unwanted(told: Told, observer: Observer) -> str:
    """Why the integration does not take the course in; empty where it does."""
    kind, wanted = told.course.get("course_type"), observer.config.supported_course_types
    names = {"Virtual Classroom" if name == "Virtual" else name for name in wanted}
    if kind is None or not names or kind in names:
        return ""
    return f"courses of the type {kind} are not in supported_course_types"


def _observations(told: Told, observer: Observer, seen: Seen) -> list[dict[str, Any]]:
    if told.changed_at is not None:
        seen = replace(seen, source_time=told.changed_at)
    around = replace(seen, content_id=None)
    found = [observer.course(told.course_key, around, **told.course), observer.account(told.learner, around)]
    if told.lesson_key is None:
        return [*found, observer.enrollment(told.learner, told.course_key, _pseudonymous(told.facts, observer), seen)]
    name = told.course.get("course_name")
    for attempt in told.earlier_attempts:
        # One observation carries one attempt. An attempt is a fact of its own, so it has an identity of its own.
        single = replace(seen, content_id=hashlib.sha256(attempt.encode()).hexdigest())
        facts = {"attempt": attempt}
        earlier = observer.lesson(told.learner, told.course_key, told.lesson_key, facts, single, course_name=name)
        found.append({**earlier, "counted": False})
    found.append(observer.lesson(told.learner, told.course_key, told.lesson_key, told.facts, seen, course_name=name))
    return found


def _pseudonymous(facts: dict[str, Any], observer: Observer) -> dict[str, Any]:
    """The facts without ids that may be made of a person's name or address: these fields stand in the clear."""
    found = dict(facts)
    if "enrollment_key" in found:
        key, config = f"enrollment/{found['enrollment_key']}", observer.config
        found["enrollment_key"] = observer.sealer.pseudonym(config.company_id, config.id, key)
    if "@" in found.get("instructor_id", ""):
        found["instructor_id"] = observer.account_id(f"instructor/{found['instructor_id']}")
    return found
