"""A subscriber of the log who knows nothing but the published rule and the schemas: it counts what the hub counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from hub.intake.service import Intake
from hub.log import codec
from hub.log.port import EventLog
from tests.support import equality, learning
from tests.support.site import COMPANY, Site, furnish, site

PEOPLE, COURSES = 20, 4
TOPICS = ("lms.directory", "lms.integration", "lms.learning")
Found = Iterator[tuple[str, int, int, bytes]]
"""(topic, partition, offset, value), in the order of each partition."""


@pytest.fixture
def place(event_log_kind: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    bootstrap = request.getfixturevalue("kafka_bootstrap") if event_log_kind == "kafka" else None
    with site(event_log_kind, database_url, tmp_path, bootstrap) as made:
        yield made


def of_the_hub(log: EventLog) -> Found:
    """All records, by the hub's own port."""
    for topic in TOPICS:
        for part, end in log.ends(topic).items():
            at = 0
            while at < end:
                for record in log.read({(topic, part): at}, 1000):
                    yield topic, part, record.offset, record.value
                    at = record.offset + 1


def of_a_consumer(made: Site) -> Found:
    """All records, by a plain Kafka consumer."""
    prefix = made.environment["HUB_KAFKA_TOPIC_PREFIX"]
    bootstrap = made.environment["HUB_KAFKA_BOOTSTRAP_SERVERS"]
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, consumer_timeout_ms=30_000)
    for topic in TOPICS:
        for part in sorted(consumer.partitions_for_topic(prefix + topic)):
            where = TopicPartition(prefix + topic, part)
            consumer.assign([where])
            consumer.seek_to_beginning()
            end = consumer.end_offsets([where])[where]
            while consumer.position(where) < end:
                record = next(consumer)
                yield topic, part, record.offset, record.value
    consumer.close()


def counted(records: Found) -> dict[str, tuple[str, int, int]]:
    """event → where it lies, of the events that follow the last one of their stream and make its next version."""
    last: dict[str, tuple[str | None, int]] = {}
    found = {}
    for topic, part, offset, value in records:
        event = codec.decode(value)
        if last.get(event["stream_id"], (None, 0)) == (event["follows"], event["version"] - 1):
            last[event["stream_id"]] = (event["event_id"], event["version"])
            found[event["event_id"]] = (topic, part, offset)
    return found


def test_a_stranger_counts_what_the_hub_counts(place: Site, tmp_path: Path) -> None:
    """Read from the beginning by the one rule of what counts, the log gives the audit trail, event for event; also where
    records lie in it twice, or were decided on a state that never was."""
    learning.write_statements(tmp_path / "statements.jsonl", PEOPLE, COURSES)
    with place.open() as hub:
        if place.on_kafka:
            place.start("worker-1")
        furnish(hub, PEOPLE)
        Intake(hub).import_file(COMPANY, "lrs", str(tmp_path / "statements.jsonl"), {})
        topic, part, _, value = next(one for one in of_the_hub(hub.log) if one[0] == "lms.learning")
        event = codec.decode(value)
        key = f"{event['stream_kind']}/{event['stream_id']}"
        void = codec.encode({**event, "event_id": COMPANY, "version": 1000})
        positions = hub.around.append(topic, [(key, value), (key, void)])
        hub.watch.wait({(topic, part): positions[-1][2] + 1}, 60)
        found = counted(of_a_consumer(place) if place.on_kafka else of_the_hub(hub.log))
    trail = equality.rows(place.url, "lms_audit_trail")
    where = {str(row["id"]): row["additional_context"] for row in trail.values()}
    assert len(found) > PEOPLE
    assert found == {
        key: (one["topic"], one["partition"], one["offset"]) for key, one in where.items() if one["topic"] in TOPICS
    }
