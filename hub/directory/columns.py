"""The columns of a directory file, by kind of record: names, how each is read, and which column of the table it fills.

What ``docs/directory.md`` tells stands here once; a test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from connectors.parse import Parser, Reading, boolean, currency, one_of, refuse, said, text, whole
from connectors.parse_dates import day
from hub.domain.values import EmploymentStatus
from hub.errors import Refused

KINDS: Final = ("company", "department", "team", "employee", "user")
"""Kinds of records in the order in which they are imported: what is named comes before what names it."""

PLURAL: Final[Mapping[str, str]] = {
    "companies": "company",
    "departments": "department",
    "teams": "team",
    "employees": "employee",
    "users": "user",
}
RECORD: Final = "record"
"""The column of a table that says which kind each row is."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file. ``name`` is the documented one, ``fills`` the column of the table."""

    name: str
    fills: str
    parse: Parser
    also: tuple[str, ...] = ()
    """Other names that are understood."""
    personal: bool = False
    """Sealed with the person's key."""
    names: str | None = None
    """Kind of the record that it names, by its key."""
    key: bool = False
    clears: bool = True
    """Whether an empty cell clears the value; else it says nothing."""


def _email(value: object, field: str, _: Reading) -> str | None:
    found = said(value, field)
    if found is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", found):
        refuse(field, "e-mail address", "an address such as name@example.com")
    return _at_most(found, field, 320)


def _country(value: object, field: str, _: Reading) -> str | None:
    found = said(value, field)
    if found is not None and not re.fullmatch(r"[A-Za-z]{2}", found):
        refuse(field, "country", "the two letters of ISO 3166-1, such as AT")
    return found and found.upper()


def _zone(value: object, field: str, _: Reading) -> str | None:
    found = said(value, field)
    if found is None:
        return None
    try:
        return ZoneInfo(found).key
    except (LookupError, ValueError, OSError):
        refuse(field, "time zone", "an IANA time zone such as Europe/Vienna")


def _month(value: object, field: str, reading: Reading) -> int | None:
    found: int | None = whole(value, field, reading)
    if found is not None and not 1 <= found <= 12:
        refuse(field, "month", "a number from 1 to 12")
    return found


def _at_most(found: str | None, field: str, limit: int) -> str | None:
    if found is not None and len(found) > limit:
        refuse(field, "length", f"at most {limit} characters")
    return found


_code, _name = text(50), text(200)
_number, _login = text(100), text(200)
_flag = boolean()

_FROM = Column("effective_from", "effective_from", day, clears=False)
_ACTIVE = Column("is_active", "is_active", _flag, ("active",), clears=False)
_CODE = Column("code", "code", _code, key=True, clears=False)
_DEPARTMENT = Column("department", "department_id", _code, ("department_code",), names="department")

COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "company": (
        _CODE,
        Column("name", "name", _name, clears=False),
        Column("time_zone", "time_zone", _zone, clears=False),
        Column("currency", "currency_code", currency, ("currency_code",), clears=False),
        Column("fiscal_year_start_month", "fiscal_year_start_month", _month, clears=False),
        _FROM,
    ),
    "department": (
        _CODE,
        Column("name", "name", _name),
        Column("parent", "parent_department_id", _code, ("parent_code",), names="department"),
        Column("manager", "manager_employee_id", _number, ("manager_number",), names="employee"),
        _ACTIVE,
        _FROM,
    ),
    "team": (
        _CODE,
        Column("name", "name", _name),
        _DEPARTMENT,
        Column("lead", "lead_employee_id", _number, ("lead_number",), names="employee"),
        _ACTIVE,
        _FROM,
    ),
    "employee": (
        Column("employee_number", "employee_number", _number, personal=True, key=True, clears=False),
        Column("given_name", "given_name", _name, ("first_name",), personal=True),
        Column("family_name", "family_name", _name, ("last_name",), personal=True),
        Column("email", "email", _email, ("e_mail",), personal=True),
        Column("login_name", "login_name", _login, personal=True),
        Column("custom_identifier", "custom_identifier", _login, personal=True),
        Column("manager", "manager_employee_id", _number, ("manager_number",), names="employee"),
        _DEPARTMENT,
        Column("team", "team_id", _code, ("team_code",), names="team"),
        Column("job_title", "job_title", _name),
        Column("site", "site", _name),
        Column("country", "country_code", _country, ("country_code",)),
        Column("status", "employment_status", one_of(EmploymentStatus), ("employment_status",), clears=False),
        Column("hire_date", "hire_date", day),
        Column("leave_start_date", "leave_start_date", day),
        Column("leave_end_date", "leave_end_date", day),
        Column("termination_date", "termination_date", day),
        _FROM,
    ),
    "user": (
        Column("login", "login", _login, personal=True, key=True, clears=False),
        Column("email", "email", _email, ("e_mail",), personal=True),
        Column("display_name", "display_name", text(400), personal=True),
        Column("employee_number", "employee_id", _number, ("employee",), names="employee"),
        _ACTIVE,
        _FROM,
    ),
}

_BY_NAME: Final = {
    kind: {name: column for column in columns for name in (column.name, *column.also)}
    for kind, columns in COLUMNS.items()
}
_ANY_NAME: Final = {name for known in _BY_NAME.values() for name in known} | {RECORD}


def kind_of(name: str) -> str | None:
    """The kind that a sheet, a list or a record's cell names, in the singular or the plural; None for none."""
    folded = name.strip().casefold()
    return PLURAL.get(folded, folded if folded in KINDS else None)


def key_of(kind: str) -> Column:
    """The column that names the records of a kind."""
    return next(column for column in COLUMNS[kind] if column.key)


def column_of(kind: str, header: str) -> Column | None:
    """The column that a header means in records of a kind; None where they have none of that name."""
    return _BY_NAME[kind].get(normal(header))


def is_known(header: str) -> bool:
    """Whether any kind of record has a column of this name."""
    return normal(header) in _ANY_NAME


def normal(header: str) -> str:
    """A header as columns are compared: capitals, blanks and hyphens do not matter."""
    return re.sub(r"[\s-]+", "_", header.strip().casefold())


def refused(name: str, rule: str, expected: str) -> NoReturn:
    """Refuse a file as a whole."""
    raise Refused(f"{name} breaks the rule '{rule}': expected {expected}.", field=name, rule=rule, expected=expected)
