"""Taking one fact out: the stream is decided again from what its events *reported*, without the one that is void.

What came from people, reactors and the clock has no report; its changes are applied as they are. The draft carries the
difference between the rows as they are and as they would have been, so that nothing is deleted and the log tells both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain import enrollment, lesson
from hub.domain.learning import Context, Draft, State, Told
from hub.domain.rows import Row, value_of
from hub.domain.values import EnrollmentStatus, LessonStatus

Event = Mapping[str, Any]
Fold = Callable[[str, Row | None, Event], Row | None]
"""(table, row, event) → row; handed in by the bootstrap."""

ENROLLMENT, LESSON = "lms_course_enrollment", "lms_learning_progress"
KEPT = frozenset({"id", "company_id", "lms_integration_id", "enrollment_id", "enrollment_number", "created_at", "updated_at",
                  "fold_state", "course_id", "course_name", "course_code", "enrollment_date", "lesson_id",
                  "enrollment_status", "progress_status", "time_spent_minutes", "employee_id"})  # fmt: skip
"""Columns that are never cleared by a retraction."""
STATE_KEPT = frozenset({"cycle", "account_id", "course_key", "sealed"})


@dataclass(slots=True)
class _Replay:
    """The stream's rows while its remaining facts are told again."""

    fold: Fold
    context: Context
    enrollments: dict[str, Row] = field(default_factory=dict)
    lessons: dict[str, Row] = field(default_factory=dict)
    newest: str | None = None

    def tell(self, event: Event) -> None:
        body = dict(event)
        if event.get("reported"):
            draft = self._decide(event)
            if draft is None:
                return
            body.update(draft.body(told_of(event), False))
        self._apply(body)

    def _decide(self, event: Event) -> Draft | None:
        facts = json.loads(event["reported"])["facts"]
        told = told_of(event)
        row = self.enrollments.get(self.newest or "")
        if not told.lesson_key:
            return enrollment.decide(State(row), told, facts, self.context)
        first = lesson.decide(State(row), told, facts, self.context)
        known = self.lessons.get(str(first.lesson_row_id)) if first else None
        return lesson.decide(State(row, known), told, facts, self.context)

    def _apply(self, body: Event) -> None:
        row_id, lesson_id = str(body["enrollment_row_id"]), str(body["lesson_row_id"])
        row = self.fold(ENROLLMENT, self.enrollments.get(row_id), body)
        if row is not None:
            self.enrollments[row_id] = row
            self.newest = row_id
        part = self.fold(LESSON, self.lessons.get(lesson_id), body) if body.get("lesson_row_id") else None
        if part is not None:
            self.lessons[lesson_id] = part


def told_of(event: Event) -> Told:
    """Who was told of, and when, as the event kept it."""
    reported = json.loads(event["reported"])
    return Told(
        stream=str(event["stream_id"]),
        integration_id=str(event["integration_id"]),
        account_id=str(event["account_id"]),
        course_key=str(event["course_key"]),
        source_time=reported.get("source_time"),
        observed_at=reported["observed_at"],
        lesson_key=reported.get("lesson_key"),
        course_name=reported.get("course_name"),
    )


def retract(events: Iterable[Event], target: Event, state: State, context: Context, fold: Fold) -> Draft:
    """The draft that makes the rows of ``target`` as if it had not been told. ``events``: the stream, in order."""
    told = list(events)
    void = {str(event["retracts"]) for event in told if event.get("retracts")} | {str(target["event_id"])}
    replay = _Replay(fold, context)
    for event in told:
        if str(event["event_id"]) not in void and not event.get("retracts"):
            replay.tell(event)
    row_id, lesson_id = str(target["enrollment_row_id"]), target.get("lesson_row_id")
    changes, cleared = _difference(
        state.enrollment, replay.enrollments.get(row_id), EnrollmentStatus.NOT_STARTED, "enrollment_status"
    )
    draft = Draft(
        int(target["cycle"]),
        row_id,
        transitions={"enrollment.retracted"},
        enrollment=changes,
        enrollment_cleared=cleared,
    )
    if lesson_id and state.lesson is not None:
        draft.lesson_id, draft.lesson_row_id = target["lesson_id"], str(lesson_id)
        draft.lesson, draft.lesson_cleared = _difference(
            state.lesson, replay.lessons.get(str(lesson_id)), LessonStatus.NOT_STARTED, "progress_status"
        )
    draft.extra["retracts"] = str(target["event_id"])
    return draft


def _difference(row: Row | None, wanted: Row | None, first: str, status: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What to set and what to clear so that ``row`` becomes ``wanted``; without one, it is as if never begun."""
    if row is None:
        return {}, ()
    names = [name for name in row if name not in ("fold_state", "created_at", "updated_at", "time_spent_minutes")]
    names += [name for name in row.get("fold_state") or {} if name not in STATE_KEPT]
    names += [name for name in (wanted or {}).get("fold_state") or {} if name not in names and name not in STATE_KEPT]
    changes: dict[str, Any] = {}
    cleared: list[str] = []
    for name in names:
        value, known = value_of(wanted, name), value_of(row, name)
        if wanted is None and name == status:
            value = first
        if value == known:
            continue
        if value is not None:
            changes[name] = value
        elif name not in KEPT:
            cleared.append(name)
    return changes, tuple(cleared)
