"""What a person writes to put an enrollment right, the sentences of an answer, and what versions keep for both."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hub.asof.putting_right import values
from hub.asof.sentences import sentence
from hub.domain.units import days
from hub.errors import Refused
from projections.engine.versions import version_of
from projections.folds import fold
from projections.tables import TABLES
from tests.support.told import EMPLOYEE, ENROLLMENT, OTHER, Stream

ROW: dict[str, Any] = {
    "employee_number": "E1", "employee_name": "Ada Hale", "course_name": "Safety", "asked_course": "C-1", "is_valid": False,
    "is_valid_by_now_known": False, "verdict": "lapsed", "verdict_day": date(2026, 5, 1), "completion_date": date(2025, 5, 1),
    "course_version": "3", "enrollment_number": "E-7", "lms_code": "learn", "is_waived": False, "valid_until": None,
    "enrollment_status": "In Progress",
}  # fmt: skip
ON = date(2026, 5, 3)


def test_values_are_read_by_their_column() -> None:
    """Days, decimals, words and flags become plain values; case of a status does not matter."""
    given = [
        "completion_date=2026-05-01",
        "score_achieved= 87.5",
        "enrollment_status=in progress",
        "is_mandatory=yes",
        "course_version=3",
    ]
    assert values(given) == {
        "completion_date": days(date(2026, 5, 1)), "score_achieved": 8750, "enrollment_status": "In Progress",
        "is_mandatory": True, "course_version": "3",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "completion_date",
        "employee_id=1",
        "due_date=31.12.2026",
        "score_achieved=1e-9",
        "score_achieved=NaN",
        "is_mandatory=maybe",
    ],
)
def test_what_does_not_fit_is_named(text: str) -> None:
    """The refusal names the value or its column."""
    with pytest.raises(Refused, match=text.partition("=")[0]):
        values([text])


@pytest.mark.parametrize(
    ("change", "end"),
    [
        ({}, "completed on 2025-05-01, lapsed on 2026-05-01 (version 3, E-7 of learn)."),
        ({"verdict": "revoked"}, "completed on 2025-05-01, revoked on 2026-05-01 (version 3, E-7 of learn)."),
        ({"verdict": "never enrolled"}, "no enrollment had begun."),
        ({"verdict": "not completed"}, "enrolled on 2026-05-01, In Progress (version 3, E-7 of learn)."),
        ({"verdict": "completed later"}, "it was completed only on 2026-05-01 (version 3, E-7 of learn)."),
        ({"verdict": "known only later"}, "what shows one was recorded only on 2026-05-01."),
        ({"verdict": "valid", "is_valid": True, "is_waived": True, "is_valid_by_now_known": True},
         "excused on 2026-05-01, without an end (version 3, E-7 of learn)."),
        ({"verdict": "valid", "is_valid": True}, "By what is known now it was not valid."),
    ],
)  # fmt: skip
def test_each_verdict_is_a_sentence(change: dict[str, Any], end: str) -> None:
    """Who, what, on which day, as known when, and why."""
    row = ROW | change
    told = sentence(row, ON, date(2026, 6, 10))
    held = "a valid" if row["is_valid"] else "no valid"
    assert told.startswith(
        f"E1 (Ada Hale) held {held} completion of Safety (C-1) on 2026-05-03, as known on 2026-06-10: "
    )
    assert told.endswith(end)


def test_a_version_says_whom_it_left_and_what_put_it_right() -> None:
    """The former employee only where it changed; the event that is taken out; a person's correction."""
    stream = Stream()
    stream.tell(0, registered=True, progress=100)
    told = stream.events[0]
    first = fold(told, lambda *_: None)
    (row,) = (row for (table, _), row in first.items() if table == ENROLLMENT)
    row = row | {"employee_id": EMPLOYEE}
    moved = version_of(TABLES[ENROLLMENT], row, row | {"employee_id": OTHER}, told)
    assert (moved["former_employee_id"], moved["corrected"], moved["retracts"]) == (EMPLOYEE, None, None)
    right = told | {"transitions": ["enrollment.corrected"], "retracts": "x"}
    kept = version_of(TABLES[ENROLLMENT], row, row, right)
    assert (kept["former_employee_id"], kept["corrected"], kept["retracts"]) == (None, True, "x")
