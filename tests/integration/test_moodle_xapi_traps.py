"""Traps of Moodle's xAPI plugin, by their numbers, from a file of statements to the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.bootstrap import Hub
from tests.integration.test_voiding import COURSE, hub, statement, take_in
from tests.support import equality

__all__ = ["hub"]
SITE = "https://lms.example.org"
QUIZ = {
    "objectType": "Activity",
    "id": f"{SITE}/mod/quiz/view.php?id=7",
    "definition": {"type": "http://adlnet.gov/expapi/activities/assessment", "name": {"en": "Exam"}},
}
IN_COURSE: dict[str, Any] = {"object": QUIZ, "context": {"contextActivities": {"parent": [COURSE]}}}
HALF = {"completion": True, "score": {"min": 0, "max": 100, "raw": 50, "scaled": 0.0}}


def the_only(hub: Hub, table: str) -> dict[str, Any]:
    (row,) = equality.rows(hub.url, table).values()
    return row


def test_trap_16_course_without_a_result_and_scaled_zero(hub: Hub, tmp_path: Path) -> None:
    """Trap 16: a course is completed by the verb alone; of scaled 0.0 and raw 50 of 100 the raw score counts."""
    accounting = take_in(
        hub, tmp_path, statement(1, "completed", 1, **IN_COURSE, result=HALF), statement(2, "completed", 2)
    )
    assert (accounting["changed"], accounting["rejected"]) == (2, 0)
    assert the_only(hub, "lms_course_enrollment")["enrollment_status"] == "Completed"
    lesson = the_only(hub, "lms_learning_progress")
    assert (lesson["score_achieved"], lesson["max_score"]) == (50, 100)


def test_trap_17_the_same_statement_under_a_new_id_is_one_fact(hub: Hub, tmp_path: Path) -> None:
    """Trap 17: a sender that retries gives its statements new ids; both are kept, and only one counts."""
    assert take_in(hub, tmp_path, statement(1, "completed", 1, **IN_COURSE, result=HALF))["changed"] == 1
    before = the_only(hub, "lms_learning_progress")
    again = take_in(hub, tmp_path, statement(9, "completed", 1, **IN_COURSE, result=HALF))
    assert (again["changed"], again["unchanged"]) == (0, 1)
    assert the_only(hub, "lms_learning_progress") == before
    assert len(equality.rows(hub.url, "xapi_statement")) == 2
