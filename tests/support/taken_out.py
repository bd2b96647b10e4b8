"""The rules of exactly-once, each with what the code would be without it: to show that their tests bite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from hub.deciding import decider
from hub.deciding.batch import Batch
from hub.deciding.ports import Settled
from hub.deciding.view import View
from hub.domain.heads import Head
from hub.log.port import Record
from projections.engine import batch
from projections.engine.folder import Folder
from projections.engine.memory import MemoryDeciding

Patch = pytest.MonkeyPatch


def without_follows(patch: Patch) -> None:
    """A record counts by its version alone."""

    def judge(head: Head, event_follows: str | None, version: int) -> bool:
        return head.version + 1 == version

    patch.setattr(batch, "follows", judge)


def without_version(patch: Patch) -> None:
    """A record counts by the event that it follows alone."""

    def judge(head: Head, event_follows: str | None, version: int) -> bool:
        return head.last_event_id == event_follows

    patch.setattr(batch, "follows", judge)


def without_the_repeat_check(patch: Patch) -> None:
    """A decision does not look whether its event is in the trail already."""
    patch.setattr(View, "applied", lambda self, event: None)


def without_its_own_cause(patch: Patch) -> None:
    """An observation that led to an event before is decided by the row alone."""
    patch.setattr(Batch, "_told", lambda self, ids, cause: False)


def without_the_order_of_observations(patch: Patch) -> None:
    """An observation that was no news is decided again although a later one of its stream has led to an event."""
    patch.setattr(Batch, "_was_no_news", lambda self, observation, cause: False)


def without_compare_and_set(patch: Patch) -> None:
    """Whoever settles moves the offset, wherever it is."""
    settle = MemoryDeciding.settle

    def settle_anyway(self: MemoryDeciding, settled: Mapping[int, Settled]) -> None:
        for partition, one in settled.items():
            one.expected = self.decided_offset(partition)
        settle(self, settled)

    patch.setattr(MemoryDeciding, "settle", settle_anyway)


def without_the_offset_in_the_snapshot(patch: Patch) -> None:
    """A decider does not look whether its observations were settled before its snapshot."""
    patch.setattr(decider, "demand_undecided", lambda snapshot, begins: None)


def without_contiguity(patch: Patch) -> None:
    """A folder takes whatever it is handed."""

    def take_all(self: Folder, records: Sequence[Record]) -> list[Record]:
        return list(records)

    patch.setattr(Folder, "_fresh", take_all)


TAKEN_OUT: dict[str, Callable[[Patch], Any]] = {
    rule.__name__.removeprefix("without_"): rule
    for rule in (
        without_follows,
        without_version,
        without_the_repeat_check,
        without_its_own_cause,
        without_the_order_of_observations,
        without_compare_and_set,
        without_the_offset_in_the_snapshot,
        without_contiguity,
    )
}
