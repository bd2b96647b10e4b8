"""The directory import on a real hub: rows, events, history, the guard, dead letters, and accounts that get linked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hub.bootstrap import Hub, open_hub
from hub.directory.importing import DirectoryReport, import_directory
from hub.domain import ids
from hub.errors import Refused
from hub.intake.service import Intake
from hub.integrations import commands as acts
from hub.settings import load

COMPANY = ids.company_id("ACME")
TOPICS = ("lms.directory", "lms.learning", "lms.integration", "lms.deadletter")


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Hub]:
    """A running hub on an empty database."""
    settings = {"HUB_HOME": str(tmp_path / "home"), "HUB_DATABASE_URL": database_url, "HUB_PARTITIONS": "3"}
    with open_hub(load(settings | {"HUB_LOG_LEVEL": "warning"})) as opened:
        yield opened


def staff(count: int, **more: Any) -> list[dict[str, Any]]:
    """Employees of the department SALES, the first of whom manages the others."""
    return [
        {
            "employee_number": f"E{n}",
            "given_name": f"Given{n}",
            "family_name": f"Family{n}",
            "email": f"person{n}@example.org",
            "department": "sales",
            "manager": "E0" if n else "",
            **more,
        }
        for n in range(count)
    ]


def directory(employees: Sequence[Mapping[str, Any]], **lists: Any) -> dict[str, Any]:
    return {
        "users": [{"login": "ada", "employee_number": "E1", "display_name": "Ada Hale"}],
        "employees": list(employees),
        "teams": [{"code": "T1", "name": "Team", "department": "SALES", "lead": "E0"}],
        "departments": [{"code": "SALES", "name": "Sales", "manager": "E0"}],
        "companies": [{"code": "ACME", "name": "Acme", "time_zone": "Europe/Vienna"}],
        **lists,
    }


class Directory:
    """Imports into one hub."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.path = folder / "directory.json"

    def take(self, document: object, **options: Any) -> DirectoryReport:
        self.path.write_text(json.dumps(document))
        report = import_directory(self.hub, COMPANY, str(self.path), **options)
        assert report.held or all(counted.adds_up() for counted in report.kinds.values())
        return report

    def ask(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.hub.connection() as connection:
            return connection.execute(query, parameters).fetchall()

    def ends(self) -> int:
        return sum(sum(self.hub.log.ends(topic).values()) for topic in TOPICS)


@pytest.fixture
def site(hub: Hub, tmp_path: Path) -> Directory:
    return Directory(hub, tmp_path)


def counts(report: DirectoryReport, kind: str) -> tuple[int, int, int, int]:
    counted = report.kinds[kind]
    return counted.read, counted.changed, counted.unchanged, counted.rejected


def test_a_file_becomes_rows_and_again_appends_no_event(site: Directory) -> None:
    """All kinds in any order of the file, references resolved; the second import of the same file is unchanged."""
    done: list[int] = []
    document = directory(staff(30))
    first = site.take(document, progress=done.append)
    assert first.plain() == {
        name: {"read": n, "changed": n, "unchanged": 0, "rejected": 0}
        for name, n in (("companies", 1), ("departments", 1), ("teams", 1), ("employees", 30), ("users", 1))
    }
    assert done == sorted(done)
    assert done[-1] == 34
    found = site.ask(
        "SELECT e.given_name, e.email, m.employee_number, d.code, u.login FROM hub.employee e "
        "JOIN hub.employee m ON m.id = e.manager_employee_id JOIN hub.department d ON d.id = e.department_id "
        'JOIN hub."user" u ON u.employee_id = e.id'
    )
    assert found == [("Given1", "person1@example.org", "E0", "SALES", "ada")]

    before = site.ends()
    again = site.take(document)
    assert [counts(again, kind)[2] for kind in again.kinds] == [1, 1, 1, 30, 1]
    assert not again.rejections
    assert site.ends() == before


def test_changes_are_events_with_their_own_names(site: Directory) -> None:
    """A raise, a move, a leave, a termination and a return are told apart, and old values stay in the history."""
    site.take(directory(staff(5)))
    told = staff(5)
    told[1] |= {"job_title": "Lead", "effective_from": "2026-01-01"}
    told[2] |= {"department": ""}
    told[3] |= {"status": "on leave", "leave_start_date": "2026-02-01"}
    told[4] |= {"status": "Terminated", "termination_date": "2026-01-31"}
    report = site.take(directory(told))
    assert counts(report, "employee") == (5, 4, 1, 0)
    assert (report.employees_changed, report.employees_terminated) == (4, 1)
    rehired = [told[4] | {"status": "Active", "termination_date": ""}]
    assert counts(site.take(directory(rehired)), "employee") == (1, 1, 0, 0)
    events = site.ask(
        "SELECT additional_context->>'event_type', count(*) FROM hub.lms_audit_trail "
        "WHERE starts_with(additional_context->>'event_type', 'lms.employee.') GROUP BY 1"
    )
    assert dict(events) == {
        "lms.employee.hired.v1": 5,
        "lms.employee.changed.v1": 1,
        "lms.employee.transferred.v1": 1,
        "lms.employee.on_leave.v1": 1,
        "lms.employee.terminated.v1": 1,
        "lms.employee.rehired.v1": 1,
    }
    assert site.ask("SELECT termination_date FROM hub.employee WHERE employee_number = 'E4'") == [(None,)]
    effective = "SELECT effective_from::text FROM hub.employee WHERE employee_number = 'E1'"
    assert site.ask(effective) == [("2026-01-01",)]


def test_who_is_absent_is_left_as_they_are(site: Directory) -> None:
    """A shorter file ends nobody's employment."""
    site.take(directory(staff(5)))
    before = site.ends()
    site.take(directory(staff(2)))
    assert site.ends() == before
    assert site.ask("SELECT count(*) FROM hub.employee WHERE employment_status = 'Active'") == [(5,)]


def test_wrong_rows_are_kept_once_and_the_rest_goes_on(site: Directory) -> None:
    """A dead letter says field, rule and what was expected, and holds the row sealed; the same row again adds none."""
    told = staff(4)
    told[1]["email"] = "nowhere"
    told[2]["department"] = "MARS"
    told[3] |= {"employee_number": "E0", "manager": ""}
    document = directory(told, users=[{"login": ""}, "nobody"])
    report = site.take(document)
    assert counts(report, "employee") == (4, 1, 0, 3)
    assert counts(report, "user") == (2, 0, 0, 2)
    query = "SELECT field, rule, source_name, source_position FROM hub.dead_letter ORDER BY source_position"
    kept = site.ask(query)
    assert kept == [
        ("email", "e-mail address", "directory.json", "employees[2]"),
        ("department", "known department", "directory.json", "employees[3]"),
        ("employee_number", "once per file", "directory.json", "employees[4]"),
        ("login", "required", "directory.json", "users[1]"),
        ("user", "JSON object", "directory.json", "users[2]"),
    ]
    assert all(b"Given1" not in bytes(row[0]) for row in site.ask("SELECT record FROM hub.dead_letter"))
    before = site.ends()
    assert counts(site.take(document), "employee") == (4, 0, 1, 3)
    assert site.ends() == before
    assert site.ask(query) == kept


@pytest.mark.parametrize(("changed", "held"), [(19, False), (20, False), (21, True)])
def test_the_guard_trips_above_five_percent_and_at_least_twenty(changed: int, held: bool, site: Directory) -> None:
    """Of 400 employees 20 may change; the 21st holds the whole file. New people are no change."""
    site.take(directory(staff(400)))
    told = staff(420)
    for person in told[:changed]:
        person["site"] = "Elsewhere"
    report = site.take(directory(told))
    assert report.held is held
    assert (report.existing, report.employees_changed) == (400, changed)


def test_a_small_company_may_change_up_to_nineteen(site: Directory) -> None:
    site.take(directory(staff(30)))
    assert not site.take(directory(staff(19, site="A"))).held
    assert site.take(directory(staff(20, site="B"))).held


def test_a_held_file_changes_nothing_and_says_what_it_would_do(site: Directory) -> None:
    """Nothing at all: no event, no dead letter, no new person; with accept it is done."""
    site.take(directory(staff(40)))
    told = [*staff(40, status="Terminated"), *staff(41)[40:], {"employee_number": ""}]
    before = site.ends()
    report = site.take(directory(told))
    assert report.held
    assert site.ends() == before
    assert counts(report, "employee") == (42, 41, 0, 1)
    assert (report.employees_changed, report.employees_terminated) == (40, 40)
    assert site.ask("SELECT count(*) FROM hub.employee WHERE employment_status = 'Active'") == [(40,)]
    accepted = site.take(directory(told), accept=True)
    assert not accepted.held
    assert counts(accepted, "employee") == (42, 41, 0, 1)
    assert site.ask("SELECT count(*) FROM hub.employee WHERE employment_status = 'Terminated'") == [(40,)]


def test_an_unknown_company_must_be_in_the_file(site: Directory) -> None:
    """All else belongs to a company; without one the file is refused before anything is done."""
    with pytest.raises(Refused, match="company"):
        site.take({"employees": staff(1)})
    assert site.ends() == 0


def test_accounts_are_linked_when_their_employee_arrives(site: Directory, tmp_path: Path) -> None:
    """Learning that came first belongs to nobody; the import links account and enrollment, by the key that matched."""
    site.take(directory([]))
    wanted = {"lms_code": "csv", "lms_name": "CSV", "lms_type": "Corporate LMS", "integration_method": "File Upload"}
    site.hub.commands.execute(acts.add(COMPANY, wanted))
    table = tmp_path / "learning.csv"
    table.write_text("email,course_id,course_name,enrollment_status\nPerson1@example.org,C1,One,Completed\n")
    accounting = Intake(site.hub).import_file(COMPANY, "csv", str(table), {})
    assert accounting.unmatched == 1
    report = site.take(directory(staff(3)))
    assert report.links == 2  # the account, and its enrollment
    found = site.ask(
        "SELECT e.employee_number, a.matched_by, c.enrollment_status FROM hub.lms_course_enrollment c "
        "JOIN hub.employee e ON e.id = c.employee_id JOIN hub.lms_account a ON a.employee_id = e.id"
    )
    assert found == [("E1", "email", "Completed")]
