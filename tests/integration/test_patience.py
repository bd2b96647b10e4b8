"""Connections over a network are given up in time: the ones that are made, and the ones that are only listened on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from hub.bootstrap import database
from hub.settings import Settings
from tests.support.pg_node import pg_node
from tests.support.proxy import Proxy, proxy


@pytest.fixture
def network() -> Iterator[Proxy]:
    """A database that is reached over TCP."""
    with pg_node() as node, proxy(node.socket) as made:
        yield made


def _address(network: Proxy, home: Path) -> str:
    """As every part of the hub gets it."""
    given = SecretStr(f"postgresql://postgres@{network.address}/postgres")
    with database(Settings(home=home, database_url=given)) as url:
        return url


def test_a_connection_whose_other_end_is_gone_is_noticed(network: Proxy, tmp_path: Path) -> None:
    """The system asks for a sign of life of an idle connection within seconds, and does not wait for two hours."""
    with psycopg.connect(_address(network, tmp_path)) as connection, socket.socket(fileno=connection.fileno()) as wire:
        level = socket.IPPROTO_TCP
        found = [
            wire.getsockopt(level, one)
            for one in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_USER_TIMEOUT)  # seconds, seconds, ms
        ]
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert found == [10, 5, 30_000]
        wire.detach()  # the connection closes it


def test_a_host_that_never_answers_is_given_up(network: Proxy, tmp_path: Path) -> None:
    """A connection that is accepted and not answered fails, and another one is made when the host is back."""
    network.stall()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(_address(network, tmp_path))
    network.go_on()
    with psycopg.connect(_address(network, tmp_path)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
