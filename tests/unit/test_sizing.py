"""The sizing table: what follows from unit costs, worked out by hand."""

from __future__ import annotations

from tests.bench.sizing import GIB, Costs, Habits, lines, size

COSTS = Costs(
    observation_bytes=GIB / 1000, event_bytes=GIB / 500, tables_bytes=GIB / 250, events=0.5, cpu=0.001
)  # a thousand observations are a GiB and a second of CPU
HABITS = Habits(enrollments=2, events=5, working_seconds=1_000, peak=4, retained_days=73, busy=0.5, first_cores=2)


def test_a_company_by_hand() -> None:
    """100 people: 1,000 events of 2,000 observations, 2 a second in the mean and 8 at the peak."""
    found = size(100, COSTS, HABITS)
    assert (found.events_a_year, found.peak) == (1_000, 8.0)
    assert (found.log_gib, found.tables_gib) == (2.0, 4.0)
    assert round(found.observations_gib, 9) == 0.4  # a fifth of a year of 2 GiB
    assert (found.cores, found.partitions) == (1, 12)
    assert found.first_hours == 6_000 * 0.001 / 2 / 3_600


def test_cores_and_partitions_grow_with_the_peak() -> None:
    """800 a second take 0.8 cores, which must be half of them; thirty times as many 48, of six to a dozen partitions."""
    assert size(10_000, COSTS, HABITS).cores == 2
    assert (size(300_000, COSTS, HABITS).cores, size(300_000, COSTS, HABITS).partitions) == (48, 96)


def test_the_tables_hold_a_line_per_company() -> None:
    """Markdown, with the figures of both."""
    text = list(lines(COSTS, [size(100, COSTS, HABITS)]))
    assert text[-1] == "| 100 | 1,000 | 8.0 | 1 | 12 | 2.0 GiB | 0.40 GiB | 4.0 GiB | 0.00 h |"
    assert "| events of an observation | 0.50 |" in text
