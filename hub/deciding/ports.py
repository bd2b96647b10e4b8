"""What deciding needs from its surroundings; handed in by :mod:`hub.bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from hub.domain.heads import NOTHING, Applied, Head
from hub.domain.rows import Row

PlainEvent = Mapping[str, Any]


class Snapshot(Protocol):
    """The tables as they were at one moment. All ids are text; what does not exist is left out of the answers."""

    def heads(self, streams: Collection[str]) -> dict[str, Head]: ...

    def rows(self, table: str, ids: Collection[str]) -> dict[str, Row]: ...

    def of_company(self, table: str, company_id: str) -> dict[str, Row]:
        """All rows of a company in a small table (configurations)."""

    def applied(self, events: Collection[str]) -> dict[str, Applied]:
        """Which of these events are applied."""

    def employees_by(self, company_id: str, column: str, values: Collection[str]) -> dict[str, list[str]]:
        """Case-folded value → ids of the employees not terminated that have it in ``column``."""

    def stream_rows(self, enrollment_row_ids: Collection[str]) -> list[str]:
        """The ids of all lessons of these enrollments."""

    def in_play(self, column: str, value: str) -> int:
        """Distinct employees with an enrollment in play whose ``column`` is ``value``."""

    def changed_people(self, run_id: str, since: int) -> int:
        """Distinct employees of the enrollments that events of this run changed since then."""

    def decided_offsets(self, partitions: Collection[int]) -> dict[int, int]:
        """Partition → the first observation that is not decided yet; what was never begun is left out."""

    def history(self, head: Head) -> list[str]:
        """Positions (topic/partition/offset) of a stream's applied events, oldest first."""


@dataclass(slots=True)
class Settled:
    """What is stored once a partition's observations are decided."""

    expected: int
    reached: int
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    """run → outcome → count"""
    aside: list[dict[str, Any]] = field(default_factory=list)
    """What waits behind a parked record: offset, value, observation."""

    def count(self, run: str, outcome: str) -> None:
        """One more record of a run came to this outcome."""
        counts = self.outcomes.setdefault(run, {})
        counts[outcome] = counts.get(outcome, 0) + 1


class DecidingStore(Protocol):
    """State for decisions, and where their progress is kept."""

    def snapshot(self) -> AbstractContextManager[Snapshot]: ...

    def decided_offset(self, partition: int) -> int: ...

    def settle(self, settled: Mapping[int, Settled]) -> None:
        """Move the stored offsets of these partitions, with the counts of outcomes and what is put aside, in one
        transaction. Raises Fatal where an offset is not the expected one; nothing is written then."""

    def folded(self, topics: Collection[str]) -> dict[tuple[str, int], int]:
        """(topic, partition) → next offset to be folded."""

    def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        """Wait until everything below these offsets is folded; False when the time is over."""


Fold = Callable[[PlainEvent, Callable[[str, str], Row | None]], dict[tuple[str, str], Row]]
"""(event, (table, id) → row) → the rows that the event gives, by table and id."""

RowCheck = Callable[[str, Row, Collection[str] | None], None]
"""(table, row, names of what changed; None: all): raises Unusable where the row does not fit the table's declaration."""

Opener = Callable[[Sequence[str]], list[str | None]]
"""Sealed texts → clear texts, None where the key is gone."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything the decider is handed."""

    store: DecidingStore
    fold: Fold
    check: RowCheck
    open: Opener
    encode: Callable[[dict[str, Any]], bytes]
    decode: Callable[[bytes], dict[str, Any]]
    clock: Callable[[], int]
    """Microseconds."""
    append: Callable[[str, Sequence[tuple[str, bytes]]], list[tuple[str, int, int]]]
    """(topic, [(key, value)]) → positions."""
    read: Callable[[str, int, int], bytes]
    """(topic, partition, offset) → value."""
    partition_of: Callable[[str], int]
    """The partition of a key."""
    risk: Callable[[PlainEvent], str] = lambda _: "Low"
    """The risk level of an event (Low, Medium, High, Critical)."""


@dataclass(slots=True)
class Verdict:
    """What became of one observation: its outcome and, where it was decided, its event."""

    outcome: str
    event: dict[str, Any] | None = None
    rejected: dict[str, Any] | None = None
    aside: bool = False


__all__ = [
    "NOTHING",
    "Applied",
    "DecidingStore",
    "Fold",
    "Head",
    "Opener",
    "PlainEvent",
    "RowCheck",
    "Settled",
    "Snapshot",
    "Surroundings",
    "Verdict",
]
