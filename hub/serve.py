"""``hub serve``: the hub as a server. It folds and decides (PostgreSQL log), links people, and answers ``GET /health``.

Folding and deciding have processes of their own (``HUB_LANES``); on Kafka workers do it. What else runs all the time is a
part with a thread. Any number of servers may run beside each other: runners stand by for their locks, and the reactor's
commands have ids that follow from what it saw.
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

from hub.bootstrap import Hub, open_hub
from hub.errors import HubError, Refused
from hub.lanes import Lanes
from hub.logging import logger
from hub.parts import PARTS, Part
from hub.presence import SERVER, Presence
from hub.settings import Settings
from hub.stop import Stop

log = logger(__name__)


def serve(settings: Settings, host: str, port: int, stop: Stop, ready: Callable[[str], None]) -> None:
    """Serve until ``stop`` is set. ``ready`` is told the address once health is answered; port 0 takes a free one.

    Raises Refused where the address cannot be listened on, Fatal where what folds and decides is gone for good.
    """
    with ExitStack() as stack:
        lanes = None
        if not settings.on_kafka and settings.lanes > 1:
            lanes = Lanes(settings, stop.set)
            lanes.start()  # first of all, since it forks
            stack.callback(lanes.close)
        listener = stack.enter_context(_listening(host, port))
        hub = stack.enter_context(open_hub(settings, runners=lanes is None))
        if lanes is not None:
            stack.callback(lanes.close)  # before the database goes
            lanes.tell(hub.url)
        running: list[Part] = [part(hub) for part in PARTS]
        for part in running:
            stack.callback(part.close)
            part.start()
        told = [hub.failures, *([] if lanes is None else [lanes.failures]), *(part.failures for part in running)]
        presence = Presence(hub, SERVER, lambda: [text for failures in told for text in failures()])
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
        if lanes is not None:
            lanes.demand_alive()


def health(hub: Hub, failures: Callable[[], list[str]]) -> FastAPI:
    """``GET /health``: 200 where the database answers and every part gets on, else 503. It tells nothing else."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/health")
    def _health() -> JSONResponse:
        is_ready = not failures() and _answers(hub)
        return JSONResponse({"alive": True, "ready": is_ready}, 200 if is_ready else 503)

    return app


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
