"""Requests on the wire: connections that are kept, the proxies and certificates of the environment, and nothing built anew.

A request with its form leaves in one piece. What is spent on connecting is told apart, since it says something of the
network and nothing of the LMS.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from connectors.contract import RequestLog
from connectors.http_address import bare

Header = tuple[bytes, bytes]

KEPT_SECONDS: Final = 5.0
"""So long an idle connection is kept."""
_COMMON: Final[list[Header]] = [
    (b"Accept-Encoding", b"gzip"),
    (b"Connection", b"keep-alive"),
    (b"User-Agent", b"lms-hub"),
]
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_EITHER_HEADER: Final = zlib.MAX_WBITS | 32


class Place(NamedTuple):
    """An address, taken apart once. ``told``: what of it may stand in messages."""

    url: httpcore.URL
    host: Header
    told: str


@lru_cache(maxsize=256)
def place_of(address: str) -> Place:
    """An address taken apart."""
    url = httpx.URL(address)
    parts = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    return Place(parts, (b"Host", url.netloc), bare(address))


class Wire:
    """Sends the requests of one client; not for several threads at once. ``timeout``: seconds of each step."""

    def __init__(self, timeout: float, clock: Callable[[], float], requests: RequestLog) -> None:
        self._backend = _Backend(clock, requests)
        self._extensions = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), timeout)}
        self._pools: dict[tuple[bytes, bytes], httpcore.ConnectionPool] = {}

    def send(self, method: str, place: Place, headers: Mapping[str, str], form: bytes | None) -> httpcore.Response:
        """The answer, whose body is not read yet; it must be closed. Raises the errors of httpcore."""
        sent = [place.host, *_COMMON]
        sent += [(name.encode(), value.encode()) for name, value in headers.items()]
        if form is not None:
            sent += [
                (b"Content-Type", b"application/x-www-form-urlencoded"),
                (b"Content-Length", str(len(form)).encode()),
            ]
        asked = httpcore.Request(method, place.url, headers=sent, content=form, extensions=self._extensions)
        return self._pool(place.url).handle_request(asked)

    def close(self) -> None:
        """Let all connections go."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: httpcore.URL) -> httpcore.ConnectionPool:
        key = (url.scheme, url.host)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = self._made(url.scheme.decode(), url.host.decode())
        return pool

    def _made(self, scheme: str, host: str) -> httpcore.ConnectionPool:
        given: dict[str, Any] = {"keepalive_expiry": KEPT_SECONDS, "network_backend": self._backend}
        through = proxy_for(scheme, host)
        if scheme == "https":
            given["ssl_context"] = httpx.create_ssl_context()
        if through is None:
            return httpcore.ConnectionPool(**given)
        url = httpcore.URL(scheme=through.url.raw_scheme, host=through.url.raw_host, port=through.url.port, target=b"/")
        return httpcore.HTTPProxy(url, proxy_auth=through.raw_auth, **given)


def proxy_for(scheme: str, host: str) -> httpx.Proxy | None:
    """The proxy that the environment names for a host (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``)."""
    named = getproxies()
    address = named.get(scheme) or named.get("all")
    if not address or proxy_bypass(host):
        return None
    return httpx.Proxy(address if "://" in address else "http://" + address)


def headers_of(pairs: Iterable[Header]) -> dict[str, str]:
    """Headers by name in lower case; those that are repeated stand behind each other with commas."""
    found: dict[str, str] = {}
    for raw, told in pairs:
        name, value = raw.decode("latin-1").lower(), _text(told)
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def unpacked(pieces: Iterable[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """The pieces of a body as they were before it was packed, so long as they are not much more than ``most`` bytes.

    Raises zlib.error where it was packed in another way.
    """
    if encoding.strip().lower() not in _PACKED:
        yield from pieces
        return
    unpack = zlib.decompressobj(_EITHER_HEADER)
    for piece in pieces:
        yield unpack.decompress(piece, most + 1)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class _Backend(httpcore.NetworkBackend):
    """Makes connections, and counts them with their time."""

    def __init__(self, clock: Callable[[], float], requests: RequestLog) -> None:
        self._sockets = httpcore.SyncBackend()
        self._clock = clock
        self._requests = requests

    def connect_tcp(self, *args: Any, **named: Any) -> httpcore.NetworkStream:
        stream = self.timed(lambda: self._sockets.connect_tcp(*args, **named))
        self._requests.connects += 1
        return _Stream(stream, self)

    def timed(self, connect: Callable[[], httpcore.NetworkStream]) -> httpcore.NetworkStream:
        """Connect; it counts as time spent on connecting, whether it succeeds or not."""
        began = self._clock()
        try:
            return connect()
        finally:
            self._requests.connect_milliseconds += (self._clock() - began) * 1000


class _Stream(httpcore.NetworkStream):
    """A connection on which what is written leaves when an answer is waited for: a head and its form in one piece."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _Backend) -> None:
        self._stream = stream
        self._backend = backend
        self._waiting = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            with suppress(httpcore.WriteError):  # who closes early may have answered before
                self._stream.write(waiting, timeout)
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  that of the read counts
        self._waiting += buffer

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **named: Any) -> httpcore.NetworkStream:
        return _Stream(self._backend.timed(lambda: self._stream.start_tls(*args, **named)), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
