"""Exactly once, by a model: whatever happens between two steps, it comes out as if nothing had happened.

Two deciders, commands and two folders run on the real code over the memory log; appends land late, twice, by half or
unconfirmed; processes crash, and stale ones wake up again. See :mod:`tests.support.model` and docs/decisions/0008.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, precondition, rule, run_state_machine_as_test

from tests.support.model import FATES, FOLDS, FOREIGN, STREAMS, World
from tests.support.oracle import verify
from tests.support.play import Play
from tests.support.taken_out import TAKEN_OUT

STREAM = st.integers(0, len(STREAMS) - 1)
OWN = st.integers(1, 4)
STEPS = st.integers(1, 5)
PERCENT = st.sampled_from([4000, 4100])
ACTORS = st.sampled_from(["first", "second", "command", "command again"])


class Hub(RuleBasedStateMachine):
    """The rules are what may happen next; the end lets a reliable world finish, and holds it against the oracle."""

    observations = Bundle("observations")
    make: type[World] = World
    verify = staticmethod(verify)

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make()
        self.plays: dict[str, Play] = {}
        self.stale: list[Play] = []
        self.asked = ""
        """The newest command."""

    # -- what is told

    @rule(target=observations, stream=STREAM, own=OWN, progress=PERCENT)
    def state(self, stream: int, own: int, progress: int) -> Any:
        return self.world.tell(stream, {"progress": progress}, own=own)

    @rule(target=observations, stream=STREAM, progress=PERCENT)
    def state_without_time(self, stream: int, progress: int) -> Any:
        return self.world.tell(stream, {"progress": progress})

    @rule(target=observations, stream=STREAM, own=OWN)
    def there_and_back(self, stream: int, own: int) -> Any:
        return multiple(*[self.world.tell(stream, {"progress": told}, own=own) for told in (4000, 4100, 4000)])

    @rule(target=observations, stream=STREAM, number=st.integers(1, 3))
    def single_fact(self, stream: int, number: int) -> Any:
        return self.world.tell(stream, {"seconds_more": 60 * number}, own=number, content_id=f"fact {number}")

    @rule(target=observations, stream=STREAM, own=OWN, key=st.sampled_from(["L1", "L2"]), progress=PERCENT)
    def lesson(self, stream: int, own: int, key: str, progress: int) -> Any:
        return self.world.tell(stream, {"lesson_id": key, "progress": progress}, own=own, lesson_key=key)

    @rule(target=observations, stream=STREAM, own=OWN, key=st.sampled_from(["first", "second"]))
    def completed(self, stream: int, own: int, key: str) -> Any:
        return self.world.tell(stream, {"completed": True, "enrollment_key": key}, own=own)

    @rule(target=observations, stream=STREAM, kind=st.sampled_from(["eLearning", "Webinar"]))
    def of_a_kind(self, stream: int, kind: str) -> Any:
        return self.world.tell(stream, {"course_type": kind, "progress": 5000})

    @rule(stream=STREAM)
    def of_nobody(self, stream: int) -> None:
        self.world.tell(stream, {"progress": 4000}, integration_id=FOREIGN)

    @rule(observation=observations, again=st.booleans())
    def imported_again(self, observation: dict[str, Any], again: bool) -> None:
        self.world.publish(observation, again=again)

    # -- what is done

    @rule(who=st.sampled_from(["first", "second"]), limit=st.sampled_from([1, 3, 100]), steps=STEPS)
    def decide(self, who: str, limit: int, steps: int) -> None:
        """A decider goes on, or takes the next batch."""
        if who not in self.plays and (play := self.world.decide(limit)) is not None:
            self.plays[who] = play
        self.go_on(who, steps)

    @rule(stream=STREAM, own=OWN, one=st.booleans())
    def overtaken(self, stream: int, own: int, one: bool) -> None:
        """Two facts are still on their way to the log when a command on their stream is folded, perhaps one again."""
        for progress in (4000, 4100):
            self.world.tell(stream, {"progress": progress}, own=own)
        if (play := self.world.decide()) is not None:
            self.world.fates.insert(0, "late")
            play.until("wait")
        self.asked = self.world.command(stream)
        self.world.run(self.world.execute(self.asked))
        if one:
            self.world.run(self.world.decide(1))

    @rule(stream=STREAM, steps=STEPS)
    def command(self, stream: int, steps: int) -> None:
        """A command goes on, or a new one is asked for."""
        if "command" not in self.plays:
            self.asked = self.world.command(stream)
            self.plays["command"] = self.world.execute(self.asked)
        self.go_on("command", steps)

    @precondition(lambda self: self.asked)
    @rule(steps=STEPS)
    def command_again(self, steps: int) -> None:
        """Somebody asks again with the same id, whatever became of it."""
        if "command again" not in self.plays:
            self.plays["command again"] = self.world.execute(self.asked)
        self.go_on("command again", steps)

    def go_on(self, who: str, steps: int) -> None:
        for _ in range(steps):
            play = self.plays.get(who)
            if play is not None:
                play.step()
                if play.done:
                    del self.plays[who]

    @rule(who=ACTORS, wakes=st.booleans())
    def crash(self, who: str, wakes: bool) -> None:
        """A process ends, or is only gone for so long that everybody takes it for dead."""
        play = self.plays.pop(who, None)
        if play is not None and wakes:
            self.stale.append(play)

    @rule(how=st.sampled_from(FOLDS), who=st.integers(0, 1), limit=st.sampled_from([1, 2, 100]))
    def fold(self, how: str, who: int, limit: int) -> None:
        self.world.fold(how, who, limit)

    @rule(fate=st.sampled_from(FATES))
    def append_goes_so(self, fate: str) -> None:
        self.world.fates.append(fate)

    @precondition(lambda self: self.world.held)
    @rule(data=st.data())
    def lands_late(self, data: st.DataObject) -> None:
        self.world.land(data.draw(st.integers(0, len(self.world.held) - 1)))

    # -- the end

    def teardown(self) -> None:
        self.world.drain()
        self.verify(self.world)
        for play in (*self.stale, *self.plays.values()):
            self.world.run(play)
        for number in range(len(self.world.held)):
            self.world.land(number)
        self.world.drain()
        self.verify(self.world)


def search(examples: int) -> None:
    """Look for a run that comes out otherwise; the same runs every time."""
    run_state_machine_as_test(
        Hub,
        settings=settings(
            max_examples=examples, stateful_step_count=30, deadline=None, derandomize=True, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        ),
    )  # fmt: skip


def test_whatever_happens_every_fact_counts_once() -> None:
    """No order of steps, crashes, repeats and late appends gives other rows or another accounting."""
    search(100)


LEFT_TO_SCENARIOS = {"the_offset_in_the_snapshot", "the_order_of_observations"}


@pytest.mark.parametrize("rule_", sorted(TAKEN_OUT.keys() - LEFT_TO_SCENARIOS))
def test_without_any_one_of_the_rules_a_fact_is_lost_or_counts_twice(
    rule_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model bites: a rule that is taken out is missed within the same search.

    Two are left to their scenarios. One shows only where a command and an observation set the same value, and then no
    sequential oracle knows which came first; the other where a crash meets three observations of a row, which is rare.
    """
    TAKEN_OUT[rule_](monkeypatch)
    with pytest.raises(AssertionError):
        search(150)
