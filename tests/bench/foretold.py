"""The events that observations would lead to, on a copy of a database and without its log: what is appended goes nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hub.bootstrap import Hub
from hub.deciding.decider import Decider
from hub.log.port import Record
from hub.runners import DECIDE_BATCH
from projections import folds
from projections.engine.folder import Folder
from tests.bench import harness


@dataclass
class _Nowhere:
    """A log that keeps what is appended, and a deciding store that folds it where the decider would wait."""

    hub: Hub
    folder: Folder
    ends: dict[tuple[str, int], int]
    waiting: list[Record] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub.deciding, name)

    def append(self, topic: str, records: Sequence[tuple[str, bytes]]) -> list[tuple[str, int, int]]:
        found = []
        for key, value in records:
            where = (topic, self.hub.around.partition_of(key))
            self.waiting.append(Record(*where, self.ends[where], key.encode(), value))
            found.append((*where, self.ends[where]))
            self.ends[where] += 1
        return found

    def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        self.folder.fold(self.waiting)
        self.events += self.waiting
        self.waiting = []
        return True


def events_of(hub: Hub, told: Sequence[dict[str, Any]]) -> list[Record]:
    """What observations lead to, in the order of deciding. ``hub``: over a copy that is thrown away, and without a worker."""
    with hub.connect() as connection:
        folder = hub.folder_over(connection)
        ends = folder.own(harness.partitions(hub, tuple(folds.BY_TOPIC)))
        nowhere = _Nowhere(hub, folder, ends)
        decider = Decider(replace(hub.around, store=nowhere, append=nowhere.append))
        at = {number: hub.deciding.decided_offset(number) for number in range(hub.log.partitions)}
        for start in range(0, len(told), DECIDE_BATCH):
            decider.process(_placed(hub, told[start : start + DECIDE_BATCH], at))
    return nowhere.events


def _placed(hub: Hub, told: Sequence[dict[str, Any]], at: dict[int, int]) -> list[tuple[int, int, bytes]]:
    """Records as the decider reads them, one partition after the other; ``at`` moves along."""
    parts: dict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
    for key, value in harness.encoded(told):
        number = hub.around.partition_of(key)
        parts[number].append((number, at[number], value))
        at[number] += 1
    return [one for records in parts.values() for one in records]
