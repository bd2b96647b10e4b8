"""A voided statement is taken out: the rows are as if it had not been told, and the trail tells both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.bootstrap import Hub
from hub.intake.service import Intake
from tests.support import equality
from tests.support.site import COMPANY, furnish, site

ADL = "http://adlnet.gov/expapi/verbs/"
COURSE = {
    "objectType": "Activity",
    "id": "https://lms.example.org/course/1",
    "definition": {"type": "http://adlnet.gov/expapi/activities/course", "name": {"en": "Safety"}},
}
ACTOR = {"objectType": "Agent", "mbox": "mailto:learner0@example.org"}


def statement(number: int, verb: str, minute: int, **more: Any) -> dict[str, Any]:
    """One statement; ``number`` gives its id."""
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "actor": ACTOR,
        "verb": {"id": ADL + verb},
        "object": COURSE,
        "timestamp": f"2026-03-01T10:{minute:02d}:00Z",
        **more,
    }


def voiding(number: int, target: int, minute: int) -> dict[str, Any]:
    """A statement that voids another one."""
    reference = {"objectType": "StatementRef", "id": f"00000000-0000-4000-8000-{target:012d}"}
    return statement(number, "voided", minute, object=reference)


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Hub]:
    with site("postgresql", database_url, tmp_path, None) as made, made.open() as opened:
        furnish(opened, 7)
        yield opened


def take_in(hub: Hub, folder: Path, *told: dict[str, Any]) -> dict[str, int]:
    """Import statements."""
    path = folder / "told.jsonl"
    path.write_text("\n".join(map(json.dumps, told)), encoding="utf-8")
    return Intake(hub).import_file(COMPANY, "lrs", str(path), {}).plain()


def only_row(hub: Hub) -> dict[str, Any]:
    """The one enrollment there is."""
    (row,) = equality.rows(hub.url, "lms_course_enrollment").values()
    return row


def test_a_voided_completion_is_taken_out(hub: Hub, tmp_path: Path) -> None:
    """Completed, then voided: In Progress again, without a completion date; the trail has a Delete of high risk."""
    take_in(hub, tmp_path, statement(1, "initialized", 1), statement(2, "completed", 2, result={"completion": True}))
    assert only_row(hub)["enrollment_status"] == "Completed"
    told = take_in(hub, tmp_path, voiding(3, 2, 3))
    assert told["changed"] == 1
    row = only_row(hub)
    assert row["enrollment_status"] == "In Progress"
    assert row["completion_date"] is None
    retracted = [r for r in equality.rows(hub.url, "lms_audit_trail").values() if r["action"] == "Delete"]
    assert [r["risk_level"] for r in retracted] == ["High"]


def test_a_statement_whose_voiding_came_first_has_no_effect(hub: Hub, tmp_path: Path) -> None:
    """The target is voided when it arrives; it is stored and changes nothing."""
    take_in(hub, tmp_path, statement(1, "initialized", 1), voiding(3, 2, 3))
    told = take_in(hub, tmp_path, statement(2, "completed", 2, result={"completion": True}))
    assert told["stored"] == 1
    assert only_row(hub)["enrollment_status"] == "In Progress"


def test_voiding_twice_changes_nothing_more(hub: Hub, tmp_path: Path) -> None:
    """A second voiding of the same target is unchanged."""
    take_in(hub, tmp_path, statement(1, "initialized", 1), statement(2, "completed", 2, result={"completion": True}))
    take_in(hub, tmp_path, voiding(3, 2, 3))
    told = take_in(hub, tmp_path, voiding(4, 2, 4))
    assert told["changed"] == 0
