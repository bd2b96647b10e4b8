"""The decision of a lesson: (state, facts told of it) → one event's draft, or none.

A lesson lives in its enrollment's stream, in the newest cycle. Work in a lesson also begins the enrollment (start
date, In Progress) and moves its last access; it never completes the course. Work that is provably younger than a
cycle's end opens a new cycle where the table of enrollments says so (Dropped, Expired without completion).
Attempts and answers are added to those known, so that first-attempt figures survive a source that overwrites.
"""

from __future__ import annotations

import json
from typing import Any

from hub.domain import ids
from hub.domain.enrollment import shows_work, status_key, works_after_end
from hub.domain.learning import Context, Draft, Facts, State, Told, new_draft, opened, same_draft
from hub.domain.rows import Changes, Row, dumped, loaded, value_of
from hub.domain.scores import Fitted, fit
from hub.domain.status import ENROLLMENT_MOVES, LESSON_MOVES, LessonSigns, lesson_meaning
from hub.domain.units import day_in
from hub.domain.values import EnrollmentStatus as E
from hub.domain.values import LessonStatus as L

SAME_NAME = {
    "lesson_name": "lesson_name",
    "lesson_type": "lesson_type",
    "next_lesson_id": "next_lesson_id",
    "prerequisites_completed": "prerequisites_completed",
    "mandatory": "is_mandatory_lesson",
    "feedback": "feedback_data",
    "bookmark": "bookmark_data",
}
NEWEST_ANSWERS = 500
PROGRESS = ("completion_percentage", "time_spent_seconds", "score_achieved", "attempts_count", "interaction_data")


def decide(state: State, told: Told, facts: Facts, context: Context) -> Draft | None:
    """Decide what is told of a lesson. None where it changes nothing."""
    key = ids.short_key(told.lesson_key or "", 100)
    draft, enrollment = _cycle(state, told, facts, context)
    draft.lesson_id = key
    draft.lesson_row_id = ids.lesson_row(draft.row_id, key)
    row = state.lesson if draft.existed else None
    known = value_of(row, "source_time")
    if known is not None and told.time < known:
        return _late(draft, row, told, facts)
    changes = Changes(row)
    fitted = fit(facts.get("score"), facts.get("score_min"), facts.get("score_max"), facts.get("passing_score"))
    _take(changes, facts, fitted)
    _move(changes, draft, row, told, facts, fitted, context)
    if shows_work(facts) or facts.get("completed"):
        _begin(enrollment, draft, told, facts, context)
    draft.enrollment = enrollment.new
    if any(name in changes.new for name in PROGRESS):
        draft.transitions.add("lesson.progressed")
    nothing = not changes.new and not enrollment.new
    if nothing and told.source_time is None and not told.single:
        return None
    if not changes.put("source_time", told.time) and nothing and not told.single:
        return None
    draft.lesson = changes.new
    draft.transitions = draft.transitions or {"lesson.details_changed"}
    return draft


def _cycle(state: State, told: Told, facts: Facts, context: Context) -> tuple[Draft, Changes]:
    """The cycle that a lesson's fact belongs to: the newest one, or a new one."""
    row = state.enrollment
    if row is not None:
        move = ENROLLMENT_MOVES[status_key(row) or ""][E.IN_PROGRESS]
        if move != "new" or not works_after_end(row, told, facts):
            return same_draft(state), Changes(row)
    draft = new_draft(told, state.cycle + 1)
    changes = Changes(None)
    changes.new.update(opened(told, context))
    changes.put("enrollment_status", E.NOT_STARTED)
    changes.put("enrollment_date", day_in(told.time, context.zone))
    changes.put("enrollment_date_seen", True)
    return draft, changes


def _begin(enrollment: Changes, draft: Draft, told: Told, facts: Facts, context: Context) -> None:
    """Work in a lesson is work in the course."""
    if enrollment.known("enrollment_status") == E.NOT_STARTED:
        enrollment.put("enrollment_status", E.IN_PROGRESS)
        draft.transitions.add("enrollment.started")
    if enrollment.known("enrollment_status") == E.IN_PROGRESS:
        enrollment.first("start_date", day_in(told.time, context.zone))
    seen = facts.get("last_access_at")
    enrollment.most("last_access_date", seen if seen is not None else told.source_time)


def _take(changes: Changes, facts: Facts, fitted: Fitted) -> None:
    """Take the details that are told."""
    for fact, column in SAME_NAME.items():
        changes.put(column, facts.get(fact))
    changes.put("completion_percentage", facts.get("progress"))
    changes.put("time_spent_seconds", facts.get("seconds_total"))
    changes.add("time_spent_seconds", facts.get("seconds_more"))
    for column, value in (
        ("score_achieved", fitted.score),
        ("max_score", fitted.maximum),
        ("raw_score", fitted.raw),
        ("raw_max_score", fitted.raw_max),
    ):
        changes.put(column, value)
    changes.put("attempts_count", facts.get("attempts_total"))
    changes.add("attempts_count", facts.get("attempts_more"))
    _attempt(changes, facts)
    _answers(changes, facts)
    changes.first("first_access_date", facts.get("first_access_at"))
    changes.most("last_access_date", facts.get("last_access_at"))


def _attempt(changes: Changes, facts: Facts) -> None:
    """Keep the attempt that is told beside those known, by its number (else as the next one)."""
    told = facts.get("attempt")
    if told is None:
        return
    attempts = list(loaded(changes.known("assessment_results")) or [])
    attempt = json.loads(told)
    number = attempt.get("number")
    if number is None:
        if any({**known, "number": None} == {**attempt, "number": None} for known in attempts):
            return
        attempt["number"] = number = len(attempts) + 1
    attempts = sorted([known for known in attempts if known.get("number") != number] + [attempt], key=_number)
    changes.put("assessment_results", dumped(attempts))
    changes.most("attempts_count", len(attempts))


def _number(attempt: dict[str, Any]) -> int:
    return int(attempt["number"])


def _answers(changes: Changes, facts: Facts) -> None:
    """Keep the answers that are told beside those known, by their ids; the newest 500."""
    told = facts.get("interactions")
    if told is None:
        return
    new = json.loads(told)
    again = {answer.get("id") for answer in new}
    known = [answer for answer in loaded(changes.known("interaction_data")) or [] if answer.get("id") not in again]
    changes.put("interaction_data", dumped((known + new)[-NEWEST_ANSWERS:]))


def _move(
    changes: Changes, draft: Draft, row: Row | None, told: Told, facts: Facts, fitted: Fitted, context: Context
) -> None:
    """Move the lesson to the status that the facts mean."""
    old = row["progress_status"] if row else L.NOT_STARTED
    signs = LessonSigns(
        completed=_sticky(row, facts, "completed"),
        passed=_sticky(row, facts, "passed"),
        final=bool(facts.get("final")),
        skipped=bool(facts.get("skipped")) or (old == L.SKIPPED and facts.get("skipped") is None),
        worked=shows_work(facts) or bool(facts.get("attempts_more")) or old != L.NOT_STARTED,
        score=fitted.score if fitted.score is not None else value_of(row, "score_achieved"),
        passing_score=fitted.passing,
        pass_satisfies=bool(context.settings.get("pass_satisfies")),
    )
    meaning = lesson_meaning(signs)
    move = LESSON_MOVES[old][meaning]
    for flag in ("completed", "passed"):
        changes.put(flag, facts.get(flag))
    if row is None:
        changes.put("progress_status", old)
    if move == "reopen?":
        if facts.get("completed") is not False:
            return
        move = "progressed"
    if move == ".":
        return
    changes.put("progress_status", meaning)
    draft.transitions.add(f"lesson.{move}")
    if meaning in (L.IN_PROGRESS, L.COMPLETED, L.FAILED):
        changes.first("first_access_date", told.source_time)
    if meaning == L.COMPLETED:
        done = facts.get("completed_at")
        changes.first("completion_date", told.time if done is None else done)
        changes.put("completion_percentage", 10_000)


def _sticky(row: Row | None, facts: Facts, flag: str) -> Any:
    said = facts.get(flag)
    return value_of(row, flag) if said is None else said


def _late(draft: Draft, row: Row | None, told: Told, facts: Facts) -> Draft:
    """A late fact: recorded; adds what only adds up, tells earlier beginnings, moves nothing back."""
    changes = Changes(row)
    changes.add("time_spent_seconds", facts.get("seconds_more"))
    changes.add("attempts_count", facts.get("attempts_more"))
    seen = facts.get("first_access_at") or facts.get("last_access_at") or told.source_time
    known = changes.known("first_access_date")
    if seen is not None and known is not None and seen < known:
        changes.put("first_access_date", seen)
    draft.late = True
    draft.transitions = {"lesson.details_changed"}
    draft.lesson = changes.new
    return draft
