"""What was true on a day, by what was known on another: asks the functions of schema ``analytics`` (``projections/asof``).

Days are those of the company's time zone; a day asked about is its end. ``known`` None: all that is known now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from hub.errors import Refused

Kind = Literal["enrollments", "lessons", "employees", "courses"]

QUERIES: Mapping[str, str] = {
    "enrollments": """
        SELECT * FROM analytics.enrollments_asof(%(company)s, %(on)s, %(known)s, %(employee)s, %(course)s, %(department)s)
        ORDER BY employee_number, course_name, lms_code, cycle, enrollment_id
    """,
    "lessons": """
        SELECT * FROM analytics.lesson_progress_asof(%(company)s, %(on)s, %(known)s, %(employee)s, %(course)s, %(department)s)
        ORDER BY employee_number, course_name, lms_code, lesson_id, lesson_row_id
    """,
    "employees": """
        SELECT * FROM analytics.employees_asof(%(company)s, %(on)s, %(known)s, %(employee)s, %(department)s)
        ORDER BY employee_number, employee_id
    """,
    "courses": """
        SELECT * FROM analytics.courses_asof(%(company)s, %(on)s, %(known)s)
        WHERE %(course)s::text IS NULL OR %(course)s IN (course_id, course_code) ORDER BY course_name, lms_code, course_row_id
    """,
}
COMPLETIONS = """
    SELECT * FROM analytics.completions_asof(%(company)s, %(course)s, %(on)s, %(known)s, %(employee)s, %(department)s, %(everybody)s)
    ORDER BY is_valid DESC, employee_number, employee_id
"""
CODE = "SELECT code, (now() AT TIME ZONE coalesce(time_zone, 'UTC'))::date FROM hub.company WHERE id = %s"
EXISTS = {
    "employee": "SELECT 1 FROM hub.employee WHERE company_id = %s AND lower(employee_number) = lower(%s) LIMIT 1",
    "department": "SELECT 1 FROM hub.department_history WHERE company_id = %s AND lower(code) = lower(%s) LIMIT 1",
    "course": """
        SELECT 1 FROM hub.lms_course_enrollment WHERE company_id = %(c)s AND (course_id = %(n)s OR course_code = %(n)s)
        UNION ALL SELECT 1 FROM hub.course WHERE company_id = %(c)s AND (course_id = %(n)s OR course_code = %(n)s) LIMIT 1
    """,
}
EXPECTED = {
    "employee": "the number of an employee",
    "department": "the code of a department",
    "course": "the id or the code of a course",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: of which company, about which day, as known on which day, and about whom and what."""

    company_id: str
    on: date | None = None
    """None: today in the company's zone."""
    known: date | None = None
    employee: str | None = None
    course: str | None = None
    department: str | None = None
    everybody: bool = False


def rows(connection: psycopg.Connection[Any], kind: Kind, asked: Asked) -> list[dict[str, Any]]:
    """The rows of a kind as they stood at the end of the day.

    Raises:
        Refused: the company never had such an employee, course or department.
    """
    return _ask(connection, QUERIES[kind], asked)


def completions(connection: psycopg.Connection[Any], asked: Asked) -> list[dict[str, Any]]:
    """Who held a valid completion of the course on the day, and who did not and why: a row per person.

    Raises:
        Refused: the company never had such an employee, course or department.
    """
    return _ask(connection, COMPLETIONS, asked)


def today(connection: psycopg.Connection[Any], company_id: str) -> date:
    """The day in the company's zone."""
    return _company(connection, company_id)[1]


def _company(connection: psycopg.Connection[Any], company_id: str) -> tuple[str, date]:
    found = connection.execute(CODE, (company_id,)).fetchone()
    if found is None:
        raise Refused("company: is not known; expected a company of the hub", field="company", rule="exists",
                      expected="a known company")  # fmt: skip
    return str(found[0]), found[1]


def _ask(connection: psycopg.Connection[Any], query: str, asked: Asked) -> list[dict[str, Any]]:
    code, present = _company(connection, asked.company_id)
    for field, text in EXISTS.items():
        _demand(connection, field, text, getattr(asked, field), asked.company_id)
    given = {
        "company": code, "on": asked.on or present, "known": asked.known, "employee": asked.employee, "course": asked.course,
        "department": asked.department, "everybody": asked.everybody,
    }  # fmt: skip
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), given).fetchall()


def _demand(connection: psycopg.Connection[Any], field: str, query: str, name: str | None, company_id: str) -> None:
    """A name that nothing ever had is a slip of the pen, no absence."""
    if name is None:
        return
    values: Any = {"c": company_id, "n": name} if field == "course" else (company_id, name)
    if connection.execute(query.encode(), values).fetchone() is None:
        raise Refused(f"{field}: none is {name}; expected {EXPECTED[field]}", field=field, rule="exists",
                      expected=EXPECTED[field])  # fmt: skip
