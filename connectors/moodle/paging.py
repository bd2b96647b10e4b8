"""Lists that Moodle cuts by counting rows, read so that nobody is lost and nobody comes twice.

Who leaves while pages are read moves all later rows up. Each page is therefore asked to begin with the last row of the
page before it; where it does not, the list is read again from its beginning, and what was told already is not told
again. That last row alone on a page is the end, however many rows the site gives at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

from connectors.moodle.client import MoodleClient
from connectors.moodle.functions import CERTIFICATES, ENROLLED
from connectors.moodle.values import Key, Row, key_of
from hub.errors import Retriable

READINGS: Final = 6
"""As often one list is begun."""
MOST_CERTIFICATES: Final = 500
"""So many certificates Moodle gives at a time."""

Fetch = Callable[[int], list[Any]]
"""Rows from this one on."""


def enrolled(client: MoodleClient, course: str, page_size: int, **options: Any) -> Iterator[Row]:
    """Everybody in a course once, by ascending id, also the suspended. ``options`` are those of the function.

    Raises:
        Retriable: The list moved each time that it was read; nobody can say that it was whole.
        Others as :meth:`MoodleClient.ask`.
    """

    def fetch(start: int) -> list[Any]:
        asked = options | {"sortby": "id", "sortdirection": "ASC", "limitfrom": start, "limitnumber": page_size}
        told = [{"name": name, "value": value} for name, value in asked.items()]
        return client.ask(ENROLLED, list, courseid=course, options=told)

    return _once(fetch, key_of)


def certificates(client: MoodleClient, since: int) -> Iterator[Row]:
    """Every certificate issued at or after ``since`` (epoch seconds) once, the newest first. Raises as above."""

    def fetch(start: int) -> list[Any]:
        return client.ask(
            CERTIFICATES, list, timecreatedfrom=since, includepdf=0, limit=MOST_CERTIFICATES, offset=start
        )

    return _once(fetch, _issue_id)


def _issue_id(row: object) -> Key:
    return key_of(row.get("issue")) if isinstance(row, dict) else None


def _once(fetch: Fetch, identity: Callable[[object], Key]) -> Iterator[Row]:
    told: set[Key] = set()
    for _ in range(READINGS):
        whole = yield from _reading(fetch, identity, told)
        if whole:
            return
    raise Retriable("A list of Moodle moved each time that it was read.")


def _reading(fetch: Fetch, identity: Callable[[object], Key], told: set[Key]) -> Generator[Row, None, bool]:
    """One reading of the list; returns whether it was whole."""
    read = 0
    last: Key = None
    while True:
        page = fetch(max(0, read - 1))
        keys = [identity(row) for row in page]
        if read:
            if not page or keys[0] != last:
                return False
            del page[0], keys[0]
        if not page:
            return True
        for row, key in zip(page, keys, strict=True):
            # What has no key cannot be recognised: it is handed on to be rejected.
            if key is None or key not in told:
                told.add(key)
                yield row
        read, last = read + len(page), keys[-1]
