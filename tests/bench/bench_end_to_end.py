"""From observation to row: observations are appended, decided, folded, and settled, by ``hub serve`` as it is by default and
by the runners of one process.

The limit is what one connection can write of the rows alone (see ``bench_fold``), told in observations.
"""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from hub.bootstrap import Hub, open_hub
from tests.bench import harness
from tests.bench.bench_decide import LEARNING
from tests.bench.generate import Generator


def taken(bed: harness.Bed, observations: int) -> tuple[harness.Spent, int]:
    """Take in so many observations in one process, until the last one is decided and its row committed; what it took, and
    the events."""
    with bed.hub(runners=True) as hub:
        return _measured(bed, hub, observations)


def taken_by_server(bed: harness.Bed, observations: int) -> tuple[harness.Spent, int]:
    """The same by a server, whose CPU counts; this process appends only."""
    with (
        bed.copy() as url,
        open_hub(harness.settings_of(bed.home, url), runners=False) as hub,
        bed.serving(url) as server,
    ):
        harness.publish(hub, Generator(harness.observer(hub), 2).take(50))  # all lanes are there when this is decided
        return _measured(bed, hub, observations, server)


def _measured(
    bed: harness.Bed, hub: Hub, observations: int, server: psutil.Process | None = None
) -> tuple[harness.Spent, int]:
    records = harness.encoded(Generator(harness.observer(hub), 1).take(observations))
    meter, before = bed.meter(server), _events(hub)
    with meter.running():
        wanted = harness.append(hub, records)
        if not hub.watch.wait(wanted, 600):
            raise TimeoutError(f"observations were not decided in time: {hub.failures()}")
    return meter.spent, _events(hub) - before


def _events(hub: Hub) -> int:
    return sum(hub.watch.folded([LEARNING]).values())


def run(bed: harness.Bed, observations: int, rounds: int, limit: float | None) -> Iterator[harness.Figure]:
    """The figures. ``limit``: events per second whose rows one connection writes, from the same run."""
    lanes = harness.settings_of(bed.home, "").lanes
    for name, measure in ((f"end to end, {lanes} lanes", taken_by_server), ("end to end, one process", taken)):
        spent, events = [], 0
        for _ in range(rounds):
            one, events = measure(bed, observations)
            spent.append(one)
            harness.note(f"{name} {one.rate(observations):.0f}/s, {one.cpu(observations)}; {harness.trust([one])}")
        rates = [one.rate(observations) for one in spent]
        limits = [limit * observations / events] * rounds if limit else []
        yield from harness.best_and_median(
            name, rates, "observations/s", limits, "their rows written by one connection"
        )
