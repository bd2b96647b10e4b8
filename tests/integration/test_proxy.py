"""The proxy of the fault suite does what it is told: whoever is behind it sees the fault that the test means."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.support.proxy import Direction, Proxy, proxy

SECONDS = 20.0
MESSAGE = bytes(range(200))


class Echo:
    """A server that answers what it is told, and keeps it."""

    def __init__(self) -> None:
        self.heard = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self.listener.accept()
                threading.Thread(target=self._answer, args=(taken,), daemon=True).start()

    def _answer(self, taken: socket.socket) -> None:
        with taken, suppress(OSError):
            while told := taken.recv(65536):
                self.heard += told
                taken.sendall(told)


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.listener.shutdown(socket.SHUT_RDWR)
    made.listener.close()


@pytest.fixture
def network(echo: Echo) -> Iterator[Proxy]:
    with proxy(f"127.0.0.1:{echo.listener.getsockname()[1]}") as made:
        yield made


def _connect(network: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", network.port), SECONDS)


def _read(client: socket.socket) -> bytes:
    """All until the end, or as much as :data:`MESSAGE` has."""
    found = b""
    while len(found) < len(MESSAGE) and (more := client.recv(65536)):
        found += more
    return found


def test_all_is_passed_and_a_cut_resets(network: Proxy) -> None:
    """Connections are reset, new ones served."""
    with _connect(network) as client:
        client.sendall(MESSAGE)
        assert _read(client) == MESSAGE
        assert network.cut() == 1
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with _connect(network) as client:
        client.sendall(MESSAGE)
        assert _read(client) == MESSAGE


def test_refused_until_it_goes_on(network: Proxy) -> None:
    """On the same port as before."""
    network.refuse()
    with pytest.raises(ConnectionRefusedError):
        _connect(network)
    network.go_on()
    with _connect(network) as client:
        client.sendall(MESSAGE)
        assert _read(client) == MESSAGE


def test_what_is_held_back_is_passed_later(network: Proxy, echo: Echo) -> None:
    """Old and new connections alike; nothing is lost."""
    with _connect(network) as old:
        old.sendall(b"before")
        assert old.recv(100) == b"before"
        network.stall()
        with _connect(network) as new:
            for client in (old, new):
                client.sendall(MESSAGE)
                client.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    client.recv(1)
                client.settimeout(SECONDS)
            assert echo.heard == b"before"
            network.go_on()
            assert (_read(old), _read(new)) == (MESSAGE, MESSAGE)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_half_of_a_message(network: Proxy, echo: Echo, direction: Direction) -> None:
    """Half of a request reaches the server and half of an answer the client, then the connection ends."""
    sent, received = 0, b""
    with _connect(network) as client:
        order = threading.Thread(target=network.half, args=(direction,), daemon=True)
        order.start()
        with suppress(ConnectionError):
            while len(received) == sent * len(MESSAGE):
                client.sendall(MESSAGE)
                sent += 1
                received += _read(client)
        order.join(SECONDS)
        assert not order.is_alive()
    passed = echo.heard if direction == "up" else received
    assert len(passed) == (sent - 1) * len(MESSAGE) + len(MESSAGE) // 2
