"""The model's rules one at a time: runs that are wrong as soon as the rule is taken out."""
from tests.support.model import World, BEGINNING
from tests.support.oracle import verify


def finish(world: World, *plays) -> None:
    world.drain()
    verify(world)
    world.run(*plays)
    world.drain()
    verify(world)


def test_there_and_back_is_decided_again_after_a_crash() -> None:
    """A crash after the append of 40, 41, 40: the second decision of 41 is no new fact, though the row is at 40 again."""
    world = World()
    for progress in (4000, 4100, 4000):
        world.tell(0, {"progress": progress}, own=1)
    play = world.decide()
    play.until("settle") if False else play.until("wait")
    world.fold()
    finish(world)


def test_a_decider_that_slept_tells_nothing_that_was_settled_meanwhile() -> None:
    """Its observation was unchanged when it was settled; deciding it again now, it would be a late fact."""
    world = World()
    world.tell(0, {"progress": 4000, "grade": "A"}, own=1)
    world.run(world.decide())
    world.tell(0, {"progress": 4000, "grade": "B"}, own=2)
    world.tell(0, {"progress": 4000}, own=2)
    world.tell(0, {"progress": 4000, "grade": "C"}, own=3)
    sleeper = world.decide()
    sleeper.until("append")
    world.run(world.decide())
    finish(world, sleeper)
