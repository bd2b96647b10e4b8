"""The fold store on PostgreSQL: races for a partition, rows that wait for others, lost connections, limits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from hub.deciding.decider import Decider
from hub.errors import Retriable
from hub.log import codec
from projections import folds
from projections.engine import pg_store
from projections.engine.folder import Folder, OwnershipLost
from projections.engine.pg_store import PgStore
from tests.support.pg_scene import CAUSES, LEARNING, NOW, PARTITIONS, PROGRESS, TRAIL, Enough, Scene, not_waiting


def test_two_folders_race_for_one_partition(scene: Scene) -> None:
    """Both fold the same new partition at the same moment: one writes, the other loses the partition and wrote nothing."""
    scene.tell("C1", 1000)
    undecided = Decider(not_waiting(scene))
    with pytest.raises(Enough):
        undecided.process(scene.batch())
    folders, records = [scene.folder(), scene.folder()], scene.records()
    ready, results = threading.Barrier(2), []

    def race(folder: Folder) -> None:
        ready.wait(30)
        try:
            results.append(str(folder.fold(records).folded))
        except OwnershipLost:
            results.append("lost")

    threads = [threading.Thread(target=race, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["1", "lost"]
    assert scene.ask(PROGRESS) == [("C1", 10)]


@pytest.mark.parametrize("small", [15, 0], ids=["few rows", "COPY"])
def test_who_comes_late_to_a_known_partition_writes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    """Somebody else folded the same records meanwhile: nothing is written twice, and each version once."""
    monkeypatch.setattr(pg_store, "SMALL", small)
    scene.tell("C1", 1000)
    scene.decide()
    late = scene.folder()
    scene.tell("C1", 2000)
    scene.decide()
    trail = scene.ask(TRAIL)
    with pytest.raises(OwnershipLost, match="somebody else has folded"):
        late.fold(scene.records())
    assert scene.ask(TRAIL) == trail
    assert scene.ask(VERSIONS) == [(1, 10, True, False, False), (2, 20, True, False, False)]


def test_only_what_is_written_by_copy_has_a_temporary_table(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit empties every temporary table of its session, so there is none that the session never wrote to; after a
    transaction that failed the next one finds those it needs."""
    monkeypatch.setattr(pg_store, "SMALL", 1)
    scene.tell("C1", 1000)
    undecided = Decider(not_waiting(scene))
    with pytest.raises(Enough):
        undecided.process(scene.batch())
    with scene.connect() as connection:
        folder = Folder(PgStore(connection, list), codec.decode, lambda: NOW)
        folder.own([(LEARNING, part) for part in range(PARTITIONS)])
        other = scene.folder([LEARNING])
        other.fold(scene.records([LEARNING]))
        with pytest.raises(OwnershipLost):
            folder.fold(scene.records([LEARNING]))
        scene.tell("C1", 2000)
        with pytest.raises(Enough):
            undecided.process(scene.batch())
        folder.own([(LEARNING, part) for part in range(PARTITIONS)])
        folder.fold(scene.records([LEARNING]))
        staged = {name for (name,) in connection.execute(STAGED)}
    assert staged == {"hub_lms_course_enrollment_staging", "hub_stream_head_staging"}
    assert scene.ask(PROGRESS) == [("C1", 20)]


STAGED = "SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r' AND pg_table_is_visible(oid)"
VERSIONS = """
SELECT h.version, h.progress_percentage::int, h.own_activity, h.late, h.retracted
FROM hub.lms_course_enrollment_history h
JOIN hub.lms_course_enrollment e USING (id)
JOIN hub.lms_audit_trail a ON a.id = h.event_id AND a.timestamp = h.recorded_at
ORDER BY 1
"""


def test_a_row_that_refers_to_what_is_not_folded_yet_waits(scene: Scene, bare_scene: Scene) -> None:
    """Enrollments before their company: nothing is written, nothing is parked; once it is there they are folded."""
    scene.tell("C1", 1000)
    scene.decide()
    behind = bare_scene
    behind.log = scene.log
    folder = behind.folder([LEARNING])
    for _ in range(2):
        with pytest.raises(Retriable, match="not folded yet"):
            folder.fold(behind.records([LEARNING]))
    assert behind.ask(
        "SELECT (SELECT count(*) FROM hub.dead_letter), (SELECT count(*) FROM hub.projection_offset)"
    ) == [(0, 0)]
    behind.folder(CAUSES).fold(behind.records(CAUSES))
    assert folder.fold(behind.records([LEARNING])).folded == 1
    assert behind.ask(PROGRESS) == [("C1", 10)]


@pytest.mark.parametrize("table", ["lms_course_enrollment", "lms_audit_trail", "projection_offset"])
def test_a_connection_that_ends_in_the_middle_changes_nothing(scene: Scene, table: str) -> None:
    """The database ends the connection while the transaction writes this table; another folder takes the batch."""
    scene.tell("C1", 1000)
    scene.decide()
    scene.tell("C1", 2000)
    with pytest.raises(Enough):
        Decider(not_waiting(scene)).process(scene.batch())
    connection = scene.connect()
    scene.stack.callback(connection.close)
    folder = Folder(PgStore(connection, list), codec.decode, lambda: NOW)
    folder.own([(topic, part) for topic in folds.BY_TOPIC for part in range(PARTITIONS)])
    trail = scene.ask(TRAIL)
    with scene.connect() as other:
        other.autocommit = False
        other.execute(f"LOCK TABLE hub.{table} IN EXCLUSIVE MODE")
        failed: list[Exception] = []
        thread = threading.Thread(target=_collect, args=(failed, partial(folder.fold, scene.records())))
        thread.start()
        _until(
            lambda: bool(
                scene.ask("SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s", connection.info.backend_pid)
            )
        )
        scene.end(connection)
        thread.join(30)
        other.rollback()
    assert [type(problem) for problem in failed] == [Retriable]
    assert scene.ask(TRAIL) == trail
    scene.fold()
    assert scene.ask(PROGRESS) == [("C1", 20)]


def _collect(failed: list[Exception], call: Callable[[], Any]) -> None:
    try:
        call()
    except Exception as problem:
        failed.append(problem)


def _until(there: Callable[[], bool], attempts: int = 3000) -> None:
    """Wait for a condition, at most half a minute."""
    pause = threading.Event()
    for _ in range(attempts):
        if there():
            return
        pause.wait(0.01)
    raise AssertionError("the condition never came")


def test_a_row_beyond_the_limits_of_the_database_is_parked(scene: Scene) -> None:
    """Not every "no" for ever is an integrity error: an index entry may be too large."""
    with scene.connect() as connection:
        connection.execute(
            "CREATE INDEX ON hub.lms_course_enrollment ((repeat(md5(id::text), progress_percentage::int * 3000)))"
        )
    scene.tell("C1", 9000)
    scene.tell("C2", 0)
    scene.decide()
    assert scene.ask(PROGRESS) == [("C2", 0)]
    assert scene.ask("SELECT rule FROM hub.dead_letter WHERE kind = 'parked'") == [("54000",)]
