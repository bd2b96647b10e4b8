"""The two status tables: every cell is reached by facts, and every status of both enumerations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.domain import enrollment_acts as acts
from hub.domain.status import (
    ENROLLMENT_MOVES,
    LAPSED,
    LESSON_MOVES,
    EnrollmentSigns,
    LessonSigns,
    enrollment_meaning,
    lesson_meaning,
)
from hub.domain.values import EnrollmentStatus as E
from hub.domain.values import LessonStatus as L
from tests.support.told import TODAY, Stream

BEFORE, AFTER = TODAY - 30, TODAY + 30
REACH: dict[str, dict[str, Any]] = {
    E.NOT_STARTED: {},
    E.IN_PROGRESS: {"worked": True},
    E.ON_HOLD: {"suspended": True},
    E.COMPLETED: {"completed": True},
    E.FAILED: {"completed": True, "passed": False},
    E.DROPPED: {"removed": True},
    E.EXPIRED: {"expired": True},
    LAPSED: {"certified": True, "certificate_id": "c1", "valid_from": BEFORE - 9, "valid_until": BEFORE},
    E.CERTIFIED: {"certified": True, "certificate_id": "c1", "valid_from": BEFORE, "valid_until": AFTER},
}
"""Facts that bring a new row to each line of the table."""
MEAN = REACH | {
    E.NOT_STARTED: {"suspended": False},
    E.IN_PROGRESS: {"worked": True, "suspended": False},
    E.COMPLETED: {"completed": True, "passed": True},
    E.EXPIRED: {"expired": True, "suspended": False},
}
"""Facts that mean each column, whatever the row knows."""
EXTENDED = {"valid_until": AFTER}
"""Means Certified on a lapsed row without being a new certificate."""
CELLS = [(line, column, cell) for line, cells in ENROLLMENT_MOVES.items() for column, cell in cells.items()]


def line_of(stream: Stream) -> str:
    lapsed = stream.status == E.EXPIRED and stream["completion_date"] is not None
    return LAPSED if lapsed else stream.status


def given(line: str) -> Stream:
    stream = Stream()
    stream.tell(0, enrollment_key="k1", **REACH[line])
    assert line_of(stream) == line
    return stream


@pytest.mark.parametrize(("line", "column", "cell"), CELLS)
def test_a_cell_without_a_restart(line: str, column: str, cell: str) -> None:
    """lms-apis 0.2 and figures 9.2: what the facts mean moves the row as its cell says, and tells the transition.

    Of an ended row, ``new`` needs work or a result after the end, ``new?`` a restart, of which there is none here.
    """
    stream = given(line)
    facts = EXTENDED if (line, column) == (LAPSED, E.CERTIFIED) else MEAN[column]
    draft = stream.tell(5, **facts)
    assert draft is not None
    told = {name.removeprefix("enrollment.") for name in draft.transitions}
    if cell == "new":
        assert stream["cycle"] == 2
        assert "registered" in told
        assert line_of(stream) == column
    elif cell in (".", "new?"):
        assert stream["cycle"] == 1
        assert line_of(stream) == line
    else:
        assert stream["cycle"] == 1
        assert cell in told
        assert line_of(stream) == column


ENDED_CELLS = [
    (line, column, cell) for line, column, cell in CELLS if line not in (E.NOT_STARTED, E.IN_PROGRESS, E.ON_HOLD)
]


@pytest.mark.parametrize(("line", "column", "cell"), ENDED_CELLS)
def test_a_cell_with_a_restart(line: str, column: str, cell: str) -> None:
    """figures 9.2: a retake after an end (here: a new native id) is a new row; the ended row keeps everything."""
    stream = given(line)
    first = dict(stream.cycle(1))
    stream.tell(5, enrollment_key="k2", **MEAN[column])
    if cell == ".":
        assert stream["cycle"] == 1
        assert stream["enrollment_key"] == "k1"
        assert line_of(stream) == line
    else:
        assert stream["cycle"] == 2
        assert line_of(stream) == column
        assert stream.cycle(1) == first


def test_the_table_has_every_status() -> None:
    """Every value of the enumeration is a line and a column, and is reached above; Expired stands for two."""
    assert set(ENROLLMENT_MOVES) == {*E, LAPSED} == set(REACH)
    for cells in ENROLLMENT_MOVES.values():
        assert set(cells) == {*E, LAPSED}


LESSON_FACTS: dict[str, dict[str, Any]] = {
    L.NOT_STARTED: {"lesson_name": "Intro"},
    L.IN_PROGRESS: {"worked": True, "completed": False},
    L.COMPLETED: {"completed": True, "passed": True},
    L.FAILED: {"completed": True, "passed": False},
    L.SKIPPED: {"skipped": True},
}
LESSON_CELLS = [(line, column, cell) for line, cells in LESSON_MOVES.items() for column, cell in cells.items()]


@pytest.mark.parametrize(("line", "column", "cell"), LESSON_CELLS)
def test_a_cell_of_a_lesson(line: str, column: str, cell: str) -> None:
    """Every cell of the lessons' table; ``reopen?`` where the source says in so many words that it is not completed."""
    stream = Stream()
    stream.tell(0, lesson_key="l", **LESSON_FACTS[line])
    row = stream.lesson("l")
    assert row is not None
    assert row["progress_status"] == line
    before = len(stream.events)
    stream.tell(5, lesson_key="l", **LESSON_FACTS[column])
    row = stream.lesson("l")
    assert row is not None
    told = {name for event in stream.events[before:] for name in event["transitions"]}
    if cell == ".":
        assert row["progress_status"] == line
    else:
        assert row["progress_status"] == column
        assert ("lesson.progressed" if cell == "reopen?" else f"lesson.{cell}") in told
    if row["progress_status"] == L.COMPLETED:
        assert row["completion_percentage"] == 100_00


def test_a_completed_lesson_is_not_reopened_by_work() -> None:
    """``reopen?``: work alone does not reopen; and Completed stays 100 percent (figures 9.3)."""
    stream = Stream()
    stream.tell(0, lesson_key="l", completed=True)
    stream.tell(1, lesson_key="l", worked=True, progress=40_00)
    row = stream.lesson("l")
    assert row is not None
    assert (row["progress_status"], row["completion_percentage"]) == (L.COMPLETED, 100_00)


@pytest.mark.parametrize(
    ("signs", "meaning"),
    [
        ({"certified": True, "removed": True, "completed": True}, E.CERTIFIED),
        ({"certified": True, "valid_until": TODAY + 1}, E.CERTIFIED),
        ({"certified": True, "valid_until": TODAY}, LAPSED),
        ({"removed": True, "completed": True}, E.DROPPED),
        ({"waived": True}, E.COMPLETED),
        ({"completed": True, "passed": False, "score": 9, "passing_score": 5}, E.FAILED),
        ({"completed": True, "score": 49_99, "passing_score": 50_00}, E.FAILED),
        ({"completed": True, "score": 50_00, "passing_score": 50_00}, E.COMPLETED),
        ({"completed": True, "passed": True, "score": 10_00, "passing_score": 50_00}, E.COMPLETED),
        ({"completed": True, "suspended": True}, E.COMPLETED),
        ({"passed": True}, E.IN_PROGRESS),
        ({"passed": True, "pass_satisfies": True}, E.COMPLETED),
        ({"passed": False}, E.IN_PROGRESS),
        ({"suspended": True, "access_ends": TODAY - 1}, E.ON_HOLD),
        ({"access_ends": TODAY - 1, "worked": True}, E.EXPIRED),
        ({"access_ends": TODAY, "worked": True}, E.IN_PROGRESS),
        ({"expired": True, "worked": True}, E.EXPIRED),
        ({"completed": False}, E.NOT_STARTED),
        ({}, E.NOT_STARTED),
    ],
)
def test_the_first_meaning_that_fits_wins(signs: dict[str, Any], meaning: str) -> None:
    """lms-apis 0.2, sentences 1 to 8; standards 3.2; a day given as the end is the first that is no longer valid."""
    assert enrollment_meaning(EnrollmentSigns(today=TODAY, **signs)) == meaning


@pytest.mark.parametrize(
    ("signs", "meaning"),
    [
        ({"completed": True}, L.COMPLETED),
        ({"completed": True, "passed": True}, L.COMPLETED),
        ({"completed": True, "passed": False}, L.FAILED),
        ({"passed": True}, L.IN_PROGRESS),
        ({"completed": False, "passed": True, "pass_satisfies": True}, L.COMPLETED),
        ({"passed": False}, L.IN_PROGRESS),
        ({"passed": False, "final": True}, L.FAILED),
        ({"completed": False}, L.IN_PROGRESS),
        ({}, L.NOT_STARTED),
        ({"skipped": True, "worked": True}, L.SKIPPED),
    ],
)
def test_completion_and_success_of_a_lesson(signs: dict[str, Any], meaning: str) -> None:
    """standards 3.2, the pair of completion and success, line by line."""
    assert lesson_meaning(LessonSigns(**signs)) == meaning


def test_the_page_shows_the_tables() -> None:
    """docs/decisions/0007 has both tables as they are."""
    page = (Path(__file__).parents[2] / "docs" / "decisions" / "0007-deciding.md").read_text()
    for table in (ENROLLMENT_MOVES, LESSON_MOVES):
        for line, cells in table.items():
            assert f"| {line} | {' | '.join(cells.values())} |" in page


def test_acts_reach_what_the_clock_reaches() -> None:
    """The clock's lapse and end of access give the same lines of the table as facts do."""
    stream = given(E.CERTIFIED)
    stream.act(acts.lapsed, AFTER, 0)
    assert line_of(stream) == LAPSED
    stream = given(E.IN_PROGRESS)
    stream.tell(1, access_ends_on=TODAY + 1)
    stream.act(acts.access_ended, TODAY + 2, 0)
    assert line_of(stream) == E.EXPIRED
