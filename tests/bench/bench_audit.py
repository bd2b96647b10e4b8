"""Records of either log verified per second: read, hashed, held against a seal; in one process.

The limit: the same chain over the same bytes in memory, without reading them from anywhere.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager

from hub.audit.kafka_source import KafkaSource
from hub.audit.offline import START
from hub.audit.part import seals_of
from hub.audit.sources import PostgresSource, Source
from hub.audit.trail import Trail
from hub.audit.verify import Verifier
from hub.bootstrap import Hub
from hub.log.manage import KafkaTarget, init, open_log
from hub.log.port import EventLog, NewRecord
from tests.bench import harness
from tests.support import services

TOPIC, PART = "lms.learning", 0
AIM = 100_000
AT_ONCE = 2_000
GROW = """
INSERT INTO log.record (topic_id, part, "offset", key, value)
SELECT h.topic_id, h.part, h.next_offset + n, r.key, r.value
FROM generate_series(0, %(count)s - 1) AS n, log.head h JOIN log.topic t USING (topic_id), LATERAL (
    SELECT s.key, s.value FROM log.record s
    WHERE s.topic_id = h.topic_id AND s.part = h.part AND s."offset" = n %% h.next_offset
) r
WHERE t.name = %(topic)s AND h.part = %(part)s
"""
MOVE = """
UPDATE log.head SET next_offset = next_offset + %s
FROM log.topic t WHERE t.topic_id = head.topic_id AND t.name = %s AND head.part = %s RETURNING next_offset
"""
HEAD = """
UPDATE hub.projection_offset SET chain = %s, event_count = %s, next_offset = %s WHERE topic = %s AND partition = %s
"""


def grown(hub: Hub, count: int) -> list[bytes]:
    """Let a partition hold ``count`` records more, as if they were folded; returns the values of all."""
    with hub.connect() as connection:
        connection.execute(GROW, {"count": count, "topic": TOPIC, "part": PART})
        row = connection.execute(MOVE, (count, TOPIC, PART)).fetchone()
        end = int(row[0]) if row else 0
        values = [bytes(value) for _, value in PostgresSource(connection).records(TOPIC, PART, 0, end)]
        head = chained(values)
        connection.execute(HEAD, (head, end, end, TOPIC, PART))
    return values


def chained(values: list[bytes]) -> bytes:
    """The head of the chain over these values."""
    head = START
    for value in values:
        head = hashlib.sha256(head + value).digest()
    return head


def figures(bed: harness.Bed, records: int = 300_000, rounds: int = 3) -> Iterator[harness.Figure]:
    """Verified records per second of wall time and of this process's own time, each beside the bare chain; on both logs."""
    with bed.hub() as hub:
        values = grown(hub, records)
        seals_of(hub).seal()

        @contextmanager
        def stored() -> Iterator[Source]:
            with closing(hub.connect()) as reading:
                yield PostgresSource(reading)

        yield from verified(bed, hub, "log verified", stored, values, rounds)
        with ExitStack() as stack:
            try:
                broker = stack.enter_context(services.kafka(bed.home / "kafka-audit"))
            except services.Unavailable as reason:
                harness.note(f"no Kafka: {reason}")
                return
            target = KafkaTarget(broker.address, f"bench-{secrets.token_hex(4)}-")
            init(target, hub.log.partitions)
            log = stack.enter_context(closing(open_log(target, hub.log.partitions)))
            copied(hub, log)
            yield from verified(
                bed, hub, "log on Kafka verified", lambda: closing(KafkaSource(log, *target)), values, rounds
            )


def copied(hub: Hub, log: EventLog) -> None:
    """Put the topic on Kafka: the same bytes in the same places."""
    with closing(hub.connect()) as reading:
        source = PostgresSource(reading)
        for part, (begin, end) in source.bounds(TOPIC).items():
            at = begin
            while at < end:
                given = [
                    NewRecord(b"enrollment/bench", bytes(value))
                    for _, value in source.records(TOPIC, part, at, min(at + AT_ONCE, end))
                ]
                log.append(TOPIC, given, partition=part)
                at += len(given)


def verified(
    bed: harness.Bed,
    hub: Hub,
    name: str,
    opened: Callable[[], AbstractContextManager[Source]],
    values: list[bytes],
    rounds: int,
) -> Iterator[harness.Figure]:
    """The figures of one log."""
    walls, owns, limits = [], [], []
    for _ in range(rounds):
        before = time.process_time()
        chained(values)
        limits.append(len(values) / (time.process_time() - before))
        meter = bed.meter()
        with opened() as source, closing(hub.connect()) as asking, meter.running():
            report = Verifier(source, seals_of(hub).all(), Trail(asking)).run([TOPIC], from_start=True)
        if not report.is_good or report.walked < len(values):
            raise AssertionError(f"the log of the bench does not verify: {report.findings[:1]}")
        walls.append(meter.spent.rate(report.walked))
        owns.append(report.walked / meter.spent.own)
        harness.note(f"{name}: {meter.spent.cpu(report.walked)}; {harness.trust([meter.spent])}")
    size = sum(map(len, values)) / len(values)
    yield from harness.best_and_median(
        name, walls, "records/s", limits, f"the bare chain over records of {size:.0f} bytes"
    )
    yield harness.figure(f"{name}, by processor time here", max(owns), "records/s", AIM, "aim")
