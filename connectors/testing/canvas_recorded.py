"""Answers that were recorded elsewhere, served at Canvas's own paths.

A file is a JSON object: name → ``method``, ``endpoint`` (below ``/api/v1/``), ``data``, ``status_code``, ``headers``. Links
to the host that was recorded become links to the one that serves. Of two answers at one endpoint the later one is served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from connectors.testing.server import Asked, Reply, json_reply

_API = re.compile(r"https?://[^/>\"]+/api/v1/")


class Recorded(NamedTuple):
    """One answer that was recorded. ``endpoint``: with its query, where it has one."""

    name: str
    endpoint: str
    data: Any
    status: int = 200
    headers: Mapping[str, str] = {}


def read(files: Iterable[Path]) -> list[Recorded]:
    """The answers to GET of some files; those to other methods are left out."""
    found = []
    for file in files:
        entries = json.loads(file.read_text(encoding="utf-8"))
        found += [
            Recorded(
                f"{file.stem}.{name}",
                entry["endpoint"],
                entry.get("data"),
                entry.get("status_code", 200),
                entry.get("headers", {}),
            )
            for name, entry in entries.items()
            if entry["method"] == "GET"
        ]
    return found


class Shelf:
    """Finds the answer that was recorded for a request: one with the same query, else one that was asked without any."""

    def __init__(self, answers: Iterable[Recorded]) -> None:
        self._answers = {_key(urlsplit("/" + one.endpoint)): one for one in answers}

    def find(self, asked: Asked, host: str) -> Reply | None:
        """The answer, its links leading to ``host``; None where nothing was recorded."""
        if asked.method != "GET":
            return None
        path = asked.path.removeprefix("/api/v1")
        here = (path.rstrip("/"), frozenset(asked.query.items()))
        one = self._answers.get(here) or self._answers.get((here[0], frozenset()))
        if one is None:
            return None
        headers = {name: _API.sub(f"{host}/api/v1/", value) for name, value in one.headers.items()}
        return json_reply(one.data, one.status, headers)


def _key(parts: Any) -> tuple[str, frozenset[tuple[str, str]]]:
    return parts.path.rstrip("/"), frozenset(parse_qsl(parts.query))
