"""A hostile server that is fast, keeps repeated parameters, and can die and come back at the same address.

One thread per connection, requests read by hand, each answer sent in one piece: a request costs some tens of
microseconds, so that a fake in a process of its own does not slow down who reads from it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from socketserver import BaseRequestHandler
from threading import Lock, Thread
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from connectors.testing.server import Answerer, Asked, HostileServer, Reply

REMEMBERED: Final = 20_000
"""So many requests are kept in ``asked``; older ones are dropped."""
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class Parameters(dict[str, str]):
    """Parameters by name, the last value of each; :meth:`every` gives all values of a name that is repeated."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = list(pairs)
        super().__init__(self.pairs)

    def every(self, name: str) -> list[str]:
        """All values of a name, in their order."""
        return [value for key, value in self.pairs if key == name]


def parameters(text: str) -> Parameters:
    """What a query string or the body of a form says."""
    return Parameters(parse_qsl(text, keep_blank_values=True) if text else ())


class LivelyServer(HostileServer):
    """Serves between entering and leaving, but for the times between :meth:`kill` and :meth:`revive`.

    ``port`` 0 takes a free one. ``now``: the clock that its ``Date`` tells, seconds since 1970 UTC.
    """

    _server: _Listener

    def __init__(self, answer: Answerer, port: int = 0, now: Callable[[], float] | None = None) -> None:
        super().__init__(answer)
        self._server.server_close()
        self._listen(("127.0.0.1", port))
        self._now = now
        self._holder: socket.socket | None = None
        self._counting = Lock()
        self.requests = 0
        """How many requests came, the forgotten ones too."""

    def __exit__(self, *of: Any) -> None:
        if self._holder is not None:
            self._closing.set()
            self._holder.close()
            self._holder = None
        else:
            super().__exit__(*of)
        self._server.drop()

    def close(self) -> None:
        """Let the port go, where it was never entered."""
        self._server.server_close()

    @property
    def alive(self) -> bool:
        """Whether it takes connections."""
        return self._holder is None

    def kill(self) -> None:
        """Close all connections and refuse new ones; the port stays its own."""
        if self._holder is not None:
            return
        address = ("127.0.0.1", self._server.server_address[1])
        self._server.shutdown()
        self._server.server_close()
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(address)
        self._server.drop()
        self._thread.join(5)

    def revive(self) -> None:
        """Take connections again, at the same address."""
        if self._holder is None:
            return
        held, self._holder = self._holder, None
        self._listen(held)
        self._thread.start()

    def _listen(self, where: tuple[str, int] | socket.socket) -> None:
        self._server = _Listener(self, where)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def reply(self, asked: Asked) -> Reply:
        with self._counting:
            self.requests += 1
            if len(self.asked) >= REMEMBERED:
                del self.asked[: REMEMBERED // 2]
        return super().reply(asked)

    def date(self) -> str:
        """The time of day as a header."""
        return formatdate(self._now() if self._now else None, usegmt=True)


class _Listener(ThreadingHTTPServer):
    """Takes connections; knows those that are open, so that they can be cut."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, owner: LivelyServer, where: tuple[str, int] | socket.socket) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        held = where if isinstance(where, socket.socket) else None
        address = ("127.0.0.1", held.getsockname()[1] if held else where[1])  # type: ignore[index]
        super().__init__(address, _Connection, bind_and_activate=False)
        if held is not None:
            self.socket.close()
            self.socket = held
            self.server_address = address
        else:
            self.server_bind()
        self.server_activate()

    def server_bind(self) -> None:
        """Bind; the name of the host is not looked up."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is its client's affair; a mistake of the fake's own is shown on stderr."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def drop(self) -> None:
        """Cut all connections."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseRequestHandler):
    """Requests of one connection, one after the other."""

    server: _Listener

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        owner, rest = self.server.owner, b""
        with suppress(OSError):
            while True:
                while (end := rest.find(b"\r\n\r\n")) < 0:
                    if not (more := self.request.recv(65536)):
                        return
                    rest += more
                line, headers = _head(rest[:end])
                size, rest = int(headers.get("content-length") or 0), rest[end + 4 :]
                while len(rest) < size:
                    if not (more := self.request.recv(65536)):
                        return
                    rest += more
                body, rest = rest[:size], rest[size:]
                if not self._serve(owner, line, headers, body):
                    return

    def _serve(self, owner: LivelyServer, line: str, headers: dict[str, str], body: bytes) -> bool:
        """Answer one request; returns whether the connection stays open."""
        method, target, _ = line.split(" ", 2)
        parts = urlsplit(target)
        reply = owner.reply(Asked(method, parts.path, parameters(parts.query), headers, body))
        if reply.held:
            owner.hold()
            return False
        self.request.sendall(_composed(reply, owner) + reply.body[: reply.sent])
        return reply.sent is None and headers.get("connection", "").lower() != "close"


def _head(text: bytes) -> tuple[str, dict[str, str]]:
    line, *rest = text.decode("latin-1").split("\r\n")
    pairs = (one.partition(":") for one in rest)
    return line, {name.lower(): value.strip() for name, _, value in pairs}


def _composed(reply: Reply, owner: LivelyServer) -> bytes:
    """The head of an answer."""
    told = {name.lower() for name in reply.headers}
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, '')}"]
    if "content-length" not in told:
        lines.append(f"Content-Length: {len(reply.body)}")
    if "date" not in told:
        lines.append(f"Date: {owner.date()}")
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
