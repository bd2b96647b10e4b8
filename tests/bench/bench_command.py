"""A command from its call to its answer, one after the other: decided, appended, folded by other processes, its own write visible.

The commands change an employee's job title; every answer is held against the table before the next one is given.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from hub.bootstrap import Hub, open_hub
from hub.directory.commands import upsert
from hub.domain import ids
from tests.bench import harness

COUNT = 300
BOUND_MS, KAFKA_BOUND_MS = 30, 100
WRITTEN = "SELECT job_title FROM hub.employee WHERE id = %s"


def answered(hub: Hub, count: int = COUNT) -> list[float]:
    """Milliseconds that each command took, sorted. Raises AssertionError where a write was not visible."""
    company_id, took = ids.company_id(harness.COMPANY), []
    for number in range(count):
        employee, title = harness.employee(hub, number), f"Title {time.time_ns()}"
        command = upsert("employee", employee, company_id, {"job_title": title})
        begin = time.perf_counter()
        hub.commands.execute(command)
        took.append((time.perf_counter() - begin) * 1000)
        with hub.connection() as connection:
            found = connection.execute(WRITTEN, (employee,)).fetchone()
        if found != (title,):
            raise AssertionError(f"the answer came before its row: {found} in place of {title}")
    return sorted(took)


def figures(name: str, took: list[float], bound: float) -> Iterator[harness.Figure]:
    """Median and 99th percentile."""
    unit = "ms to the answer"
    yield harness.figure(f"{name} p50", statistics.median(took), unit, bound, "aim for p50", less=True)
    yield harness.figure(f"{name} p99", took[int(len(took) * 0.99)], unit, bound, "aim for p50", less=True)


def run(bed: harness.Bed) -> Iterator[harness.Figure]:
    """The figures on the PostgreSQL log, beside a server with its lanes."""
    with (
        bed.copy() as url,
        open_hub(harness.settings_of(bed.home, url), runners=False) as hub,
        bed.serving(url),
    ):
        answered(hub, 20)  # the lanes are there
        yield from figures("a command", answered(hub), BOUND_MS)
