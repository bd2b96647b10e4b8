"""A rebalance that never ends."""

from __future__ import annotations

import pytest

from tests.acceptance.faults.conftest import MakeScene
from tests.support.stubborn_member import ASKED, JOINED, stubborn_member

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(600)]
WORKER = "tests.support.impatient_worker"


def test_a_worker_that_hangs_in_a_rebalance_ends(make_scene: MakeScene, kafka_bootstrap: str) -> None:
    """A member that lives and never joins again holds up a rebalance of the group: the worker says so and ends with
    status 1, so that whoever supervises it starts it again; meanwhile `hub status` tells what is behind. When the member
    is gone, all goes on."""
    with make_scene("kafka", workers=1, worker=WORKER) as scene:
        scene.flowed(1)
        lane = scene.rng.choice(["fold", "decide"])
        prefix = scene.site.settings.kafka_topic_prefix
        topics = ["lms.observations"] if lane == "decide" else ["lms.learning", "lms.directory", "lms.integration"]
        named = [prefix + topic for topic in topics]
        with scene.fault("rebalance that never ends"):
            with stubborn_member(kafka_bootstrap, f"{prefix}hub-{lane}", named) as member:
                member.wait(JOINED)
                scene.start("worker-2")
                member.wait(ASKED)
                scene.until(lambda: scene.exits, "the worker ends")
                assert scene.status().behind() > 0
            slot, code, _ = scene.exits[0]
            assert code == 1
            assert f"{lane}: no assignment for" in scene.logged(slot)
        scene.settle()
        scene.verify()
