"""Observations decided per second: decode, load, decide, check the rows, encode, append, look whether it counts, settle.

The folds that a decider waits for run in between and are left out of the account. The limit is what the log takes: the same
events, encoded beforehand, appended in as large batches.

With lanes, each is a process with its share of the partitions (``python -m tests.bench.bench_decide HOME URL LANE LANES``), and their
rates are added up. One lane's folds are left out of its own account, but take processors from the other's decisions.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from hub.bootstrap import Hub, open_hub
from hub.deciding.decider import Decider
from hub.log.port import Record
from hub.runners import DECIDE_BATCH, FOLD_BATCH, tune
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
    told(hub, observations)
    return _decided(bed.meter(), hub, range(hub.log.partitions))[:2]


def told(hub: Hub, observations: int) -> None:
    """Append so many observations, which nobody decides."""
    harness.publish(hub, Generator(harness.observer(hub), 1).take(observations), wait=False)


def _decided(meter: harness.Meter, hub: Hub, share: Iterable[int]) -> tuple[harness.Spent, list[Record], int]:
    """Decide what lies in these partitions; what it took, the events, and how many observations there were."""
    folder, parts = hub.folder_over(hub.connect()), list(share)
    at = folder.own([(topic, number) for topic in folds.BY_TOPIC for number in parts])
    store = FoldsInBetween(hub, folder, meter, at, [])
    decider = Decider(replace(hub.around, store=store))
    here = {("lms.observations", number): hub.deciding.decided_offset(number) for number in parts}
    batches = harness.read_all(hub, here, DECIDE_BATCH)
    count = 0
    while True:
        with meter.running():
            records = next(batches, None)
            if records is None:
                return meter.spent, store.events, count
            decider.process([(record.partition, record.offset, record.value) for record in records])
        count += len(records)


def work(home: Path, url: str, lane: int, lanes: int) -> None:
    """One lane: says that it is there, waits for a line, decides its share, and prints [observations, wall, CPU]."""
    tune(alone=lanes == 1)
    with open_hub(harness.settings_of(home, url), runners=False) as hub:
        print("there", flush=True)
        sys.stdin.readline()
        spent, _, count = _decided(harness.Meter(None), hub, range(lane, hub.log.partitions, lanes))
    print(orjson.dumps([count, spent.wall, spent.own]).decode(), flush=True)


def decided_in_lanes(bed: harness.Bed, observations: int, lanes: int) -> float:
    """Observations per second of all lanes together."""
    with bed.copy() as url, ExitStack() as stack:
        with open_hub(harness.settings_of(bed.home, url), runners=False) as hub:
            told(hub, observations)
        command = [sys.executable, "-m", "tests.bench.bench_decide", str(bed.home), url]
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [*command, str(lane), str(lanes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for lane in range(lanes)
        ]
        for process in processes:
            if process.stdout is None or not process.stdout.readline():
                raise ChildProcessError("a lane did not start")
        for process in processes:
            print(file=process.stdin, flush=True)
        found = [orjson.loads(process.communicate()[0]) for process in processes]
        cpu = sum(own for _, _, own in found) / sum(count for count, _, _ in found) * 1e6
        rate = sum(count / wall for count, wall, _ in found)
        harness.note(f"decide, {lanes} lanes {rate:.0f}/s, {cpu:.0f} µs in all of them")
        return rate


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
    lanes = harness.settings_of(bed.home, "").lanes
    together = [decided_in_lanes(bed, observations, lanes) for _ in range(rounds)]
    yield from harness.best_and_median(f"decide, {lanes} lanes", together, "observations/s")
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
    yield from harness.best_and_median("decide, one process", rates, "observations/s", limits, name)
    yield harness.figure(
        "decide CPU, one process", min(one.own + one.server for one in spent) / observations * 1e6, "µs per observation"
    )


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
