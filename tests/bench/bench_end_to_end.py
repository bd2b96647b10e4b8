"""From observation to row: observations are appended, decided, folded, and settled by the hub's own runners in one process.

The limit is what one connection can write of the rows alone (see ``bench_fold``), told in observations.
"""

from __future__ import annotations

from collections.abc import Iterator

from hub.bootstrap import Hub
from tests.bench import harness
from tests.bench.bench_decide import LEARNING
from tests.bench.generate import Generator


def taken(bed: harness.Bed, observations: int) -> tuple[harness.Spent, int]:
    """Take in so many observations, until the last one is decided and its row committed; what it took, and the events."""
    with bed.hub(runners=True) as hub:
        records = harness.encoded(Generator(harness.observer(hub), 1).take(observations))
        meter, before = bed.meter(), _events(hub)
        with meter.running():
            wanted = harness.append(hub, records)
            if not hub.watch.wait(wanted, 600):
                raise TimeoutError(f"observations were not decided in time: {hub.failures()}")
        return meter.spent, _events(hub) - before


def _events(hub: Hub) -> int:
    return sum(hub.watch.folded([LEARNING]).values())


def run(bed: harness.Bed, observations: int, rounds: int, limit: float | None) -> Iterator[harness.Figure]:
    """The figures. ``limit``: events per second whose rows one connection writes, from the same run."""
    spent, events = [], 0
    for _ in range(rounds):
        one, events = taken(bed, observations)
        spent.append(one)
        harness.note(f"end to end {one.rate(observations):.0f}/s, {one.cpu(observations)}; {harness.trust([one])}")
    rates = [one.rate(observations) for one in spent]
    limits = [limit * observations / events] * rounds if limit else []
    yield from harness.best_and_median(
        "end to end", rates, "observations/s", limits, "their rows written by one connection"
    )
