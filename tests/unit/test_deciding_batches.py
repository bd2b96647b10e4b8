"""How a batch of observations is divided, and what a decision need not ask the database for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hub.deciding import decider
from hub.deciding.decider import Told, _groups
from hub.deciding.ports import Verdict
from hub.deciding.view import View
from hub.domain.rows import Row
from hub.domain.values import Outcome


def told(partition: int, offset: int) -> Told:
    return Told(partition, offset, b"", {}, Verdict(Outcome.UNCHANGED))


def test_a_group_holds_whole_partitions_in_their_order() -> None:
    """What depends on each other lies in one partition: a group never divides one, and a small batch is one group."""
    mixed = [told(number % 5, number // 5) for number in range(5 * decider.GROUP)]
    groups = _groups(mixed)
    assert [sorted({one.partition for one in group}) for group in groups] == [[0], [1], [2], [3], [4]]
    assert all([one.offset for one in group] == list(range(decider.GROUP)) for group in groups)
    assert len(_groups(mixed[: decider.GROUP])) == 1
    assert _groups([]) == []


class Rows:
    """A snapshot that says what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def rows(self, table: str, ids: Collection[str]) -> dict[str, Row]:
        self.asked += ids
        return {row_id: {"id": row_id} for row_id in ids}


def view(rows: Any) -> View:
    return View(rows, lambda event, known: {})


def test_a_row_that_cannot_exist_is_not_asked_for() -> None:
    """The rows of a stream without events are known to be missing; a row that was read stays."""
    rows = Rows()
    seen = view(rows)
    seen.load_rows("course", ["known"])
    seen.know_absent([("course", "known"), ("course", "new")])
    assert seen.row("course", "new") is None
    assert seen.row("course", "known") == {"id": "known"}
    assert rows.asked == ["known"]
