"""The clock of figures as a part of ``hub serve``: a thread that looks every minute whether something is to be computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.bootstrap import Hub, clock
from hub.figures.clock import FiguresReactor
from hub.figures.service import FigureService
from hub.logging import logger
from hub.looking import Looking
from projections.figures.computations import COMPUTATIONS
from projections.figures.reading import Facts

LOCK = 7_204
"""Advisory lock of who computes figures: several servers would compute the same."""
LOOK_SECONDS, AGAIN_SECONDS = 60.0, 5.0


def service(hub: Hub) -> FigureService:
    """What computes and records figures over a hub."""
    return FigureService(hub.commands, hub.connection, COMPUTATIONS, clock)


class Figures(Looking):
    """Figures are computed, closed and restated by the clock while this runs."""

    def __init__(self, hub: Hub) -> None:
        super().__init__("figures", logger(__name__), AGAIN_SECONDS)
        self._hub = hub
        self._reactor = FiguresReactor(service(hub), Facts(hub.connection), clock)

    def look(self) -> float:
        """Do what is due now."""
        self.react()
        return LOOK_SECONDS

    def react(self) -> bool:
        """Do what is due now; False where another server does."""
        with self._alone() as alone:
            if alone:
                self._reactor.react()
        return alone

    def hurry(self) -> None:
        """A computation in hand is given up."""
        self._hub.closing = True

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other server computes; the lock ends with its connection, whatever happens."""
        with self._hub.connect() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
            yield bool(row and row[0])
