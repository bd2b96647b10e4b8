"""Folding with a writer one batch behind: equal tables, failures told late but told, nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from hub.bootstrap import Folding
from hub.errors import HubError, Retriable
from hub.log.port import Record
from projections import folds, migrations
from projections.engine.behind import BatchRefused
from tests.support.pg_scene import PARTITIONS, PROGRESS, TRAIL, Scene

ALL = [(topic, part) for topic in folds.BY_TOPIC for part in range(PARTITIONS)]
COURSES = 6


@pytest.fixture(scope="module")
def template(make_database: Callable[[str | None], str]) -> str:
    """A database with all tables, to be copied."""
    url = make_database(None)
    migrations.upgrade(url)
    return url


@pytest.fixture
def scene(template: str, make_database: Callable[[str | None], str]) -> Iterator[Scene]:
    with ExitStack() as stack:
        made = Scene(make_database(template), stack).prepared()
        for number in range(COURSES):
            made.tell(f"C{number}", 1000 * number)
        yield made


@pytest.fixture
def empty(template: str, make_database: Callable[[str | None], str]) -> Iterator[Scene]:
    """A second database, onto which the log of the first is folded again."""
    with ExitStack() as stack:
        yield Scene(make_database(template), stack)


def folding(scene: Scene) -> Folding:
    """The runner's work on this scene's database."""
    made = Folding(scene.connect, list)
    scene.stack.callback(made.close)
    return made


def run(work: Folding, records: list[Record], size: int = 2) -> list[str]:
    """Do as a runner does: begin, take small batches, begin again after a failure; returns the failures."""
    failures: list[str] = []
    for _ in range(5):
        at = work.begin(ALL)
        todo = [one for one in records if one.offset >= at[one.topic, one.partition]]
        try:
            for start in range(0, len(todo), size):
                work.take(todo[start : start + size])
            work.settle()
        except HubError as problem:
            failures.append(type(problem).__name__)
        else:
            return failures
    raise AssertionError(f"never finished: {failures}")


def take_all(work: Folding, records: list[Record]) -> None:
    """Hand over small batches until all are written."""
    for start in range(0, len(records), 2):
        work.take(records[start : start + 2])
    work.settle()


def test_batches_written_behind_give_the_same_tables(scene: Scene, empty: Scene) -> None:
    """Each batch is folded on what the one before made, though that is not written yet."""
    scene.decide()
    assert run(folding(empty), scene.records()) == []
    assert empty.ask(PROGRESS) == scene.ask(PROGRESS)
    assert empty.ask(TRAIL) == scene.ask(TRAIL)


def test_a_failure_is_told_with_the_next_call_and_nothing_is_lost(scene: Scene, empty: Scene) -> None:
    """The database ends the connections while a batch is under way: the runner begins again where the table stands."""
    scene.decide()
    records = scene.records()
    work = folding(empty)
    work.begin(ALL)
    work.take(records[:2])
    work.settle()
    mine = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    empty.ask(mine)
    with pytest.raises(Retriable):
        take_all(work, records[2:])
    assert run(work, records) == []
    assert empty.ask(TRAIL) == scene.ask(TRAIL)


def test_a_refused_row_is_isolated_after_beginning_again(scene: Scene, empty: Scene) -> None:
    """The batch after learns of it; then batches are written at once until the record is parked, the rest folded."""
    scene.decide()
    with empty.connect() as connection:
        connection.execute(
            "CREATE INDEX ON hub.lms_course_enrollment "
            "((repeat(md5(id::text), CASE WHEN progress_percentage > 45 THEN 270000 ELSE 0 END)))"
        )
    failures = run(folding(empty), scene.records(), size=100)
    assert failures == [BatchRefused.__name__]
    folded = {course for course, _ in empty.ask(PROGRESS)}
    assert folded == {"C0", "C1", "C2", "C3", "C4"}
    assert empty.ask("SELECT DISTINCT rule FROM hub.dead_letter WHERE kind = 'parked'") == [("54000",)]
    assert len(folded) + empty.ask("SELECT count(*) FROM hub.dead_letter")[0][0] == COURSES
