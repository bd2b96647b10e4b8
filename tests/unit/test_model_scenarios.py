"""The model's rules one at a time: short runs that come out wrong as soon as one rule is taken out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub.deciding.view import View
from tests.support.model import Play, World
from tests.support.oracle import verify

PLAIN = {"progress": 4000}


def finish(world: World, *sleepers: Play) -> None:
    """Let a reliable world finish, verify, wake the sleepers and land what was late, and verify again."""
    world.drain()
    verify(world)
    for sleeper in sleepers:
        world.run(sleeper)
    for number in range(len(world.held)):
        world.land(number)
    world.drain()
    verify(world)


def begun(world: World, limit: int = 100) -> Play:
    """A decider that has taken the next batch."""
    play = world.decide(limit)
    assert play is not None
    return play


def test_there_and_back_is_decided_again_after_a_crash() -> None:
    """40, 41, 40 were appended, then the decider crashed: deciding 41 again is no news, though the row is at 40."""
    world = World()
    for progress in (4000, 4100, 4000):
        world.tell(0, {"progress": progress}, own=1)
    begun(world).until("wait")
    finish(world)


def test_a_decider_that_slept_tells_nothing_that_was_settled_meanwhile() -> None:
    """What was unchanged when another decider settled it would be a late fact, were it decided again now."""
    world = World()
    world.tell(0, PLAIN, own=1)
    world.run(world.decide())
    world.tell(0, {"progress": 4100})
    sleeper = begun(world)
    sleeper.until("append")
    put_right(world, 4100)
    world.run(world.decide())
    world.tell(0, {"progress": 4200})
    world.run(world.decide())
    trail = dict(world.tables.audit)
    world.run(sleeper)
    assert world.tables.audit == trail


def put_right(world: World, progress: int) -> None:
    """A person corrects the progress of the first stream."""
    name = world.command(0)
    access = world.commands.pop(name)

    def decide(view: View, now: int) -> dict[str, Any] | None:
        body = access.decide(view, now)
        return body and body | {"enrollment": {"progress_percentage": progress}}

    world.commands[name] = replace(access, decide=decide)
    world.run(world.execute(name))
