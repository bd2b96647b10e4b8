"""Who fell silent in the middle of a write holds up nobody who takes the partitions over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest

from hub import silent
from hub.deciding.decider import Decider
from hub.deciding.ports import Settled
from hub.errors import Retriable
from hub.log.port import Record
from hub.works import Folding
from tests.support.pg_scene import LEARNING, NOW, PARTITIONS, PROGRESS, Enough, Scene, not_waiting

EVERY = [(LEARNING, part) for part in range(PARTITIONS)]
OFFSETS = "SELECT FROM hub.projection_offset FOR UPDATE"
OF_DECIDING = "SELECT FROM ops.decided_offset FOR UPDATE"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def folding(scene: Scene, stack: ExitStack) -> Folding:
    """Folds; the tables have an enrollment at 10 percent, the log has it at 20."""
    scene.tell("C1", 1000)
    scene.decide()
    scene.tell("C1", 2000)
    with pytest.raises(Enough):
        Decider(not_waiting(scene)).process(scene.batch())
    made = Folding(scene.connect, list, lambda: NOW)
    stack.callback(made.close)
    return made


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says nothing at all counts as silent."""
    monkeypatch.setattr(silent, "SILENT_SECONDS", 0)


def _silent(scene: Scene, stack: ExitStack, *statements: str, marked: bool = True) -> psycopg.Connection[Any]:
    """A session that has begun, has done this, and says nothing more."""
    connection = stack.enter_context(closing(scene.connect()))
    if marked:
        silent.mark_session(connection)
    for statement in ("BEGIN", *statements):
        connection.pgconn.exec_(statement.encode())
    return connection


def _is_there(scene: Scene, connection: psycopg.Connection[Any]) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE pid = %s AND pg_blocking_pids(pid) IS NOT NULL"
    return bool(scene.ask(query, connection.info.backend_pid))


def _fold(scene: Scene, folding: Folding) -> None:
    _take(scene, folding, folding.own(EVERY))


def _take(scene: Scene, folding: Folding, starts: dict[tuple[str, int], int]) -> None:
    records = [one for one in scene.records([LEARNING]) if one.offset >= starts[one.topic, one.partition]]
    folding.take(records)
    folding.settle()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    "then",
    [[], ["CREATE TEMPORARY TABLE here (id int)", "COPY here FROM STDIN"]],
    ids=["between statements", "in a COPY"],
)
def test_whoever_takes_over_ends_a_silent_write(
    scene: Scene, folding: Folding, stack: ExitStack, then: list[str]
) -> None:
    """In a COPY too, where the database takes no cancellation. What was not committed is folded by the other."""
    gone = _silent(scene, stack, OFFSETS, "UPDATE hub.lms_course_enrollment SET progress_percentage = 99", *then)
    _fold(scene, folding)
    assert scene.ask(PROGRESS) == [("C1", 20)]
    assert not _is_there(scene, gone)


def test_who_falls_silent_later_is_ended_after_a_wait(
    scene: Scene, folding: Folding, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that waits too long for a lock is given up; the next one begins by ending whoever holds it."""
    monkeypatch.setattr(silent, "_MARK", silent._MARK.replace(f"'{silent.LOCK_SECONDS}s'", "'50ms'"))
    starts = folding.own(EVERY)
    gone = _silent(scene, stack, OFFSETS)
    with pytest.raises(Retriable, match="lock timeout"):
        _take(scene, folding, starts)
    assert _is_there(scene, gone)
    monkeypatch.setattr(silent, "SILENT_SECONDS", 0)
    _take(scene, folding, folding.take([]) or starts)
    assert scene.ask(PROGRESS) == [("C1", 20)]
    assert not _is_there(scene, gone)


@pytest.mark.usefixtures("at_once")
def test_a_decider_that_fell_silent_is_ended(scene: Scene, stack: ExitStack) -> None:
    scene.deciding.settle({0: Settled(0, 5)})
    gone = _silent(scene, stack, OF_DECIDING)
    assert scene.deciding.take_over([0, 1]) == {0: 5}
    scene.deciding.settle({0: Settled(5, 6)})
    assert not _is_there(scene, gone)


def test_everybody_else_is_left_alone(scene: Scene, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has just spoken, who thinks inside a transaction that is no such write, and who has no transaction open."""
    fresh = _silent(scene, stack, OFFSETS)
    with scene.connect() as other:
        assert silent.end_silent(other) == 0
        fresh.execute("COMMIT")
        monkeypatch.setattr(silent, "SILENT_SECONDS", 0)
        thinks = _silent(scene, stack, OFFSETS, marked=False)
        assert silent.end_silent(other) == 0
    assert _is_there(scene, fresh)
    assert _is_there(scene, thinks)


def test_the_writes_of_the_hub_bear_the_name(scene: Scene, folding: Folding, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both connections of folding do, and a transaction of settling, but not the connection that it borrowed."""
    names = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
    folding.own(EVERY)
    assert scene.ask(names, silent.NAME) == [(2,)]
    folding.close()
    seen = []
    marked = silent.mark_transaction
    monkeypatch.setattr(
        silent, "mark_transaction", lambda connection: (marked(connection), seen.append(scene.ask(names, silent.NAME)))
    )
    scene.deciding.settle({0: Settled(*(scene.deciding.decided_offset(0),) * 2)})
    assert seen == [[(1,)]]
    assert scene.ask(names, silent.NAME) == [(0,)]


def test_a_session_that_was_ended_takes_its_batch_again(scene: Scene, folding: Folding) -> None:
    """Who was silent finds its sessions ended: it says so, and goes on from the stored offsets."""
    starts = folding.own(EVERY)
    scene.ask("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = %s", silent.NAME)
    records: list[Record] = scene.records([LEARNING])
    with pytest.raises(Retriable):
        _take(scene, folding, starts)
    _take(scene, folding, folding.take(records))
    assert scene.ask(PROGRESS) == [("C1", 20)]
