"""Dead letters as a part of ``hub serve``: acts that were not followed are followed, what is parked is told, and a source
of too many is stopped."""

from __future__ import annotations

from hub.bootstrap import Hub
from hub.deadletters import limit
from hub.deadletters.parking import Parking
from hub.logging import logger
from hub.looking import Looking

LOOK_SECONDS, AGAIN_SECONDS = 30.0, 5.0


class DeadLetterPart(Looking):
    """Looks twice a minute; where nothing is to be done, a look is a few short queries."""

    def __init__(self, hub: Hub) -> None:
        super().__init__("deadletters", logger(__name__), AGAIN_SECONDS)
        self._hub = hub
        self._parking = Parking(hub)

    def look(self) -> float:
        """Follow what was left over, and stop sources of too many."""
        self._parking.react()
        limit.react(self._hub)
        return LOOK_SECONDS

    def hurry(self) -> None:
        """What is in hand is given up."""
        self._hub.closing = True
