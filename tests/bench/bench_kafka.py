"""The same on Kafka: raw rates of the client, end to end by one worker process, its folds alone, and its latency.

Events are folded once more onto a copy of the database that was made before them; there the worker finds every observation decided
and has nothing to do but to fold.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from hub.bootstrap import Hub, open_hub
from hub.log.port import NewRecord
from hub.settings import Settings
from projections import folds
from tests.bench import harness
from tests.bench.bench_decide import LEARNING
from tests.bench.bench_latency import RATE
from tests.bench.generate import Generator
from tests.support import services

BOUND_MS = 250
RAW = 50_000
PATIENCE = 600


def run(bed: harness.Bed, observations: int) -> Iterator[harness.Figure]:
    """The figures; none where no broker can be had."""
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(services.kafka(bed.home / "kafka"))
        except services.Unavailable as reason:
            harness.note(f"no Kafka: {reason}")
            return
        harness.note(f"Kafka from {broker.origin}")
        url = bed.databases.create()
        chosen = replaced(harness.settings_of(bed.home, url), broker.address)
        with open_hub(chosen) as hub:
            yield from raw(hub)
            with worker(chosen):
                harness.populate(hub, events=0)
        before = bed.databases.create(url)
        with open_hub(chosen) as hub, worker(chosen):
            yield from end_to_end(bed, hub, observations)
            yield from latency(hub)
        with open_hub(
            replaced(harness.settings_of(bed.home, before), broker.address, chosen.kafka_topic_prefix)
        ) as hub:
            yield from fold(bed, hub)


def replaced(chosen: Settings, bootstrap: str, prefix: str = "") -> Settings:
    """The settings with a broker and topics of one's own."""
    prefix = prefix or f"bench-{secrets.token_hex(4)}-"
    return chosen.model_copy(update={"kafka_bootstrap_servers": bootstrap, "kafka_topic_prefix": prefix})


@contextmanager
def worker(chosen: Settings) -> Iterator[None]:
    """A worker process."""
    given = {
        "HUB_HOME": str(chosen.home),
        "HUB_DATABASE_URL": chosen.database_url.get_secret_value() if chosen.database_url else "",
        "HUB_KAFKA_BOOTSTRAP_SERVERS": chosen.kafka_bootstrap_servers or "",
        "HUB_KAFKA_TOPIC_PREFIX": chosen.kafka_topic_prefix,
        "HUB_LOG_LEVEL": "warning",
    }
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-m", "hub.worker"], env={**os.environ, **given}, cwd=root)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def raw(hub: Hub) -> Iterator[harness.Figure]:
    """What the client produces and receives of records as large as events; into a topic that nobody folds."""
    topic = "lms.alerts" if "lms.alerts" in folds.BY_TOPIC else "lms.observations"
    records = [NewRecord(f"raw/{number}".encode(), bytes(700)) for number in range(RAW)]
    begins = {(topic, number): end for number, end in hub.log.ends(topic).items()}
    start = time.perf_counter()
    for at in range(0, RAW, 1000):
        hub.log.append(topic, records[at : at + 1000])
    yield harness.figure("Kafka client, produce", RAW / (time.perf_counter() - start), "records/s")
    start, found = time.perf_counter(), 0
    for batch in harness.read_all(hub, begins, 2000):
        found += len(batch)
    yield harness.figure("Kafka client, consume", found / (time.perf_counter() - start), "records/s")


def end_to_end(bed: harness.Bed, hub: Hub, observations: int) -> Iterator[harness.Figure]:
    """Observations until the last one is decided."""
    records = harness.encoded(Generator(harness.observer(hub), 1).take(observations))
    harness.publish(hub, Generator(harness.observer(hub), 2).take(50))  # the worker is there when this is decided
    meter = bed.meter()
    with meter.running():
        _await(hub, harness.append(hub, records))
    harness.note(f"Kafka end to end; {harness.trust([meter.spent])}")
    yield harness.figure("Kafka end to end", meter.spent.rate(observations), "observations/s", 1_200, "aim")


def latency(hub: Hub) -> Iterator[harness.Figure]:
    """Milliseconds from the append of an observation to the row of its event, at a steady rate of single observations."""
    found = []
    told = harness.encoded(Generator(harness.observer(hub), 3).take(2_000))
    begin = time.perf_counter()
    for number, one in enumerate(told):
        time.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
        ((topic, partition, offset),) = hub.around.append(harness.OBSERVATIONS, [one])
        if number % 50 == 49:  # waiting for each would hold back the next
            start = time.perf_counter()
            _await(hub, {(topic, partition): offset + 1})
            found.append((time.perf_counter() - start) * 1000)
    found.sort()
    name = "ms from an observation to its row"
    yield harness.figure(
        "Kafka latency p50", statistics.median(found), name, BOUND_MS, "bound for p99 of an event", less=True
    )
    yield harness.figure(
        "Kafka latency, worst of 40", found[-1], name, BOUND_MS, "bound for p99 of an event", less=True
    )


def fold(bed: harness.Bed, hub: Hub) -> Iterator[harness.Figure]:
    """All events once more, onto a database where the observations count as decided."""
    ends = hub.log.ends(harness.OBSERVATIONS)
    with psycopg.connect(hub.url) as connection:
        for number, end in ends.items():
            connection.execute(
                "INSERT INTO ops.decided_offset (partition, next_offset, epoch) VALUES (%s, %s, 0) "
                "ON CONFLICT (partition) DO UPDATE SET next_offset = excluded.next_offset",
                (number, end),
            )
    wanted = {(LEARNING, number): end for number, end in hub.log.ends(LEARNING).items() if end}
    count = sum(wanted.values())
    meter = bed.meter()
    with worker(hub.settings):
        first = dict([next(iter(wanted.items()))])
        while not hub.watch.wait(dict.fromkeys(first, 1), 1.0):
            pass
        begun = sum(hub.watch.folded([LEARNING]).values())
        with meter.running():
            _await(hub, wanted)
    harness.note(f"Kafka fold of {count - begun} events; {harness.trust([meter.spent])}")
    yield harness.figure("Kafka fold by a worker", meter.spent.rate(count - begun), "events/s", 2_000, "aim")


def _await(hub: Hub, wanted: dict[tuple[str, int], int]) -> None:
    if not hub.watch.wait(wanted, PATIENCE):
        raise TimeoutError(f"not done in {PATIENCE} s")
