"""The log on Kafka: the contract, how topics are made and checked, and what happens when the broker goes away."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from hub.errors import Fatal, Refused
from hub.log.kafka import KafkaLog
from hub.log.kafka_admin import topic_settings
from hub.log.kafka_writer import CHUNK_BYTES, chunks
from hub.log.manage import KafkaTarget, check, init, open_log
from hub.log.port import EventLog, LogUnavailable, NewRecord
from hub.log.topics import LEARNING, OBSERVATIONS, TOPIC_NAMES
from tests.support import services
from tests.support.log_contract import (
    DEADLINE,
    PARTITIONS,
    TOPIC,
    DurableLogContract,
    at_start,
    in_thread,
    key_in,
    read_all,
)

pytestmark = pytest.mark.kafka

# kafka-python leaves the sockets of refused connections to the garbage collector.
away = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
)

APPENDED = [NewRecord(b"enrollment/%d" % n, b"%d" % n) for n in range(10)]


@pytest.fixture
def target(kafka_bootstrap: str) -> Iterator[KafkaTarget]:
    """A place for a log of its own on the shared broker; its topics are deleted after the test."""
    prefix = f"t{uuid.uuid4().hex[:8]}."
    yield KafkaTarget(kafka_bootstrap, prefix)
    with KafkaAdminClient(bootstrap_servers=kafka_bootstrap) as admin:
        made = [name for name in admin.list_topics() if name.startswith(prefix)]
        if made:
            admin.delete_topics(made)


@pytest.fixture
def opened(target: KafkaTarget) -> Iterator[Callable[[int], EventLog]]:
    """Makes the log once and opens it as often as asked; closes what was opened."""
    init(target, PARTITIONS)
    with ExitStack() as stack:

        def opened(partitions: int) -> EventLog:
            log = open_log(target, partitions)
            stack.callback(log.close)
            return log

        yield opened


@pytest.fixture
def log(opened: Callable[[int], EventLog]) -> EventLog:
    return opened(PARTITIONS)


class TestKafkaLog(DurableLogContract):
    """The contract, on a real broker."""


def test_making_the_topics(target: KafkaTarget) -> None:
    """Refused before, made once as declared, the same when repeated, never with another partition count."""
    with pytest.raises(Refused, match="hub log init"):
        open_log(target, PARTITIONS)
    assert [finding.ok for finding in check(target, PARTITIONS)] == [True] + [False] * len(TOPIC_NAMES)
    init(target, PARTITIONS)
    init(target, PARTITIONS)
    assert all(finding.ok for finding in check(target, PARTITIONS))
    with pytest.raises(Refused, match="has 3 partitions; HUB_PARTITIONS is 4"):
        init(target, 4)
    assert not any(finding.ok for finding in check(target, 4)[1:])
    with KafkaAdminClient(bootstrap_servers=target.bootstrap_servers) as admin:
        names = [target.topic_prefix + name for name in (LEARNING.name, OBSERVATIONS.name)]
        made = admin.describe_configs([ConfigResource("TOPIC", name) for name in names], config_filter="all")["topic"]
    assert [made[name]["retention.ms"]["value"] for name in names] == ["-1", "2592000000"]
    assert {made[name]["cleanup.policy"]["value"] for name in names} == {"delete"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("cleanup.policy", "compact"),
        ("retention.ms", "3600000"),
        ("max.message.bytes", "1048576"),
        ("message.timestamp.type", "CreateTime"),
    ],
)
def test_a_topic_with_other_settings_is_refused(target: KafkaTarget, setting: str, value: str) -> None:
    """A topic that would lose records, or not take them, is named with what was expected; nothing else is made."""
    name = target.topic_prefix + TOPIC
    with KafkaAdminClient(bootstrap_servers=target.bootstrap_servers) as admin:
        configs = topic_settings(LEARNING, brokers=1) | {setting: value}
        admin.create_topics(
            {name: {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": configs}}, wait_for_metadata=True
        )
        with pytest.raises(Refused, match=f"{TOPIC} exists, but has {setting}={value}; expected"):
            init(target, PARTITIONS)
        assert [found for found in admin.list_topics() if found.startswith(target.topic_prefix)] == [name]
    assert (
        f"has {setting}={value}"
        in {finding.name: finding.text for finding in check(target, PARTITIONS)}[f"log topic {TOPIC}"]
    )


def test_three_brokers_need_two_in_sync() -> None:
    """Where there are three replicas, a record is on two before it counts."""
    assert topic_settings(LEARNING, brokers=3)["min.insync.replicas"] == "2"
    assert "min.insync.replicas" not in topic_settings(LEARNING, brokers=1)


@away
def test_a_broker_that_is_not_there() -> None:
    """Opening says so."""
    with pytest.raises(LogUnavailable):
        KafkaLog("localhost:1", PARTITIONS, timeout=0.6)
    gc.collect()


def test_other_kafka_clients_agree(log: EventLog, target: KafkaTarget) -> None:
    """A key lies where the default partitioner of a Kafka producer puts it, and any consumer reads the bytes."""
    name = target.topic_prefix + TOPIC
    for number in range(20):
        log.append(TOPIC, [NewRecord(b"enrollment/%d" % number, b"ours")])
    with KafkaProducer(bootstrap_servers=target.bootstrap_servers) as producer:
        theirs = [producer.send(name, key=b"enrollment/%d" % n, value=b"theirs").get(30).partition for n in range(20)]
    assert theirs == [
        position.partition
        for position in log.append(TOPIC, [NewRecord(b"enrollment/%d" % n, b"again") for n in range(20)])
    ]
    consumer = KafkaConsumer(bootstrap_servers=target.bootstrap_servers, group_id=None, consumer_timeout_ms=30_000)
    consumer.assign([TopicPartition(name, theirs[0])])
    consumer.seek_to_beginning()
    assert next(consumer).value == b"ours"
    consumer.close()


def test_a_topic_with_gaps_stops_the_reader(log: EventLog, target: KafkaTarget) -> None:
    """A transactional producer leaves markers between the offsets: such a topic is not a log, and is not read on in silence."""
    name = target.topic_prefix + TOPIC
    producer = KafkaProducer(bootstrap_servers=target.bootstrap_servers, transactional_id=name)
    producer.init_transactions()
    for _ in range(2):
        producer.begin_transaction()
        producer.send(name, key=key_in(0), value=b"x", partition=0)
        producer.commit_transaction()
    producer.close()
    with pytest.raises(Fatal, match="no record at offset 1, but one at 2"):
        read_all(log)


def test_chunks_fit_one_batch_and_keep_their_order() -> None:
    """Cut by size; a record larger than a chunk has one of its own; the first chunk comes last, since it is popped first."""
    sizes = [10, CHUNK_BYTES // 2, CHUNK_BYTES // 2, 3 * CHUNK_BYTES, 10, 10]
    records = [NewRecord(b"k", bytes(size)) for size in sizes]
    assert chunks(records, range(6))[::-1] == [[0, 1], [2], [3], [4, 5]]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[services.KafkaLocal]:
    """A broker that the test may kill."""
    try:
        with services.kafka_local(tmp_path / "kafka") as broker:
            yield broker
    except services.Unavailable as reason:
        services.lacking("Kafka", reason)
    gc.collect()


@away
def test_the_log_outlives_its_broker(broker: services.KafkaLocal) -> None:
    """While it is away appends and reads say so; when it is back all go on, a waiter is woken, and nothing is lost."""
    init(KafkaTarget(broker.bootstrap), PARTITIONS)
    log = KafkaLog(broker.bootstrap, PARTITIONS, timeout=6)
    try:
        log.append(TOPIC, APPENDED)
        assert len(read_all(log)) == 10
        starts = {(TOPIC, part): end for part, end in log.ends(TOPIC).items()}
        waiting = in_thread(lambda: [None for _ in iter(lambda: log.wait(starts, 10 * DEADLINE), True)])
        broker.kill()
        with pytest.raises(LogUnavailable, match="0 records of the append are confirmed"):
            log.append(TOPIC, [NewRecord(b"lost", b"lost")])
        with pytest.raises(LogUnavailable):
            log.ends(TOPIC)
        broker.start()
        log.append(TOPIC, [NewRecord(b"enrollment/%d" % n, b"%d" % n) for n in range(10, 20)])
        assert waiting.wait(DEADLINE)
        assert {r.value for r in read_all(log)} == {b"%d" % n for n in range(20)}
        assert log.read(at_start(), 100)[0].offset == 0
    finally:
        log.close()


@away
def test_a_broker_killed_under_appends_leaves_a_prefix(broker: services.KafkaLocal) -> None:
    """Every append that returned is there once or more, and one that failed left some first records of each partition."""
    init(KafkaTarget(broker.bootstrap), PARTITIONS)
    log = KafkaLog(broker.bootstrap, PARTITIONS, timeout=6)
    key, per_append = key_in(0), 6
    confirmed: list[int] = []
    failed: list[int] = []

    def write() -> None:
        number = 0
        while not (failed and confirmed and confirmed[-1] > failed[-1]):
            values = [b"%d:%d:" % (number, n) + bytes(CHUNK_BYTES // 2) for n in range(per_append)]
            try:
                log.append(TOPIC, [NewRecord(key, value) for value in values])
                confirmed.append(number)
            except LogUnavailable:
                failed.append(number)
            number += 1

    try:
        writer = in_thread(write)
        assert log.wait({(TOPIC, 0): 4 * per_append}, DEADLINE)
        broker.kill()
        broker.stop()
        while not failed:
            assert not writer.wait(0.1)
        broker.start()
        assert writer.wait(DEADLINE)
        found = [tuple(map(int, record.value.split(b":")[:2])) for record in read_all(log)]
    finally:
        log.close()
    for number in confirmed:
        assert [n for found_number, n in found if found_number == number] == list(range(per_append))
    for number in failed:
        left = [n for found_number, n in found if found_number == number]
        assert left == list(range(len(left)))
