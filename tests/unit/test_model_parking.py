"""Parked records in short runs: what the wide model finds seldom, one case at a time."""

from __future__ import annotations

import pytest

from tests.support.parking import ParkedWorld
from tests.support.wide import BREAKABLE
from tests.support.wide_oracle import compare, verify


def parked() -> tuple[ParkedWorld, str]:
    """A world with a parked record, whose fault is mended, and its letter."""
    world = ParkedWorld()
    world.broken.add(BREAKABLE[0])
    world.tell(0, {"progress": 4000}, own=1)
    world.run(world.decide())
    world.broken.clear()
    (letter,) = world.parked()
    return world, letter


def test_a_discard_that_lands_after_a_replay_is_void() -> None:
    """Nobody knew whether it was appended, and the record was replayed: a rebuild must not pass it over."""
    world, letter = parked()
    world.fates.append("late")
    lost = world.act(letter, discard=True)
    world.run_through(lost)
    del world.commands[lost]
    world.run_through(world.act(letter, discard=False))
    assert world.follow(letter)
    world.drain()
    verify(world)
    world.land(0)
    world.drain()
    verify(world)
    assert world.tables.rows["lms_course_enrollment"]


def test_a_discarded_fact_that_is_told_again_counts() -> None:
    """The record never counts, nor the observation it came from; the same told anew is a new fact."""
    world, letter = parked()
    world.run_through(world.act(letter, discard=True))
    compare(world)
    assert world.follow(letter)
    world.drain()
    verify(world)
    assert not world.tables.rows.get("lms_course_enrollment")
    world.tell(0, {"progress": 4000}, own=1)
    world.drain()
    verify(world)
    assert len(world.tables.rows["lms_course_enrollment"]) == 1


@pytest.mark.parametrize("discard", [True, False])
def test_an_act_that_nobody_followed_is_followed_later(discard: bool) -> None:
    """Who acted died between the event and the rows; meanwhile a rebuild and the live tables agree as well."""
    world, letter = parked()
    world.run_through(world.act(letter, discard=discard))
    compare(world)
    world.drain()
    verify(world)
    assert bool(world.tables.rows.get("lms_course_enrollment")) is not discard
