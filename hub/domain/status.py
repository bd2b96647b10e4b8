"""Status: what a source's facts mean, and what moves a row from one status to another.

Two questions, answered apart. *What do the facts mean?* :func:`enrollment_meaning` and :func:`lesson_meaning`: the first
that fits wins. *May the row move there?* The two tables below, one line per
status that a row has, one column per status that the facts mean:

``name``    the row moves, and this transition is told
``.``       the row stays as it is
``new``     work, or a result of it, after the end opens a new cycle; the ended row stays for ever
``new?``    only a restart opens a new cycle; else the row stays

On the line of an ended row a *restart* (:func:`hub.domain.cycles.restarts`: another native id, a new act of enrolling, a
removal or completion taken back, a renewed certificate) opens a new cycle in every cell but ``.``.

``Expired`` stands for two things: access ran out before completion (``Expired``), and a certificate that lapsed
(``Lapsed``: Expired with a completion date).
"""

from __future__ import annotations

from typing import NamedTuple

from hub.domain.values import EnrollmentStatus as E
from hub.domain.values import LessonStatus as L

ENROLLMENT_TABLE = """
from         | Not Started  In Progress  Completed  Failed  Dropped    On Hold  Expired  Lapsed              Certified
Not Started  | .            started      completed  failed  withdrawn  held     expired  certificate_lapsed  certified
In Progress  | .            .            completed  failed  withdrawn  held     expired  certificate_lapsed  certified
On Hold      | resumed      resumed      completed  failed  withdrawn  .        expired  certificate_lapsed  certified
Completed    | new?         new?         new?       new?    .          new?     new?     certificate_lapsed  certified
Failed       | new?         new?         completed  new?    .          new?     new?     certificate_lapsed  certified
Dropped      | new?         new          new        new     .          new?     new?     new                 new
Expired      | new?         new          new        new     .          new?     new?     new                 new
Lapsed       | new?         new?         new?       new?    .          new?     new?     new?                new?
Certified    | new?         new?         new?       new?    .          new?     new?     certificate_lapsed  new?
"""

LESSON_TABLE = """
from         | Not Started  In Progress  Completed  Failed  Skipped
Not Started  | .            started      completed  failed  skipped
In Progress  | .            .            completed  failed  skipped
Completed    | .            reopen?      .          failed  .
Failed       | .            .            completed  .       skipped
Skipped      | .            .            completed  .       .
"""
"""``reopen?``: back to In Progress only where the source says in so many words that it is not completed."""

LAPSED = "Lapsed"


def _read(table: str) -> dict[str, dict[str, str]]:
    """A table of the text above as ``{from: {to: cell}}``; columns are found by their position in the head line."""
    lines = [line for line in table.strip("\n").splitlines() if line.strip()]
    head = lines[0].split("|")[1]
    names = [name.strip() for name in head.split("  ") if name.strip()]
    read: dict[str, dict[str, str]] = {}
    for line in lines[1:]:
        source, cells = line.split("|")
        values = cells.split()
        if len(values) != len(names):
            raise ValueError(f"the line of {source.strip()} has {len(values)} cells, not {len(names)}")
        read[source.strip()] = dict(zip(names, values, strict=True))
    return read


ENROLLMENT_MOVES = _read(ENROLLMENT_TABLE)
LESSON_MOVES = _read(LESSON_TABLE)

ENDED = frozenset({E.COMPLETED, E.FAILED, E.DROPPED, E.EXPIRED, E.CERTIFIED})
"""The statuses in which a cycle has ended."""


class EnrollmentSigns(NamedTuple):
    """Everything that the status of a cycle follows from. Days are days since 1970 in the company's zone."""

    today: int
    completed: bool | None = None
    passed: bool | None = None
    removed: bool = False
    suspended: bool = False
    expired: bool = False
    waived: bool = False
    worked: bool = False
    certified: bool = False
    valid_until: int | None = None
    access_ends: int | None = None
    score: int | None = None
    passing_score: int | None = None
    pass_satisfies: bool = False


def enrollment_meaning(signs: EnrollmentSigns) -> str:
    """The status that the facts mean (``Lapsed`` for a certificate past its end); the first that fits wins."""
    if signs.certified:
        past = signs.valid_until is not None and signs.valid_until <= signs.today
        return LAPSED if past or signs.expired else E.CERTIFIED
    if signs.removed:
        return E.DROPPED
    if signs.waived:
        return E.COMPLETED
    if signs.completed:
        return E.FAILED if _failing(signs) else E.COMPLETED
    if signs.passed and signs.pass_satisfies:
        return E.COMPLETED
    if signs.suspended:
        return E.ON_HOLD
    if signs.expired or (signs.access_ends is not None and signs.access_ends < signs.today):
        return E.EXPIRED
    return E.IN_PROGRESS if signs.worked or signs.passed is not None else E.NOT_STARTED


def _failing(signs: EnrollmentSigns | LessonSigns) -> bool:
    """An explicit failing result: said so, or (where nothing is said) a score below a known pass mark."""
    if signs.passed is not None:
        return not signs.passed
    return signs.score is not None and signs.passing_score is not None and signs.score < signs.passing_score


class LessonSigns(NamedTuple):
    """Everything that the status of a lesson follows from."""

    completed: bool | None = None
    passed: bool | None = None
    final: bool = False
    skipped: bool = False
    worked: bool = False
    score: int | None = None
    passing_score: int | None = None
    pass_satisfies: bool = False


def lesson_meaning(signs: LessonSigns) -> str:
    """The status of a lesson that the facts mean."""
    if signs.skipped:
        return L.SKIPPED
    if signs.completed:
        return L.FAILED if _failing(signs) else L.COMPLETED
    if signs.passed and signs.pass_satisfies:
        return L.COMPLETED
    if signs.passed is False and signs.final:
        return L.FAILED
    return L.IN_PROGRESS if signs.worked or signs.passed is not None or signs.completed is False else L.NOT_STARTED
