"""The deciding store on PostgreSQL: compare-and-set, snapshots, parked streams, and the watch that wakes who waits."""

from __future__ import annotations

import threading

import pytest

from hub.deciding.commands import Command
from hub.deciding.decider import OBSERVATIONS, Decider
from hub.deciding.ports import Settled
from hub.domain import ids
from hub.errors import Fatal, Retriable
from hub.log.partition import partition_for
from tests.support.pg_scene import COMPANY, LEARNING, PARTITIONS, PROGRESS, RUN, Enough, Scene, not_waiting


def test_the_decided_offset_is_compared_and_set(scene: Scene) -> None:
    """Who expects another offset writes nothing of any partition: no offset, no count, nothing put aside."""
    counts = {RUN: {"changed": 3}}
    scene.deciding.settle({0: Settled(0, 5, counts), 1: Settled(0, 2)})
    with pytest.raises(Fatal, match=r"lms\.observations/1"):
        scene.deciding.settle({0: Settled(5, 9, counts), 1: Settled(0, 4, counts)})
    assert [scene.deciding.decided_offset(part) for part in (0, 1)] == [5, 2]
    assert scene.ask("SELECT sum(changed)::int FROM ops.run_outcome WHERE run_id = %s", RUN) == [(3,)]
    scene.deciding.settle({0: Settled(5, 9, counts), 1: Settled(2, 4)})
    assert scene.ask("SELECT sum(changed)::int FROM ops.run_outcome WHERE run_id = %s", RUN) == [(6,)]
    with scene.deciding.snapshot() as snapshot:
        assert snapshot.decided_offsets([0, 1, 7]) == {0: 9, 1: 4}


def test_a_decider_that_was_overtaken_counts_nothing(scene: Scene) -> None:
    """It took its batch before another one settled the same: it stops before it appends anything."""
    scene.tell("C1", 1000)
    batch = scene.batch()
    assert scene.decide() == {"unmatched": 1}
    before = scene.log.ends(LEARNING)
    with pytest.raises(Fatal, match="another decider"):
        Decider(scene.around).process(batch)
    assert scene.log.ends(LEARNING) == before
    assert scene.ask("SELECT sum(unmatched)::int FROM ops.run_outcome WHERE run_id = %s", RUN) == [(1,)]


def test_a_snapshot_stays_as_it_was(scene: Scene) -> None:
    """What is folded meanwhile does not show: offsets, heads, rows and trail are of one moment."""
    stream = scene.tell("C1", 1000)
    with scene.deciding.snapshot() as snapshot:
        assert snapshot.heads([stream]) == {}
        scene.decide()
        assert snapshot.heads([stream]) == {}
        assert snapshot.rows("lms_course_enrollment", [ids.enrollment_row(stream, 1)]) == {}
        assert snapshot.decided_offsets(range(PARTITIONS)) == {}
    with scene.deciding.snapshot() as snapshot:
        assert snapshot.heads([stream])[stream].version == 1


def test_a_parked_stream_waits_and_says_so(scene: Scene) -> None:
    """A record that the database does not take is parked; observations of its stream are put aside, other streams flow."""
    with scene.connect() as connection:
        connection.execute(
            "ALTER TABLE hub.lms_course_enrollment ADD CONSTRAINT poison CHECK (progress_percentage <> 66.66)"
        )
    stream = scene.tell("C1", 6666)
    scene.tell("C2", 1000)
    scene.decide()
    scene.tell("C1", 7000)
    scene.decide()
    assert scene.ask(PROGRESS) == [("C2", 10)]
    kept = scene.ask(
        'SELECT kind, topic, rule FROM hub.dead_letter WHERE stream_id = %s ORDER BY topic, "offset"', stream
    )
    assert kept == [("parked", LEARNING, "poison"), ("behind", OBSERVATIONS, None), ("behind", OBSERVATIONS, None)]
    command = Command(
        ids.derived(COMPANY, "c"), "test", COMPANY, LEARNING, ("enrollment", stream), lambda view, now: {}
    )
    with pytest.raises(Retriable, match="parked"):
        scene.execute(command)


def test_more_partitions_than_one_notification_holds(scene: Scene) -> None:
    """The news of 256 partitions with large offsets is more than 8000 bytes; every waiter is told all the same."""
    far = 1_000_000_000
    scene.watch.folded()
    scene.deciding.settle({part: Settled(0, far) for part in range(256)})
    assert scene.watch.wait({(OBSERVATIONS, part): far for part in range(256)}, 30)


def test_a_database_that_is_away_is_no_fault_of_the_batch(scene: Scene) -> None:
    """Snapshot, offset and settling say Retriable where the connection is gone."""
    scene.pool.close()
    for use in (
        lambda: scene.deciding.decided_offset(0),
        lambda: scene.deciding.settle({0: Settled(0, 1)}),
        lambda: scene.deciding.snapshot().__enter__(),
    ):
        with pytest.raises(Retriable):
            use()


def test_the_watch_wakes_who_waits_for_a_fold(scene: Scene) -> None:
    """A waiter is told by the commit of another connection."""
    stream = scene.tell("C1", 1000)
    wanted = (LEARNING, partition_for(f"enrollment/{stream}".encode(), PARTITIONS))
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(scene.watch.wait({wanted: 1}, 30)))
    thread.start()
    scene.decide()
    thread.join(30)
    assert woken == [True]
    assert scene.watch.folded([LEARNING]) == {wanted: 1}


def test_the_watch_survives_a_cut_connection(scene: Scene) -> None:
    """What was told while nobody listened is read when the connection is back."""
    stream = scene.tell("C1", 1000)
    wanted = (LEARNING, partition_for(f"enrollment/{stream}".encode(), PARTITIONS))
    scene.watch.folded()
    listening = scene.watch._listening
    assert listening is not None
    scene.end(listening)
    with pytest.raises(Enough):
        Decider(not_waiting(scene)).process(scene.batch())
    scene.fold()
    assert scene.watch.wait({wanted: 1}, 30)


def test_a_wait_ends_in_vain_when_the_watch_closes(scene: Scene) -> None:
    """Who waits for what never comes is let go."""
    woken: list[bool] = []
    scene.watch.folded()
    thread = threading.Thread(target=lambda: woken.append(scene.watch.wait({(LEARNING, 0): 99}, 60)))
    thread.start()
    scene.watch.close()
    thread.join(30)
    assert woken == [False]
