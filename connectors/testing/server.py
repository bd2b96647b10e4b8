"""A hostile server on loopback: it answers as it is told to, and misbehaves by script.

Faults wait in a queue; each request to a path that they are meant for takes one and goes through it. A fault is a
function of the request and of the answer that would be right, so it can spoil one part and leave the rest.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str = ""
    """Path and query as they came; told by :class:`HostileServer`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: int | None = None
    """So many bytes of the body are sent, then the connection is closed."""
    held: bool = False
    """Never answered, until the server closes."""


Answerer = Callable[[Asked], Reply]
Fault = Callable[[Asked, Answerer], Reply]


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


class HostileServer:
    """A context manager: serves between entering and leaving."""

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer
        self._faults: deque[Fault] = deque()
        self._lasting: Fault | None = None
        self._meant: Callable[[Asked], bool] = lambda _: True
        self._lock = Lock()
        self._closing = Event()
        self.asked: list[Asked] = []
        """All requests so far."""
        self.on_request: Callable[[], None] = lambda: None
        """Called for each request, before it is answered."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:port``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def script(self, *faults: Fault | None, meant: Callable[[Asked], bool] | None = None) -> None:
        """Have the next requests go through these faults, one each; None lets one pass. ``meant``: which requests."""
        with self._lock:
            self._faults.extend(fault or _none for fault in faults)
            if meant is not None:
                self._meant = meant

    def always(self, fault: Fault | None, *, meant: Callable[[Asked], bool] | None = None) -> None:
        """Have all requests go through a fault, once those that are scripted are used up."""
        with self._lock:
            self._lasting = fault
            if meant is not None:
                self._meant = meant

    def reply(self, asked: Asked) -> Reply:
        """What the server answers."""
        self.on_request()
        with self._lock:
            self.asked.append(asked)
            fault = None
            if self._meant(asked):
                fault = self._faults.popleft() if self._faults else self._lasting
        return fault(asked, self._answer) if fault else self._answer(asked)

    def hold(self) -> None:
        """Wait until the server closes."""
        self._closing.wait(60)


def _handler(server: HostileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            reply = server.reply(Asked(self.command, parts.path, query, headers, self.rfile.read(size), self.path))
            if reply.held:
                server.hold()
                self.close_connection = True
                return
            self._send(reply)

        def _send(self, reply: Reply) -> None:
            self.send_response_only(reply.status)
            told = {name.lower() for name in reply.headers}
            if "date" not in told:
                self.send_header("Date", self.date_time_string())
            for name, value in ({"Content-Length": str(len(reply.body))} | dict(reply.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body[: reply.sent])
            if reply.sent is not None:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  names of the standard library

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is logged."""

    return Handler


# -- faults -----------------------------------------------------------------------------------------------


def _none(asked: Asked, right: Answerer) -> Reply:
    return right(asked)


def failing(status: int, **headers: str) -> Fault:
    """An error status, such as 429 with ``Retry_After="3"`` (underlines stand for hyphens)."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked, right: json_reply({"error": "no"}, status, told)  # noqa: ARG005


def half_body(asked: Asked, right: Answerer) -> Reply:
    """Half of the right answer; its Content-Length promises all of it."""
    reply = right(asked)
    return replace(reply, sent=len(reply.body) // 2)


def half_json(asked: Asked, right: Answerer) -> Reply:
    """Half of the right answer, as if that were all."""
    reply = right(asked)
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def error_in_200(asked: Asked, right: Answerer) -> Reply:  # noqa: ARG001
    """HTTP 200 that is an error."""
    return json_reply({"error": "internal", "message": "an error occurred", "exception": "dml_read_exception"})


def web_page(asked: Asked, right: Answerer) -> Reply:  # noqa: ARG001
    """HTTP 200 with a web page."""
    return Reply(200, b"<!DOCTYPE html><html><body>Log in</body></html>", {"Content-Type": "text/html; charset=utf-8"})


def never(asked: Asked, right: Answerer) -> Reply:  # noqa: ARG001
    """No answer at all."""
    return Reply(held=True)


def redirect(to: str) -> Fault:
    """A redirect, such as to the login page of another host."""
    return lambda asked, right: Reply(302, b"", {"Location": to})  # noqa: ARG005
