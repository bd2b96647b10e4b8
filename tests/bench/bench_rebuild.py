"""All tables rebuilt from a log of N learning events: folded, indexed, caught up, compared row for row, swapped.

The log is made first, by deciding observations in the way that they take in life; that is not measured. On a server of its
own, since all its rows come from its log: ``python -m tests.bench --only rebuild --rebuild-events 1000000``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hub.bootstrap import Hub, open_hub
from hub.rebuilding.service import Rebuilding
from projections import folds
from tests.bench import harness
from tests.bench.generate import Generator
from tests.support import services

EVENTS = 100_000
SECONDS_OF_A_MILLION = 150.0
AT_ONCE = 10_000
LEARNING = "lms.learning"


def figures(events: int = EVENTS) -> Iterator[harness.Figure]:
    """Seconds of a rebuild beside the aim, and how long the tables were held for the swap; the steps are noted."""
    with _bed() as bed, bed.hub(runners=True) as hub:
        count = _filled(hub, events)
        meter = bed.meter()
        steps: dict[str, harness.Spent] = {}
        ended = harness.Spent()

        def tell(step: str, _done: int, _total: int) -> None:
            steps[step] = meter.so_far()

        with meter.running():
            done = Rebuilding(hub, tell).rebuild()
        spent = meter.spent
        harness.note(
            f"rebuild of {count} events on {os.cpu_count()} cores: {spent.cpu(count)}; {harness.trust([spent])}"
        )
        for step, until in (*steps.items(), ("foreign keys", spent)):
            harness.note(
                f"{step}: {until.wall - ended.wall:.1f} s, {(until.own - ended.own) / count * 1e6:.0f} µs here and "
                f"{(until.server - ended.server) / count * 1e6:.0f} µs in the server for each event"
            )
            ended = until
        if any(one.differing for one in done.results):
            raise ValueError("the rebuilt tables differ from the live ones")
        aim = SECONDS_OF_A_MILLION * count / 1_000_000
        yield harness.figure(
            "rebuild, with indexes and comparison", spent.wall, "s", aim, f"{count} learning events", less=True
        )
        yield harness.figure("rebuild: tables held", done.held_seconds * 1000, "ms", 1000, "a second", less=True)


@contextmanager
def _bed() -> Iterator[harness.Bed]:
    """A server and a database whose rows all come from its log."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service = stack.enter_context(services.postgres(home))
        databases = services.Databases(service.address)
        stack.callback(databases.close)
        bed = harness.Bed(home, databases, harness._process_of(service.address), databases.create())
        with open_hub(harness.settings_of(home, bed.template)) as hub:
            harness.populate(hub)
        yield bed


def _filled(hub: Hub, events: int) -> int:
    """Decide observations until the log holds so many learning events, all of them folded; returns how many it holds."""
    generator = Generator(harness.observer(hub), 1)
    while (count := sum(hub.log.ends(LEARNING).values())) < events:
        harness.publish(hub, generator.take(AT_ONCE))
    wanted = {(topic, part): end for topic in folds.BY_TOPIC for part, end in hub.log.ends(topic).items()}
    if not hub.watch.wait(wanted, 600):
        raise TimeoutError(f"events were not folded in time: {hub.failures()}")
    return count
