"""Making, opening and checking a log, whichever adapter it is on."""

from __future__ import annotations

from typing import NamedTuple

from hub.log import postgres_admin
from hub.log.findings import Finding
from hub.log.port import EventLog
from hub.log.postgres import PostgresLog


class PostgresTarget(NamedTuple):
    """A log in schema ``log`` of the database at a libpq URL."""

    url: str


class KafkaTarget(NamedTuple):
    """A log on the Kafka cluster at ``host:port[,host:port…]``; the prefix stands before every topic's name."""

    bootstrap_servers: str
    topic_prefix: str = ""


LogTarget = PostgresTarget | KafkaTarget


def init(target: LogTarget, partitions: int) -> None:
    """Make what is missing of a log; repeating it changes nothing.

    Raises:
        Refused: the log exists with another partition count or other settings.
        LogUnavailable: its server cannot be reached.
    """
    if isinstance(target, PostgresTarget):
        postgres_admin.init(target.url, partitions)
        return
    from hub.log import kafka_admin  # noqa: PLC0415  half a second that a hub without Kafka need not pay

    kafka_admin.init(target.bootstrap_servers, partitions, target.topic_prefix)


def open_log(target: LogTarget, partitions: int) -> EventLog:
    """Open a log that ``init`` made.

    Raises:
        Refused: there is no log, or it was made with another partition count.
        LogUnavailable: its server cannot be reached.
    """
    if isinstance(target, PostgresTarget):
        return PostgresLog(target.url, partitions)
    from hub.log.kafka import KafkaLog  # noqa: PLC0415  half a second that a hub without Kafka need not pay

    return KafkaLog(target.bootstrap_servers, partitions, target.topic_prefix)


def check(target: LogTarget, partitions: int) -> list[Finding]:
    """What ``hub doctor`` says of a log. Every fault is a finding with ``ok=False``."""
    if isinstance(target, PostgresTarget):
        return postgres_admin.check(target.url, partitions)
    from hub.log import kafka_admin  # noqa: PLC0415  half a second that a hub without Kafka need not pay

    return kafka_admin.check(target.bootstrap_servers, partitions, target.topic_prefix)
