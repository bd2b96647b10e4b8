"""The network between the hub and what it rests on is cut, hangs, drags and breaks off in the middle of a message."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.acceptance.faults.conftest import MakeScene
from tests.support import services
from tests.support.faults import Scene
from tests.support.kafka_cluster import proxied_kafka
from tests.support.pg_node import PgNode, pg_node
from tests.support.proxy import Proxy, proxy
from tests.support.services import Databases, database_name

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

SLOW_BYTES = 40_000
"""A second; a batch of some hundred kilobytes takes its time."""
PACE = 2.0
"""Seconds between parts of the input, so that there are some for every fault."""
REFUSING = 3.0
SILENCE = 12.0
"""Seconds; longer than the group waits for a worker without a name of its own, and than a request may take."""


@pytest.fixture(scope="module")
def node() -> Iterator[PgNode]:
    """A database server of these tests' own."""
    with pg_node() as made:
        yield made


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A broker that is found through the proxy only."""
    with ExitStack() as stack:
        try:
            _, made = stack.enter_context(proxied_kafka(tmp_path_factory.mktemp("proxied")))
        except services.Unavailable as reason:
            services.lacking("Kafka", reason)
        yield made


def test_the_network_to_the_database(event_log_kind: str, make_scene: MakeScene, node: PgNode) -> None:
    """Cut, refused, hanging, slow, and broken off in the middle of a request and of an answer, after which the hub cannot
    know what the database has done: nothing is lost or doubled, no process ends, and none hangs afterwards."""
    with _database(node) as (network, url), make_scene(event_log_kind, database_url=url, pace=PACE) as scene:
        scene.flowed(1)
        for act in scene.rng.sample([_cut, _refuse, _stall, _slow, _break_request, _break_answer], k=6):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            act(scene, network, "the database")
            scene.flowed(1)
        scene.settle()
        assert scene.exits == []
        scene.verify()


@pytest.mark.kafka
def test_the_network_to_the_broker(make_scene: MakeScene, broker: Proxy) -> None:
    """The same between broker and hub; it hangs for longer than the group waits for its workers."""
    with make_scene("kafka", bootstrap=broker.address, named=False, pace=PACE) as scene:
        scene.flowed(1)
        for act in scene.rng.sample([_cut, _refuse_briefly, _silence, _slow, _break_request, _break_answer], k=6):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            act(scene, broker, "the broker")
            assert scene.status().code == 0
            scene.flowed(1)
        scene.settle()
        assert scene.exits == []
        scene.verify()


@contextmanager
def _database(node: PgNode) -> Iterator[tuple[Proxy, str]]:
    """A fresh database behind a proxy, and its URL there."""
    databases = Databases(node.address)
    name = database_name(databases.create())
    with proxy(node.socket) as network:
        yield network, f"postgresql://postgres@{network.address}/{name}"
    databases.close()


def _cut(scene: Scene, network: Proxy, to: str) -> None:
    assert network.cut() > 0
    scene.count(f"all connections to {to} cut")


def _refuse(scene: Scene, network: Proxy, to: str) -> None:
    with scene.fault(f"connections to {to} refused"):
        network.refuse()
        assert scene.status().is_plain_refusal()
        network.go_on()


def _stall(scene: Scene, network: Proxy, to: str) -> None:
    """Until `hub status` has given up, which it does in seconds."""
    with scene.fault(f"the network to {to} hangs"):
        network.stall()
        assert scene.status().is_plain_refusal()
        network.go_on()
    assert scene.status().code == 0


def _refuse_briefly(scene: Scene, network: Proxy, to: str) -> None:
    """Shorter than `hub status` waits for a broker."""
    with scene.fault(f"connections to {to} refused"):
        network.refuse()
        time.sleep(REFUSING)  # the fault itself lasts as long; nothing is waited for
        network.go_on()


def _silence(scene: Scene, network: Proxy, to: str) -> None:
    with scene.fault(f"the network to {to} hangs"):
        network.stall()
        time.sleep(SILENCE)  # as above
        network.go_on()


def _slow(scene: Scene, network: Proxy, to: str) -> None:
    with scene.fault(f"the network to {to} is slow"):
        network.slow(SLOW_BYTES)
        scene.flowed(1)
        network.go_on()


def _break_request(scene: Scene, network: Proxy, to: str) -> None:
    network.half("up")
    scene.count(f"a request to {to} broken off")


def _break_answer(scene: Scene, network: Proxy, to: str) -> None:
    network.half("down")
    scene.count(f"an answer of {to} broken off")
