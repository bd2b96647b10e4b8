"""``hub serve``: the hub as a server. It folds and decides (PostgreSQL log), links people, and answers ``GET /health``.

On Kafka workers fold and decide, so only the identity reactor runs here. Any number of servers may run beside each
other: runners stand by for their lock, and the reactor's commands have ids that follow from what it saw.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from psycopg import sql

from hub.bootstrap import Hub, open_hub, target_of
from hub.errors import Fatal, HubError, Refused, Retriable
from hub.identity.reactor import IdentityReactor
from hub.log.manage import open_log
from hub.log.port import LogClosedError
from hub.logging import logger
from hub.settings import Settings
from projections.queries import Queries

DIRECTORY = "lms.directory"
CONCERNING = (b"account/", b"employee/")
"""Keys of the events that may make a link."""
MINUTE = 60.0
AGAIN_SECONDS = 1.0
READ = 5000
PRESENCE = "hub serve"
"""The database session by which others see that a server is there, and why it does not get on."""
TELL_SECONDS = 2.0
TOLD_LETTERS = 700
"""PostgreSQL shows the first 1024 bytes of a session's statement."""

log = logger(__name__)


def serve(settings: Settings, host: str, port: int, stop: threading.Event, ready: Callable[[str], None]) -> None:
    """Serve until ``stop`` is set. ``ready`` is told the address once health is answered; port 0 takes a free one.

    Raises Refused where the address cannot be listened on.
    """
    with _listening(host, port) as listener, open_hub(settings) as hub, ExitStack() as stack:
        identity = Identity(hub)
        stack.callback(identity.close)
        identity.start()
        presence = Presence(hub, lambda: [*hub.failures(), *identity.failures()])
        stack.callback(presence.close)
        presence.start()
        server = uvicorn.Server(
            uvicorn.Config(health(hub, presence.failures), log_config=None, access_log=False, lifespan="off")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="http", daemon=True)
        stack.callback(_stop, server, thread)
        thread.start()
        bound = listener.getsockname()
        ready(f"http://{_bracketed(bound[0])}:{bound[1]}")
        stop.wait()
        log.info("the hub stops")
        hub.closing = True


def health(hub: Hub, failures: Callable[[], list[str]]) -> FastAPI:
    """``GET /health``: 200 where the database answers and every part gets on, else 503. It tells nothing else."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/health")
    def _health() -> JSONResponse:
        is_ready = not failures() and _answers(hub)
        return JSONResponse({"alive": True, "ready": is_ready}, 200 if is_ready else 503)

    return app


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
            log.warning("identity begins again", problem=_reason(problem))
        elif str(problem) != str(self._failure):
            log.exception("identity failed", exc_info=problem)
        self._failure = problem


class Presence:
    """A database session that says: a server is here, and this is why it does not get on (or nothing)."""

    def __init__(self, hub: Hub, failures: Callable[[], list[str]]) -> None:
        self._hub = hub
        self.failures = failures
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Be seen from now on."""
        self._thread.start()

    def close(self) -> None:
        """Be seen no longer."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._hub.url, autocommit=True, application_name=PRESENCE) as connection:
                    while not self._stop.is_set():
                        told = "; ".join(_told(text) for text in self.failures())
                        connection.execute(sql.SQL("SELECT {}").format(sql.Literal(told[:TOLD_LETTERS])))
                        self._stop.wait(TELL_SECONDS)
            except psycopg.Error:
                self._stop.wait(AGAIN_SECONDS)


def failures_told(query: str | None) -> list[str]:
    """The failures in the statement that a presence shows."""
    text = (query or "").partition("'")[2].rpartition("'")[0]
    return [one for one in text.split("; ") if one]


def _told(text: str) -> str:
    """A failure as the text of a statement: its first line, without what would end it."""
    line = (text.splitlines() or [""])[0]
    return line.translate({ord(letter): " " for letter in "';\\"})


def _reason(problem: Exception) -> str:
    return str(problem) if isinstance(problem, HubError) else type(problem).__name__


def _answers(hub: Hub) -> bool:
    """Whether the database answers soon."""
    try:
        with hub.pool.connection(timeout=2.0) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as problem:
        raise Refused(
            f"port: {host}:{port} cannot be listened on ({problem.strerror}); expected a free address, such as --port 0",
            field="port", rule="free address", expected="a free address",
        ) from None  # fmt: skip
    with listener:
        yield listener


def _bracketed(host: Any) -> str:
    return f"[{host}]" if ":" in str(host) else str(host)


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(10)
