"""The identity reactor as a part of ``hub serve``: asked when accounts or employees changed, and every minute."""

from __future__ import annotations

from hub.bootstrap import Hub, target_of
from hub.identity.reactor import IdentityReactor
from hub.log.manage import open_log
from hub.logging import logger
from hub.looking import Looking
from projections.queries import Queries

DIRECTORY = "lms.directory"
CONCERNING = (b"account/", b"employee/")
"""Keys of the events that may make a link."""
MINUTE = 60.0
AGAIN_SECONDS = 1.0
READ = 5000


class Identity(Looking):
    """The identity reactor in a thread: asked when accounts or employees changed, and every minute."""

    def __init__(self, hub: Hub) -> None:
        super().__init__("identity", logger(__name__), AGAIN_SECONDS)
        queries = Queries(hub.connection)
        self._reactor = IdentityReactor(hub.commands, queries.matchable_accounts, queries.stale_enrollments)
        self._watch = hub.watch
        self._log = open_log(target_of(hub.settings, hub.url), hub.settings.partitions)
        self._hub = hub
        self._at: dict[tuple[str, int], int] = {}
        self._is_due = True

    def look(self) -> float:
        """Ask the reactor, where anything may concern it."""
        if not self._at:
            self._at = {(DIRECTORY, part): end for part, end in self._log.ends(DIRECTORY).items()}
        if self._is_due:
            self._reactor.react()
        return MINUTE

    def pause(self, seconds: float) -> None:
        """Wait for news of accounts and employees."""
        self._is_due = True  # also where the waiting fails
        self._is_due = not self._log.wait(self._at, seconds) or self._has_news(self._at)

    def hurry(self) -> None:
        """A command in hand is given up."""
        self._hub.closing = True
        self._log.close()

    def _has_news(self, at: dict[tuple[str, int], int]) -> bool:
        """Read on to the end, and wait until it is folded; whether anything concerns a link."""
        concerns = False
        while records := self._log.read(at, READ):
            for record in records:
                at[record.topic, record.partition] = record.offset + 1
                concerns = concerns or record.key.startswith(CONCERNING)
        while concerns and not self._watch.wait(at, AGAIN_SECONDS):
            if self._stop.is_set():
                return False
        return concerns
