"""A small world of learners for acceptance tests: the same input every time, told in xAPI statements and in a CSV.

Every record has its own time, so the rows that it makes do not depend on when it is read.
"""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ADL = "http://adlnet.gov/expapi/verbs/"
COURSE = "http://adlnet.gov/expapi/activities/course"
ASSESSMENT = "http://adlnet.gov/expapi/activities/assessment"
BEGINNING = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

HEADERS = (
    "email", "course_id", "course_name", "course_type", "enrollment_status", "progress_percentage", "score_achieved",
    "max_score", "completion_date", "changed_at",
)  # fmt: skip


def learners(count: int) -> list[dict[str, str]]:
    """Employees with a number, a name and an address."""
    return [
        {
            "employee_number": f"E{1000 + n}",
            "given_name": f"Given{n}",
            "family_name": f"Family{n}",
            "email": f"learner{n}@example.org",
        }
        for n in range(count)
    ]


def statements(people: int, courses: int, seed: int = 1) -> list[dict[str, Any]]:
    """Statements of everybody's way through some courses, out of order and some of them twice."""
    rng = random.Random(seed)
    told = []
    for person in range(people):
        for course in rng.sample(range(courses), k=min(3, courses)):
            at = BEGINNING + timedelta(minutes=rng.randrange(60 * 24 * 60))
            for verb, lesson, result in _way(rng):
                at += timedelta(minutes=rng.randrange(1, 600))
                told.append(_statement(rng, person, course, verb, lesson, result, at))
    repeated = rng.sample(told, k=len(told) // 20)
    mixed = told + [dict(one, id=_uuid(rng)) for one in repeated]
    for _ in range(len(mixed) // 3):
        a = rng.randrange(len(mixed) - 1)
        mixed[a], mixed[a + 1] = mixed[a + 1], mixed[a]
    return mixed


def _way(rng: random.Random) -> list[tuple[str, int | None, dict[str, Any] | None]]:
    way: list[tuple[str, int | None, dict[str, Any] | None]] = [("registered", None, None), ("initialized", None, None)]
    for lesson in range(rng.randrange(1, 4)):
        raw = rng.randrange(30, 101)
        way.append(
            (
                "completed",
                lesson,
                {"completion": True, "success": raw >= 50, "score": {"raw": raw, "min": 0, "max": 100}},
            )
        )
    if rng.random() < 0.6:
        way.append(("completed", None, {"completion": True, "success": rng.random() < 0.9}))
    return way


def _statement(
    rng: random.Random,
    person: int,
    course: int,
    verb: str,
    lesson: int | None,
    result: dict[str, Any] | None,
    at: datetime,
) -> dict[str, Any]:
    course_id = f"https://lms.example.org/course/{course}"
    activity = {
        "objectType": "Activity",
        "id": course_id,
        "definition": {"type": COURSE, "name": {"en": f"Course {course}"}},
    }
    statement: dict[str, Any] = {
        "id": _uuid(rng),
        "actor": {
            "objectType": "Agent",
            "mbox": f"mailto:learner{person}@example.org",
            "name": f"Given{person} Family{person}",
        },
        "verb": {"id": ADL + verb, "display": {"en": verb}},
        "object": activity,
        "timestamp": at.isoformat().replace("+00:00", "Z"),
    }
    if lesson is not None:
        name = {"en": f"Lesson {lesson}"}
        statement["object"] = {
            "objectType": "Activity",
            "id": f"{course_id}/lesson/{lesson}",
            "definition": {"type": ASSESSMENT, "name": name},
        }
        statement["context"] = {"contextActivities": {"parent": [activity]}}
    if result is not None:
        statement["result"] = result
    return statement


def _uuid(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def write_statements(path: Path, people: int, courses: int, seed: int = 1) -> int:
    """Statements as JSON lines; returns how many."""
    told = statements(people, courses, seed)
    path.write_text("\n".join(json.dumps(one) for one in told) + "\n", encoding="utf-8")
    return len(told)


def write_csv(path: Path, people: int, courses: int, seed: int = 2) -> int:
    """Enrollments as a CSV with the specification's own column names; two rows are wrong. Returns how many rows."""
    rng = random.Random(seed)
    rows = []
    for person in range(people):
        course = rng.randrange(courses)
        status = rng.choice(["Not Started", "In Progress", "Completed", "Failed", "Dropped", "On Hold"])
        at = BEGINNING + timedelta(minutes=rng.randrange(60 * 24 * 60))
        done = at.date().isoformat() if status == "Completed" else ""
        rows.append((
            f"learner{person}@example.org", f"C-{course}", f"Classroom {course}", "Instructor-led", status,
            str(rng.randrange(101)), str(rng.randrange(101)), "100", done, at.isoformat(),
        ))  # fmt: skip
    rows[1] = (*rows[1][:4], "Finished maybe", *rows[1][5:])
    rows[2] = (*rows[2][:5], "lots", *rows[2][6:])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        writer.writerows(rows)
    return len(rows)
