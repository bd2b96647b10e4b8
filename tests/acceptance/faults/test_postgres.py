"""The database is restarted, crashes, and ends sessions at random: processes go on by themselves, nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.faults.conftest import MakeScene
from tests.support.pg_node import WAYS, PgNode, pg_node
from tests.support.services import Databases, database_name

ROUNDS = 6


@pytest.fixture(scope="module")
def node() -> Iterator[PgNode]:
    """A server of these tests' own."""
    with pg_node() as made:
        yield made


@pytest.fixture
def node_url(node: PgNode) -> Iterator[str]:
    """A fresh database on it."""
    databases = Databases(node.address)
    yield databases.create()
    databases.close()


@pytest.mark.timeout(300)
def test_postgresql_is_restarted(event_log_kind: str, make_scene: MakeScene, node: PgNode, node_url: str) -> None:
    """Ended in order, crashed and killed while records flow. Meanwhile `hub status` says that it cannot look; no process
    of the hub ends, and each goes on when the database is back."""
    with make_scene(event_log_kind, database_url=node_url, pace=1.0) as scene:
        scene.flowed(1)
        for way in scene.rng.sample(WAYS, k=3):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            with scene.fault(f"PostgreSQL ended: {way}"):
                node.end(way)
                told = scene.status()
                assert told.is_plain_refusal(), told
                assert "cannot be reached" in told.error
                node.start()
            scene.flowed(2)
        scene.settle()
        assert scene.exits == []
        scene.verify()


@pytest.mark.timeout(300)
def test_sessions_are_terminated(event_log_kind: str, make_scene: MakeScene, node: PgNode, node_url: str) -> None:
    """A random half of all sessions is ended again and again while records flow; no process of the hub ends."""
    name = database_name(node_url)
    with make_scene(event_log_kind, database_url=node_url, pace=1.0) as scene:
        scene.flowed(1)
        for _ in range(ROUNDS):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            assert node.terminate_some(name, scene.rng) > 0
            scene.count("sessions of PostgreSQL terminated")
            assert scene.status().code == 0
            scene.flowed(1)
        scene.settle()
        assert scene.exits == []
        scene.verify()
