"""Deciding observations of enrollments and lessons: load what the batch needs, decide, build the event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from hub.deciding.ports import Surroundings
from hub.deciding.view import View
from hub.domain import enrollment, ids, lesson, retraction
from hub.domain.learning import Context, Draft, State, Told, said
from hub.domain.rows import Row, loaded, value_of
from hub.domain.units import hundredths_text

ENROLLMENT, LESSON = "lms_course_enrollment", "lms_learning_progress"
CONFIG, COURSE, ACCOUNT, COMPANY = "lms_integration_config", "course", "lms_account", "company"
KINDS = frozenset({"lms.observation.enrollment.v1", "lms.observation.lesson.v1", "lms.observation.voided.v1"})

Observation = Mapping[str, Any]


def load(view: View, observations: Iterable[Observation]) -> None:
    """Load rows for these observations in a few queries; their streams' heads are loaded."""
    told = [observation for observation in observations if observation["type"] in KINDS]
    named = [observation for observation in told if "account_id" in observation]
    view.load_rows(ENROLLMENT, {row_id for one in told if (row_id := view.head(one["stream_id"]).row_id)})
    view.load_rows(ACCOUNT, {observation["account_id"] for observation in named})
    view.load_rows(COURSE, {_course(observation) for observation in named})
    lessons, first = set(), set()
    for observation in named:
        head = view.head(observation["stream_id"])
        if head.row_id is None:
            # A stream that holds nothing yet opens its first cycle, whose rows nobody has to look for.
            cycle = ids.enrollment_row(observation["stream_id"], 1)
            first.add((ENROLLMENT, cycle))
            if observation.get("lesson_key"):
                first.add((LESSON, _lesson(cycle, observation["lesson_key"])))
        elif observation.get("lesson_key"):
            lessons.add(_lesson(head.row_id, observation["lesson_key"]))
    view.load_rows(LESSON, lessons)
    view.know_absent(first)


def _lesson(enrollment_row: str, lesson_key: str) -> str:
    return ids.lesson_row(enrollment_row, ids.short_key(lesson_key, 100))


def _course(observation: Observation) -> str:
    return _course_stream(observation["integration_id"], observation["course_key"])


_course_stream = lru_cache(maxsize=4096)(ids.course_stream)


def told_by(observation: Observation) -> Told:
    """Who is told of, and when."""
    facts = observation["facts"]
    return Told(
        stream=observation["stream_id"],
        integration_id=observation["integration_id"],
        account_id=observation["account_id"],
        course_key=observation["course_key"],
        source_time=observation["source_time"],
        observed_at=observation["observed_at"],
        lesson_key=observation.get("lesson_key"),
        course_name=observation.get("course_name") or facts.get("course_name"),
        single=observation["content_id"] is not None,
    )


def reported(observation: Observation) -> str:
    """What the source said, as the event keeps it."""
    told = {
        "facts": said(observation["facts"]),
        "source_time": observation["source_time"],
        "observed_at": observation["observed_at"],
        "lesson_key": observation.get("lesson_key"),
        "course_name": observation.get("course_name"),
        "single": True if observation.get("content_id") is not None else None,
    }
    kept = {name: value for name, value in told.items() if value is not None}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()


def context_of(view: View, observation: Observation, now: int) -> Context:
    """What else the decision may know."""
    company = view.row(COMPANY, observation["company_id"])
    config = view.row(CONFIG, observation["integration_id"])
    account = view.row(ACCOUNT, observation["account_id"])
    return Context(
        now=now,
        zone=value_of(company, "time_zone") or "UTC",
        course=view.row(COURSE, _course(observation)),
        employee_id=value_of(account, "employee_id"),
        settings=loaded(value_of(config, "compliance_settings")) or {},
    )


def is_taken_in(view: View, observation: Observation) -> bool:
    """Whether the integration takes in courses of this type (an empty list: all; "Virtual" is Virtual Classroom)."""
    config = view.row(CONFIG, observation["integration_id"])
    supported = loaded(value_of(config, "supported_course_types"))
    if not supported:
        return True
    kind = observation["facts"].get("course_type") or value_of(view.row(COURSE, _course(observation)), "course_type")
    return kind is None or kind in supported or (kind == "Virtual Classroom" and "Virtual" in supported)


def decide(view: View, observation: Observation, now: int) -> tuple[dict[str, Any] | None, bool]:
    """The body of the event that an observation leads to (none: nothing new), and whether it is late."""
    row = view.row(ENROLLMENT, view.head(observation["stream_id"]).row_id)
    told, facts, context = told_by(observation), observation["facts"], context_of(view, observation, now)
    if told.lesson_key is None:
        draft = enrollment.decide(State(row), told, facts, context)
    else:
        part = None
        if row is not None:
            part = view.row(LESSON, _lesson(str(row["id"]), told.lesson_key))
        draft = lesson.decide(State(row, part), told, facts, context)
    if draft is None:
        return None, False
    body = finished(draft, told, row if draft.existed else None, context)
    body["reported"] = reported(observation)
    return body, draft.late


def finished(draft: Draft, told: Told, row: Row | None, context: Context) -> dict[str, Any]:
    """A draft as an event's body, with type, employee, regulation and the sentence on what changed."""
    compliance = draft.enrollment.get("is_compliance_training")
    if compliance is None:
        compliance = value_of(row, "is_compliance_training")
    body = draft.body(told, bool(compliance))
    body["type"] = draft.type
    employee = draft.enrollment.get("employee_id")
    if employee is None and "employee_id" not in draft.enrollment_cleared:
        employee = value_of(row, "employee_id")
    body["employee_id"] = employee
    body["affected_employees"] = 1
    if compliance:
        body["regulation"] = "Industry Standards"
    elif context.settings.get("educational"):
        body["regulation"] = "Educational Compliance"
    body["impact"] = impact(draft, row)
    return body


def impact(draft: Draft, row: Row | None) -> str | None:
    """What changed, in one sentence; None where only details did."""
    parts = []
    status = draft.enrollment.get("enrollment_status")
    if status is not None:
        parts.append(f"{value_of(row, 'enrollment_status') or 'new'} → {status}")
    progress = draft.enrollment.get("progress_percentage")
    if progress is not None:
        known = value_of(row, "progress_percentage")
        parts.append(f"progress {'unknown' if known is None else hundredths_text(known)} → {hundredths_text(progress)}")
    if draft.lesson_id is not None and "progress_status" in draft.lesson:
        parts.append(f"lesson {draft.lesson_id}: {draft.lesson['progress_status']}")
    return "; ".join(parts) or None


def decide_void(view: View, observation: Observation, now: int, around: Surroundings) -> dict[str, Any] | None:
    """The event that takes out what a voided record told; none where the stream has no such fact (any more)."""
    positions, taken = view.history(observation["stream_id"])
    events = [*(around.decode(around.read(*_position(where))) for where in positions), *taken]
    gone = {str(event["retracts"]) for event in events if event.get("retracts")}
    target = next(
        (
            event
            for event in events
            if event["native_id"] == observation["voided_native_id"] and str(event["event_id"]) not in gone
        ),
        None,
    )
    if target is None:
        return None
    row = view.row(ENROLLMENT, target["enrollment_row_id"])
    part = view.row(LESSON, target.get("lesson_row_id"))
    told = retraction.told_of(target)
    context = context_of(view, {**target, "integration_id": observation["integration_id"]}, now)

    def fold(table: str, known: Row | None, event: Mapping[str, Any]) -> Row | None:
        key = event["enrollment_row_id"] if table == ENROLLMENT else event["lesson_row_id"]
        return around.fold(event, lambda name, row_id: known if (name, row_id) == (table, key) else None).get(
            (table, key)
        )

    draft = retraction.retract(events, target, State(row, part), context, fold)
    return finished(draft, told, row, context)


def _position(text: str) -> tuple[str, int, int]:
    topic, partition, offset = text.rsplit("/", 2)
    return topic, int(partition), int(offset)
