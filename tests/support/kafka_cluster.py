"""Kafka nodes of a test's own, which the test may stop and kill: three of them, or one behind a proxy.

Brokers tell clients where to find them, so a proxy works only where the node tells the proxy's address.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.proxy import Proxy, proxy
from tests.support.services import KafkaLocal, Unavailable, kafka_local_lacks

NODES = 3
HEAP_VARIABLE, HEAP = "KAFKA_LOCAL_HEAP", "256m"
ADVERTISED = re.compile(r"^advertised\.listeners=PLAINTEXT://(.*)$", re.MULTILINE)


class Cluster(KafkaLocal):
    """Three nodes; every topic has three replicas, two of which must have a record before it is confirmed."""

    def begin(self) -> None:
        """Start all nodes that do not run; returns when they are ready."""
        with _small():
            self.start(NODES)

    @property
    def controller(self) -> str:
        """The node (``"1"``, ``"2"``, ``"3"``) that leads the cluster, as the nodes that run have last written it down."""
        known = []
        for path in self.folder.glob("data-*/__cluster_metadata-0/quorum-state"):
            state = json.loads(path.read_text())
            known.append((state["leaderEpoch"], state["leaderId"]))
        epoch, leader = max(known)
        assert leader > 0, f"no node leads in epoch {epoch}"
        return str(leader)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster that runs, its data in ``folder``.

    Raises Unavailable where this machine cannot run Kafka.
    """
    _demand_kafka()
    made = Cluster(folder)
    try:
        made.begin()
        yield made
    finally:
        made.kill()


@contextmanager
def proxied_kafka(folder: Path) -> Iterator[tuple[KafkaLocal, Proxy]]:
    """One node that clients find through the proxy only; ``proxy.address`` is where they begin.

    Raises Unavailable where this machine cannot run Kafka.
    """
    _demand_kafka()
    node = KafkaLocal(folder)
    try:
        with _small():
            target = node.start(1)
        node.kill()
        with proxy(target) as made:
            path = folder / "node-1.properties"
            path.write_text(ADVERTISED.sub(f"advertised.listeners=PLAINTEXT://{made.address}", path.read_text()))
            with _small():
                node.start(1)
            yield node, made
    finally:
        node.kill()


def _demand_kafka() -> None:
    if reason := kafka_local_lacks():
        raise Unavailable(reason)


@contextmanager
def _small() -> Iterator[None]:
    """Nodes that are started meanwhile have a small heap, unless the environment says another."""
    before = os.environ.get(HEAP_VARIABLE)
    os.environ.setdefault(HEAP_VARIABLE, HEAP)
    try:
        yield
    finally:
        if before is None:
            del os.environ[HEAP_VARIABLE]
