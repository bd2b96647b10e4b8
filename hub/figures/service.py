"""Computing figures and recording what differs: what the clock does by itself and ``hub figures`` when asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.deciding.commands import Answer, Commands
from hub.deciding.envelope import HUB, Actor
from hub.domain import figures
from hub.domain.figures import Basis, FigureRow
from hub.domain.periods import CUSTOM, Period
from hub.domain.rows import Row
from hub.domain.units import day_in
from hub.errors import HubError, Retriable
from hub.figures.commands import record
from projections.figures.base import Company, Computation
from projections.figures.definitions import version
from projections.figures.emptied import emptied
from projections.figures.reading import Connections, positions, rows_told, snapshot

AT_ONCE = 200
"""Figures that are recorded in one go."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One figure that was recorded: its event, and where that lies."""

    row: FigureRow
    event: Mapping[str, Any]
    position: tuple[str, int, int]


@dataclass(slots=True)
class Outcome:
    """What a computation led to."""

    computed: int = 0
    recorded: int = 0
    restated: int = 0
    closed: int = 0
    events: list[Recorded] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Add what another computation led to."""
        self.computed += other.computed
        self.recorded += other.recorded
        self.restated += other.restated
        self.closed += other.closed
        self.events += other.events


class FigureService:
    """Computes the rows of the tables of figures on one snapshot, and records as events what differs from what was told."""

    def __init__(
        self,
        commands: Commands,
        connections: Connections,
        computations: Mapping[str, Computation],
        clock: Callable[[], int],
    ) -> None:
        """``computations``: table → what computes its rows; ``clock``: microseconds."""
        self._commands = commands
        self._connections = connections
        self._computations = computations
        self._clock = clock

    @property
    def tables(self) -> Collection[str]:
        """The tables that it computes."""
        return tuple(self._computations)

    def tell(
        self,
        table: str,
        company: Company,
        periods: Sequence[Period],
        *,
        chosen: str | None = None,
        actor: Actor = HUB,
        reason: str | None = None,
    ) -> Outcome:
        """Compute these periods of a company and record what differs. ``chosen``: the filter of custom dashboards.

        Open and ended periods are recorded as they are, those past their third day are closed. A closed one changes only with
        a ``reason``: that is a restatement. A row that was told and has nothing in play any more is told as empty.

        Raises Retriable where something could not be recorded now; what could, was.
        """
        outcome = Outcome()
        if not periods:
            return outcome
        with snapshot(self._connections) as connection:
            as_of = self._clock()
            basis = Basis(as_of, positions(connection, table), day_in(as_of, company.time_zone), version(table))
            computed = self._computations[table](connection, company.id, sorted(periods), as_of, chosen)
            known = {row["id"]: row for row in rows_told(connection, table, company.id, periods, chosen)}
        for row in computed:
            _sign(row, known.get(row.id), actor)
        found = {row.id: row for row in computed}
        gone = [emptied(table, row, basis.today) for key, row in known.items() if key not in found]
        rows = [figures.completed(row, basis) for row in (*found.values(), *gone)]
        outcome.computed = len(computed)
        differing = [row for row in rows if figures.decide(known.get(row.id), row, basis, reason) is not None]
        for start in range(0, len(differing), AT_ONCE):
            self._record(differing[start : start + AT_ONCE], known, basis, outcome, actor, reason)
        return outcome

    def _record(
        self,
        rows: Sequence[FigureRow],
        known: Mapping[str, Row],
        basis: Basis,
        outcome: Outcome,
        actor: Actor,
        reason: str | None,
    ) -> None:
        beside = [row.id for row in rows]
        asked = []
        for row in rows:
            # Only a closed period needs a reason; the others have none, so that one pass may tell of both.
            why = reason if figures.is_closed(known.get(row.id)) else None
            asked.append(record(row, known.get(row.id), basis, beside=beside, actor=actor, reason=why))
        answers = self._commands.execute_all(asked)
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, Answer):
                _count(outcome, row, answer)
        refused = [answer for answer in answers if isinstance(answer, HubError)]
        if refused:
            raise Retriable(f"{len(refused)} of {len(rows)} figures could not be recorded: {refused[0]}") from refused[
                0
            ]


def _sign(row: FigureRow, known: Row | None, actor: Actor) -> None:
    """A custom dashboard is whose who asked for it first."""
    if row.period.kind == CUSTOM:
        row.values["created_by_user_id"] = actor.user_row if known is None else known["created_by_user_id"]


def _count(outcome: Outcome, row: FigureRow, answer: Answer) -> None:
    if not answer.changed or answer.event is None or answer.position is None:
        return
    event: Mapping[str, Any] = answer.event
    outcome.events.append(Recorded(row, event, answer.position))
    outcome.restated += event["type"] == "lms.figures.restated.v1"
    outcome.recorded += event["type"] == "lms.figures.recorded.v1"
    outcome.closed += "figures.closed" in event["transitions"]
