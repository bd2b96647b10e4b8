"""From the append of an event to its visible row, at a steady 500 events a second that come one by one.

An event's row is visible when its transaction has committed, which is when the server tells those who listen.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg

from hub.bootstrap import Hub
from hub.log.port import Record
from projections.engine.pg_store import FOLDED
from tests.bench import harness
from tests.bench.bench_decide import LEARNING, decided

RATE = 500
BOUND_MS = 100


@dataclass
class Listener:
    """Notes when it was told how far a partition of the events is folded; until all that is wanted was told."""

    url: str
    wanted: dict[int, int]
    told: list[tuple[float, int, int]] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Until all is told, or nothing more comes."""
        left = dict(self.wanted)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"LISTEN {FOLDED}")
            self.ready.set()
            while left:
                for news in connection.notifies(timeout=30, stop_after=1):
                    now = time.perf_counter()
                    for topic, partition, offset in (part.rsplit("/", 2) for part in news.payload.split(",")):
                        if topic == LEARNING:
                            self.told.append((now, int(partition), int(offset)))
                            if int(offset) >= left.get(int(partition), 1 << 62):
                                del left[int(partition)]
                    break
                else:
                    return


def latencies(hub: Hub, events: list[Record]) -> list[float]:
    """Milliseconds from append to visible row, for each event."""
    wanted: dict[int, int] = {}
    for event in events:
        wanted[event.partition] = event.offset + 1
    listener = Listener(hub.url, wanted)
    thread = threading.Thread(target=listener.listen)
    thread.start()
    listener.ready.wait(10)
    sent: dict[tuple[int, int], float] = {}
    begin = time.perf_counter()
    for number, event in enumerate(events):
        time.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
        ((_, partition, offset),) = hub.around.append(LEARNING, [(event.key.decode(), event.value)])
        sent[partition, offset] = time.perf_counter()
    thread.join(60)
    return _taken(sent, listener.told)


def _taken(sent: dict[tuple[int, int], float], told: list[tuple[float, int, int]]) -> list[float]:
    seen: dict[tuple[int, int], float] = {}
    reached: dict[int, int] = {}
    for now, partition, offset in told:
        first = (
            min((at for part, at in sent if part == partition), default=0)
            if partition not in reached
            else reached[partition]
        )
        for each in range(first, offset):
            seen[partition, each] = now
        reached[partition] = max(offset, first)
    return [(seen[where] - at) * 1000 for where, at in sent.items() if where in seen]


def run(bed: harness.Bed, events_wanted: int) -> Iterator[harness.Figure]:
    """The figures."""
    with bed.hub() as hub:
        events = decided(bed, hub, events_wanted)[1]
    meter = bed.meter()
    with bed.hub(runners=True) as hub, meter.running():
        found = sorted(latencies(hub, events))
    if len(found) < len(events):
        raise ValueError(f"{len(events) - len(found)} of {len(events)} events were never seen folded")
    harness.note(f"{len(found)} events at {RATE}/s; {harness.trust([meter.spent])}")
    yield harness.figure(
        "latency p50", statistics.median(found), "ms from append to visible row", BOUND_MS, "bound for p99"
    )
    p99 = found[int(len(found) * 0.99)]
    yield harness.figure("latency p99", p99, "ms from append to visible row", BOUND_MS, "bound for p99", less=True)
