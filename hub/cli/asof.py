"""``hub asof``: what was true on a day, by what was known on another day; also what was not."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import company_of, opened
from hub.cli.frame import example, new_group
from hub.cli.options import AsJson, Company

if TYPE_CHECKING:
    from hub.asof.reading import Kind

app = new_group(
    "What was true on a day, as known on another. A day is its end in the company's time zone; without --known all that is "
    "known now counts."
)


def _day(name: str, text: str) -> Any:
    return typer.Option(name, formats=["%Y-%m-%d"], metavar="DAY", help=text)


On = Annotated[datetime, _day("--on", "The day that is asked about.")]
Known = Annotated[datetime | None, _day("--known", "By what was known at the end of this day; default: now.")]
Employee = Annotated[str | None, typer.Option("--employee", metavar="NUMBER", help="Only this employee.")]
Course = Annotated[str | None, typer.Option("--course", metavar="CODE", help="Only this course: its id or its code.")]
Department = Annotated[
    str | None, typer.Option("--department", metavar="CODE", help="Only who was in this department on the day.")
]

ENROLLMENTS = {
    "enrollment_number": "enrollment", "employee_number": "employee", "employee_name": "name", "department_code": "department",
    "course_name": "course", "lms_code": "lms", "enrollment_status": "status", "progress_percentage": "progress",
    "completion_date": "completed", "valid_until": "lapses", "is_valid": "valid",
}  # fmt: skip
LESSONS = {
    "employee_number": "employee", "course_name": "course", "lms_code": "lms", "lesson_id": "lesson", "lesson_name": "name",
    "progress_status": "status", "completion_percentage": "progress", "completion_date": "completed", "attempts_count": "attempts",
}  # fmt: skip
EMPLOYEES = {
    "employee_number": "employee", "employee_name": "name", "is_employed": "employed", "employment_status": "status",
    "department_code": "department", "manager_number": "manager", "manager_name": "name of manager", "effective_from": "since",
}  # fmt: skip
COURSES = {
    "course_id": "course", "course_code": "code", "course_name": "name", "lms_code": "lms", "course_version": "version",
    "validity_days": "valid days", "is_retired": "retired",
}  # fmt: skip
COMPLETIONS = {
    "employee_number": "employee", "employee_name": "name", "department_code": "department", "is_valid": "valid",
    "verdict": "verdict", "verdict_day": "on", "valid_until": "lapses", "course_version": "version", "lms_code": "lms",
    "enrollment_number": "enrollment",
}  # fmt: skip


@app.command(epilog=example("hub asof enrollments --on 2026-05-03 --known 2026-06-10 --employee E1001"))
def enrollments(
    on: On, known: Known = None, employee: Employee = None, course: Course = None, department: Department = None,
    company: Company = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show enrollments that had begun by a day, as they stood at its end."""
    _show("enrollments", ENROLLMENTS, company, as_json, on, known, employee, course, department)


@app.command(epilog=example("hub asof lessons --on 2026-05-03 --employee E1001 --course SAFETY"))
def lessons(
    on: On, known: Known = None, employee: Employee = None, course: Course = None, department: Department = None,
    company: Company = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show lessons that had begun by a day, as they stood at its end."""
    _show("lessons", LESSONS, company, as_json, on, known, employee, course, department)


@app.command(epilog=example("hub asof employees --on 2026-05-03 --department LOG"))
def employees(
    on: On, known: Known = None, employee: Employee = None, department: Department = None,
    company: Company = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show employees with the department and manager that they had on a day. Names and numbers are the present ones."""
    _show("employees", EMPLOYEES, company, as_json, on, known, employee, None, department)


@app.command(epilog=example("hub asof courses --on 2026-05-03 --course SAFETY"))
def courses(
    on: On, known: Known = None, course: Course = None, company: Company = None, as_json: AsJson = False
) -> None:
    """Show courses with the validity and the version that their catalogs told on a day."""
    _show("courses", COURSES, company, as_json, on, known, None, course, None)


@app.command(
    epilog=example(
        "hub asof completions --course SAFETY --on 2026-05-03 --known 2026-06-10",
        "hub asof completions --course SAFETY --on 2026-05-03 --employee E1001",
    )
)
def completions(
    course: Annotated[str, typer.Option("--course", metavar="CODE", help="The course: its id or its code.")],
    on: On, known: Known = None, employee: Employee = None, department: Department = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="Also who was employed and never enrolled.")] = False,
    company: Company = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show who held a valid completion of a course on a day, and who did not and why."""
    from hub.asof.reading import Asked
    from hub.asof.reading import completions as ask
    from hub.asof.sentences import sentence
    from hub.cli import output

    told_on, told_known = on.date(), _date(known)
    with opened(runners=False) as hub:
        asked = Asked(company_of(hub, company), told_on, told_known, employee, course, department, everybody)
        with hub.connection() as connection:
            found = [row | {"sentence": sentence(row, told_on, told_known)} for row in ask(connection, asked)]
    if as_json:
        output.print_json(found)
    elif employee is not None and found:
        typer.echo(output.plain(found[0]["sentence"]))
    else:
        held = sum(row["is_valid"] for row in found)
        output.show(found, COMPLETIONS, as_json=False, empty="Nobody was ever enrolled in this course.")
        if found:
            typer.echo(f"\n{held} of {len(found)} held a valid completion on {told_on}.")


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _show(
    kind: Kind, columns: dict[str, str], company: str | None, as_json: bool, on: datetime, known: datetime | None,
    employee: str | None, course: str | None, department: str | None,
) -> None:  # fmt: skip
    from hub.asof.reading import Asked, rows
    from hub.cli import output

    with opened(runners=False) as hub:
        asked = Asked(company_of(hub, company), on.date(), _date(known), employee, course, department)
        with hub.connection() as connection:
            found = rows(connection, kind, asked)
    by = "now" if known is None else f"on {known.date()}"
    output.show(found, columns, as_json=as_json, empty=f"As known {by}, there were no such {kind} on {on.date()}.")
