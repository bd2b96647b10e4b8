"""Two deciders at once for one partition, and workers that come and go."""

from __future__ import annotations

import pytest

from tests.acceptance.faults.conftest import MakeScene

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
RIVAL = "tests.support.bold_deciders"


def test_two_deciders_at_once(event_log_kind: str, make_scene: MakeScene) -> None:
    """A second folder and decider works on every partition beside the hub's own, and waits for no lock and no group: each
    record is decided once and each event folded once, and neither of the two brings the other to its end."""
    with make_scene(event_log_kind, pace=0.2) as scene:
        for _ in range(2):
            scene.flowed(1)
            scene.start("rival", RIVAL)
            scene.count("second decider for every partition")
            scene.flowed(4)
            assert scene.stop("rival") == 0
        scene.start("rival", RIVAL)
        scene.count("second decider for every partition")
        scene.settle()
        assert [one for one in scene.exits if one[0] == "rival"] == []
        scene.verify()


def test_a_second_server_stands_by(make_scene: MakeScene) -> None:
    """Two servers on one database, started at once and killed by turns: one always works."""
    with make_scene("postgresql") as scene:
        scene.start("server-2")
        for _ in range(3):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            scene.kill(scene.rng.choice(["server", "server-2"]))
            scene.flowed(2)
            assert scene.status().state("serve") == "working"
        scene.settle()
        scene.verify()


@pytest.mark.kafka
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_workers_join_leave_and_die(make_scene: MakeScene, named: bool) -> None:
    """Workers join, leave in order and die by turns while records flow; whoever is left gets on."""
    with make_scene("kafka", named=named, workers=1) as scene:
        idle = ["worker-2", "worker-3"]
        for act in scene.rng.sample(["join", "join", "leave", "die", "die"], k=5):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            if act == "join":
                scene.start(idle.pop())
                scene.count("worker joined")
            elif act == "leave" and len(scene.workers) > 1:
                slot = scene.rng.choice(scene.workers)
                assert scene.stop(slot) == 0
                idle.append(slot)
                scene.count("worker left")
            else:
                scene.kill(scene.rng.choice(scene.workers))
            scene.flowed(1)
        scene.settle()
        scene.verify()
