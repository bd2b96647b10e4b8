"""Copying a log: what is refused, and going on after an interruption. The copy itself is part of the contract."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hub.errors import Refused
from hub.log.copy import BATCH, copy
from hub.log.memory import MemoryLog
from hub.log.port import LogUnavailable, NewRecord, Position
from tests.support.log_contract import PARTITIONS, TOPIC, key_in, read_all


def filled(count: int, value: bytes = b"%d") -> MemoryLog:
    log = MemoryLog(PARTITIONS)
    log.append(TOPIC, [NewRecord(key_in(0), value % n) for n in range(count)])
    return log


class Failing(MemoryLog):
    """Becomes unavailable after so many appends."""

    def __init__(self, appends: int) -> None:
        super().__init__(PARTITIONS)
        self.appends = appends

    def append(self, topic: str, records: Sequence[NewRecord], *, partition: int | None = None) -> list[Position]:
        self.appends -= 1
        if self.appends < 0:
            raise LogUnavailable("The database of the log is not available.")
        return super().append(topic, records, partition=partition)


def test_progress_is_told() -> None:
    """Topic, done, total: at the start and after every batch."""
    told: list[tuple[str, int, int]] = []
    copy(filled(BATCH + 1), MemoryLog(PARTITIONS), [TOPIC], lambda *call: told.append(call))
    assert told == [(TOPIC, 0, BATCH + 1), (TOPIC, BATCH, BATCH + 1), (TOPIC, BATCH + 1, BATCH + 1)]


@pytest.mark.parametrize("appends", [0, 1, 2])
def test_an_interrupted_copy_goes_on(appends: int) -> None:
    """Behind what the target has, so that nothing is missing and nothing is there twice."""
    source, target = filled(2 * BATCH + 5), Failing(appends)
    with pytest.raises(LogUnavailable):
        copy(source, target, [TOPIC])
    target.appends = 100
    assert copy(source, target, [TOPIC]) == {TOPIC: 2 * BATCH + 5 - appends * BATCH}
    assert read_all(target) == read_all(source)


@pytest.mark.parametrize("appends", [0, 1, 2])
def test_an_interruption_while_skipping_what_the_source_no_longer_has(appends: int) -> None:
    """Offsets of expired records stay empty in the target, also when that took two attempts."""
    source, target = filled(2 * BATCH + 5), Failing(appends)
    source.trim(TOPIC, 0, 2 * BATCH)
    with pytest.raises(LogUnavailable):
        copy(source, target, [TOPIC])
    target.appends = 100
    assert copy(source, target, [TOPIC]) == {TOPIC: 5}
    assert target.begins(TOPIC) == source.begins(TOPIC)
    assert target.read({(TOPIC, 0): 2 * BATCH}, 100) == source.read({(TOPIC, 0): 2 * BATCH}, 100)


def test_logs_with_other_partition_counts_are_refused() -> None:
    """Keys would come to lie elsewhere."""
    with pytest.raises(Refused, match="source has 3 partitions, the target 4"):
        copy(MemoryLog(3), MemoryLog(4))


@pytest.mark.parametrize(
    ("target", "found"),
    [(filled(3, b"other %d"), "another record at offset 2"), (filled(6), "has 6 records, the source 5")],
)
def test_a_target_that_holds_something_else_is_refused(target: MemoryLog, found: str) -> None:
    """Nothing is added to it."""
    before = read_all(target)
    with pytest.raises(Refused, match=found):
        copy(filled(5), target, [TOPIC])
    assert read_all(target) == before


def test_a_target_that_others_append_to_is_refused() -> None:
    """The offsets would no longer be those of the source."""

    class Busy(MemoryLog):
        def append(self, topic: str, records: Sequence[NewRecord], *, partition: int | None = None) -> list[Position]:
            super().append(topic, [NewRecord(key_in(0), b"mine")])
            return super().append(topic, records, partition=partition)

    with pytest.raises(Refused, match="grew while it was copied to"):
        copy(filled(5), Busy(PARTITIONS), [TOPIC])
