"""How the address of a database is given the hub's patience."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from hub.postgres.patience import PATIENCE, with_patience


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%3F@h:1/d",
        "postgres://h/d?sslmode=require",
        "postgresql://",
        "host=h dbname='a b'",
        "dbname=d",
        "",
    ],
)
def test_what_is_not_said_is_added(url: str) -> None:
    """Whatever form the address has, libpq reads it as before, and the hub's patience beside it."""
    assert conninfo_to_dict(with_patience(url)) == conninfo_to_dict(url) | PATIENCE


@pytest.mark.parametrize("url", ["postgresql://h/d?connect_timeout=60", "host=h connect_timeout=60"])
def test_what_is_said_stays(url: str) -> None:
    """Somebody who knows their network better is believed."""
    found = conninfo_to_dict(with_patience(url))
    assert found["connect_timeout"] == "60"
    assert found["tcp_user_timeout"] == PATIENCE["tcp_user_timeout"]
    assert with_patience(with_patience(url)) == with_patience(url)


def test_no_address_is_told_by_the_driver() -> None:
    """What is no address is refused as before."""
    with pytest.raises(psycopg.ProgrammingError):
        with_patience("postgresql//h")
