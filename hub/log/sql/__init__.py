"""The SQL of the PostgreSQL log, a file for each statement or script."""

from __future__ import annotations

from importlib import resources


def statement(name: str) -> bytes:
    """The text of ``<name>.sql`` in this folder, as psycopg takes it."""
    return resources.files(__name__).joinpath(f"{name}.sql").read_bytes()
