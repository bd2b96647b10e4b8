"""A CSV file of many rows taken in, as ``hub import`` does, by a process of its own: rows per second, and its memory.

``python -m tests.bench.bench_import HOME URL FILE`` is that process. Memory is looked at after every chunk of rows: what it grows by after
the first fifth is what more rows cost.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil

from hub.bootstrap import open_hub
from hub.domain import ids
from hub.intake.service import Intake
from tests.bench import harness
from tests.bench.bench_memory import MIB, child

HEADERS = (
    "employee_number", "email", "course_id", "course_name", "course_type", "enrollment_status", "enrollment_date", "due_date",
    "progress_percentage", "time_spent_minutes", "score_achieved", "max_score", "is_mandatory",
)  # fmt: skip
COURSES = 50


def write(path: Path, rows: int) -> None:
    """A table of so many enrollments: a learner for every ten rows."""
    chance = random.Random(3)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(HEADERS)
        for number in range(rows):
            person, course = number // 10, number % COURSES
            done = chance.random() < 0.4
            status, progress, score = ("Completed", 100, 80) if done else ("In Progress", chance.randrange(1, 99), "")
            table.writerow((
                f"E{person}", f"learner{person}@example.com", f"C{course}", f"Course {course}", "eLearning", status, "2026-01-05",
                "2026-12-31", progress, chance.randrange(300), score, 100 if done else "", "true",
            ))  # fmt: skip


def work(home: Path, url: str, path: Path) -> None:
    """Import the file; prints [rows, MiB] after every chunk and at last the accounting."""

    def progress(rows: int) -> None:
        print(orjson.dumps([rows, psutil.Process().memory_info().rss / MIB]).decode(), flush=True)

    with open_hub(harness.settings_of(home, url)) as hub:
        found = Intake(hub).import_file(ids.company_id(harness.COMPANY), harness.LMS, str(path), {}, progress)
    print(orjson.dumps([found.read, found.changed + found.unmatched]).decode())


def run(bed: harness.Bed, rows: int) -> Iterator[harness.Figure]:
    """The figures."""
    path = bed.home / "bench.csv"
    write(path, rows)
    with bed.copy() as url:
        meter = bed.meter()
        with meter.running():
            told = child("tests.bench.bench_import", str(bed.home), url, str(path))
    *points, (read, changed) = (orjson.loads(line) for line in told)
    if read != rows or changed != rows:
        raise ValueError(f"of {rows} rows {read} were read and {changed} made an enrollment")
    early = next(size for done, size in points if done >= rows / 5)
    harness.note(
        f"{rows} rows in {meter.spent.wall:.0f} s, start and end of the process included; {harness.trust([meter.spent])}"
    )
    yield harness.figure("import of CSV", meter.spent.rate(rows), "rows/s")
    yield harness.figure(f"memory after {rows} rows", points[-1][1], "MiB")
    yield harness.figure("memory growth after the first fifth", points[-1][1] - early, "MiB")


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
