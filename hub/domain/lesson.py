"""The decision of a lesson: (state, facts told of it) → one event's draft, or none.

A lesson lives in its enrollment's stream, in the newest cycle. Work in a lesson also begins the enrollment (start
date, In Progress) and moves its last access; it never completes the course. Work that is provably younger than a
cycle's end opens a new cycle where the table of enrollments says so (Dropped, Expired without completion).
Attempts and answers are added to those known, so that first-attempt figures survive a source that overwrites; late ones
too, behind what is known. A late fact tells what nothing newer has told, and moves nothing back; one that is older
than the newest cycle is recorded and changes no row.
"""

from __future__ import annotations

from typing import Any

from hub.domain import ids, lesson_work
from hub.domain.cycles import first_time_after, is_of_earlier_cycle, next_move, shows_work
from hub.domain.learning import Context, Draft, Facts, State, Told, new_draft, opened, said, same_draft
from hub.domain.rows import Changes, Row, value_of
from hub.domain.scores import NOTHING, Fitted, fit_facts
from hub.domain.status import LESSON_MOVES, LessonSigns, lesson_meaning
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
FLAGS = ("completed", "passed")
TAKEN = SAME_NAME | {flag: flag for flag in FLAGS} | {
    "progress": "completion_percentage", "seconds_total": "time_spent_seconds", "attempts_total": "attempts_count",
}  # fmt: skip
"""All facts that a newest state gives a column: fact → column."""
PROGRESS = ("completion_percentage", "time_spent_seconds", "score_achieved", "attempts_count", "interaction_data")
FORWARD = frozenset({"started", "completed"})
"""What a late fact may still tell."""
WHOLE = 10_000
"""100 percent."""


def decide(state: State, told: Told, facts: Facts, context: Context) -> Draft | None:
    """Decide what is told of a lesson. None where it changes nothing."""
    key, facts = ids.short_key(told.lesson_key or "", 100), said(facts)
    draft, enrollment = _cycle(state, told, facts, context)
    draft.lesson_id = key
    if draft.existed and is_of_earlier_cycle(enrollment.row or {}, told, context.zone):
        draft.late = True
        draft.transitions = {"lesson.details_changed"}
        return draft
    draft.lesson_row_id = ids.lesson_row(draft.row_id, key)
    row = state.lesson if draft.existed else None
    known = value_of(row, "source_time")
    changes = Changes(row)
    draft.late = known is not None and told.time < known
    if draft.late:
        _take_late(changes, draft, row, told, facts, context)
    else:
        _take_newest(changes, draft, row, told, facts, context)
    if shows_work(facts) or facts.get("completed"):
        _begin(enrollment, draft, told, facts, context)
    if any(name in changes.new for name in PROGRESS):
        draft.transitions.add("lesson.progressed")
    if not draft.late:
        if changes.new or enrollment.new or told.single or told.source_time is not None:
            changes.put("source_time", told.time)
        if not changes.new and not enrollment.new and not told.single:
            return None
    draft.enrollment, draft.lesson = enrollment.new, changes.new
    draft.transitions = draft.transitions or {"lesson.details_changed"}
    return draft


def _cycle(state: State, told: Told, facts: Facts, context: Context) -> tuple[Draft, Changes]:
    """The cycle that a lesson's fact belongs to: the newest one, or a new one."""
    row = state.enrollment
    if row is not None and not (
        shows_work(facts) and next_move(row, told, facts, E.IN_PROGRESS, restart=False) == "new"
    ):
        return same_draft(state), Changes(row)
    draft = new_draft(told, state.cycle + 1)
    changes = Changes(None)
    changes.new.update(opened(told, context))
    changes.put("enrollment_status", E.NOT_STARTED)
    changes.put("enrollment_date", day_in(told.time, context.zone))
    changes.put("enrollment_date_seen", True)
    if row is not None:
        changes.put("source_time", first_time_after(row))
    return draft, changes


def _begin(enrollment: Changes, draft: Draft, told: Told, facts: Facts, context: Context) -> None:
    """Work in a lesson is work in the course: it begins it, and an earlier beginning counts."""
    today = day_in(told.time, context.zone)
    if enrollment.known("enrollment_status") == E.NOT_STARTED:
        enrollment.put("enrollment_status", E.IN_PROGRESS)
        draft.transitions.add("enrollment.started")
    begun = enrollment.known("start_date")
    if begun is not None:
        enrollment.put("start_date", min(begun, today))
    elif enrollment.known("enrollment_status") == E.IN_PROGRESS:
        enrollment.put("start_date", today)
    if enrollment.known("enrollment_date_seen"):
        enrollment.put("enrollment_date", min(enrollment.known("enrollment_date"), today))
    seen = facts.get("last_access_at")
    enrollment.most("last_access_date", seen if seen is not None else told.source_time)


def _scores(fitted: Fitted) -> dict[str, int | None]:
    return {
        "score_achieved": fitted.score,
        "max_score": fitted.maximum,
        "raw_score": fitted.raw,
        "raw_max_score": fitted.raw_max,
    }


def _take_newest(changes: Changes, draft: Draft, row: Row | None, told: Told, facts: Facts, context: Context) -> None:
    """The newest state of the lesson: its details are taken, its status moves by the table."""
    for fact, value in facts.items():
        column = TAKEN.get(fact)
        if column is not None:
            changes.put(column, value)
    fitted = fit_facts(facts, changes.known)
    if fitted is not NOTHING:
        for column, value in _scores(fitted).items():
            changes.put(column, value)
    if fitted.score is not None and fitted.raw is None:
        draft.lesson_cleared += changes.unknown("raw_score", "raw_max_score")
    lesson_work.add_up(changes, facts)
    changes.first("first_access_date", facts.get("first_access_at"))
    changes.most("last_access_date", facts.get("last_access_at"))
    if row is None:
        changes.put("progress_status", L.NOT_STARTED)
    meaning = lesson_meaning(_signs(row, facts, fitted, context))
    move = LESSON_MOVES[changes.known("progress_status")][meaning]
    if move == "reopen?":
        move = "progressed" if facts.get("completed") is False else "."
    _move(changes, draft, told, facts, move, meaning)


def _take_late(changes: Changes, draft: Draft, row: Row | None, told: Told, facts: Facts, context: Context) -> None:
    """A late state of the lesson: what nothing newer has told, and what adds up."""
    untold = {
        name: value
        for name, value in facts.items()
        if name != "skipped" and (name not in FLAGS or value_of(row, name) is None)
    }
    for fact, column in SAME_NAME.items():
        changes.first(column, untold.get(fact))
    for flag in FLAGS:
        changes.first(flag, untold.get(flag))
    changes.first("completion_percentage", untold.get("progress"))
    changes.first("time_spent_seconds", untold.get("seconds_total"))
    changes.first("attempts_count", untold.get("attempts_total"))
    fitted = fit_facts(untold, changes.known)
    if changes.known("score_achieved") is None:
        for column, value in _scores(fitted).items():
            changes.first(column, value)
    lesson_work.add_up(changes, untold, late=True)
    _tell_earlier_access(changes, told, untold)
    meaning = lesson_meaning(_signs(row, untold, fitted, context))
    move = LESSON_MOVES[changes.known("progress_status")][meaning]
    _move(changes, draft, told, untold, move if move in FORWARD else ".", meaning)


def _tell_earlier_access(changes: Changes, told: Told, facts: Facts) -> None:
    seen = (
        facts.get("first_access_at") or facts.get("last_access_at") or (told.source_time if shows_work(facts) else None)
    )
    known = changes.known("first_access_date")
    if seen is not None:
        changes.put("first_access_date", seen if known is None else min(known, seen))
    changes.most("last_access_date", facts.get("last_access_at"))


def _signs(row: Row | None, facts: Facts, fitted: Fitted, context: Context) -> LessonSigns:
    """The facts, completed by what the row knows already."""
    old = row["progress_status"] if row else L.NOT_STARTED
    return LessonSigns(
        completed=_sticky(row, facts, "completed"),
        passed=_sticky(row, facts, "passed"),
        final=bool(facts.get("final")),
        skipped=bool(facts.get("skipped"))
        or (old == L.SKIPPED and facts.get("skipped") is None and not facts.get("completed")),
        worked=shows_work(facts, fitted.passing) or old != L.NOT_STARTED,
        score=value_of(row, "score_achieved") if fitted.score is None else fitted.score,
        passing_score=fitted.passing,
        pass_satisfies=bool(context.settings.get("pass_satisfies")),
    )


def _sticky(row: Row | None, facts: Facts, flag: str) -> Any:
    told = facts.get(flag)
    return value_of(row, flag) if told is None else told


def _move(changes: Changes, draft: Draft, told: Told, facts: Facts, move: str, meaning: str) -> None:
    """Move the lesson to the status that the facts mean, with what belongs to the move; Completed is 100 percent."""
    if move != ".":
        changes.put("progress_status", meaning)
        draft.transitions.add(f"lesson.{move}")
        if meaning != L.SKIPPED:
            changes.first("first_access_date", told.source_time)
        if meaning == L.COMPLETED:
            done = facts.get("completed_at")
            changes.first("completion_date", told.time if done is None else done)
    if changes.known("progress_status") == L.COMPLETED:
        changes.put("completion_percentage", WHOLE)
