"""How long the hub waits for a database over the network, where the address that it was given does not say.

What libpq does by itself: more than two minutes for a host that does not answer a connection, and two hours until an idle
connection is found dead, which is how long a wait for news of the folds would hang.
"""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict

PATIENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}
"""Seconds to connect; a connection whose other end is gone is noticed within half a minute (the last in milliseconds)."""


def with_patience(url: str) -> str:
    """A libpq URL or connection string with these settings, but for those that it has already.

    Raises psycopg.ProgrammingError where libpq cannot read it.
    """
    known = conninfo_to_dict(url)
    missing = [f"{name}={value}" for name, value in PATIENCE.items() if name not in known]
    if not missing:
        return url
    if url.startswith(("postgresql://", "postgres://")):
        return url + ("&" if "?" in url else "?") + "&".join(missing)
    return f"{url} {' '.join(missing)}"
