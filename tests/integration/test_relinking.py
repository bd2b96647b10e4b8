"""Whom an account belongs to is said by all cycles of its enrollments, whenever it was linked; on the memory log and on
the PostgreSQL log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub.deciding.commands import Command
from hub.identity.commands import link_account, unlink_account
from projections.queries import Queries
from tests.support.pg_scene import ACCOUNT, COMPANY, Scene
from tests.support.relinking import ADA, BOB, STREAM, Person, in_memory, on_postgres
from tests.support.site import site


@pytest.fixture(params=["memory", "postgresql"])
def person(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Person]:
    """An account that has completed a course and its lesson; nobody is linked to it."""
    with ExitStack() as stack:
        if request.param == "memory":
            made = in_memory(request.getfixturevalue("scene"))
        else:
            url = request.getfixturevalue("database_url")
            running = stack.enter_context(site("postgresql", url, tmp_path, None))
            made = on_postgres(stack.enter_context(running.open()))
        made.begin()
        made.learn("first")
        yield made


def whole(*employees: str | None) -> list[tuple[str, int, str | None]]:
    """What people() tells where each cycle and its lesson belong to these."""
    return [(kind, cycle, employee) for kind in ("cycle", "lesson") for cycle, employee in enumerate(employees, 1)]


def link(employee: str) -> Command:
    return link_account(COMPANY, ACCOUNT, employee)


def test_all_cycles_follow_wherever_the_link_comes_between(person: Person) -> None:
    """A retake may begin while earlier cycles say another employee, or none: they follow all the same, by one event, and
    once they say what the account says nothing more is told."""
    person.execute(link(ADA))  # the reactor was not asked yet
    person.retake("second")
    assert person.people() == whole(None, ADA)
    assert person.reactor.react() == 1
    assert person.people() == whole(ADA, ADA)
    assert person.reactor.react() == 0

    person.execute(link(BOB))
    person.learn("second")
    person.retake("third")
    assert person.people() == whole(ADA, ADA, BOB)
    assert person.reactor.react() == 1
    assert person.people() == whole(BOB, BOB, BOB)

    person.execute(unlink_account(COMPANY, ACCOUNT))
    person.learn("third")
    person.retake("fourth")
    assert person.people() == whole(BOB, BOB, BOB, None)
    assert person.reactor.react() == 1
    assert person.people() == whole(None, None, None, None)
    assert person.reactor.react() == 0
    linked, unlinked = "lms.enrollment.linked.v1", "lms.enrollment.unlinked.v1"
    assert person.links() == [(linked, 1, "Low"), (linked, 2, "High"), (unlinked, 2, "High")]


def test_a_link_before_any_retake_reaches_the_newest_too(person: Person) -> None:
    """The usual case: all cycles differ, and one event moves them all; the rows say when they were moved."""
    person.retake("second")
    person.execute(link(ADA))
    assert person.reactor.react() == 1
    assert person.people() == whole(ADA, ADA)
    person.retake("second")
    assert person.people() == whole(ADA, ADA)
    moved = "SELECT count(DISTINCT updated_at) FROM hub.lms_course_enrollment"
    before = person.ask(moved)
    assert person.reactor.react() == 0
    assert person.ask(moved) == before


def test_only_the_rows_that_differ_are_touched(scene: Scene) -> None:
    """The newest cycle says the right employee already: it keeps its moment of change, and stays the newest."""
    person = in_memory(scene)
    person.begin()
    person.learn("first")
    person.execute(link(ADA))
    person.retake("second")
    newest = (
        "SELECT row_id::text, (SELECT updated_at FROM hub.lms_course_enrollment WHERE id = row_id) FROM hub.stream_head"
    )
    before = person.ask(f"{newest} WHERE stream_id = %s", STREAM)
    assert person.reactor.react() == 1
    assert person.ask(f"{newest} WHERE stream_id = %s", STREAM) == before


def test_parked_streams_do_not_hide_the_others(scene: Scene) -> None:
    """What waits behind a parked record is left out, and however many there are the rest is found."""
    person = in_memory(scene)
    person.begin()
    streams = sorted(scene.tell(f"C{number}", 1000) for number in range(5))
    scene.decide()
    person.execute(link(ADA))
    queries = Queries(scene.pool.connection)
    assert sorted(one.stream for one in queries.stale_enrollments()) == streams
    for stream in streams[:4]:
        with scene.connect() as connection:
            connection.execute("UPDATE hub.stream_head SET parked = true WHERE stream_id = %s", (stream,))
        found = [one.stream for one in queries.stale_enrollments(limit=1)]
        assert len(found) == 1
        assert found[0] in streams[streams.index(stream) + 1 :]
