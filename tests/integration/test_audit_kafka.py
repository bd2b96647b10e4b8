"""Verification of a log on Kafka: a true copy verifies, and each kind of tampering in a copy of the topic is found and named."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaAdminClient

from hub.audit.kafka_source import KafkaSource
from hub.audit.offline import Finding
from hub.audit.trail import Trail
from hub.audit.verify import Verifier
from hub.log.manage import KafkaTarget, PostgresTarget, init, open_log
from hub.log.port import NewRecord
from hub.log.topics import TOPIC_NAMES
from tests.support import sealed
from tests.support.sealed import bad

pytestmark = pytest.mark.kafka
PARTITIONS = 4
AT = 3
Alter = Callable[[list[NewRecord]], list[NewRecord]]
MADE_UP = NewRecord(b"enrollment/made-up", b"made up")

KINDS: dict[str, Alter] = {
    "changed": lambda given: [*given[:AT], NewRecord(given[AT].key, given[AT].value[:-1] + b"\x7f"), *given[AT + 1 :]],
    "removed": lambda given: [*given[:AT], *given[AT + 1 :]],
    "inserted": lambda given: [*given[:AT], MADE_UP, *given[AT:]],
    "reordered": lambda given: [*given[:AT], given[AT + 1], given[AT], *given[AT + 2 :]],
    "cut off": lambda given: given[:AT],
}


@pytest.fixture
def target(kafka_bootstrap: str) -> Iterator[KafkaTarget]:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    made = KafkaTarget(kafka_bootstrap, prefix)
    init(made, PARTITIONS)
    yield made
    with KafkaAdminClient(bootstrap_servers=kafka_bootstrap) as admin:
        admin.delete_topics([prefix + name for name in TOPIC_NAMES])


COUNTED = """
SELECT additional_context->>'topic', (additional_context->>'partition')::int, (additional_context->>'offset')::int
FROM hub.lms_audit_trail
"""


def copied(url: str, target: KafkaTarget, altering: list[str]) -> dict[str, str]:
    """Copy a log to Kafka, altering one partition for each kind; returns kind → partition."""
    altered: dict[str, str] = {}
    left = list(altering)
    with psycopg.connect(url) as connection:
        counted = set(
            connection.execute(COUNTED).fetchall()
        )  # a void event that is moved looks like one that was put in
    with (
        closing(open_log(PostgresTarget(url), PARTITIONS)) as source,
        closing(open_log(target, PARTITIONS)) as there,
    ):
        for topic in TOPIC_NAMES:
            for part, end in source.ends(topic).items():
                given = [NewRecord(one.key, one.value) for one in source.read({(topic, part): 0}, end)] if end else []
                if left and all((topic, part, AT + after) in counted for after in range(3)):
                    altered[left[0]] = f"{topic}/{part}"
                    given = KINDS[left.pop(0)](given)
                there.append(topic, given, partition=part)
    assert not left
    return altered


def findings(url: str, folder: Path, target: KafkaTarget) -> list[Finding]:
    with (
        closing(open_log(target, PARTITIONS)) as log,
        closing(KafkaSource(log, *target)) as source,
        closing(psycopg.connect(url, autocommit=True)) as connection,
        sealed.seals(url, folder) as seals,
    ):
        return bad(Verifier(source, seals.all(), Trail(connection)).run(TOPIC_NAMES, from_start=True))


def test_tampering_with_a_copy_of_the_topics_is_named(
    make_database: Callable[[str | None], str], target: KafkaTarget, tmp_path: Path
) -> None:
    """Five partitions, each altered in another way, give five findings: the kind, the partition and the first bad offset."""
    url = make_database(None)
    sealed.build(url, tmp_path)
    altered = copied(url, target, list(KINDS))
    found = {finding.kind: finding for finding in findings(url, tmp_path, target)}
    assert {kind: one.where for kind, one in found.items()} == altered
    assert {one.offset for one in found.values()} == {AT}
    assert all("event" in one.text for one in found.values())


def test_a_true_copy_verifies(make_database: Callable[[str | None], str], target: KafkaTarget, tmp_path: Path) -> None:
    """The same bytes in the same places pass the seals of the log that they were copied from."""
    url = make_database(None)
    sealed.build(url, tmp_path)
    copied(url, target, [])
    assert findings(url, tmp_path, target) == []
