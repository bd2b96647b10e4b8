"""What a record wants: ids, values, references and what is cleared; and which records are rejected with which rule."""

from __future__ import annotations

from typing import Any

import pytest

from hub.directory.columns import KINDS
from hub.directory.reading import Told
from hub.directory.wishes import Wish, Wishes, check_known
from hub.domain import ids
from hub.domain.sealing import is_sealed
from hub.errors import Unusable
from hub.vault import Keyring, MasterKey, MemoryKeyStore

COMPANY = ids.company_id("ACME")
TODAY = 20_500
"""2026-02-16."""
SEALER = Keyring(MemoryKeyStore(), MasterKey(bytes(range(32)), "test"))


def wishes() -> Wishes:
    return Wishes(COMPANY, SEALER, "UTC", TODAY)


def wish(kind: str, position: str = "line 2", **cells: Any) -> Wish:
    return wishes().wish(Told(kind, position, cells, b"raw"))


def test_an_employee_is_named_by_a_pseudonym_and_its_personal_values_are_sealed() -> None:
    found = wish(
        "employee", **{"Employee Number": 1001, "First Name": "Ada", "country": "at", "hire_date": "2021-04-01"}
    )
    assert found.stream == SEALER.pseudonym(COMPANY, "employee", "1001")
    assert found.plain == {"country_code": "AT", "hire_date": 18_718}
    SEALER.prepare(COMPANY, [found.stream])
    values = found.values(SEALER)
    assert is_sealed(values["employee_number"])
    assert is_sealed(values["given_name"])
    assert "Ada" not in repr(found)


def test_codes_and_numbers_name_other_rows() -> None:
    found = wish("employee", employee_number="E2", department=" sales ", team="T1", manager="E1")
    assert found.plain == {
        "department_id": ids.department_id(COMPANY, "SALES"),
        "team_id": ids.team_id(COMPANY, "T1"),
        "manager_employee_id": SEALER.pseudonym(COMPANY, "employee", "E1"),
    }
    user = wish("user", login="ada", employee_number="E2")
    assert user.plain == {"employee_id": found.stream}
    assert user.stream != found.stream


def test_an_empty_cell_clears_and_a_missing_column_does_not() -> None:
    """The file is the whole state of what it tells; the key, the status and flags are never cleared."""
    found = wish("employee", employee_number="E1", email="", site=None, status="", leave_end_date="-")
    assert sorted(found.cleared) == ["email", "leave_end_date", "site"]
    assert wish("department", code="A", is_active="", effective_from="").cleared == []


@pytest.mark.parametrize(
    ("last_day", "status", "expected"),
    [("2026-02-15", "", "Terminated"), ("2026-02-16", "", None), ("2026-02-15", "active", "Active"), ("", "", None)],
)
def test_who_has_left_is_terminated_where_no_status_is_told(last_day: str, status: str, expected: str | None) -> None:
    """The last day itself is still worked; a status that is told comes first."""
    found = wish("employee", employee_number="E1", termination_date=last_day, status=status)
    assert found.plain.get("employment_status") == expected


@pytest.mark.parametrize(
    ("kind", "cells", "field", "rule"),
    [
        ("employee", {"given_name": "Ada"}, "employee_number", "required"),
        ("employee", {"employee_number": " "}, "employee_number", "required"),
        ("employee", {"employee_number": "E1", "email": "ada at x"}, "email", "e-mail address"),
        ("employee", {"employee_number": "E1", "given_name": "A\0da"}, "given_name", "no NUL"),
        ("employee", {"employee_number": "E1", "given_name": "A" * 201}, "given_name", "length"),
        ("employee", {"employee_number": "E1", "hire_date": "01.04.2021"}, "hire_date", "date"),
        ("employee", {"employee_number": "E1", "status": "Retired"}, "status", "enumerated value"),
        ("employee", {"employee_number": "E1", "country": "Austria"}, "country", "country"),
        ("employee", {"employee_number": "E1", "manager": "e1"}, "manager", "another one"),
        ("employee", {"employee_number": "E1", "site": "#REF!"}, "site", "no spreadsheet error"),
        ("employee", {"employee_number": "E1", "hire_date": "2026-02-01", "termination_date": "2026-01-01"},
         "termination_date", "order of days"),
        ("employee", {"employee_number": "E1", "leave_start_date": "2026-02-01", "leave_end_date": "2026-01-01"},
         "leave_end_date", "order of days"),
        ("employee", {"employee_number": "E1", "email": "a@b", "E-Mail": "c@d"}, "E-Mail", "one column for one value"),
        ("employee", {"employee_number": "E1", "manager": "E2", "manager_number": "E3"}, "manager_number",
         "one column for one value"),
        ("company", {"code": "OTHER"}, "code", "company of the import"),
        ("company", {"code": "ACME", "time_zone": "Mars/Base"}, "time_zone", "time zone"),
        ("company", {"code": "ACME", "fiscal_year_start_month": 13}, "fiscal_year_start_month", "month"),
        ("company", {"code": "ACME", "currency": "Euro"}, "currency", "currency"),
        ("department", {"name": "Sales"}, "code", "required"),
        ("department", {"code": "A", "is_active": "maybe"}, "is_active", "true or false"),
        ("department", {"code": "A", "parent": "a"}, "parent", "another one"),
        ("team", {"code": "T" * 51}, "code", "length"),
        ("user", {"email": "a@b"}, "login", "required"),
    ],
)  # fmt: skip
def test_a_wrong_record_names_field_and_rule(kind: str, cells: dict[str, Any], field: str, rule: str) -> None:
    """Every rejection says which field, which rule and what was expected, and repeats no value."""
    with pytest.raises(Unusable) as caught:
        wish(kind, **cells)
    assert (caught.value.field, caught.value.rule) == (field, rule)
    assert caught.value.expected
    assert "Ada" not in str(caught.value)


def test_the_second_record_of_one_person_is_rejected() -> None:
    """Which of the two is true cannot be told; numbers that differ in capitals are one."""
    maker = wishes()
    maker.wish(Told("employee", "line 2", {"employee_number": "E1"}, b""))
    maker.wish(Told("user", "line 3", {"login": "E1"}, b""))
    with pytest.raises(Unusable, match="line 2") as caught:
        maker.wish(Told("employee", "line 4", {"employee_number": "e1"}, b""))
    assert caught.value.rule == "once per file"


def test_a_department_that_nobody_knows_is_rejected() -> None:
    """Managers may become known later, departments and teams may not."""
    found = wish("employee", employee_number="E1", department="A", team="T", manager="E9")
    known = {found.plain["department_id"]: True, found.plain["team_id"]: True}
    check_known(found, known)
    with pytest.raises(Unusable) as caught:
        check_known(found, known | {found.plain["team_id"]: False})
    assert (caught.value.field, caught.value.rule) == ("team", "known team")


def test_each_kind_has_ids_of_its_own() -> None:
    maker = wishes()
    assert len({maker.stream(kind, "X1") for kind in KINDS}) == len(KINDS)
