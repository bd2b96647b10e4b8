"""The decision of a lesson: its status, what adds up, late facts, and what its work means for the enrollment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.domain.rows import Row, dumped, value_of
from hub.domain.values import EnrollmentStatus as E
from hub.domain.values import LessonStatus as L
from hub.errors import Unusable
from tests.support.told import HOUR, NOON, TODAY, Stream, flat


def row_of(stream: Stream, key: str = "l") -> Row:
    row = stream.lesson(key)
    assert row is not None
    return row


def test_work_in_a_lesson_begins_the_enrollment_but_never_completes_it() -> None:
    """standards 3.1: a lesson never completes the course."""
    stream = Stream()
    draft = stream.tell(0, lesson_key="l", completed=True, last_access_at=NOON)
    assert draft is not None
    assert draft.type == "lms.lesson.completed.v1"
    happened = ["lesson.progressed", "enrollment.registered", "enrollment.started", "lesson.completed"]
    assert stream.events[0]["transitions"] == happened
    assert (stream.status, stream["start_date"], stream["last_access_date"]) == (E.IN_PROGRESS, TODAY, NOON)
    assert (row_of(stream)["completion_percentage"], row_of(stream)["completion_date"]) == (100_00, NOON)


def test_details_of_a_lesson_begin_nothing() -> None:
    """A lesson that is only named is Not Started, and so is the enrollment."""
    stream = Stream()
    stream.tell(0, lesson_key="l", lesson_name="Intro", lesson_type="Quiz", mandatory=True, prerequisites_completed=False,
                next_lesson_id="m", score=0)  # fmt: skip
    assert (row_of(stream)["progress_status"], stream.status) == (L.NOT_STARTED, E.NOT_STARTED)
    assert stream.tell(1, lesson_key="l", lesson_name="Intro 2") is not None
    assert stream.events[1]["type"] == "lms.lesson.details_changed.v1"


def test_a_long_lesson_key_has_an_alias() -> None:
    """design 4: the alias of a key longer than the column."""
    stream = Stream()
    stream.tell(0, lesson_key="l" * 200, worked=True)
    assert len(row_of(stream, "l" * 200)["lesson_id"]) == 24


def test_an_equal_state_is_none_but_a_newer_own_time_is_a_change() -> None:
    """design 4, as for enrollments."""
    stream = Stream()
    stream.tell(0, lesson_key="l", progress=40_00)
    assert stream.tell(0, lesson_key="l", progress=40_00) is None
    assert stream.tell(None, seen=1, lesson_key="l", progress=40_00) is None
    assert stream.tell(2, lesson_key="l", progress=40_00) is not None


def test_json_is_compared_by_what_it_says() -> None:
    """A bookmark written otherwise is not another one, also after it was read back from the table."""
    stream = Stream()
    stream.tell(None, seen=0, lesson_key="l", bookmark='{"location": 3,  "data": "x"}')
    key = next(key for key in stream.rows if key[0] == "lms_learning_progress")
    stream.rows[key] = {**stream.rows[key], "bookmark_data": {"data": "x", "location": 3}}
    assert stream.tell(None, seen=1, lesson_key="l", bookmark='{"location": 3,  "data": "x"}') is None


def attempt(**values: Any) -> str:
    return dumped(values)


def test_attempts_survive_a_source_that_overwrites() -> None:
    """figures 9.3: per attempt number, time, score, passed; late ones too, which overwrite nothing."""
    stream = Stream()
    stream.tell(1, lesson_key="q", attempt=attempt(score=4, passed=False), attempts_more=1)
    stream.tell(2, lesson_key="q", attempt=attempt(score=9, passed=True), attempts_more=1)
    stream.tell(2.5, lesson_key="q", attempt=attempt(score=9, passed=True))
    stream.tell(0, lesson_key="q", attempt=attempt(number=1, score=0), attempts_more=1, seconds_more=5, single=True)
    stream.tell(0, lesson_key="q", attempt=attempt(score=1), single=True)
    told = json.loads(row_of(stream, "q")["assessment_results"])
    assert [(one["number"], one["score"]) for one in told] == [(1, 4), (2, 9), (3, 1)]
    assert (row_of(stream, "q")["attempts_count"], row_of(stream, "q")["time_spent_seconds"]) == (3, 5)


def test_answers_are_kept_by_id_the_newest_500() -> None:
    """figures 9.3: answers as {id, …}, newest 500; a late answer is not newer than one that is known."""
    stream = Stream()
    stream.tell(1, lesson_key="q", interactions=dumped([{"id": str(number), "response": "a"} for number in range(500)]))
    stream.tell(2, lesson_key="q", interactions=dumped([{"id": "3", "response": "b"}, {"id": "new", "response": "c"}]))
    stream.tell(0, lesson_key="q", interactions=dumped([{"id": "3", "response": "z"}, {"id": "old"}]), single=True)
    answers = json.loads(row_of(stream, "q")["interaction_data"])
    assert len(answers) == 500
    assert answers[-2:] == [{"id": "3", "response": "b"}, {"id": "new", "response": "c"}]
    assert {"id": "0", "response": "a"} not in answers


@pytest.mark.parametrize("facts", [{"attempt": "[1]"}, {"attempt": "{"}, {"attempt": '{"number": "x"}'}, {"interactions": "{}"},
                                   {"interactions": "[3]"}, {"attempt": "[" * 9999}])  # fmt: skip
def test_a_misshapen_attempt_or_answer_is_unusable(facts: dict[str, str]) -> None:
    """Bad input ends as a dead letter that names the field, the rule and what was expected."""
    with pytest.raises(Unusable) as problem:
        Stream().tell(0, lesson_key="q", **facts)
    assert (problem.value.field, problem.value.rule) == (next(iter(facts)), "shape")
    assert "expected" in str(problem.value)


def test_a_late_fact_tells_what_nothing_newer_has_told() -> None:
    """A completion that comes late is not lost; a newer percentage stays; the first access moves back."""
    stream = Stream()
    stream.tell(5, lesson_key="l", progress=30_00, first_access_at=NOON + 5 * HOUR)
    draft = stream.tell(4, lesson_key="l", worked=True, progress=90_00, skipped=True, single=True)
    assert draft is not None
    assert draft.late
    row = row_of(stream)
    assert (row["progress_status"], row["completion_percentage"]) == (L.IN_PROGRESS, 30_00)
    assert row["first_access_date"] == NOON + 4 * HOUR
    stream.tell(3, lesson_key="l", completed=True, score=8_0000, score_max=10_0000, single=True)
    assert (row_of(stream)["progress_status"], row_of(stream)["score_achieved"]) == (L.COMPLETED, 8_00)
    assert value_of(row_of(stream), "source_time") == NOON + 5 * HOUR


def test_work_after_the_end_opens_a_cycle() -> None:
    """figures 9.2: work after Dropped is a new row; states up to the end do not touch it."""
    stream = Stream()
    stream.tell(0, lesson_key="l", progress=40_00)
    stream.tell(1, removed=True)
    stream.tell(2, lesson_key="l", lesson_name="Renamed")
    assert (stream["cycle"], stream.status) == (1, E.DROPPED)
    stream.tell(3, lesson_key="l", progress=45_00)
    assert (stream["cycle"], stream.status) == (2, E.IN_PROGRESS)
    assert row_of(stream)["completion_percentage"] == 45_00
    draft = stream.tell(1, removed=True)
    assert draft is not None
    assert draft.late
    assert (stream["cycle"], stream.status) == (2, E.IN_PROGRESS)


def test_a_lesson_of_an_earlier_cycle_is_recorded_and_changes_no_row() -> None:
    """A late completion of the first cycle's lesson does not complete it in the second."""
    stream = Stream()
    stream.tell(0, completed=True)
    stream.tell(9 * 24, registered=True)
    known = stream.known()
    draft = stream.tell(-24, lesson_key="l", completed=True, single=True)
    assert draft is not None
    assert (draft.late, draft.lesson_row_id) == (True, None)
    assert stream.known() == known


def test_lessons_of_a_completed_course_leave_its_status() -> None:
    """Work goes on after completion: the lesson moves, the ended row keeps status and dates."""
    stream = Stream()
    stream.tell(0, completed=True)
    stream.tell(1, lesson_key="l", worked=True, last_access_at=NOON + HOUR)
    assert (stream.status, stream["last_access_date"]) == (E.COMPLETED, NOON + HOUR)
    assert row_of(stream)["progress_status"] == L.IN_PROGRESS


def test_scores_of_a_lesson_are_fitted_as_those_of_a_course() -> None:
    """Trap 32 in a lesson."""
    stream = Stream()
    stream.tell(0, lesson_key="l", score=1450_0000, score_max=1500_0000)
    stream.tell(1, lesson_key="l", score=750_0000)
    assert (row_of(stream)["score_achieved"], row_of(stream)["max_score"]) == (50_00, 100_00)
    stream.tell(2, lesson_key="l", score=5_0000, score_max=10_0000)
    assert "raw_score" not in flat(row_of(stream))
