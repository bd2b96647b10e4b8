"""Records on the log that are none of ours."""

from __future__ import annotations

import pytest

from hub.bootstrap import open_hub
from hub.log.port import NewRecord
from tests.acceptance.faults.conftest import MakeScene

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
TOPICS = ("lms.learning", "lms.observations", "lms.directory")


def test_poison_stops_nobody(event_log_kind: str, make_scene: MakeScene) -> None:
    """Bytes that are no event, and a beginning of one, in every partition, while records flow: each is a dead letter, told
    by `hub status`; no partition stops, no process ends."""
    with make_scene(event_log_kind) as scene:
        partitions = scene.site.settings.partitions
        scene.flowed(1)
        with open_hub(scene.site.settings, runners=False) as hub:
            for topic in TOPICS:
                starts = {(topic, part): 0 for part in range(partitions)}
                beginnings = [record.value for record in hub.log.read(starts, 1)] or [bytes(100)]
                for part in range(partitions):
                    for value in (scene.rng.randbytes(scene.rng.randrange(1, 200)), beginnings[0][: 40 + part]):
                        hub.log.append(topic, [NewRecord(b"enrollment/x", value)], partition=part)
                        scene.count(f"poison in {topic}")
        scene.flowed(2)
        scene.settle()
        letters = {one["kind"]: one["count"] for one in scene.status().found_or_fail()["deadletters"]}
        wrong = sum(one["rejected"] for one in scene.truth.accountings)
        assert letters["rejected"] == wrong + 2 * partitions
        assert letters["parked"] == 2 * 2 * partitions
        assert scene.exits == []
        scene.verify()
