"""Folding with a writer one batch behind: equal tables, failures told late but told, nothing lost."""

from __future__ import annotations

import pytest

from hub.bootstrap import clock
from hub.errors import HubError, Retriable
from hub.log.port import Record
from hub.works import Folding
from projections import folds
from tests.support.pg_scene import PARTITIONS, PROGRESS, TRAIL, Scene

ALL = [(topic, part) for topic in folds.BY_TOPIC for part in range(PARTITIONS)]
COURSES = 6


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """The scene with something to decide."""
    for number in range(COURSES):
        scene.tell(f"C{number}", 1000 * number)
    return scene


def folding(scene: Scene) -> Folding:
    """The runner's work on this scene's database."""
    made = Folding(scene.connect, list, clock)
    scene.stack.callback(made.close)
    return made


def run(work: Folding, records: list[Record], size: int = 2) -> list[str]:
    """Do as a runner does: read on from where the work says, begin anew after a failure; returns the failures, and
    ``again`` for every time that the work wanted records once more."""
    told: list[str] = []
    at = work.own(ALL)
    for _ in range(200):
        todo = [one for one in records if one.offset >= at[one.topic, one.partition]][:size]
        try:
            again = work.take(todo) if todo else work.settle()
        except HubError as problem:
            told.append(type(problem).__name__)
            at = work.own(ALL)
            continue
        at |= {(one.topic, one.partition): one.offset + 1 for one in todo}
        at |= again
        if again:
            told.append("again")
        elif not todo:
            return told
    raise AssertionError(f"never finished: {told}")


def take_all(work: Folding, records: list[Record]) -> None:
    """Hand over small batches until all are written."""
    for start in range(0, len(records), 2):
        work.take(records[start : start + 2])
    work.settle()


def test_batches_written_behind_give_the_same_tables(scene: Scene, bare_scene: Scene) -> None:
    """Each batch is folded on what the one before made, though that is not written yet."""
    scene.decide()
    assert run(folding(bare_scene), scene.records()) == []
    assert bare_scene.ask(PROGRESS) == scene.ask(PROGRESS)
    assert bare_scene.ask(TRAIL) == scene.ask(TRAIL)


def test_a_failure_is_told_with_the_next_call_and_nothing_is_lost(scene: Scene, bare_scene: Scene) -> None:
    """The database ends the connections while a batch is under way: the runner begins again where the table stands."""
    scene.decide()
    records = scene.records()
    work = folding(bare_scene)
    work.own(ALL)
    work.take(records[:2])
    work.settle()
    mine = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    bare_scene.ask(mine)
    with pytest.raises(Retriable):
        take_all(work, records[2:])
    assert run(work, records) == []
    assert bare_scene.ask(TRAIL) == scene.ask(TRAIL)


def test_a_refused_row_is_isolated_after_beginning_again(scene: Scene, bare_scene: Scene) -> None:
    """The batch after learns of it; then batches are written at once until the record is parked, the rest folded."""
    scene.decide()
    with bare_scene.connect() as connection:
        connection.execute(
            "CREATE INDEX ON hub.lms_course_enrollment "
            "((repeat(md5(id::text), CASE WHEN progress_percentage > 45 THEN 270000 ELSE 0 END)))"
        )
    assert set(run(folding(bare_scene), scene.records(), size=100)) == {"again"}
    folded = {course for course, _ in bare_scene.ask(PROGRESS)}
    assert folded == {"C0", "C1", "C2", "C3", "C4"}
    assert bare_scene.ask("SELECT DISTINCT rule FROM hub.dead_letter WHERE kind = 'parked'") == [("54000",)]
    assert len(folded) + bare_scene.ask("SELECT count(*) FROM hub.dead_letter")[0][0] == COURSES


def test_records_wait_for_what_another_lane_folds(scene: Scene, bare_scene: Scene) -> None:
    """One lane has enrollments only, the other what they refer to: the first answers that it has to read again, folds
    nothing and raises nothing, until the other has done its part."""
    scene.decide()
    early, late = folding(bare_scene), folding(bare_scene)
    mine = {where: 0 for where in ALL if where[0] == "lms.learning"}
    enrollments = [one for one in scene.records() if (one.topic, one.partition) in mine]
    assert early.own(list(mine)) == mine
    for _ in range(3):
        early.take(enrollments)
        waiting = early.settle() or early.take(enrollments)
        assert {
            where: waiting[where] for where in {(one.topic, one.partition) for one in enrollments}
        }.items() <= mine.items()
    assert bare_scene.ask(PROGRESS) == []
    late.own([where for where in ALL if where not in mine])
    assert not late.take([one for one in scene.records() if one not in enrollments]) | late.settle()
    early.take(enrollments)
    early.settle()
    assert bare_scene.ask(PROGRESS) == scene.ask(PROGRESS)
