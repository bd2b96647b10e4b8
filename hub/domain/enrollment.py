"""The decision of an enrollment: (state of its stream, facts told of it) → one event's draft, or none.

Rules, in the order in which they are applied:

1. A state older than the last one of the LMS is *late*: it is recorded, adds what only adds up (time, sessions), tells
   earlier beginnings, tells what nothing newer has told (so that facts which arrive in disorder are not lost), and moves
   nothing back.
2. The facts' meaning (:func:`hub.domain.status.enrollment_meaning`) and the row's status give a cell of the table in
   :mod:`hub.domain.status`. An ended row keeps its dates and its certificate for ever; a restart opens a new cycle.
3. A newer value is taken, also a lower percentage (courses grow).
4. A newer own time is a change by itself; an equal state without one is none. A single fact (a statement) is always
   recorded, also where it moves nothing, so that telling it again later is a repeat.
"""

from __future__ import annotations

from typing import Any

from hub.domain import certificate
from hub.domain.certificate import completed_day
from hub.domain.cycles import is_late, is_of_earlier_cycle, next_move, restarts, shows_work, without_earlier_days
from hub.domain.learning import Context, Draft, Facts, State, Told, new_draft, opened, said, same_draft
from hub.domain.rows import Changes, Row, value_of
from hub.domain.scores import NOTHING, Fitted, fit_facts
from hub.domain.status import ENDED, ENROLLMENT_MOVES, LAPSED, EnrollmentSigns, enrollment_meaning
from hub.domain.units import day_in
from hub.domain.values import EnrollmentStatus as E

SAME_NAME = {
    "course_name": "course_name",
    "course_code": "course_code",
    "course_type": "course_type",
    "course_version": "course_version",
    "enrollment_key": "enrollment_key",
    "instructor_id": "instructor_id",
    "instructor_name": "instructor_name",
    "credits": "credits_earned",
    "cost": "cost_amount",
    "currency": "currency_code",
    "mandatory": "is_mandatory",
    "compliance": "is_compliance_training",
    "automatic": "auto_enrollment",
    "enrollment_source": "enrollment_source",
    "learning_path_id": "learning_path_id",
    "prerequisite_courses": "prerequisite_courses",
    "next_courses": "next_courses",
    "grade": "grade_achieved",
    "last_access_at": "last_access_date",
    "accesses_total": "total_access_count",
    "time_zone": "source_time_zone",
}
"""Facts that are taken as they are: fact → column."""

FLAGS = ("completed", "passed", "suspended", "waived")
TAKEN = (
    SAME_NAME
    | {flag: flag for flag in FLAGS}
    | {"progress": "progress_percentage", "seconds_total": "time_spent_seconds"}
)
"""All facts that a newest state gives a column: fact → column."""
OF_CYCLE = frozenset({"enrollment_key", "course_version"})
"""Facts that belong to the proof of a cycle: an ended row keeps them."""
MOVING = ("progress_percentage", "time_spent_seconds", "score_achieved")
HINDERING = ("removed", "suspended", "expired", "access_ends_on", "registered")
"""Facts by which a late state could only move a row back."""
TOLD_ALREADY = {flag: flag for flag in FLAGS} | {"score": "score_achieved", "passing_score": "passing_score"}
"""Facts of a late state that do not count where the row has them already: fact → column."""
FORWARD = frozenset({"started", "completed", "certified"})
"""What a late fact may still tell."""


def decide(state: State, told: Told, facts: Facts, context: Context) -> Draft | None:
    """Decide what is told of an enrollment. None where it changes nothing."""
    facts, row = said(facts), state.enrollment
    if row is None:
        return _open(State(), told, facts, context)
    facts = without_earlier_days(row, facts)
    if is_late(row, told):
        return _late(state, row, told, facts, context)
    if facts.get("certified") is False and row["enrollment_status"] == E.CERTIFIED:
        return _go_on(state, row, told, facts, context, "certificate_revoked", E.COMPLETED)
    restart = restarts(row, told, facts)
    meaning = _meaning(None if restart else row, told, facts, context)
    move = next_move(row, told, facts, meaning, restart=restart)
    if move == "new":
        return _open(state, told, facts, context)
    return _go_on(state, row, told, facts, context, move, meaning)


def _meaning(known: Row | None, told: Told, facts: Facts, context: Context, beginning: Row | None = None) -> str:
    """The status that the facts mean, completed by what the row knows; ``beginning``: what a new cycle begins with."""
    return enrollment_meaning(signs_of(known, told, facts, context, beginning))


def signs_of(
    known: Row | None, told: Told, facts: Facts, context: Context, beginning: Row | None = None
) -> EnrollmentSigns:
    """The facts, completed by what the row knows already."""

    def sticky(fact: str, column: str) -> Any:
        told_now = facts.get(fact)
        return value_of(known, column) if told_now is None else told_now

    fitted = fit_facts(facts, lambda name: value_of(known or beginning, name))
    passing = value_of(known or beginning, "passing_score") if fitted.passing is None else fitted.passing
    status = known["enrollment_status"] if known else None
    works = shows_work(facts, passing)
    return EnrollmentSigns(
        today=day_in(context.now, context.zone),
        completed=sticky("completed", "completed"),
        passed=sticky("passed", "passed"),
        removed=bool(facts.get("removed")) or (status == E.DROPPED and not _takes_back(facts, works)),
        suspended=bool(sticky("suspended", "suspended")),
        expired=bool(facts.get("expired")) and (bool(facts.get("certified")) or not certificate.holds(known)),
        waived=bool(sticky("waived", "waived")),
        worked=works or status in (E.IN_PROGRESS, E.COMPLETED, E.FAILED) or value_of(known, "start_date") is not None,
        certified=certificate.is_certified(known, facts),
        valid_until=certificate.valid_until(known, told, facts, context),
        access_ends=sticky("access_ends_on", "end_date"),
        score=value_of(known, "score_achieved") if fitted.score is None else fitted.score,
        passing_score=passing,
        pass_satisfies=bool(context.settings.get("pass_satisfies")),
    )


def _takes_back(facts: Facts, works: bool) -> bool:
    """Whether a removal known before is contradicted: said so, or by work or a result."""
    return (
        facts.get("removed") is False or works or any(facts.get(name) for name in ("completed", "passed", "certified"))
    )


def _open(state: State, told: Told, facts: Facts, context: Context) -> Draft:
    """A new cycle: the first, or one after an end."""
    draft = new_draft(told, state.cycle + 1)
    facts = without_earlier_days(state.enrollment, facts, opening=True) if state.enrollment else facts
    changes = Changes(None)
    changes.new.update(opened(told, context))
    meaning = _meaning(None, told, facts, context, changes.new)
    _take(changes, draft, facts, _fitted(changes, facts))
    _date(changes, told, facts, context)
    changes.put("enrollment_status", E.NOT_STARTED)
    _move(changes, draft, told, facts, context, ENROLLMENT_MOVES[E.NOT_STARTED][meaning], meaning)
    changes.put("source_time", told.time)
    draft.enrollment = changes.new
    return draft


def _go_on(state: State, row: Row, told: Told, facts: Facts, context: Context, move: str, meaning: str) -> Draft | None:
    """The newest cycle goes on: details, and the move that the table allows."""
    draft = same_draft(state)
    changes = Changes(row)
    _take(changes, draft, facts, _fitted(changes, facts), frozen=row["enrollment_status"] in ENDED)
    _date(changes, told, facts, context)
    certificate.keep_up(changes, facts)
    day = completed_day(facts, context.zone)
    if day is not None and changes.known("completion_date_seen"):
        changes.put("completion_date", day)
        changes.put("completion_date_seen", False)
    _move(changes, draft, told, facts, context, move, meaning)
    if any(name in changes.new for name in MOVING):
        draft.transitions.add("enrollment.progressed")
    if "due_date" in changes.new:
        draft.transitions.add("enrollment.due_date_changed")
    if changes.new or told.single or told.source_time is not None:
        changes.put("source_time", told.time)
    if not changes.new and not told.single:
        return None
    draft.transitions = draft.transitions or {"enrollment.details_changed"}
    draft.enrollment = changes.new
    return draft


def _late(state: State, row: Row, told: Told, facts: Facts, context: Context) -> Draft:
    """A late fact: always recorded; see rule 1. What is older than the newest cycle changes nothing in it."""
    draft = same_draft(state)
    draft.late = True
    changes = Changes(row)
    if not is_of_earlier_cycle(row, told, context.zone):
        untold = {name: value for name, value in facts.items() if name not in HINDERING}
        for fact, column in TOLD_ALREADY.items():
            if value_of(row, column) is not None:
                untold.pop(fact, None)
        meaning = _meaning(row, told, untold, context)
        _fill(changes, untold, _fitted(changes, untold))
        _date(changes, told, facts, context)
        move = next_move(row, told, untold, meaning, restart=False)
        if move in FORWARD:
            _move(changes, draft, told, untold, context, move, meaning)
    draft.transitions = draft.transitions or {"enrollment.details_changed"}
    draft.enrollment = changes.new
    return draft


def _fitted(changes: Changes, facts: Facts) -> Fitted:
    return fit_facts(facts, changes.known)


def _scores(fitted: Fitted) -> dict[str, int | None]:
    """What was fitted, by column."""
    return {
        "score_achieved": fitted.score,
        "max_score": fitted.maximum,
        "passing_score": fitted.passing,
        "raw_score": fitted.raw,
        "raw_max_score": fitted.raw_max,
    }


def _take(changes: Changes, draft: Draft, facts: Facts, fitted: Fitted, *, frozen: bool = False) -> None:
    """Take the details that are told. ``frozen``: the cycle has ended, its dates and its proof stay."""
    for fact, value in facts.items():
        column = TAKEN.get(fact)
        if column is not None and frozen and fact in OF_CYCLE:
            changes.first(column, value)
        elif column is not None:
            changes.put(column, value)
    changes.add("time_spent_seconds", facts.get("seconds_more"))
    changes.add("total_access_count", facts.get("accesses_more"))
    if fitted is not NOTHING:
        for column, value in _scores(fitted).items():
            changes.put(column, value)
    if fitted.score is not None and fitted.raw is None:
        draft.enrollment_cleared += changes.unknown("raw_score", "raw_max_score")
    if frozen:
        return
    changes.put("end_date", facts.get("access_ends_on"))
    changes.first("start_date", facts.get("started_on"))
    if changes.put("due_date", facts.get("due_on")):
        draft.enrollment_cleared += changes.unknown("overdue")


def _fill(changes: Changes, facts: Facts, fitted: Fitted) -> None:
    """Take only what nothing newer has told, and what adds up."""
    for fact, column in SAME_NAME.items():
        changes.first(column, facts.get(fact))
    for flag in FLAGS:
        changes.first(flag, facts.get(flag))
    changes.first("progress_percentage", facts.get("progress"))
    changes.first("time_spent_seconds", facts.get("seconds_total"))
    changes.add("time_spent_seconds", facts.get("seconds_more"))
    changes.add("total_access_count", facts.get("accesses_more"))
    changes.first("due_date", facts.get("due_on"))
    if changes.known("score_achieved") is None:
        for column, value in _scores(fitted).items():
            changes.first(column, value)


def _first_day(told: Told, facts: Facts, zone: str) -> int:
    """The earliest day at which the facts show the learner in the course."""
    done = completed_day(facts, zone) if facts.get("completed") or facts.get("certified") else None
    known = (day_in(told.time, zone), facts.get("started_on"), done)
    return min(day for day in known if day is not None)


def _begun(told: Told, facts: Facts, zone: str) -> int:
    """The day of the first own work, as far as these facts show it."""
    started: int | None = facts.get("started_on")
    return _first_day(told, facts, zone) if started is None else started


def _date(changes: Changes, told: Told, facts: Facts, context: Context) -> None:
    """The beginnings: the day of enrollment (marked where it is only the first one seen) and of the first own work.

    A day that a source gives replaces one that was only seen; else the earliest counts.
    """
    day, first = facts.get("enrolled_on"), _first_day(told, facts, context.zone)
    if day is None and facts.get("registered"):
        day = day_in(told.time, context.zone)
    known, seen = changes.known("enrollment_date"), changes.known("enrollment_date_seen")
    if known is None:
        changes.put("enrollment_date", first if day is None else day)
        changes.put("enrollment_date_seen", True if day is None else None)
    elif day is not None and (seen or day < known):
        changes.put("enrollment_date", day)
        changes.put("enrollment_date_seen", False if seen else None)
    elif seen and first < known:
        changes.put("enrollment_date", first)
    begun = changes.known("start_date")
    if begun is not None and shows_work(facts):
        changes.put("start_date", min(begun, _begun(told, facts, context.zone)))


def _move(changes: Changes, draft: Draft, told: Told, facts: Facts, context: Context, move: str, meaning: str) -> None:
    """Move the row to the status that the facts mean, with what belongs to the move."""
    if move == ".":
        return
    today = day_in(told.time, context.zone)
    status = E.EXPIRED if meaning == LAPSED else meaning
    if status in ENDED and changes.known("enrollment_status") not in ENDED:
        changes.put("ended_at", told.time)
    changes.put("enrollment_status", status)
    draft.transitions.add(f"enrollment.{move}")
    if move == "certificate_revoked":
        changes.put("revoked_on", today)
        return
    begun = status == E.IN_PROGRESS or (shows_work(facts) and status != E.NOT_STARTED)
    if begun and changes.first("start_date", _begun(told, facts, context.zone)):
        draft.transitions.add("enrollment.started")
    if meaning in (E.COMPLETED, E.CERTIFIED, LAPSED):
        _complete(changes, draft, facts, context, today, is_state=told.source_time is None)
    if meaning in (E.CERTIFIED, LAPSED) and not certificate.holds(changes.row):
        certificate.issue(changes, draft, told, facts, context)


def _complete(changes: Changes, draft: Draft, facts: Facts, context: Context, today: int, *, is_state: bool) -> None:
    """The first completion of the cycle: its day, and a waiver's grade. A state without a time of its own (``is_state``)
    shows only that it was completed; the day on which that was seen is marked, until a source tells the day."""
    day = completed_day(facts, context.zone)
    if changes.first("completion_date", today if day is None else day):
        draft.transitions.add("enrollment.completed")
        if day is None and is_state:
            changes.put("completion_date_seen", True)
    if changes.known("waived"):
        changes.put("grade_achieved", "Waived")
        draft.transitions.discard("enrollment.completed")
        draft.transitions.add("enrollment.waived")
