"""The rules of exactly-once one at a time: short runs that come out wrong as soon as their rule is taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.deciding.view import View
from tests.support.model import World
from tests.support.oracle import verify
from tests.support.play import Play
from tests.support.taken_out import TAKEN_OUT


def finish(world: World) -> None:
    """Let a reliable world finish, and hold it against the oracle."""
    world.drain()
    verify(world)


def begun(world: World, limit: int = 100) -> Play:
    """A decider that has taken the next batch."""
    play = world.decide(limit)
    assert play is not None
    return play


def overtaken(world: World) -> None:
    """Two facts of a new stream are on their way to the log; a command on it is faster."""
    world.tell(0, {"progress": 4000}, own=1)
    world.tell(0, {"progress": 4100}, own=2)
    world.fates.append("late")
    begun(world).until("wait")
    world.run(world.execute(world.command(0)))


def a_stale_successor_has_the_right_version(world: World) -> None:
    """The second fact makes version 2, but follows a fact that never counted: it is void."""
    overtaken(world)
    world.land(0)
    world.fold()
    finish(world)


def a_stale_successor_follows_the_right_event(world: World) -> None:
    """The first fact counts after the command, as version 2 and with the id it had; its old successor is void."""
    overtaken(world)
    world.run(world.decide(1))
    world.land(0)
    world.fold()
    finish(world)


def a_crash_before_the_offset_is_stored(world: World) -> None:
    """A single fact that was appended and folded is dropped when it is decided again."""
    world.tell(0, {"seconds_more": 60}, own=1, content_id="session")
    world.tell(0, {"seconds_more": 60}, own=1, content_id="session")
    play = begun(world)
    play.until("wait")
    world.fold()
    play.until("settle")
    finish(world)


def a_crash_after_there_and_back(world: World) -> None:
    """40, 41, 40 were appended: deciding 41 again is no news, though the row is at 40 again."""
    for progress in (4000, 4100, 4000):
        world.tell(0, {"progress": progress}, own=1)
    begun(world).until("wait")
    world.fold()
    finish(world)


def two_that_settle(world: World) -> None:
    """Two deciders come to the same offset with the same batch: one of them counts it."""
    world.tell(0, {"progress": 4000}, own=1)
    plays = [begun(world), begun(world)]
    for play in plays:
        play.until("wait")
        world.fold()
        play.until("settle")
    for play in plays:
        world.run(play)
    finish(world)


def a_decider_that_slept(world: World) -> None:
    """What was unchanged when another decider settled it would be news, were it decided again after a person's act."""
    world.tell(0, {"progress": 4000}, own=1)
    world.run(world.decide())
    world.tell(0, {"progress": 4100})
    sleeper = begun(world)
    sleeper.until("append")
    put_right(world, 4100)
    world.run(world.decide())
    put_right(world, 4200)
    trail = set(world.tables.audit)
    world.run(sleeper)
    assert set(world.tables.audit) == trail


def put_right(world: World, progress: int) -> None:
    """A person corrects the progress of the first stream."""
    name = world.command(0)
    access = world.commands.pop(name)

    def decide(view: View, now: int) -> dict[str, Any] | None:
        body = access.decide(view, now)
        return body and body | {"enrollment": {"progress_percentage": progress}}

    world.commands[name] = replace(access, decide=decide)
    world.run(world.execute(name))


def a_gap_and_an_overlap(world: World) -> None:
    """Records beyond the next one are refused, records that were folded are passed over."""
    for own in (1, 2, 3):
        world.tell(0, {"progress": 4000 + own}, own=own)
    begun(world).until("wait")
    world.fold("gap")
    world.fold("whole", limit=2)
    world.fold("overlap")
    finish(world)


def equal_states_before_another_and_a_crash(world: World) -> None:
    """40, 40, 41 of one time, and without any, were appended and folded: the second 40 is no news, though the row is at 41."""
    for stream, own in ((0, 1), (1, None)):
        for progress in (4000, 4000, 4100):
            world.tell(stream, {"progress": progress}, own=own)
    begun(world).until("wait")
    world.fold()
    finish(world)


SCENARIOS: dict[str, Callable[[World], None]] = {
    "follows": a_stale_successor_has_the_right_version,
    "version": a_stale_successor_follows_the_right_event,
    "the_repeat_check": a_crash_before_the_offset_is_stored,
    "its_own_cause": a_crash_after_there_and_back,
    "the_order_of_observations": equal_states_before_another_and_a_crash,
    "compare_and_set": two_that_settle,
    "the_offset_in_the_snapshot": a_decider_that_slept,
    "contiguity": a_gap_and_an_overlap,
}


@pytest.mark.parametrize("rule", TAKEN_OUT)
def test_with_all_rules_it_comes_out_as_if_nothing_had_happened(rule: str) -> None:
    """Rows, accounting, trail and chain are those of a sequential oracle."""
    SCENARIOS[rule](World())


@pytest.mark.parametrize("rule", TAKEN_OUT)
def test_without_its_rule_it_comes_out_wrong(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule is needed: its scenario fails as soon as it is taken out."""
    TAKEN_OUT[rule](monkeypatch)
    with pytest.raises(AssertionError):
        SCENARIOS[rule](World())
