"""State for one batch of decisions: a snapshot, and on top of it what the batch itself has decided already."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from hub.deciding.ports import NOTHING, Applied, Fold, Head, Snapshot
from hub.domain.heads import observation_offset
from hub.domain.rows import Row


class View:
    """Heads, rows and applied events as they will be once what was decided so far is folded.

    Everything a batch needs is loaded in a few queries before the first decision; ``row`` and ``head`` then answer
    from memory. What was not loaded is asked for singly, so a rare need costs a query, not a fault.
    """

    def __init__(self, snapshot: Snapshot, fold: Fold) -> None:
        self.snapshot = snapshot
        self._fold = fold
        self._heads: dict[str, Head] = {}
        self._rows: dict[tuple[str, str], Row | None] = {}
        self._applied: dict[str, Applied | None] = {}
        self._taken: dict[str, tuple[Head, list[dict[str, Any]]]] = {}
        """Stream → its head in the snapshot, and the events that were taken since."""

    def load_heads(self, streams: Collection[str]) -> None:
        """Load the heads of these streams."""
        found = self.snapshot.heads(streams)
        for stream in streams:
            self._heads[stream] = found.get(stream, NOTHING)

    def load_rows(self, table: str, ids: Collection[str]) -> None:
        """Load these rows."""
        wanted = {row_id for row_id in ids if (table, row_id) not in self._rows}
        if not wanted:
            return
        found = self.snapshot.rows(table, wanted)
        for row_id in wanted:
            self._rows[table, row_id] = found.get(row_id)

    def know_absent(self, rows: Iterable[tuple[str, str]]) -> None:
        """These rows, (table, id), do not exist in the snapshot: nobody need ask for them."""
        for row in rows:
            self._rows.setdefault(row, None)

    def load_applied(self, events: Collection[str]) -> None:
        """Load which of these events are applied."""
        found = self.snapshot.applied(events)
        for event in events:
            self._applied[event] = found.get(event)

    def head(self, stream: str) -> Head:
        """The head of a stream."""
        if stream not in self._heads:
            self.load_heads([stream])
        return self._heads[stream]

    def row(self, table: str, row_id: str | None) -> Row | None:
        """A row, or None."""
        if row_id is None:
            return None
        if (table, row_id) not in self._rows:
            self.load_rows(table, [row_id])
        return self._rows[table, row_id]

    def applied(self, event: str) -> Applied | None:
        """The event of the audit trail, or of this batch, with this id."""
        if event not in self._applied:
            self.load_applied([event])
        return self._applied[event]

    def history(self, stream: str) -> tuple[list[str], list[dict[str, Any]]]:
        """Positions of a stream's applied events, and the events that this batch has decided after them."""
        head, taken = self._taken.get(stream) or (self.head(stream), [])
        return self.snapshot.history(head), taken

    def preview(self, event: dict[str, Any]) -> dict[tuple[str, str], Row]:
        """The rows that an event gives, without taking it."""
        return self._fold(event, self.row)

    def take(self, event: dict[str, Any], rows: dict[tuple[str, str], Row], row_id: str | None) -> None:
        """From now on the event counts as applied."""
        stream = str(event["stream_id"])
        head = self.head(stream)
        recorded = max(event["recorded_at"], head.recorded_at or 0)
        self._taken.setdefault(stream, (head, []))[1].append(event)
        self._heads[stream] = Head(
            event["event_id"], event["version"], recorded, row_id or head.row_id, head.parked,
            observation_offset(event, head),
        )  # fmt: skip
        self._rows.update(rows)
        self._applied[event["event_id"]] = Applied(event["causation_id"], "")
