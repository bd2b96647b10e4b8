"""The same on Kafka: raw rates of the client, end to end by one and by two worker processes with what each process takes of the
machine, the folds of one alone, and the latency of an observation, of an event and of a command.

Events whose latency is measured are decided beforehand on a copy of the database.
Events are folded once more onto a copy of the database that was made before them; there the worker finds every observation decided
and has nothing to do but to fold.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg

from hub.bootstrap import Hub, open_hub
from hub.log.port import NewRecord, Record
from hub.settings import Settings
from tests.bench import bench_command, bench_latency, foretold, harness
from tests.bench.bench_decide import LEARNING
from tests.bench.generate import Generator
from tests.support import services

BOUND_MS, EVENT_MS, KAFKA_COMMAND_MS = 250, 100, 100
RAW = 50_000
UNREAD = "lms.governance"
"""A topic that nobody folds."""
PATIENCE = 600
LOOK = 0.02
SETTLED = 15.0
"""Seconds after which a second worker has joined."""


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
        before, scratch = bed.databases.create(url), bed.databases.create(url)
        with open_hub(
            replaced(harness.settings_of(bed.home, scratch), broker.address, chosen.kafka_topic_prefix)
        ) as hub:
            events = foretold.events_of(hub, Generator(harness.observer(hub), 7).take(3_000))
        with open_hub(chosen) as hub:
            with worker(chosen) as one:
                yield from latency(hub, events)
                yield from end_to_end(bed, hub, observations, 1, [one])
                bench_command.answered(hub, 20)
                yield from bench_command.figures("Kafka: a command", bench_command.answered(hub), KAFKA_COMMAND_MS)
            with worker(chosen) as one, worker(chosen) as two:
                yield from end_to_end(bed, hub, observations, 9, [one, two])
        with open_hub(
            replaced(harness.settings_of(bed.home, before), broker.address, chosen.kafka_topic_prefix)
        ) as hub:
            yield from fold(bed, hub)


def replaced(chosen: Settings, bootstrap: str, prefix: str = "") -> Settings:
    """The settings with a broker and topics of one's own."""
    prefix = prefix or f"bench-{secrets.token_hex(4)}-"
    return chosen.model_copy(update={"kafka_bootstrap_servers": bootstrap, "kafka_topic_prefix": prefix})


@contextmanager
def worker(chosen: Settings) -> Iterator[psutil.Process]:
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
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def raw(hub: Hub) -> Iterator[harness.Figure]:
    """What the client produces and receives of records as large as events; into a topic that nobody folds."""
    records = [NewRecord(f"raw/{number}".encode(), bytes(700)) for number in range(RAW)]
    begins = {(UNREAD, number): end for number, end in hub.log.ends(UNREAD).items()}
    start = time.perf_counter()
    for at in range(0, RAW, 1000):
        hub.log.append(UNREAD, records[at : at + 1000])
    yield harness.figure("Kafka client, produce", RAW / (time.perf_counter() - start), "records/s")
    start, found = time.perf_counter(), 0
    for batch in harness.read_all(hub, begins, 2000):
        found += len(batch)
    yield harness.figure("Kafka client, consume", found / (time.perf_counter() - start), "records/s")


def end_to_end(
    bed: harness.Bed, hub: Hub, observations: int, start: int, workers: Sequence[psutil.Process]
) -> Iterator[harness.Figure]:
    """Observations until the last one is decided, by these workers."""
    records = harness.encoded(Generator(harness.observer(hub), start).take(observations))
    harness.publish(
        hub, Generator(harness.observer(hub), start + 1).take(50)
    )  # the workers are there when this is decided
    if len(workers) > 1:
        time.sleep(SETTLED)  # and share the partitions
    parts = {f"worker {number}": one for number, one in enumerate(workers, 1)} | _others(bed)
    before = {name: harness.tree_cpu(part) for name, part in parts.items()}
    meter = bed.meter()
    with meter.running():
        _await(hub, harness.append(hub, records))
    shares = {name: (harness.tree_cpu(part) - before[name]) / meter.spent.wall for name, part in parts.items()}
    told = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
    harness.note(
        f"Kafka end to end, cores of {psutil.cpu_count()}: {told}, who appends {meter.spent.own / meter.spent.wall:.2f}"
    )
    name = f"Kafka end to end, {len(workers)} worker{'s' * (len(workers) > 1)}"
    yield harness.figure(name, meter.spent.rate(observations), "observations/s", 1_200, "aim")


def _others(bed: harness.Bed) -> dict[str, psutil.Process]:
    """The server, and the broker that was started for this bench."""
    found = {} if bed.server is None else {"PostgreSQL": bed.server}
    for one in psutil.process_iter(["name", "cmdline"]):
        if one.info["name"] == "java" and str(bed.home) in " ".join(one.info["cmdline"] or ()):
            found["broker"] = one
    return found


def latency(hub: Hub, events: Sequence[Record]) -> Iterator[harness.Figure]:
    """Events, and observations, that come one by one, until their rows are visible."""
    harness.publish(hub, Generator(harness.observer(hub), 2).take(50))  # the worker is there when this is decided
    before = _audited(hub)
    found = bench_latency.latencies(hub, LEARNING, [(event.key.decode(), event.value) for event in events])
    if _audited(hub) - before != len(events):
        raise AssertionError("some of the events had no effect here")
    yield from bench_latency.figures("Kafka latency of an event", found, EVENT_MS)
    told = harness.encoded(Generator(harness.observer(hub), 3).take(2_000))
    found = bench_latency.latencies(hub, harness.OBSERVATIONS, told)
    yield from bench_latency.figures("Kafka latency of an observation", found, BOUND_MS)


def _audited(hub: Hub) -> int:
    with hub.connection() as connection:
        row = connection.execute("SELECT count(*) FROM hub.lms_audit_trail").fetchone()
    return 0 if row is None else int(row[0])


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
        while not (begun := sum(hub.watch.folded([LEARNING]).values())):
            hub.watch.wait(wanted, LOOK)
        with meter.running():
            _await(hub, wanted)
    harness.note(f"Kafka fold of {count - begun} events; {harness.trust([meter.spent])}")
    yield harness.figure("Kafka fold by a worker", meter.spent.rate(count - begun), "events/s", 2_000, "aim")


def _await(hub: Hub, wanted: dict[tuple[str, int], int]) -> None:
    if not hub.watch.wait(wanted, PATIENCE):
        raise TimeoutError(f"not done in {PATIENCE} s")
