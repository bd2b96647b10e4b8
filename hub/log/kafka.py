"""The log on Kafka: for more than one machine, and for other systems that subscribe.

A record is durable when all replicas in sync have it (``acks=all``; topics with three replicas demand two). A broker alone
keeps records in the page cache of its machine for a while: they survive the broker, not the machine.
Consumers of kafka-python are not safe for threads, so each call takes one of its own for its duration.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from kafka import KafkaAdminClient, TopicPartition

from hub.log.kafka_admin import existing
from hub.log.kafka_client import client_options, translated
from hub.log.kafka_reader import NOTHING_CHANGED, Readers, read_some
from hub.log.kafka_writer import Writer
from hub.log.port import LogUnavailable, NewRecord, Position, Record, Starts, demand_sizes, divide
from hub.log.topics import TOPIC_NAMES, demand_all_there, demand_same_partitions, demand_topics

NOTICE_CLOSE_SECONDS = 0.5
"""How often a waiting thread looks whether the log was closed; records wake it at once."""


class KafkaLog:
    """An ``EventLog`` on a Kafka cluster.

    Args:
        bootstrap_servers: ``host:port``, several separated by commas.
        partitions: the partition count that the topics must have.
        topic_prefix: put before every topic's name on the cluster; records carry the name without it.
        timeout: seconds after which an append or a read gives up.

    Raises:
        Refused: a topic is missing or has another partition count.
        LogUnavailable: no broker answers.
    """

    def __init__(self, bootstrap_servers: str, partitions: int, topic_prefix: str = "", timeout: float = 30.0) -> None:
        self.partitions = partitions
        self._options = client_options(bootstrap_servers, timeout)
        self._prefix = topic_prefix
        self._timeout = timeout
        with translated(NOTHING_CHANGED), KafkaAdminClient(**self._options) as admin:
            found = existing(admin, topic_prefix)
        demand_all_there(found)
        for name in TOPIC_NAMES:
            demand_same_partitions(found[name], partitions)
        self._writer = Writer(bootstrap_servers, timeout)
        self._readers = Readers(bootstrap_servers, timeout)

    def append(self, topic: str, records: Sequence[NewRecord], *, partition: int | None = None) -> list[Position]:
        """See ``EventLog.append``; a prefix in each partition when interrupted."""
        demand_topics([topic])
        demand_sizes(records)
        self._readers.demand_open()
        if not records:
            return []
        parts = divide(records, self.partitions, partition)
        offsets = self._writer.append(self._prefix + topic, records, parts)
        placed = {index: part for part, indexes in parts.items() for index in indexes}
        return [Position(topic, placed[index], offsets[index]) for index in range(len(records))]

    def read(self, starts: Starts, limit: int) -> list[Record]:
        """See ``EventLog.read``."""
        places = self._places(starts)
        if not places or limit <= 0:
            return []
        with self._readers.reader(places) as reader:
            taken = read_some(reader, places, limit, self._timeout)
        skip = len(self._prefix)
        return [Record(r.topic[skip:], r.partition, r.offset, r.key or b"", r.value or b"") for r in taken]

    def ends(self, topic: str) -> dict[int, int]:
        """See ``EventLog.ends``."""
        partitions = self._all(topic)
        ends = self._readers.bounds.ends(partitions)
        return {tp.partition: ends[tp] for tp in partitions}

    def begins(self, topic: str) -> dict[int, int]:
        """See ``EventLog.begins``."""
        partitions = self._all(topic)
        begins = self._readers.bounds.begins(partitions)
        return {tp.partition: begins[tp] for tp in partitions}

    def wait(self, starts: Starts, timeout: float) -> bool:
        """See ``EventLog.wait``; a fetch that the broker answers when there is something."""
        places = self._places(starts)
        deadline = monotonic() + timeout
        try:
            with self._readers.reader(places) as reader:
                reader.place(places)
                while not reader.count and not self._readers.closed and (left := deadline - monotonic()) > 0:
                    reader.fetch(places, 500, min(left, NOTICE_CLOSE_SECONDS))
                return reader.count > 0
        except LogUnavailable:
            return False

    def trim(self, topic: str, partition: int, before: int) -> None:
        """See ``EventLog.trim``."""
        before = min(before, self.ends(topic)[partition])
        with translated(NOTHING_CHANGED), KafkaAdminClient(**self._options) as admin:
            admin.delete_records({TopicPartition(self._prefix + topic, partition): before})

    def close(self) -> None:
        """See ``EventLog.close``."""
        self._readers.close()
        self._writer.close()

    def _places(self, starts: Starts) -> dict[TopicPartition, int]:
        demand_topics(topic for topic, _ in starts)
        return {TopicPartition(self._prefix + topic, part): start for (topic, part), start in starts.items()}

    def _all(self, topic: str) -> list[TopicPartition]:
        demand_topics([topic])
        self._readers.demand_open()
        return [TopicPartition(self._prefix + topic, part) for part in range(self.partitions)]
