"""What records would change, decided on the tables as they are without appending anything; no key of a person is made."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from dataclasses import field as made
from typing import Any, Protocol

from connectors.contract import Item
from hub.deciding.batch import Batch
from hub.deciding.ports import Snapshot, Surroundings
from hub.deciding.view import View
from hub.domain.rows import Row
from hub.domain.values import Outcome
from projections.engine.resolver import Change
from projections.rowfit import row_check

PENDING = "sealed:pending"
"""What stands for a personal text that is not sealed yet."""
FIRST = ("course", "account")


class _Store(Protocol):
    def snapshot(self) -> AbstractContextManager[Snapshot]: ...


@dataclass(slots=True)
class Rehearsed:
    """What would become of one record."""

    outcome: str
    field: str | None = None
    rule: str | None = None
    message: str | None = None
    changes: list[Change] = made(default_factory=list)


class _Remembering(View):
    """A view that knows which rows its decisions changed."""

    def start(self) -> None:
        self.changed: dict[tuple[str, str], Row | None] = {}

    def take(self, event: dict[str, Any], rows: dict[tuple[str, str], Row], row_id: str | None) -> None:
        for where in rows:
            self.changed.setdefault(where, self.row(*where))
        super().take(event, rows, row_id)


def rehearse(items: Sequence[Item], around: Surroundings, store: _Store) -> list[Rehearsed]:
    """Decide the items in order, each on what those before would have changed."""

    def opener(texts: Sequence[str]) -> list[str | None]:
        known = iter(around.open([text for text in texts if text != PENDING]))
        return [None if text == PENDING else next(known) for text in texts]

    return _decided(items, replace(around, open=opener, check=row_check(opener)), store)


def _decided(items: Sequence[Item], around: Surroundings, store: _Store) -> list[Rehearsed]:
    told = [one for item in items for one in item.observations]
    with store.snapshot() as snapshot:
        batch = Batch(snapshot, around, around.clock())
        view = batch.view = _Remembering(snapshot, around.fold)
        batch.load(told)
        return [_one(item, batch, view, number) for number, item in enumerate(items)]


def _one(item: Item, batch: Batch, view: _Remembering, number: int) -> Rehearsed:
    if item.problem is not None:
        problem = item.problem
        return Rehearsed(Outcome.REJECTED, problem.field, problem.rule, str(problem))
    view.start()
    found = Rehearsed(Outcome.STORED)
    for one in sorted(item.observations, key=lambda told: told["stream_kind"] not in FIRST):
        verdict = batch.decide(one, f"rehearsal/{number}/{one['stream_id']}")
        if verdict.rejected is not None:
            why = verdict.rejected
            return Rehearsed(Outcome.REJECTED, why["field"], why["rule"], why["message"])
        if one["counted"]:
            found.outcome = verdict.outcome
    for (table, row_id), before in view.changed.items():
        after = view.row(table, row_id)
        if after is not None:
            found.changes.append(Change(table, row_id, before, after))
    return found
