"""Brokers are restarted and killed, alone and in a cluster of three: workers live on, nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

import pytest

from tests.acceptance.faults.conftest import MakeScene
from tests.support import services
from tests.support.kafka_cluster import NODES, Cluster, cluster
from tests.support.services import KafkaLocal, kafka_local

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
Made = TypeVar("Made")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaLocal]:
    """A broker of these tests' own."""
    yield from _offered(lambda: kafka_local(tmp_path_factory.mktemp("broker")))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of three."""
    yield from _offered(lambda: cluster(tmp_path_factory.mktemp("cluster")))


def _offered(start: Callable[[], AbstractContextManager[Made]]) -> Iterator[Made]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(start())
        except services.Unavailable as reason:
            services.lacking("Kafka", reason)
        yield made


def test_the_broker_is_restarted(make_scene: MakeScene, node: KafkaLocal) -> None:
    """Ended in order and killed while records flow: `hub status` says meanwhile that Kafka is not available; no process
    of the hub ends, and each goes on when the broker is back."""
    with make_scene("kafka", bootstrap=node.bootstrap, pace=1.0) as scene:
        scene.flowed(1)
        for end, is_looked_at in zip(scene.rng.sample([node.stop, node.kill], k=2), (True, False), strict=True):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            with scene.fault(f"broker: {end.__name__}"):
                end()
                if is_looked_at:  # once: it asks for half a minute before it gives up
                    told = scene.status()
                    assert told.is_plain_refusal(), told
                    assert "Kafka is not available" in told.error
                node.start()
            scene.flowed(2)
        scene.settle()
        assert scene.exits == []
        scene.verify()


@pytest.mark.faults
def test_a_cluster_loses_a_broker(make_scene: MakeScene, three: Cluster) -> None:
    """Of three brokers the one that leads the cluster is killed, then another one: records flow on meanwhile, and `hub
    status` can look. Two of three are enough; with one left nothing is confirmed, and nothing is lost."""
    with make_scene("kafka", bootstrap=three.bootstrap, pace=1.0) as scene:
        scene.flowed(1)
        leader = three.controller
        other = scene.rng.choice([str(one) for one in range(1, NODES + 1) if str(one) != leader])
        for lost, what in ((leader, "the controller"), (other, "a broker")):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            with scene.fault(f"{what} of three killed"):
                three.kill(lost)
                scene.flowed(2)
                assert scene.status().code == 0
                three.begin()
            scene.flowed(1)
        with scene.fault("two brokers of three killed"):
            for lost in (leader, other):
                three.kill(lost)
            three.begin()
        scene.settle()
        assert scene.exits == []
        scene.verify()
