"""Canvas's pages: ten rows unless more are asked for, up to a limit, and an opaque link to the next one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from connectors.testing.canvas_gate import CanvasError
from connectors.testing.server import Asked

Marker = list[int]
Source = Callable[[Marker, int], tuple[list[Any], Marker | None]]
"""Rows from a place on, so many at most, and the place of the next one."""
DEFAULT: Final = 10
_NAMES: Final = ("Link", "link", "LINK")


@dataclass(slots=True)
class Pages:
    """``limit``: the most rows on a page; may change midway. ``repeats``: so often a link leads to its own page."""

    limit: int = 100
    repeats: int = 0
    told: int = 0

    def page(self, asked: Asked, source: Source, host: str) -> tuple[list[Any], str | None, dict[str, str]]:
        """Rows, the address of the next page, and the header with links, whose name is written in several ways."""
        text = asked.query.get("per_page", "")
        size = max(1, min(int(text) if text.isdecimal() and int(text) else DEFAULT, self.limit))
        here = _marker(asked.query.get("page", ""))
        rows, following = source(here, size)
        if following is not None and self.repeats:
            self.repeats -= 1
            following = here
        links = [f'<{_address(asked, here, size, host)}>; rel="current"']
        url = None
        if following is not None:
            url = _address(asked, following, size, host)
            links.append(f'<{url}>; rel="next"')
        links.append(f'<{_address(asked, [], size, host)}>; rel="first"')
        self.told += 1
        return rows, url, {_NAMES[self.told % len(_NAMES)]: ",".join(links)}


def listed(rows: Sequence[Any], make: Callable[[Any], Any] = lambda row: row) -> Source:
    """A source over a list, by position: what is added or removed before it shifts the rest."""

    def source(here: Marker, size: int) -> tuple[list[Any], Marker | None]:
        start = here[0] if here else 0
        page = [make(row) for row in rows[start : start + size]]
        return page, [start + size] if start + size < len(rows) else None

    return source


def _address(asked: Asked, marker: Marker, size: int, host: str) -> str:
    pairs = [
        (name, value)
        for name, value in getattr(asked.query, "pairs", asked.query.items())
        if name not in ("page", "per_page")
    ]
    if marker:
        pairs.append(("page", "bookmark:" + base64.urlsafe_b64encode(json.dumps(marker).encode()).decode()))
    return f"{host}{asked.path}?{urlencode([*pairs, ('per_page', size)])}"


def _marker(text: str) -> Marker:
    if text in ("", "1", "first"):
        return []
    try:
        found = json.loads(base64.urlsafe_b64decode(text.removeprefix("bookmark:")))
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, int) for one in found):
        raise CanvasError(400, {"message": "invalid page: follow the links"})
    return found
