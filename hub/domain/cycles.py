"""Cycles: which cycle of its stream a fact belongs to, and whether it opens a new one.

Arrival is not the order of events. So it is asked of every fact whether it is older than the newest state of the LMS
(*late*), whether it is older than the newest cycle altogether, and whether it shows that an ended cycle was begun anew.
"""

from __future__ import annotations

from hub.domain.certificate import renews
from hub.domain.learning import Facts, Told
from hub.domain.rows import Row, value_of
from hub.domain.status import ENDED, ENROLLMENT_MOVES, LAPSED
from hub.domain.units import day_in
from hub.domain.values import EnrollmentStatus as E

WORK = frozenset(
    {
        "worked",
        "progress",
        "seconds_total",
        "seconds_more",
        "accesses_total",
        "accesses_more",
        "attempts_total",
        "attempts_more",
        "attempt",
        "interactions",
    }
)
"""Facts that show the learner's own work where they are neither absent nor zero."""
WORK_AT = frozenset({"started_on", "first_access_at", "last_access_at"})
"""Facts that show it by a day or a moment."""

BEGINNINGS = ("enrolled_on", "started_on")


def is_late(row: Row | None, told: Told) -> bool:
    """Whether what is told is older than the newest state of the LMS that the row holds."""
    known = value_of(row, "source_time")
    return known is not None and told.time < known


def is_of_earlier_cycle(row: Row, told: Told, zone: str) -> bool:
    """Whether what is told happened on a day before the newest cycle, which is not the first, began."""
    return int(value_of(row, "cycle") or 1) > 1 and day_in(told.time, zone) < row["enrollment_date"]


def without_earlier_days(row: Row, facts: Facts, *, opening: bool = False) -> Facts:
    """The facts without beginnings that belong to a cycle before: an LMS that resets a course often goes on telling them.

    ``opening``: a cycle after that of ``row`` is opened by these facts.
    """
    if not opening and int(value_of(row, "cycle") or 1) == 1:
        return facts
    first = row["enrollment_date"]
    if opening:
        first = max(first, row.get("start_date") or first) + 1
    stale = [name for name in BEGINNINGS if facts.get(name) is not None and facts[name] < first]
    return {name: value for name, value in facts.items() if name not in stale} if stale else facts


def status_key(row: Row) -> str:
    """The line of the table that a row is on: its status, ``Lapsed`` for a lapsed certificate."""
    status: str = row["enrollment_status"]
    return LAPSED if status == E.EXPIRED and row.get("completion_date") is not None else status


def shows_work(facts: Facts, passing: int | None = None) -> bool:
    """Whether the facts hold any sign of the learner's own work.

    A score alone is none (many LMSs report 0 for whoever has not begun) unless a pass mark is known.
    """
    for name, value in facts.items():
        if (value and name in WORK) or (value is not None and name in WORK_AT):
            return True
    return facts.get("score") is not None and (passing is not None or facts.get("passing_score") is not None)


def ended_at(row: Row) -> int | None:
    """When the cycle ended; where a person's correction ended it, the newest state of the LMS before it."""
    at: int | None = value_of(row, "ended_at")
    return value_of(row, "source_time") if at is None else at


def first_time_after(row: Row) -> int:
    """The time of an LMS's state from which on it belongs to the cycle after ``row``: all up to the end is of ``row``."""
    return max(ended_at(row) or 0, value_of(row, "source_time") or 0) + 1


def restarts(row: Row, told: Told, facts: Facts) -> bool:
    """Whether the source shows that an ended cycle was begun anew: another native id, an act of enrolling after the
    end, a removal or a completion that the LMS itself has taken back, or a renewed certificate."""
    if row["enrollment_status"] not in ENDED:
        return False
    known = value_of(row, "enrollment_key")
    if known is not None and facts.get("enrollment_key") not in (None, known):
        return True
    end = ended_at(row)
    if facts.get("registered") and told.source_time is not None and (end is None or told.source_time > end):
        return True
    if facts.get("removed") is False and row["enrollment_status"] == E.DROPPED:
        return True
    return (facts.get("completed") is False and bool(value_of(row, "completed"))) or renews(row, facts)


def works_after_end(row: Row, told: Told, facts: Facts) -> bool:
    """Whether work, or a result of it, is shown that is provably younger than the end of the cycle."""
    results = ("completed", "passed", "certified")
    if not shows_work(facts) and not any(facts.get(name) for name in results):
        return False
    evidence = told.source_time if told.source_time is not None else facts.get("last_access_at")
    end = ended_at(row)
    return evidence is not None and (end is None or evidence > end)


def next_move(row: Row, told: Told, facts: Facts, meaning: str, *, restart: bool) -> str:
    """What the table says of a row and what facts mean: ``.``, ``new`` or the name of a transition."""
    cell = ENROLLMENT_MOVES[status_key(row)][meaning]
    if cell == "." or row["enrollment_status"] not in ENDED:
        return cell
    if restart:
        return "new"
    if cell == "new":
        return cell if works_after_end(row, told, facts) else "."
    return "." if cell == "new?" else cell
