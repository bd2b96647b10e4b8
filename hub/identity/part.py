"""The identity reactor as a part of ``hub serve``: asked when accounts or employees changed, and every minute."""

from __future__ import annotations

import threading

import psycopg

from hub.bootstrap import Hub, target_of
from hub.errors import Fatal, HubError, Retriable
from hub.identity.reactor import IdentityReactor
from hub.log.manage import open_log
from hub.log.port import LogClosedError
from hub.logging import logger
from projections.queries import Queries

DIRECTORY = "lms.directory"
CONCERNING = (b"account/", b"employee/")
"""Keys of the events that may make a link."""
MINUTE = 60.0
AGAIN_SECONDS = 1.0
READ = 5000

log = logger(__name__)


class Identity:
    """The identity reactor in a thread: asked when accounts or employees changed, and every minute."""

    def __init__(self, hub: Hub) -> None:
        queries = Queries(hub.connection)
        self._reactor = IdentityReactor(hub.commands, queries.matchable_accounts, queries.stale_enrollments)
        self._watch = hub.watch
        self._log = open_log(target_of(hub.settings, hub.url), hub.settings.partitions)
        self._hub = hub
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="identity", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin; what was missed before is made up for at once."""
        self._thread.start()

    def failures(self) -> list[str]:
        """Why it does not get on; empty where all is well."""
        return [] if self._failure is None else [f"identity: {self._failure}"]

    def close(self) -> None:
        """End; a command in hand is given up, and given again by whoever serves next."""
        self._stop.set()
        self._hub.closing = True
        self._log.close()
        self._thread.join(10)

    def _run(self) -> None:
        at: dict[tuple[str, int], int] = {}
        is_due = True
        while not self._stop.is_set():
            try:
                if not at:
                    at = {(DIRECTORY, part): end for part, end in self._log.ends(DIRECTORY).items()}
                if is_due:
                    self._reactor.react()
                self._failure = None
                is_due = not self._log.wait(at, MINUTE) or self._has_news(at)
            except LogClosedError:
                return
            except Exception as problem:
                if self._stop.is_set():
                    return
                self._note(problem)
                is_due = True
                self._stop.wait(AGAIN_SECONDS)

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

    def _note(self, problem: Exception) -> None:
        if isinstance(problem, Retriable | Fatal | psycopg.OperationalError):
            log.warning(
                "identity begins again",
                problem=str(problem) if isinstance(problem, HubError) else type(problem).__name__,
            )
        elif str(problem) != str(self._failure):
            log.exception("identity failed", exc_info=problem)
        self._failure = problem
