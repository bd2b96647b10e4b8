"""The people of Brightwater, an invented company: departments, teams, managers and about 500 employees.

The same seed gives the same company. Names are made of syllables; addresses end in ``.example``, which is nobody's.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path

from hub.domain import ids

CODE, NAME, TIME_ZONE = "BRIGHTWATER", "Brightwater Works", "Europe/Vienna"
COMPANY = ids.company_id(CODE)
HEADCOUNT = 500
DOMAIN = "brightwater.example"

HEADERS = (
    "record", "code", "name", "time_zone", "currency", "parent", "lead", "login", "display_name", "employee_number",
    "given_name", "family_name", "email", "login_name", "manager", "department", "team", "job_title", "site", "country",
    "status", "hire_date", "leave_start_date", "termination_date",
)  # fmt: skip
DEPARTMENTS = {
    "MGMT": "Management", "HR": "People", "FIN": "Finance", "IT": "Information Technology", "RND": "Development",
    "QA": "Quality", "MFG": "Manufacturing", "LOG": "Logistics", "SALES": "Sales", "SERVICE": "Customer Service",
}  # fmt: skip
TITLES = {"MFG": "Operator", "LOG": "Clerk", "RND": "Engineer", "IT": "Administrator", "SALES": "Account Manager"}
SITES = (("Linz", "AT"), ("Graz", "AT"), ("Brno", "CZ"), ("Passau", "DE"))

_GIVEN = (("Alm", "Bern", "Cord", "Dorv", "Elv", "Falk", "Gund", "Halv", "Jorv", "Kest", "Lund", "Merv", "Norv", "Osk",
           "Perv", "Rosm", "Selv", "Torv", "Ulm", "Wend"), ("a", "e", "i"), ("brina", "delia", "fredo", "marin", "nelle", "rianne", "sandro",
           "ville"))  # fmt: skip
_FAMILY = (("Ash", "Birken", "Calder", "Dorner", "Ellers", "Fenner", "Grimal", "Hasel", "Kaspers", "Linden", "Mulders",
            "Nettel", "Oster", "Pelter", "Quarren", "Rosten"), ("",), ("bergen", "brooker", "fielding", "holmen", "wooder", "stoner",
            "worther", "marken"))  # fmt: skip

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class People:
    """The rows of the directory file. ``wrong``: rows that HR got wrong."""

    company: Row
    departments: list[Row]
    teams: list[Row]
    employees: list[Row]
    users: list[Row]
    wrong: list[Row]

    def active(self) -> list[Row]:
        """Employees who work for the company and whom learning systems can name."""
        return [row for row in self.employees if row["status"] == "Active" and row["email"]]

    def write(self, path: Path) -> int:
        """Write the directory as a CSV file; returns the number of its records."""
        rows = [self.company, *self.departments, *self.teams, *self.employees, *self.users, *self.wrong]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, HEADERS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return len(rows)


def brightwater(seed: int = 7, headcount: int = HEADCOUNT) -> People:
    """The company."""
    rng = random.Random(seed)  # noqa: S311  the same company each time
    employees = _employees(rng, headcount)
    company = {"record": "company", "code": CODE, "name": NAME, "time_zone": TIME_ZONE, "currency": "EUR"}
    departments = [
        {"record": "department", "code": code, "name": name, "parent": "" if code == "MGMT" else "MGMT",
         "manager": employees[place]["employee_number"]}
        for place, (code, name) in enumerate(DEPARTMENTS.items())
    ]  # fmt: skip
    teams = [
        {"record": "team", "code": _team(code, place), "name": f"{name} {place}", "department": code,
         "lead": employees[_lead(number, place)]["employee_number"]}
        for number, (code, name) in enumerate(DEPARTMENTS.items())
        for place in (1, 2)
    ]  # fmt: skip
    users = [
        {"record": "user", "login": row["login_name"], "email": row["email"], "employee_number": row["employee_number"],
         "display_name": f"{row['given_name']} {row['family_name']}"}
        for row in employees
        if row["department"] == "HR"
    ]  # fmt: skip
    return People(company, departments, teams, employees, users[:12], _wrong(employees))


def _team(department: str, place: int) -> str:
    return f"{department}-{place}"


def _lead(department: int, place: int) -> int:
    """The place of a team's lead among the employees: heads of departments come first, then the leads."""
    return len(DEPARTMENTS) + 2 * department + place - 1


def _employees(rng: random.Random, headcount: int) -> list[Row]:
    given = ["".join(parts) for parts in product(*_GIVEN)]
    family = ["".join(parts) for parts in product(*_FAMILY)]
    names = rng.sample([(one, other) for one in given for other in family], headcount)
    rows = [_employee(rng, place, *name) for place, name in enumerate(names)]
    # Two share a mailbox, as it happens on a shop floor: nobody can tell whose account has that address.
    rows[-1]["email"] = rows[-2]["email"]
    return rows


def _employee(rng: random.Random, place: int, given: str, family: str) -> Row:
    heads, leads = len(DEPARTMENTS), 3 * len(DEPARTMENTS)
    codes = list(DEPARTMENTS)
    if place < heads:
        department, team, manager, title = place, "", 0, "Head of " + DEPARTMENTS[codes[place]]
    elif place < leads:
        department, team = (place - heads) // 2, _team(codes[(place - heads) // 2], 1 + (place - heads) % 2)
        manager, title = department, "Team Lead"
    else:
        department, half = rng.choices(range(heads), (1, 2, 2, 2, 4, 2, 9, 4, 3, 3))[0], rng.choice((1, 2))
        team, manager = _team(codes[department], half), _lead(department, half)
        title = TITLES.get(codes[department], "Specialist")
    site, country = rng.choice(SITES)
    login = f"{given}.{family}".lower()
    row = {
        "record": "employee",
        "employee_number": _number(place),
        "given_name": given,
        "family_name": family,
        "email": "" if codes[department] == "MFG" and rng.random() < 0.3 else f"{login}@{DOMAIN}",
        "login_name": login,
        "manager": _number(manager) if place else "",
        "department": codes[department],
        "team": team,
        "job_title": title,
        "site": site,
        "country": country,
        "status": "Active",
        "hire_date": (date(2012, 1, 1) + timedelta(days=rng.randrange(5000))).isoformat(),
    }
    if place >= leads and rng.random() < 0.04:
        left = rng.random() < 0.5
        row["status"] = "Terminated" if left else "On Leave"
        row["termination_date" if left else "leave_start_date"] = "2026-01-31"
    return row


def _number(place: int) -> str:
    return f"BW{10_000 + place}"


def _wrong(employees: list[Row]) -> list[Row]:
    """What HR files have wrong now and then."""
    new = {"record": "employee", "given_name": "Mistakenly", "family_name": "Enteredson", "status": "Active"}
    return [
        new | {"employee_number": "BW20001", "department": "SPACE"},
        new | {"employee_number": "BW20002", "hire_date": "31.02.2026"},
        new | {"employee_number": employees[40]["employee_number"]},
    ]
