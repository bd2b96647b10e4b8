"""Exactly once, by the wide model: all topics, dead letters, links and rebuilds, whatever happens between two steps.

It is the model of ``test_model.py`` with everything in it (:mod:`tests.support.wide`, :mod:`tests.support.parking`), held
against a stranger's fold and against rebuilds (:mod:`tests.support.wide_oracle`). By hand, for longer, at random:
``HUB_TEST_MODEL_EXAMPLES=20000 pytest tests/unit/test_model_wide.py -k whatever``.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from tests.support.model import FATES, PARTITIONS
from tests.support.parking import ParkedWorld
from tests.support.wide import BREAKABLE
from tests.support.wide_oracle import compare, verify
from tests.support.wide_taken_out import TAKEN_OUT
from tests.unit.test_model import OWN, PERCENT, STEPS, STREAM, Hub

EXAMPLES = 100
BY_HAND = os.environ.get("HUB_TEST_MODEL_EXAMPLES")
SETTINGS_ACTS = ("add", "on", "off", "primary", "unprimary", "address", "no address", "begin", "end", "fail")
LETTER = st.integers(0, 3)


class WideHub(Hub):
    """More that may happen next."""

    make = ParkedWorld
    verify = staticmethod(verify)
    world: ParkedWorld

    # -- what is told

    @rule(number=st.integers(0, 1), own=st.none() | OWN, name=st.sampled_from(["ada", "grace"]))
    def account(self, number: int, own: int | None, name: str) -> None:
        self.world.see_account(number, own, name)

    @rule(key=st.sampled_from(["C1", "C2"]), own=st.none() | OWN, days=st.sampled_from([30, 60]), retired=st.booleans())
    def course(self, key: str, own: int | None, days: int, retired: bool) -> None:
        self.world.see_course(key, own, days, retired=retired)

    @rule(stream=STREAM)
    def of_nobody(self, stream: int) -> None:
        self.world.tell_of_nobody(stream)

    @rule(number=st.integers(0, 2), voided=st.booleans())
    def statement(self, number: int, voided: bool) -> None:
        self.world.receive(number, voided)

    @rule(topic=st.sampled_from(["lms.observations", *ParkedWorld.topics]), part=st.integers(0, PARTITIONS - 1))
    def garbage(self, topic: str, part: int) -> None:
        self.world.litter(topic, part)

    # -- what is wanted

    @rule(number=st.integers(0, 1), title=st.sampled_from(["smith", "welder"]), steps=STEPS)
    def employee(self, number: int, title: str, steps: int) -> None:
        self.want(self.world.ask_for_employee, number, title, steps=steps)

    @rule(account=st.integers(0, 1), employee=st.none() | st.integers(0, 1), steps=STEPS)
    def link(self, account: int, employee: int | None, steps: int) -> None:
        self.want(self.world.ask_for_link, account, employee, steps=steps)

    @rule(what=st.sampled_from(SETTINGS_ACTS), code=st.sampled_from(["main", "other"]), steps=STEPS)
    def setting(self, what: str, code: str, steps: int) -> None:
        self.want(self.world.ask_for_setting, what, code, steps=steps)

    @rule(stream=STREAM, day=st.none() | st.sampled_from([20_400, 20_500]), steps=STEPS)
    def due_date(self, stream: int, day: int | None, steps: int) -> None:
        self.want(self.world.ask_for_due_date, stream, day, steps=steps)

    @rule(stream=STREAM, day=st.sampled_from([20_400, 20_500]))
    def lifted(self, stream: int, day: int) -> None:
        """A deadline is set and lifted again."""
        for wanted in (day, None):
            self.world.run_through(self.world.ask_for_due_date(stream, wanted))

    @rule(stream=STREAM, own=OWN, employee=st.none() | st.integers(0, 1))
    def moved(self, stream: int, own: int, employee: int | None) -> None:
        """A lesson is told, then its account is linked to somebody else, then the reactor looks."""
        self.world.tell(stream, {"lesson_id": "L1", "progress": 4000}, own=own, lesson_key="L1")
        self.world.run(self.world.decide())
        self.world.run_through(self.world.ask_for_link(0, employee))
        self.world.run(self.world.react())

    @rule(stream=STREAM, steps=STEPS)
    def waiver(self, stream: int, steps: int) -> None:
        self.want(self.world.waive, stream, steps=steps)

    def want(self, ask: Any, *given: Any, steps: int) -> None:
        """A command is asked for, and goes on; it takes the place of the one before where that is over."""
        if "command" not in self.plays:
            self.asked = ask(*given)
            self.plays["command"] = self.world.execute(self.asked)
        self.go_on("command", steps)

    @rule(steps=STEPS)
    def react(self, steps: int) -> None:
        """The reactor of identity looks, or goes on."""
        if "reactor" not in self.plays:
            self.plays["reactor"] = self.world.react()
        self.go_on("reactor", steps)

    # -- what breaks, and what is done about it

    @rule(number=st.integers(0, len(BREAKABLE) - 1))
    def breaks(self, number: int) -> None:
        """From now on the database refuses the rows of a stream."""
        self.world.broken.add(BREAKABLE[number])

    @rule(stream=STREAM, own=OWN, progress=PERCENT, beside=st.booleans())
    def parks(self, stream: int, own: int, progress: int, beside: bool) -> None:
        """A fact is appended that the database refuses, perhaps while a command has been decided beside it; it is mended
        after that."""
        self.asked = self.world.command(stream)
        command = self.world.execute(self.asked)
        if beside:
            command.until("append")
        self.world.broken.add(BREAKABLE[stream])
        self.world.tell(stream, {"progress": progress}, own=own)
        self.world.run(self.world.decide())
        self.world.broken.clear()
        self.world.run(command)

    @precondition(lambda self: self.world.broken or self.world.smudged)
    @rule()
    def mends(self) -> None:
        self.world.broken.clear()
        self.world.smudged.clear()

    @rule(fate=st.sampled_from([*FATES, "smudged", "smudged"]))
    def append_goes_so(self, fate: str) -> None:
        self.world.fates.append(fate)

    @precondition(lambda self: self.world.dead())
    @rule(number=LETTER, discard=st.booleans(), steps=STEPS)
    def act(self, number: int, discard: bool, steps: int) -> None:
        """A person decides what becomes of a parked record."""
        letters = [one for one in self.world.parked() if self.world.last_act(one) is None]
        if letters:
            self.want(lambda: self.world.act(letters[number % len(letters)], discard=discard), steps=steps)

    @precondition(lambda self: self.world.dead())
    @rule()
    def follow(self) -> None:
        """What was decided of parked records is brought to its end."""
        for letter in self.world.parked():
            self.world.follow(letter)

    @precondition(lambda self: self.world.dead())
    @rule(steps=STEPS)
    def decide_aside(self, steps: int) -> None:
        """What was put aside is decided, once its stream is free."""
        if "aside" not in self.plays and (play := self.world.decide_aside()) is not None:
            self.plays["aside"] = play
        self.go_on("aside", steps)
        if "aside" not in self.plays:
            self.world.aside_holder = None

    @precondition(lambda self: self.world.rejected())
    @rule(number=LETTER)
    def replay_rejected(self, number: int) -> None:
        letters = self.world.rejected()
        self.world.run_through(self.world.replay_rejected(letters[number % len(letters)]))

    @rule(who=st.sampled_from(["aside", "reactor"]))
    def dies(self, who: str) -> None:
        """Who decides what was put aside, or the reactor, ends; the lock falls."""
        self.plays.pop(who, None)
        if who == "aside":
            self.world.aside_holder = None

    # -- who folds, and who folds again

    @rule(who=st.integers(0, 1), limit=st.sampled_from([1, 2, 100]), only=st.sampled_from(ParkedWorld.topics))
    def fold_one_topic(self, who: int, limit: int, only: str) -> None:
        self.world.fold("whole", who, limit, only)

    @rule(backwards=st.booleans())
    def rebuild(self, backwards: bool) -> None:
        """At any moment a fold from the beginning gives the live tables."""
        compare(self.world, backwards=backwards)


def search(examples: int, *, by_hand: bool = False) -> None:
    """Look for a run that comes out otherwise; the same runs every time, or others where somebody looks by hand."""
    run_state_machine_as_test(
        WideHub,
        settings=settings(
            max_examples=examples, stateful_step_count=80 if by_hand else 40, deadline=None, derandomize=not by_hand,
            database=None, phases=[Phase.generate, *([Phase.shrink] if by_hand else [])],
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        ),
    )  # fmt: skip


def test_whatever_happens_tables_log_and_rebuild_agree() -> None:
    """No order of steps, faults, acts and crashes makes the tables differ from what the log says, or from a rebuild."""
    search(int(BY_HAND or EXAMPLES), by_hand=BY_HAND is not None)


@pytest.mark.parametrize("rule_", sorted(TAKEN_OUT))
def test_without_any_one_of_the_rules_the_wide_model_fails(rule_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wide model bites: a rule that is taken out is missed within the same search."""
    TAKEN_OUT[rule_](monkeypatch)
    with pytest.raises(AssertionError):
        search(EXAMPLES)
