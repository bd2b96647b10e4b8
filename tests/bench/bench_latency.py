"""From an append to its visible row, at a steady 500 a second that come one by one.

Rows are visible when their transaction has committed, which is when the server tells those who listen. Events go straight to
their fold; an observation's row is there once it was decided as well.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from hub.bootstrap import Hub
from projections.engine.pg_store import FOLDED
from tests.bench import harness
from tests.bench.bench_decide import LEARNING, decided
from tests.bench.generate import Generator

RATE = 500
BOUND_MS = 100
PATIENCE = 120


@dataclass
class Listener:
    """Notes when it was told how far the partitions of a topic are, until it is stopped."""

    url: str
    topic: str
    told: list[tuple[float, int, int]] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Until stopped, and until nothing more comes."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"LISTEN {FOLDED}")
            self.ready.set()
            while not self.stopped.is_set():
                for news in connection.notifies(timeout=0.5):
                    self._note(news.payload)

    def _note(self, text: str) -> None:
        now = time.perf_counter()
        for topic, partition, offset in (part.rsplit("/", 2) for part in text.split(",") if part):
            if topic == self.topic:
                self.told.append((now, int(partition), int(offset)))


def latencies(hub: Hub, topic: str, records: Sequence[tuple[str, bytes]]) -> list[float]:
    """Milliseconds from append to visible row, for each record, sorted."""
    listener = Listener(hub.url, topic)
    thread = threading.Thread(target=listener.listen)
    thread.start()
    listener.ready.wait(10)
    sent: dict[int, list[tuple[int, float]]] = {}
    begin = time.perf_counter()
    for number, record in enumerate(records):
        time.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
        ((_, partition, offset),) = hub.around.append(topic, [record])
        sent.setdefault(partition, []).append((offset, time.perf_counter()))
    done = hub.watch.wait({(topic, partition): told[-1][0] + 1 for partition, told in sent.items()}, PATIENCE)
    listener.stopped.set()
    thread.join(PATIENCE)
    if not done:
        raise TimeoutError(f"not all of {topic} was done in time: {hub.failures()}")
    return sorted(took for partition, told in sent.items() for took in _taken(told, listener.told, partition))


def _taken(
    sent: Sequence[tuple[int, float]], told: Sequence[tuple[float, int, int]], partition: int
) -> Iterator[float]:
    news = [(reached, now) for now, where, reached in told if where == partition]
    for offset, at in sent:
        yield (min(now for reached, now in news if reached > offset) - at) * 1000


def figures(name: str, found: Sequence[float], bound: float) -> Iterator[harness.Figure]:
    """Median and 99th percentile."""
    p99 = found[int(len(found) * 0.99)]
    yield harness.figure(
        f"{name} p50", statistics.median(found), "ms to the visible row", bound, "aim for p99", less=True
    )
    yield harness.figure(f"{name} p99", p99, "ms to the visible row", bound, "aim for p99", less=True)


def run(bed: harness.Bed, count: int) -> Iterator[harness.Figure]:
    """The figures."""
    with bed.hub() as hub:
        events = [(event.key.decode(), event.value) for event in decided(bed, hub, count)[1]]
    meter = bed.meter()
    with bed.hub(runners=True) as hub, meter.running():
        found = latencies(hub, LEARNING, events)
    harness.note(f"{len(found)} events at {RATE}/s; {harness.trust([meter.spent])}")
    yield from figures("latency of an event", found, BOUND_MS)
    with bed.hub(runners=True) as hub:
        told = harness.encoded(Generator(harness.observer(hub), 1).take(count))
        yield from figures("latency of an observation", latencies(hub, harness.OBSERVATIONS, told), BOUND_MS)
