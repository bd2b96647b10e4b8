"""Decisions of the directory: employees, accounts and who they are, courses."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain import directory
from hub.domain.directory import Change, Match, match
from hub.domain.events import all_types
from hub.domain.rows import Row
from hub.domain.values import EmploymentStatus
from hub.errors import Refused

ACTIVE, LEAVE, GONE = (status.value for status in EmploymentStatus)
KNOWN: Row = {
    "id": "e",
    "employment_status": ACTIVE,
    "department_id": "d1",
    "team_id": "t1",
    "job_title": "Clerk",
    "fold_state": {},
}


def test_an_employee_who_becomes_known_is_hired() -> None:
    """Hired: works for the company from now on, Active where HR does not say."""
    change = directory.employee(None, {"job_title": "Clerk"})
    assert change == Change(
        "lms.employee.hired.v1", ("employee.hired",), {"job_title": "Clerk", "employment_status": ACTIVE}
    )
    again = directory.employee(None, {"employment_status": GONE})
    assert again is not None
    assert again.values["employment_status"] == GONE


@pytest.mark.parametrize(
    ("before", "wanted", "cleared", "names"),
    [
        ({}, {"job_title": "Clerk"}, (), None),
        ({}, {"job_title": "Boss"}, (), ["changed"]),
        ({}, {}, ("job_title",), ["changed"]),
        ({}, {}, ("site",), None),
        ({}, {"department_id": "d2"}, (), ["transferred"]),
        ({}, {}, ("team_id",), ["transferred"]),
        ({}, {"manager_employee_id": "m", "job_title": "Boss"}, (), ["changed", "transferred"]),
        ({}, {"employment_status": LEAVE, "leave_start_date": 5}, (), ["changed", "on_leave"]),
        ({"employment_status": LEAVE}, {"employment_status": ACTIVE}, (), ["changed"]),
        ({"employment_status": LEAVE}, {"employment_status": ACTIVE, "department_id": "d2"}, (), ["transferred"]),
        ({}, {"employment_status": GONE, "department_id": "d2"}, (), ["transferred", "terminated"]),
        ({"employment_status": GONE}, {"employment_status": ACTIVE, "team_id": "t2"}, (), ["transferred", "rehired"]),
        ({"employment_status": GONE}, {"employment_status": LEAVE}, (), ["on_leave"]),
    ],
)
def test_what_happened_to_an_employee(
    before: Row, wanted: Row, cleared: tuple[str, ...], names: list[str] | None
) -> None:
    """All that happened is listed, and the event is named after the strongest."""
    change = directory.employee(KNOWN | before, wanted, cleared)
    if names is None:
        assert change is None
        return
    assert change is not None
    assert list(change.transitions) == [f"employee.{name}" for name in names]
    assert change.type == f"lms.employee.{names[-1]}.v1"
    assert change.values == wanted


@pytest.mark.parametrize("kind", ["company", "department", "team", "user"])
def test_registered_then_changed_then_nothing(kind: str) -> None:
    """An equal wish is no event."""
    first = directory.registered_or_changed(kind, None, {"code": "x"})
    assert first is not None
    assert first.type == f"lms.{kind}.registered.v1"
    assert directory.registered_or_changed(kind, {"code": "x", "name": "n"}, {"code": "x"}) is None
    second = directory.registered_or_changed(kind, {"code": "x", "name": "n"}, {}, ("name",))
    assert second is not None
    assert (second.type, second.cleared) == (f"lms.{kind}.changed.v1", ("name",))


def test_a_company_has_a_real_time_zone() -> None:
    """Days follow from it, so one that nobody knows is refused."""
    with pytest.raises(Refused) as no:
        directory.registered_or_changed("company", None, {"time_zone": "Mars/Olympus"})
    assert (no.value.field, no.value.rule) == ("time_zone", "IANA name")


@pytest.mark.parametrize(
    ("candidates", "found"),
    [
        ({"login": ["e4"], "email": ["e3"], "custom_field": ["e2"], "hr_number": ["e1"]}, Match("e1", "hr_number")),
        ({"login": ["e4"], "email": ["e3"], "custom_field": ["e2"], "hr_number": []}, Match("e2", "custom_field")),
        ({"login": ["e4"], "email": ["e3"]}, Match("e3", "email")),
        ({"login": ["e4", "e4"]}, Match("e4", "login")),
        ({"email": ["e3", "e5"], "login": ["e4"]}, Match(problem="2 employees have this email")),
        ({"hr_number": ["e3", "e5"]}, Match(problem="2 employees have this hr number")),
        ({}, Match(problem="no employee has any of its identifiers")),
    ],
)
def test_the_order_of_the_keys(candidates: dict[str, list[str]], found: Match) -> None:
    """lms-apis 0.4: HR number, then a custom field, then e-mail, then login; and which key matched is recorded. Two
    candidates: not matched, with the reason."""
    assert match(candidates) == found


def test_an_account_is_linked_as_it_is_first_seen() -> None:
    """One event: seen, and linked in the same breath."""
    change = directory.account_seen(None, {"email": "sealed:x", "employee_id": "forged"}, 5, Match("e1", "email"))
    assert change is not None
    assert (change.type, change.transitions) == ("lms.account.linked.v1", ("account.seen", "account.linked"))
    assert change.values == {
        "email": "sealed:x",
        "employee_id": "e1",
        "matched_by": "email",
        "first_seen_at": 5,
        "last_seen_at": 5,
    }


def test_who_links_is_the_hub() -> None:
    """What an LMS tells of an account never links it."""
    change = directory.account_seen(
        None, {"email": "sealed:x", "employee_id": "forged", "matched_by": "manual"}, 5, None
    )
    assert change is not None
    assert not {"employee_id", "matched_by"} & set(change.values)


def test_an_account_that_nobody_is_keeps_its_reason() -> None:
    """Unmatched is not an error; the reason is there, and goes when it is matched."""
    row: Row = {
        "email": "sealed:x",
        "employee_id": None,
        "match_problem": None,
        "first_seen_at": 5,
        "last_seen_at": 5,
        "fold_state": {},
    }
    change = directory.account_seen(row, {}, 6, Match(problem="2 employees have this email"))
    assert change is not None
    assert (change.type, change.values["match_problem"]) == ("lms.account.seen.v1", "2 employees have this email")
    linked = directory.account_seen(row | {"match_problem": "…"}, {}, 7, Match("e1", "email"))
    assert linked is not None
    assert (linked.cleared, linked.values["employee_id"]) == (("match_problem",), "e1")
    assert directory.account_seen(row, {"email": "sealed:x"}, 8, None) is None


def test_an_older_state_of_an_account_tells_only_what_is_not_known() -> None:
    """Late and out-of-order observations move nothing back."""
    row: Row = {
        "email": "sealed:new",
        "login_name": None,
        "employee_id": None,
        "first_seen_at": 5,
        "last_seen_at": 5,
        "fold_state": {},
    }
    change = directory.account_seen(row, {"email": "sealed:old", "login_name": "sealed:ada"}, 3, None)
    assert change is not None
    assert change.values == {"login_name": "sealed:ada"}


def test_link_and_unlink_by_hand() -> None:
    """An account that a person unlinked is never linked by itself, but by hand."""
    row: Row = {"employee_id": "e1", "matched_by": "email", "match_problem": None, "last_seen_at": 1, "fold_state": {}}
    assert directory.account_linked(row, "e1", "manual") is None
    moved = directory.account_linked(row, "e2", "manual")
    assert moved is not None
    assert (moved.type, moved.values) == ("lms.account.linked.v1", {"employee_id": "e2", "matched_by": "manual"})
    gone = directory.account_unlinked(row)
    assert gone is not None
    assert (gone.type, gone.cleared) == ("lms.account.unlinked.v1", ("employee_id", "matched_by"))
    free: Row = {"employee_id": None, "matched_by": None, "last_seen_at": 1, "fold_state": {}} | gone.values
    assert not directory.may_match(free)
    assert directory.account_unlinked(free) is None
    assert directory.account_seen(free, {}, 9, Match("e1", "email")) is None
    back = directory.account_linked(free, "e1", "manual")
    assert back is not None
    assert back.cleared == ("match_problem",)


def course(
    row: Row | None, facts: dict[str, Any], time: int, *, own: bool = True, retired: bool = False
) -> Change | None:
    return directory.course_seen(row, facts, time, own_time=own, retired=retired)


COURSE: Row = {"course_name": "Safety", "retired_at": None, "skills": ["a"], "fold_state": {"source_time": 10}}


def test_a_course_is_seen_changed_retired_and_comes_back() -> None:
    """Course: seen, changed, retired."""
    seen, changed = course(None, {"course_name": "Safety"}, 5), course(COURSE, {"course_name": "Safety 2"}, 11)
    retired = course(COURSE, {}, 12, retired=True)
    back = course(COURSE | {"retired_at": 12, "fold_state": {"source_time": 12}}, {}, 13)
    assert [change and change.type for change in (seen, changed, retired, back)] == [
        "lms.course.seen.v1", "lms.course.changed.v1", "lms.course.retired.v1", "lms.course.changed.v1",
    ]  # fmt: skip
    assert retired is not None
    assert back is not None
    assert (retired.values["retired_at"], back.cleared) == (12, ("retired_at",))


def test_a_course_told_again() -> None:
    """Equal is none; a newer own time is a change, so that a state between the two is late; a late one fills gaps only."""
    assert course(COURSE, {"course_name": "Safety", "skills": ("a",)}, 10) is None
    assert course(COURSE, {"course_name": "Safety"}, 99, own=False) is None
    newer = course(COURSE, {"course_name": "Safety"}, 12)
    assert newer is not None
    assert newer.values == {"source_time": 12}
    late = course(COURSE, {"course_name": "Old", "version": "1"}, 9, retired=True)
    assert late is not None
    assert (late.values, late.type) == ({"version": "1"}, "lms.course.changed.v1")


def test_every_event_of_the_topic_is_told_by_some_decision() -> None:
    """No event type of lms.directory is declared in vain (all of them appear above)."""
    kinds = {"company", "department", "team", "user"}
    told = {f"lms.{kind}.{name}.v1" for kind in kinds for name in ("registered", "changed")}
    told |= {
        f"lms.employee.{name}.v1" for name in ("hired", "changed", "transferred", "on_leave", "terminated", "rehired")
    }
    told |= {f"lms.account.{name}.v1" for name in ("seen", "linked", "unlinked")}
    told |= {f"lms.course.{name}.v1" for name in ("seen", "changed", "retired")}
    assert told == {name for name, model in all_types().items() if model.topic == "lms.directory"}
