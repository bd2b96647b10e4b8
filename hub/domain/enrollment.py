"""The decision of an enrollment: (state of its stream, facts told of it) → one event's draft, or none.

Rules, in the order in which they are applied:

1. A state older than the last one of the LMS is *late*: it is recorded, adds what only adds up (time, sessions), tells
   earlier beginnings, and moves nothing back.
2. The facts' meaning (:func:`hub.domain.status.enrollment_meaning`) and the row's status give a cell of the table in
   :mod:`hub.domain.status`. An ended row keeps its dates and its certificate for ever; a restart opens a new cycle.
3. A newer value is taken, also a lower percentage (courses grow).
4. A newer own time is a change by itself; an equal state without one is none. A single fact (a statement) is always
   recorded, also where it moves nothing, so that telling it again later is a repeat.
"""

from __future__ import annotations

from typing import Any

from hub.domain.learning import Context, Draft, Facts, State, Told, new_draft, opened, same_draft
from hub.domain.rows import Changes, Row, value_of
from hub.domain.scores import fit
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

MOVING = ("progress_percentage", "time_spent_seconds", "score_achieved")


def is_late(row: Row | None, told: Told) -> bool:
    """Whether what is told is older than the newest state of the LMS that the row holds."""
    known = value_of(row, "source_time")
    return known is not None and told.time < known


def status_key(row: Row | None) -> str | None:
    """The line of the table that a row is on: its status, ``Lapsed`` for a lapsed certificate."""
    if row is None:
        return None
    status: str = row["enrollment_status"]
    return LAPSED if status == E.EXPIRED and row.get("completion_date") is not None else status


def shows_work(facts: Facts) -> bool:
    """Whether the facts hold any sign of the learner's own work."""
    return bool(
        facts.get("worked")
        or facts.get("progress")
        or facts.get("seconds_total")
        or facts.get("seconds_more")
        or facts.get("last_access_at") is not None
        or facts.get("accesses_total")
        or facts.get("accesses_more")
        or facts.get("score") is not None
        or facts.get("started_on") is not None
    )


def restarts(row: Row, told: Told, facts: Facts) -> bool:
    """Whether the source shows that an ended cycle was begun anew: another native id, an act of enrolling after the
    end, or a completion that the LMS itself has taken back (a reset)."""
    known = value_of(row, "enrollment_key")
    if known is not None and facts.get("enrollment_key") not in (None, known):
        return True
    after = value_of(row, "ended_at") is None or told.time > value_of(row, "ended_at")
    if facts.get("registered") and after:
        return True
    if facts.get("removed") is False and row["enrollment_status"] == E.DROPPED:
        return True
    if facts.get("completed") is False and value_of(row, "completed"):
        return True
    certificate = facts.get("certificate_id")
    return bool(facts.get("certified") and certificate and certificate != value_of(row, "certificate_id") and after)


def works_after_end(row: Row, told: Told, facts: Facts) -> bool:
    """Whether work is shown that is provably younger than the end of the cycle."""
    evidence = told.source_time if told.source_time is not None else facts.get("last_access_at")
    ended = value_of(row, "ended_at")
    return evidence is not None and (ended is None or evidence > ended)


def signs_of(
    known: Row | None, facts: Facts, context: Context, score: int | None, passing: int | None
) -> EnrollmentSigns:
    """The facts, completed by what the row knows already."""

    def sticky(fact: str, column: str) -> Any:
        said = facts.get(fact)
        return value_of(known, column) if said is None else said

    certified = facts.get("certified")
    if certified is None:
        certified = value_of(known, "certificate_id") is not None and value_of(known, "revoked_on") is None
    ends = facts.get("access_ends_on")
    status = known["enrollment_status"] if known else None
    return EnrollmentSigns(
        today=day_in(context.now, context.zone),
        completed=sticky("completed", "completed"),
        passed=sticky("passed", "passed"),
        removed=bool(facts.get("removed"))
        or (status == E.DROPPED and facts.get("removed") is None and not shows_work(facts)),
        suspended=bool(sticky("suspended", "suspended")),
        expired=bool(facts.get("expired")),
        waived=bool(sticky("waived", "waived")),
        worked=shows_work(facts)
        or status in (E.IN_PROGRESS, E.COMPLETED, E.FAILED)
        or value_of(known, "start_date") is not None,
        certified=bool(certified),
        valid_until=facts.get("valid_until")
        if facts.get("valid_until") is not None
        else value_of(known, "valid_until"),
        access_ends=value_of(known, "end_date") if ends is None else ends,
        score=score if score is not None else value_of(known, "score_achieved"),
        passing_score=passing if passing is not None else value_of(known, "passing_score"),
        pass_satisfies=bool(context.settings.get("pass_satisfies")),
    )


def decide(state: State, told: Told, facts: Facts, context: Context) -> Draft | None:
    """Decide what is told of an enrollment. None where it changes nothing."""
    row = state.enrollment
    if row is None:
        return _open(State(), told, facts, context)
    if is_late(row, told):
        return _late(state, told, facts, context)
    restart = row["enrollment_status"] in ENDED and restarts(row, told, facts)
    fitted = fit(facts.get("score"), facts.get("score_min"), facts.get("score_max"), facts.get("passing_score"))
    meaning = enrollment_meaning(signs_of(None if restart else row, facts, context, fitted.score, fitted.passing))
    move = ENROLLMENT_MOVES[status_key(row) or ""][meaning]
    if move == "new?":
        move = "new" if restart else "."
    elif move == "new" and not restart and not works_after_end(row, told, facts):
        move = "."
    if restart and move == "." and row["enrollment_status"] in ENDED:
        move = "new" if meaning != E.DROPPED else "."
    if move == "new":
        return _open(state, told, facts, context)
    if facts.get("certified") is False and row["enrollment_status"] == E.CERTIFIED:
        move, meaning = "certificate_revoked", E.COMPLETED
    return _go_on(state, row, told, facts, context, move, meaning)


def _open(state: State, told: Told, facts: Facts, context: Context) -> Draft:
    """A new cycle: the first, or one after an end."""
    draft = new_draft(told, state.cycle + 1)
    changes = Changes(None)
    changes.new.update(opened(told, context))
    fitted = fit(facts.get("score"), facts.get("score_min"), facts.get("score_max"), facts.get("passing_score"))
    passing = fitted.passing if fitted.passing is not None else changes.known("passing_score")
    meaning = enrollment_meaning(signs_of(None, facts, context, fitted.score, passing))
    _take(changes, facts)
    day = facts.get("enrolled_on")
    if day is None:
        changes.put("enrollment_date_seen", not facts.get("registered"))
        day = day_in(told.time, context.zone)
    changes.put("enrollment_date", day)
    _move(changes, draft, told, facts, context, E.NOT_STARTED, meaning)
    changes.put("source_time", told.time)
    draft.enrollment = changes.new
    return draft


def _go_on(state: State, row: Row, told: Told, facts: Facts, context: Context, move: str, meaning: str) -> Draft | None:
    """The newest cycle goes on: details, and the move that the table allows."""
    draft = same_draft(state)
    changes = Changes(row)
    ended = row["enrollment_status"] in ENDED
    _take(changes, facts, frozen=ended)
    if any(name in changes.new for name in MOVING):
        draft.transitions.add("enrollment.progressed")
    if "due_date" in changes.new:
        draft.transitions.add("enrollment.due_date_changed")
    if move != ".":
        _move(changes, draft, told, facts, context, row["enrollment_status"], meaning, move)
    if not changes.new and told.source_time is None and not told.single:
        return None
    changes.put("source_time", told.time)
    if not changes.new and not told.single:
        return None
    draft.transitions = draft.transitions or {"enrollment.details_changed"}
    draft.enrollment = changes.new
    return draft


def _take(changes: Changes, facts: Facts, *, frozen: bool = False) -> None:
    """Take the details that are told. ``frozen``: the cycle has ended, its dates and its certificate stay."""
    for fact, column in SAME_NAME.items():
        changes.put(column, facts.get(fact))
    for flag in ("completed", "passed", "suspended", "waived"):
        changes.put(flag, facts.get(flag))
    changes.put("progress_percentage", facts.get("progress"))
    changes.put("time_spent_seconds", facts.get("seconds_total"))
    changes.add("time_spent_seconds", facts.get("seconds_more"))
    changes.add("total_access_count", facts.get("accesses_more"))
    fitted = fit(facts.get("score"), facts.get("score_min"), facts.get("score_max"), facts.get("passing_score"))
    for column, value in (
        ("score_achieved", fitted.score),
        ("max_score", fitted.maximum),
        ("passing_score", fitted.passing),
        ("raw_score", fitted.raw),
        ("raw_max_score", fitted.raw_max),
    ):
        changes.put(column, value)
    if not frozen:
        changes.put("end_date", facts.get("access_ends_on"))
        changes.put("due_date", facts.get("due_on"))
        changes.first("start_date", facts.get("started_on"))


def _move(
    changes: Changes,
    draft: Draft,
    told: Told,
    facts: Facts,
    context: Context,
    old: str,
    meaning: str,
    move: str | None = None,
) -> None:
    """Move the row to the status that the facts mean, with what belongs to the move."""
    today = day_in(told.time, context.zone)
    status = E.EXPIRED if meaning == LAPSED else meaning
    changes.put("enrollment_status", status)
    if move is None:
        move = ENROLLMENT_MOVES[old][meaning]
    if move not in (".", "new", "new?"):
        draft.transitions.add(f"enrollment.{move}")
    if status == E.IN_PROGRESS or (shows_work(facts) and status != E.NOT_STARTED):
        begun = changes.first("start_date", today)
        if begun or move == "started":
            draft.transitions.add("enrollment.started")
    if meaning in (E.COMPLETED, E.CERTIFIED, LAPSED) and move != "certificate_revoked":
        _complete(changes, draft, facts, context, today)
    if meaning in (E.CERTIFIED, LAPSED):
        _certify(changes, draft, told, facts, context)
    if move == "certificate_revoked":
        changes.put("revoked_on", today)
    if status in ENDED:
        changes.put("ended_at", told.time)


def _complete(changes: Changes, draft: Draft, facts: Facts, context: Context, today: int) -> None:
    """The first completion of the cycle: its day, and a waiver's grade."""
    day = facts.get("completed_on")
    if day is None and facts.get("completed_at") is not None:
        day = day_in(facts["completed_at"], context.zone)
    if day is None:
        day = facts.get("valid_from")
    if changes.first("completion_date", today if day is None else day):
        draft.transitions.add("enrollment.completed")
    if changes.known("waived"):
        changes.put("grade_achieved", "Waived")
        draft.transitions.discard("enrollment.completed")
        draft.transitions.add("enrollment.waived")


def _certify(changes: Changes, draft: Draft, told: Told, facts: Facts, context: Context) -> None:
    """The certificate: its id (else one of ours), validity (else the course's period), issuer and link."""
    revoked = changes.known("revoked_on") is not None
    if changes.known("certificate_id") is not None and not revoked:
        return
    if revoked:
        draft.enrollment_cleared = ("revoked_on",)
    draft.transitions.add("enrollment.certified")
    start = facts.get("valid_from")
    if start is None:
        start = changes.known("completion_date")
    until = facts.get("valid_until")
    days = value_of(context.course, "validity_days")
    if until is None and days:
        until = start + days
    changes.put("certificate_id", facts.get("certificate_id") or f"{told.stream}/{draft.cycle}")
    changes.put("certificate_issuer", facts.get("certificate_issuer"))
    changes.put("completion_certificate_url", facts.get("certificate_url"))
    changes.put("valid_from", start)
    changes.put("valid_until", until)


def _late(state: State, told: Told, facts: Facts, context: Context) -> Draft:
    """A late fact: recorded; adds what only adds up, tells earlier beginnings, moves nothing back."""
    draft = same_draft(state)
    draft.late = True
    draft.transitions = {"enrollment.details_changed"}
    row = state.enrollment
    changes = Changes(row)
    changes.add("time_spent_seconds", facts.get("seconds_more"))
    changes.add("total_access_count", facts.get("accesses_more"))
    day = facts.get("enrolled_on")
    if day is None and facts.get("registered"):
        day = day_in(told.time, context.zone)
    if day is not None and value_of(row, "enrollment_date_seen") and day <= value_of(row, "enrollment_date"):
        changes.put("enrollment_date", day)
        changes.put("enrollment_date_seen", False)
    begun = facts.get("started_on")
    if begun is None and shows_work(facts):
        begun = day_in(told.time, context.zone)
    known = value_of(row, "start_date")
    if begun is not None and known is not None and begun < known:
        changes.put("start_date", begun)
    draft.enrollment = changes.new
    return draft
