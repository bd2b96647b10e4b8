"""From observation to row: observations are appended, decided, folded, and settled by the hub's own runners in one process.

The limit is what one connection can write of the rows alone (see ``bench_fold``), told in observations.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import harness
from tests.bench.generate import Generator


def taken(bed: harness.Bed, observations: int) -> harness.Spent:
    """Take in so many observations; until the last one is decided and its row committed."""
    with bed.hub(runners=True) as hub:
        records = harness.encoded(Generator(harness.observer(hub), 1).take(observations))
        meter = bed.meter()
        with meter.running():
            wanted = harness.append(hub, records)
            if not hub.watch.wait(wanted, 600):
                raise TimeoutError(f"observations were not decided in time: {hub.failures()}")
        return meter.spent


def run(bed: harness.Bed, observations: int, rounds: int, limit: float | None) -> Iterator[harness.Figure]:
    """The figures. ``limit``: observations per second whose rows one connection writes, from the same run."""
    spent = []
    for _ in range(rounds):
        one = taken(bed, observations)
        spent.append(one)
        harness.note(f"end to end {one.rate(observations):.0f}/s, {one.cpu(observations)}; {harness.trust([one])}")
    rates = [one.rate(observations) for one in spent]
    limits = [limit] * len(rates) if limit else []
    yield from harness.best_and_median("end to end", rates, "observations/s", limits, "their rows written by one connection")
