"""Making and checking the topics of the log on Kafka.

The partition count needs no record of its own here: the topics' metadata is the truth, and it is looked at whenever the log
is opened.
"""

from __future__ import annotations

from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import TopicAlreadyExistsError

from hub.errors import Refused
from hub.log.findings import Finding
from hub.log.kafka_client import MAX_MESSAGE_BYTES, client_options, translated
from hub.log.port import LogUnavailable
from hub.log.topics import TOPIC_NAMES, TOPICS, Topic, demand_partitions

NOTHING_CHANGED = "Nothing was changed."


def init(bootstrap_servers: str, partitions: int, topic_prefix: str = "", timeout: float = 30.0) -> None:
    """Make the topics that are missing, after checking those that exist; repeating it changes nothing.

    Raises:
        Refused: an existing topic has another partition count, cleanup policy, retention or record size; nothing was made.
        LogUnavailable: no broker answers.
    """
    demand_partitions(partitions)
    with translated(NOTHING_CHANGED), KafkaAdminClient(**client_options(bootstrap_servers, timeout)) as admin:
        brokers = len(admin.describe_cluster()["brokers"])
        found = existing(admin, topic_prefix)
        for name, difference in _differences(admin, found, partitions, topic_prefix, brokers):
            raise Refused(f"Topic {name} exists, but {difference}", field=name, rule="topic as the log needs it")
        missing = [topic for topic in TOPICS if topic.name not in found]
        if not missing:
            return
        wanted = {
            topic_prefix + topic.name: {
                "num_partitions": partitions,
                "replication_factor": min(3, brokers),
                "configs": topic_settings(topic, brokers),
            }
            for topic in missing
        }
        try:
            admin.create_topics(wanted, wait_for_metadata=True)
        except TopicAlreadyExistsError as error:
            raise LogUnavailable(
                "Another process made topics at the same time; 'hub log init' again checks them."
            ) from error


def check(bootstrap_servers: str, partitions: int, topic_prefix: str = "", timeout: float = 30.0) -> list[Finding]:
    """Look whether every topic is there and as it must be; raises nothing that a finding can say."""
    try:
        with translated("Nothing was read."), KafkaAdminClient(**client_options(bootstrap_servers, timeout)) as admin:
            brokers = len(admin.describe_cluster()["brokers"])
            found = existing(admin, topic_prefix)
            differences = dict(_differences(admin, found, partitions, topic_prefix, brokers))
    except (LogUnavailable, Refused) as error:
        return [Finding("log reachable", ok=False, text=str(error))]
    findings = [
        Finding("log reachable", ok=True, text=f"Kafka answers, with {brokers} broker{'s' if brokers > 1 else ''}.")
    ]
    for name in TOPIC_NAMES:
        if name not in found:
            findings.append(
                Finding(
                    f"log topic {name}",
                    ok=False,
                    text=f"Missing; 'hub log init' makes it with {partitions} partitions.",
                )
            )
        elif name in differences:
            findings.append(
                Finding(f"log topic {name}", ok=False, text=f"Topic {name} exists, but {differences[name]}")
            )
        else:
            findings.append(
                Finding(f"log topic {name}", ok=True, text=f"{partitions} partitions, settings as expected.")
            )
    return findings


def existing(admin: Any, topic_prefix: str) -> dict[str, int]:
    """The declared topics that exist, without their prefix, and how many partitions each has."""
    described = admin.describe_topics([topic_prefix + name for name in TOPIC_NAMES])
    return {
        topic["name"].removeprefix(topic_prefix): len(topic["partitions"])
        for topic in described
        if topic["error_code"] == 0
    }


def topic_settings(topic: Topic, brokers: int) -> dict[str, str]:
    """The settings of a topic: kept for ever or for its retention, never compacted, two replicas in sync where there are three.

    The broker stamps the records: it refuses those whose stamp is an hour ahead, so a wrong clock here would stop the hub.
    """
    retention = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": str(retention),
        "retention.bytes": "-1",
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "message.timestamp.type": "LogAppendTime",
    }
    if brokers >= 3:
        settings["min.insync.replicas"] = "2"
    return settings


def _differences(
    admin: Any, found: dict[str, int], partitions: int, topic_prefix: str, brokers: int
) -> list[tuple[str, str]]:
    """Topic and what differs, as the end of a sentence."""
    differences = []
    resources = [ConfigResource("TOPIC", topic_prefix + name) for name in found]
    actual = admin.describe_configs(resources, config_filter="all")["topic"] if resources else {}
    for topic in TOPICS:
        if topic.name not in found:
            continue
        if found[topic.name] != partitions:
            text = f"has {found[topic.name]} partitions; HUB_PARTITIONS is {partitions}. The partition count of a log never changes."
            differences.append((topic.name, text))
            continue
        settings = actual[topic_prefix + topic.name]
        for name, wanted in topic_settings(topic, brokers).items():
            value = settings[name]["value"]
            if not _suffices(name, value, wanted):
                differences.append(
                    (topic.name, f"has {name}={value}; expected {wanted}. Set it with Kafka's own tools.")
                )
                break
    return differences


def _suffices(name: str, value: str, wanted: str) -> bool:
    if name in ("max.message.bytes", "min.insync.replicas"):
        return int(value) >= int(wanted)
    return value == wanted
