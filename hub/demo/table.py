"""What the employees of Brightwater learn in classrooms, as a CSV file with the column names of the tables.

Some rows are of people whom HR does not know, and some are wrong in the ways in which such files are wrong.
"""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from pathlib import Path

from hub.demo.people import Row

HEADERS = (
    "employee_id", "email", "course_id", "course_name", "course_code", "course_type", "enrollment_status",
    "enrollment_date", "start_date", "completion_date", "due_date", "progress_percentage", "score_achieved", "max_score",
    "passing_score", "time_spent_minutes", "instructor_name", "is_mandatory", "is_compliance_training", "cost_amount",
    "currency_code",
)  # fmt: skip
COURSES = (
    ("C-100", "First Aid", "FA", "Instructor-led", True),
    ("C-110", "Fire Drill", "FD", "Workshop", True),
    ("C-200", "Negotiating", "NEG", "Workshop", False),
    ("C-210", "Forklift Licence", "FORK", "Blended", True),
    ("C-300", "Coaching for Leads", "COACH", "Virtual Classroom", False),
)
INSTRUCTORS = ("Theodrike Vandersteen", "Rosamunde Kilbracken")
STATUSES = ("Not Started", "In Progress", "Completed", "Completed", "Completed", "Failed", "Dropped", "On Hold")
PEOPLE = 150
FIRST_DAY = date(2026, 1, 7)


def write(path: Path, employees: list[Row], seed: int = 13) -> int:
    """Write the file; returns the number of its rows."""
    rng = random.Random(seed)  # noqa: S311
    rows = [_row(rng, row["employee_number"], row["email"]) for row in rng.sample(employees, PEOPLE)]
    rows += [_row(rng, "", f"guest{n}@partners.example") for n in range(6)]
    lines = [[str(row[header]) for header in HEADERS] for row in rows]
    lines += _wrong([row for row in rows if row["enrollment_status"] == "Completed"])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        writer.writerows(lines)
    return len(lines)


def _row(rng: random.Random, number: str, email: str) -> dict[str, object]:
    key, name, code, kind, mandatory = rng.choice(COURSES)
    status = rng.choice(STATUSES)
    begun = FIRST_DAY + timedelta(days=rng.randrange(40))
    ended = status in ("Completed", "Failed")
    worked = ended or status in ("In Progress", "On Hold")
    return {
        "employee_id": number,
        "email": email,
        "course_id": key,
        "course_name": name,
        "course_code": code,
        "course_type": kind,
        "enrollment_status": status,
        "enrollment_date": begun - timedelta(days=5),
        "start_date": begun if worked else "",
        "completion_date": begun + timedelta(days=2) if status == "Completed" else "",
        "due_date": begun + timedelta(days=30) if mandatory else "",
        "progress_percentage": 100 if ended else rng.randrange(10, 90) if worked else "",
        "score_achieved": rng.randrange(60, 101) if status == "Completed" else rng.randrange(20, 50) if ended else "",
        "max_score": 100 if ended else "",
        "passing_score": 60,
        "time_spent_minutes": rng.randrange(60, 900) if worked else "",
        "instructor_name": rng.choice(INSTRUCTORS),
        "is_mandatory": "yes" if mandatory else "no",
        "is_compliance_training": "yes" if mandatory else "no",
        "cost_amount": rng.choice(("", "120.00", "340.50")),
        "currency_code": "EUR",
    }


def _wrong(rows: list[dict[str, object]]) -> list[list[str]]:
    """Rows that are wrong, each in its own way."""
    faults = (
        {"score_achieved": "eighty"},
        {"completion_date": "31.02.2026"},
        {"enrollment_status": "Finished, I think"},
        {"course_id": ""},
        {"employee_id": "", "email": ""},
        {"time_spent_minutes": "2 h"},
        {"course_name": "First\0Aid"},
        {"currency_code": "Euro"},
    )
    lines = [[str((row | fault)[header]) for header in HEADERS] for row, fault in zip(rows, faults, strict=False)]
    short = [str(rows[0][header]) for header in HEADERS[:7]]
    return [*lines, short]
