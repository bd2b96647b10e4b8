"""How large a hub must be: unit costs measured on this machine, and what follows from them for companies of three sizes.

``python -m tests.bench.sizing`` prints both as the tables of ``docs/performance.md``. Unit costs are those of observations as
``tests/bench/generate.py`` makes them; how much people learn is assumed, and stands in :class:`Habits`.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.bootstrap import Hub
from hub.logging import configure
from projections.plain import full_name
from projections.tables import TABLES
from tests.bench import harness
from tests.bench.bench_decide import LEARNING
from tests.bench.generate import Generator

GIB = 2**30
YEAR_DAYS = 365
LOG_BYTES = """
SELECT t.name, count(*), sum(pg_column_size(r.*)) FROM log.record r JOIN log.topic t USING (topic_id) GROUP BY 1
"""
LOG_TOTAL = "SELECT pg_total_relation_size('log.record'), count(*) FROM log.record"


@dataclass(frozen=True)
class Costs:
    """What one observation and one event cost: bytes with their share of pages and indexes, seconds of CPU in all."""

    observation_bytes: float
    event_bytes: float
    tables_bytes: float
    """Of all tables, per event: rows, histories, audit trail."""
    events: float
    """Per observation: what tells nothing new gives none."""
    cpu: float
    """Per observation, from the log to its rows: of the hub and of PostgreSQL."""


@dataclass(frozen=True)
class Habits:
    """How much is learned, and when."""

    enrollments: int = 12
    """Per employee and year."""
    events: int = 14
    """Per enrollment: four of its own, and two of each of five lessons."""
    working_seconds: int = 220 * 8 * 3600
    """In a year."""
    peak: int = 5
    """The busiest hour against the mean of all working hours."""
    retained_days: int = 30
    """So long observations are kept."""
    busy: float = 0.6
    """Of its cores a machine should need no more at the peak."""
    first_years: int = 3
    """Taken in when the hub begins."""
    first_cores: int = 8
    """All that take in these."""


@dataclass(frozen=True)
class Size:
    """What a company needs."""

    employees: int
    events_a_year: int
    peak: float
    """Observations a second in the busiest hour."""
    cores: int
    """Of the hub and PostgreSQL together."""
    partitions: int
    log_gib: float
    """More of it every year."""
    observations_gib: float
    """Never more than this."""
    tables_gib: float
    """More of it every year, the audit trail and histories included."""
    first_hours: float
    """For what happened before the hub began."""


def size(employees: int, costs: Costs, habits: Habits) -> Size:
    """What follows for a company."""
    events = employees * habits.enrollments * habits.events
    observations = events / costs.events
    peak = observations / habits.working_seconds * habits.peak
    cores = max(1, math.ceil(peak * costs.cpu / habits.busy))
    return Size(
        employees=employees,
        events_a_year=events,
        peak=peak,
        cores=cores,
        partitions=max(12, 12 * math.ceil(cores / 6)),
        log_gib=events * costs.event_bytes / GIB,
        observations_gib=observations * habits.retained_days / YEAR_DAYS * costs.observation_bytes / GIB,
        tables_gib=events * costs.tables_bytes / GIB,
        first_hours=observations * habits.first_years * costs.cpu / habits.first_cores / 3600,
    )


def measured(bed: harness.Bed, observations: int) -> Costs:
    """Take in so many observations in this process, and look at what grew."""
    with bed.hub(runners=True) as hub:
        before = _tables(hub)
        told = harness.encoded(Generator(harness.observer(hub), 3).take(observations))
        events, meter = _events(hub), bed.meter()
        with meter.running():
            wanted = harness.append(hub, told)
            if not hub.watch.wait(wanted, 600):
                raise TimeoutError(f"observations were not decided in time: {hub.failures()}")
        events = _events(hub) - events
        log = _log(hub)
        return Costs(
            observation_bytes=log[harness.OBSERVATIONS],
            event_bytes=log[LEARNING],
            tables_bytes=(_tables(hub) - before) / events,
            events=events / observations,
            cpu=(meter.spent.own + meter.spent.server) / observations,
        )


def _events(hub: Hub) -> int:
    return sum(hub.watch.folded([LEARNING]).values())


def _tables(hub: Hub) -> int:
    """Bytes of all tables with their indexes."""
    with hub.connection() as connection:
        sizes = [
            connection.execute("SELECT pg_total_relation_size(%s::regclass)", (full_name(table),)).fetchone()
            for table in TABLES.values()
        ]
    return sum(row[0] for row in sizes if row)


def _log(hub: Hub) -> dict[str, float]:
    """Bytes of a record of each topic, with its share of pages and index."""
    with hub.connection() as connection:
        found = connection.execute(LOG_BYTES).fetchall()
        ((total, count),) = connection.execute(LOG_TOTAL).fetchall()
    beside = (total - sum(size for _, _, size in found)) / count
    return {topic: float(size) / number + float(beside) for topic, number, size in found}


def lines(costs: Costs, sizes: Sequence[Size]) -> Iterator[str]:
    """Both tables as Markdown."""
    yield "| unit cost | |"
    yield "| --- | --- |"
    yield f"| an observation in the log | {costs.observation_bytes:,.0f} bytes |"
    yield f"| an event in the log | {costs.event_bytes:,.0f} bytes |"
    yield f"| its rows, history and audit row, with their indexes | {costs.tables_bytes:,.0f} bytes |"
    yield f"| events of an observation | {costs.events:.2f} |"
    yield f"| CPU of an observation, hub and PostgreSQL | {costs.cpu * 1e6:,.0f} µs |"
    yield ""
    yield (
        "| employees | events a year | observations/s at the peak | cores | partitions | log, more a year "
        "| observations, at most | tables, more a year | first load |"
    )
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for one in sizes:
        yield (
            f"| {one.employees:,} | {one.events_a_year:,} | {one.peak:,.1f} | {one.cores} | {one.partitions} "
            f"| {one.log_gib:,.1f} GiB | {one.observations_gib:,.2f} GiB | {one.tables_gib:,.1f} GiB | {one.first_hours:,.2f} h |"
        )


def main() -> None:
    """Measure and print."""
    configure("warning")
    with tempfile.TemporaryDirectory(prefix="hub-sizing-") as home, harness.Bed.open(Path(home), 20_000) as bed:
        costs = measured(bed, 20_000)
    for line in lines(costs, [size(people, costs, Habits()) for people in (1_000, 100_000, 5_000_000)]):
        print(line)


if __name__ == "__main__":
    main()
