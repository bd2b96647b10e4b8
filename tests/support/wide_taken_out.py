"""The rules that the wide model adds, each with what the code would be without it: to show that its tests bite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from hub.deciding.batch import Batch as Deciding
from hub.domain.rows import applied
from projections.engine.batch import Batch, Decoded, Writes
from projections.engine.memory import MemoryStore
from projections.folds import learning
from tests.support import taken_out, wide_oracle

Patch = pytest.MonkeyPatch


def without_waiting_behind(patch: Patch) -> None:
    """What follows a parked record in its stream is judged at once, as if that had never been."""
    event = Batch._event

    def judge(self: Batch, one: Decoded, told: Mapping[str, Any], chain: bytes) -> None:
        head = self.heads.get(told["stream_id"])
        if head is not None and head.parked:
            self.heads[told["stream_id"]] = head._replace(parked=False)
        event(self, one, told, chain)

    patch.setattr(Batch, "_event", judge)


def without_putting_aside(patch: Patch) -> None:
    """Observations of a parked stream are counted and forgotten."""
    decide = Deciding.decide

    def forget(self: Deciding, observation: Any, cause: str) -> Any:
        verdict = decide(self, observation, cause)
        verdict.aside = False
        return verdict

    patch.setattr(Deciding, "decide", forget)


def without_the_epoch(patch: Patch) -> None:
    """A folder does not notice that somebody else wrote rows of its partition."""
    commit = MemoryStore.commit

    def commit_anyway(self: MemoryStore, writes: Writes) -> None:
        for where, expected in writes.expected.items():
            if where in self.tables.at:
                expected.epoch = self.tables.at[where].epoch
        commit(self, writes)

    patch.setattr(MemoryStore, "commit", commit_anyway)


def without_discards(patch: Patch) -> None:
    """A rebuild does not know what people have discarded."""
    patch.setattr(wide_oracle, "discards", lambda log, decode: {})


def without_clearing(patch: Patch) -> None:
    """What became unknown stays, in decisions as in folds."""

    def keep(row: Any, columns: frozenset[str], changes: Mapping[str, Any], cleared: Iterable[str] = ()) -> Any:
        return applied(row, columns, changes)

    patch.setattr(learning, "applied", keep)


def without_relinking(patch: Patch) -> None:
    """The newest cycle of an enrollment follows its account, but its earlier cycles and its lessons do not."""
    patch.setattr(learning, "_relinked", lambda row, event: None)


TAKEN_OUT: dict[str, Callable[[Patch], Any]] = {
    rule.__name__.removeprefix("without_"): rule
    for rule in (
        without_waiting_behind,
        without_putting_aside,
        without_the_epoch,
        without_discards,
        without_clearing,
        without_relinking,
    )
} | {name: taken_out.TAKEN_OUT[name] for name in ("follows", "the_repeat_check", "compare_and_set", "its_own_cause")}
