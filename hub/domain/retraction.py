"""Taking one fact out: the stream is decided again from what its events *reported*, without the one that is void.

What came before the void fact is folded as it was decided; what came after is decided again, as of when it was. What came
from people, reactors and the clock has no report: it is applied as it is, where it still can be (no certificate lapses
that was not issued). The draft carries the difference between the rows as they are and as they would have been, so
that nothing is deleted and the log tells both.

One event concerns one cycle and one lesson. So a cycle that only the void fact opened stays, as one that was never begun,
with what was told of it later; rows of other cycles are left as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain import enrollment, ids, lesson
from hub.domain.learning import Context, Draft, State, Told
from hub.domain.rows import STATE, Row, dumped, same, value_of
from hub.domain.status import ENDED
from hub.domain.values import EnrollmentStatus, LessonStatus

Event = Mapping[str, Any]
Fold = Callable[[str, Row | None, Event], Row | None]
"""(table, row, event) → row; handed in by the bootstrap."""

ENROLLMENT, LESSON = "lms_course_enrollment", "lms_learning_progress"
KEPT = frozenset({"course_id", "course_name", "course_code", "enrollment_date", "enrollment_status", "progress_status"})
"""Columns that are never cleared by a retraction."""
NOT_OF_FACTS = frozenset({
    "id", "company_id", "lms_integration_id", "enrollment_id", "enrollment_number", "employee_id", "lesson_id",
    "created_by_user_id", "updated_by_user_id", "created_at", "updated_at", "time_spent_minutes", "fold_state",
    "cycle", "account_id", "course_key", "sealed",
})  # fmt: skip
"""What no fact of an LMS sets: the row's identity, its link to an employee, and what the fold adds."""
STATUS = {ENROLLMENT: "enrollment_status", LESSON: "progress_status"}


OF_CERTIFICATE = frozenset({
    "lms.enrollment.certificate_lapsed.v1", "lms.enrollment.certificate_revoked.v1", "lms.enrollment.certificate_expiring.v1",
})  # fmt: skip
OF_RUNNING = frozenset({"lms.enrollment.expired.v1", "lms.enrollment.waived.v1", "lms.enrollment.became_overdue.v1"})


@dataclass(slots=True)
class _Replay:
    """The stream's rows while its remaining facts are told again."""

    fold: Fold
    context: Context
    enrollments: dict[str, Row] = field(default_factory=dict)
    lessons: dict[str, Row] = field(default_factory=dict)
    newest: str | None = None

    def tell(self, event: Event, *, again: bool) -> None:
        """Apply an event as it was decided, or ``again``: decide its fact on the rows as they are here."""
        if not again:
            self._apply(event)
        elif event.get("reported"):
            draft = self._decide(event)
            if draft is not None:
                self._apply({**event, **draft.body(told_of(event), False)})
        elif self._still_holds(event):
            self._apply(event)

    def _still_holds(self, event: Event) -> bool:
        """Whether an act or the clock can still do what it did."""
        row = self.enrollments.get(str(event["enrollment_row_id"]))
        if row is None:
            return False
        status = row["enrollment_status"]
        if event["type"] in OF_CERTIFICATE:
            return bool(status == EnrollmentStatus.CERTIFIED)
        return event["type"] not in OF_RUNNING or status not in ENDED

    def _decide(self, event: Event) -> Draft | None:
        facts = json.loads(event["reported"])["facts"]
        told = told_of(event)
        context = self.context._replace(now=event["recorded_at"])
        row = self.enrollments.get(self.newest or "")
        if not told.lesson_key:
            return enrollment.decide(State(row), told, facts, context)
        part = None
        if row is not None:
            part = self.lessons.get(ids.lesson_row(str(row["id"]), ids.short_key(told.lesson_key, 100)))
        return lesson.decide(State(row, part), told, facts, context)

    def _apply(self, body: Event) -> None:
        row_id, lesson_id = str(body["enrollment_row_id"]), body["lesson_row_id"]
        known = self.enrollments.get(row_id)
        row = self.fold(ENROLLMENT, known, body)
        if row is not None:
            self.enrollments[row_id] = row
            self.newest = row_id if known is None else self.newest
        part = self.fold(LESSON, self.lessons.get(str(lesson_id)), body) if lesson_id else None
        if part is not None:
            self.lessons[str(lesson_id)] = part


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
        single=bool(reported.get("single")),
    )


def retract(events: Iterable[Event], target: Event, state: State, context: Context, fold: Fold) -> Draft:
    """The draft that makes the rows of ``target`` as if it had not been told. ``events``: the stream, in order."""
    told = [event for event in events if event.get("enrollment_row_id")]
    void = {str(event["retracts"]) for event in told if event.get("retracts")} | {str(target["event_id"])}
    replay, again = _Replay(fold, context), False
    for event in told:
        if str(event["event_id"]) in void:
            again = True
        elif not event.get("retracts"):
            replay.tell(event, again=again)
    row_id, lesson_id = str(target["enrollment_row_id"]), target.get("lesson_row_id")
    draft = Draft(
        int(target["cycle"]), row_id, transitions={"enrollment.retracted"}, extra={"retracts": str(target["event_id"])}
    )
    draft.enrollment, draft.enrollment_cleared = _difference(
        ENROLLMENT, state.enrollment, replay.enrollments.get(row_id), EnrollmentStatus.NOT_STARTED
    )
    if lesson_id and state.lesson is not None:
        draft.lesson_id, draft.lesson_row_id = target["lesson_id"], str(lesson_id)
        draft.lesson, draft.lesson_cleared = _difference(
            LESSON, state.lesson, replay.lessons.get(str(lesson_id)), LessonStatus.NOT_STARTED
        )
    return draft


def _difference(table: str, row: Row | None, wanted: Row | None, first: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What to set and what to clear so that ``row`` becomes ``wanted``; without one, it is as if never begun."""
    if row is None:
        return {}, ()
    names = {*row, *(row.get(STATE) or {}), *((wanted or {}).get(STATE) or {})} - NOT_OF_FACTS
    changes: dict[str, Any] = {}
    cleared: list[str] = []
    for name in sorted(names):
        value, known = value_of(wanted, name), value_of(row, name)
        if wanted is None and name == STATUS[table]:
            value = first
        if value is not None and not same(known, value):
            changes[name] = dumped(value) if isinstance(value, dict) else value
        elif value is None and known is not None and name not in KEPT:
            cleared.append(name)
    return changes, tuple(cleared)
