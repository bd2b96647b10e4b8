"""Sealing as a part of ``hub serve``: a thread that seals what grew, at intervals.

Any number of servers may do it beside each other: who comes second finds a seal younger than the interval.
"""

from __future__ import annotations

from datetime import timedelta

from hub.audit.seals import Seals
from hub.bootstrap import Hub
from hub.logging import logger
from hub.looking import Looking
from hub.settings import Settings
from hub.vault import MasterKey, load_master_key

HOUR = 3600.0
AGAIN_SECONDS = 30.0


def seals_of(hub: Hub) -> Seals:
    """The seals of a hub.

    Raises Fatal where its master key is not the one of the vault.
    """
    hub.keyring.check_master_key()
    return Seals(hub.connection, master_key(hub.settings))


def master_key(settings: Settings) -> MasterKey:
    """The master key that the settings name."""
    return load_master_key(settings.master_key.get_secret_value() if settings.master_key else None, settings.home)


class Sealing(Looking):
    """Seals what grew while this runs; a seal in hand at the end is finished."""

    def __init__(self, hub: Hub, interval: float = HOUR) -> None:
        """``interval``: seconds between two seals."""
        super().__init__("sealing", logger(__name__), min(AGAIN_SECONDS, interval))
        self._hub = hub
        self._interval = interval

    def look(self) -> float:
        """Seal what grew."""
        self.seal()
        return self._interval

    def seal(self) -> int:
        """Seal what grew, unless the last seal is younger than the interval; returns how many lines were written."""
        # A little less than the interval, or every second look of a lone server would find its own seal too young.
        return len(seals_of(self._hub).seal(not_before=timedelta(seconds=self._interval * 0.9)))
