"""A rebalance that never ends."""

from __future__ import annotations

import pytest

from tests.acceptance.faults.conftest import MakeScene
from tests.support.stubborn_member import stubborn_member

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(600)]
WORKER = "tests.support.impatient_worker"


@pytest.mark.parametrize("lane", ["fold", "decide"])
def test_a_worker_that_hangs_in_a_rebalance_ends(make_scene: MakeScene, kafka_bootstrap: str, lane: str) -> None:
    """A member that lives and never joins again holds up a rebalance of the group: the worker says so and ends with
    status 1, so that whoever supervises it starts it again; meanwhile `hub status` tells what is behind. When the member
    is gone, all goes on."""
    with make_scene("kafka", workers=1, worker=WORKER) as scene:
        scene.flowed(1)
        prefix = scene.site.settings.kafka_topic_prefix
        topics = ["lms.observations"] if lane == "decide" else ["lms.learning", "lms.directory", "lms.integration"]
        named = [prefix + topic for topic in topics]
        with scene.fault("rebalance that never ends"):
            with stubborn_member(kafka_bootstrap, f"{prefix}hub-{lane}", named) as member:
                scene.until(member.joined.is_set, "a member that has partitions")
                scene.start("worker-2")
                scene.until(member.is_asked.is_set, "a rebalance that waits for it")
                scene.until(lambda: scene.exits, "the worker ends")
                assert scene.status().behind() > 0
            slot, code = scene.exits[0]
            assert code == 1
            assert f"{lane}: no assignment for" in scene.logged(slot)
        scene.settle()
        scene.verify()
