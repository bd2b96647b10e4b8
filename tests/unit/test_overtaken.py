"""A source that lists two states of one thing with one own time: told once, not anew at every run (decision 0007)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from connectors.contract import Item
from hub.domain import ids
from hub.domain.rows import loaded
from hub.intake.publish import Publisher
from hub.log import codec
from tests.support.model import (
    BEGINNING,
    COMPANY,
    ENROLLMENT,
    INTEGRATION,
    LEARNING,
    MINUTE,
    World,
    stream_of,
)

ACCOUNT_COURSE = ("11111111-0000-5000-8000-000000000001", "C1")
LESSON = "lms_learning_progress"
A, B = {"progress": 4000}, {"progress": 4100}
State = tuple[dict[str, Any], int | None, dict[str, Any]]
"""Facts, own time in minutes, and further fields of the observation."""


class Source:
    """A state source of one enrollment, read by run after run."""

    def __init__(self, *, marks: bool = True) -> None:
        self.world, self.marks = World(), marks
        self.runs = self.seen = 0
        self.sent: list[dict[str, Any]] = []

    def run(self, *states: State) -> int:
        """One run that reads these states; returns how many events it led to."""
        self.runs += 1
        before = self.events()
        publisher = Publisher(
            None, "", "source", None, self._append, codec.encode, lambda: 0, lambda _: set()  # type: ignore[arg-type]
        )  # fmt: skip
        publisher.effects([Item("", observations=[self._observation(*state)]) for state in states])
        while (play := self.world.decide()) is not None:
            self.world.run(play)
            assert play.problem is None, play.problem
        return self.events() - before

    def events(self) -> int:
        return sum(self.world.log.ends(LEARNING).values())

    def row(self, table: str = ENROLLMENT) -> dict[str, Any]:
        """The only row of a table."""
        (row,) = self.world.tables.rows[table].values()
        return row

    def _append(self, topic: str, records: Sequence[tuple[str, bytes]]) -> list[tuple[str, int, int]]:
        told = [codec.decode(value) | ({} if self.marks else {"overtaken": False}) for _, value in records]
        self.sent += told
        return self.world._append(topic, [(f"enrollment/{one['stream_id']}", codec.encode(one)) for one in told])

    def _observation(self, facts: dict[str, Any], own: int | None, more: dict[str, Any]) -> dict[str, Any]:
        self.seen += 1
        return {
            "type": "lms.observation.lesson.v1" if "lesson_key" in more else "lms.observation.enrollment.v1",
            "company_id": COMPANY, "integration_id": INTEGRATION, "stream_kind": "enrollment", "stream_id": stream_of(0),
            "observed_at": BEGINNING + 60 * MINUTE + self.seen, "native_id": None, "payload_sha256": None,
            "source_time": None if own is None else BEGINNING + own * MINUTE, "content_id": None,
            "run_id": ids.derived(ids.ROOT, "run", str(self.runs)), "source_name": "source", "source_position": None,
            "counted": True, "backfill": False, "account_id": ACCOUNT_COURSE[0], "course_key": ACCOUNT_COURSE[1],
            "facts": facts, **more,
        }  # fmt: skip


def states(*facts: dict[str, Any], own: int | None = 1, **more: Any) -> list[State]:
    return [(one, own, more) for one in facts]


def test_both_are_told_once_and_the_last_one_stands() -> None:
    """However often the source is read; every record is accounted for."""
    source = Source()
    assert [source.run(*states(A, B)) for _ in range(4)] == [2, 0, 0, 0]
    assert source.row()["progress_percentage"] == 4100
    counts = list(source.world.tables.outcomes.values())
    assert counts == [{"changed": 2}, {"unchanged": 2}, {"unchanged": 2}, {"unchanged": 2}]


def test_without_the_mark_each_run_tells_both_anew() -> None:
    """What the mark is for; the rows are the same."""
    source = Source(marks=False)
    assert [source.run(*states(A, B)) for _ in range(3)] == [2, 2, 2]
    assert source.row()["progress_percentage"] == 4100


def test_a_state_that_comes_back_alone_is_news() -> None:
    """40, 41, 40 in three runs are three events; also where the source has listed both before."""
    source = Source()
    assert [source.run(*states(one)) for one in (A, B, A, B)] == [1, 1, 1, 1]
    assert source.run(*states(A, B)) == 0
    assert source.run(*states(A)) == 1
    assert source.row()["progress_percentage"] == 4000
    assert [source.run(*states(A, B)) for _ in range(3)] == [1, 0, 0]
    assert source.row()["progress_percentage"] == 4100


def test_the_order_of_a_run_says_which_one_stands() -> None:
    """Listed the other way round, or there and back, the last one of the run stands, and is told once."""
    source = Source()
    source.run(*states(A, B))
    assert [source.run(*states(B, A)) for _ in range(3)] == [1, 0, 0]
    assert source.row()["progress_percentage"] == 4000
    assert [source.run(*states(A, B, A)) for _ in range(2)] == [0, 0]


def test_a_new_state_among_the_old_is_told_alone() -> None:
    """Those it overtakes stay quiet."""
    source = Source()
    source.run(*states(A, B))
    assert source.run(*states(A, B, {"progress": 4200})) == 1
    assert source.run(*states(A, B, {"progress": 4200})) == 0
    assert source.row()["progress_percentage"] == 4200


def test_what_ends_and_begins_in_one_run_opens_no_cycle_at_every_run() -> None:
    """A completion that the same source also denies looks like a restart each time that it is read."""
    source, cycles = Source(), []
    for _ in range(3):
        source.run(*states({"completed": True}, {"completed": False}, {"completed": True}))
        cycles.append(len(source.world.tables.rows[ENROLLMENT]))
    assert cycles == cycles[:1] * 3


def test_what_only_the_earlier_one_says_is_not_lost() -> None:
    """Attempts add up, and a score stays, though a later record with the same time follows."""
    source = Source()
    attempts = [{"attempt": f'{{"number": {number}, "score": {number}000}}'} for number in (1, 2)]
    first = source.run(*states(*attempts, lesson_key="L"))
    assert first == 2
    assert source.run(*states(*attempts, lesson_key="L")) == 0
    kept = [one["number"] for one in loaded(source.row(LESSON)["assessment_results"])]
    assert kept == [1, 2]
    source.run(*states({"score": 5000, "score_max": 10000}, B, own=2))
    assert source.row()["score_achieved"] is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((A, 1, {}), (B, 2, {})),
        ((A, None, {}), (B, None, {})),
        ((A, 1, {"lesson_key": "L1"}), (B, 1, {"lesson_key": "L2"})),
        ((A, 1, {"lesson_key": "L1"}), (B, 1, {})),
        ((A, 1, {"content_id": "a"}), (B, 1, {"content_id": "b"})),
        ((A, 1, {}), (B, 1, {"content_id": "b"})),
        (({"progress": 4000, "score": 1000}, 1, {}), (B, 1, {})),
    ],
    ids=["later", "no own time", "two lessons", "lesson", "facts", "state and fact", "more is said"],
)
def test_other_things_are_not_overtaken(first: State, second: State) -> None:
    """Only a state, by a later state of the same thing with the same own time that says all that it says."""
    source = Source()
    source.run(first, second)
    assert [one["overtaken"] for one in source.sent] == [False, False]


FACTS = st.fixed_dictionaries({}, optional={name: st.sampled_from([1000, 2000]) for name in ("progress", "score")})
LISTED: st.SearchStrategy[list[State]] = st.lists(
    st.tuples(FACTS, st.sampled_from([1, 2]), st.just({})), min_size=1, max_size=6
)


@given(LISTED)
def test_the_mark_changes_no_row(listed: list[State]) -> None:
    """Whatever a source lists, the rows after each run are those without the mark, and no more is told."""
    with_mark, without = Source(), Source(marks=False)
    for _ in range(3):
        told, noise = with_mark.run(*listed), without.run(*listed)
        assert told <= noise
        for name in ("progress_percentage", "score_achieved", "enrollment_status"):
            assert with_mark.row()[name] == without.row()[name]
