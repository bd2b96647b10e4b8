"""Observations decided per second: decode, load, decide, check the rows, encode, append, look whether it counts, settle.

The folds that a decider waits for run in between and are left out of the account. The limit is what the log takes: the same
events, encoded beforehand, appended in as large batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hub.bootstrap import Hub
from hub.deciding.decider import Decider
from hub.log.port import Record
from hub.runners import DECIDE_BATCH, FOLD_BATCH
from projections import folds
from projections.engine.folder import Folder
from tests.bench import harness
from tests.bench.generate import Generator

LEARNING = "lms.learning"


@dataclass
class FoldsInBetween:
    """A deciding store that folds where the decider would wait, outside of the account."""

    hub: Hub
    folder: Folder
    meter: harness.Meter
    at: dict[tuple[str, int], int]
    events: list[Record]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub.deciding, name)

    def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        """Fold all there is."""
        with self.meter.paused():
            for records in harness.read_all(self.hub, self.at, FOLD_BATCH):
                self.folder.fold(records)
                self.events += records
        return True


def decided(bed: harness.Bed, hub: Hub, observations: int) -> tuple[harness.Spent, list[Record]]:
    """Decide so many observations; what it took, and the events that they led to."""
    harness.publish(hub, Generator(harness.observer(hub), 1).take(observations), wait=False)
    meter, folder = bed.meter(), hub.folder_over(hub.connect())
    at = folder.own(harness.partitions(hub, tuple(folds.BY_TOPIC)))
    store = FoldsInBetween(hub, folder, meter, at, [])
    decider = Decider(replace(hub.around, store=store))
    here = {("lms.observations", number): hub.deciding.decided_offset(number) for number in range(hub.log.partitions)}
    batches = harness.read_all(hub, here, DECIDE_BATCH)
    while True:
        with meter.running():
            records = next(batches, None)
            if records is None:
                return meter.spent, store.events
            decider.process([(record.partition, record.offset, record.value) for record in records])


def appended(bed: harness.Bed, hub: Hub, events: list[Record]) -> harness.Spent:
    """Append events once more, as they are."""
    meter = bed.meter()
    records = [(event.key.decode(), event.value) for event in events]
    with meter.running():
        for start in range(0, len(records), DECIDE_BATCH):
            hub.around.append(LEARNING, records[start : start + DECIDE_BATCH])
    return meter.spent


def run(bed: harness.Bed, observations: int, rounds: int) -> Iterator[harness.Figure]:
    """The figures."""
    spent, limits = [], []
    for _ in range(rounds):
        with bed.hub() as hub:
            one, events = decided(bed, hub, observations)
            spent.append(one)
            limit = appended(bed, hub, events)
            limits.append(limit.rate(observations))
            harness.note(
                f"decide {one.rate(observations):.0f}/s, {one.cpu(observations)}; {len(events)} events; {harness.trust([one])}"
            )
    rates = [one.rate(observations) for one in spent]
    name = "observations whose events the log takes, encoded beforehand"
    yield from harness.best_and_median("decide", rates, "observations/s", limits, name)
    yield harness.figure(
        "decide CPU", min(one.own + one.server for one in spent) / observations * 1e6, "µs per observation"
    )
