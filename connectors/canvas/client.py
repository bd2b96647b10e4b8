"""Canvas's manners over HTTP: its lists page by page, how it throttles, and what its refusals mean.

A list is followed by the links that Canvas gives, byte for byte and on its own host only; page numbers are never built.
A refusal is a missing right, except where Canvas says that it does not know the token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from connectors.canvas.settings import credentials_of
from connectors.contract import RequestLog
from connectors.http import Answer, HttpClient, HttpRefused, Manners, Pace
from hub.domain.integration_config import IntegrationConfig
from hub.domain.units import micros
from hub.errors import Retriable

T = TypeVar("T")
Query = Iterable[tuple[str, str]]

SAME_LINK: Final = 3
"""So many times may one link to a next page be given before the list is a circle."""
_NO_RIGHT: Final = frozenset({401, 403, 404})
_ABSENT: Final = 404
_DROPPED: Final = frozenset({400, 404, 410})
_LIMIT: Final = b"rate limit exceeded"
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:\"[^\"]*\"|[^\s,;\"]*))*)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?(?:[^\"]*\s)?next(?:\s[^\"]*)?\"?\s*(?=;|$)", re.IGNORECASE)


class NoRight(HttpRefused):
    """The token has no right to this list, or there is no such list; other lists may be readable."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    rows: list[Any]
    following: str
    """Where the next page is; empty at the end."""
    date: int | None
    """Canvas's clock when it answered, microseconds."""
    cost: float


@dataclass(slots=True)
class CanvasClient:
    """Reads lists of one Canvas; not for several threads at once."""

    http: HttpClient
    requests: RequestLog
    page_size: int
    first_date: int | None = None
    """Canvas's clock at its first answer, microseconds."""
    cost: float = field(default=0.0)
    """Sum of ``X-Request-Cost``: what was taken of the token's allowance."""

    @classmethod
    def open(cls, config: IntegrationConfig, requests: RequestLog, pace: Pace | None, page_size: int) -> CanvasClient:
        """Raises Refused where address or credentials are missing or of no use."""
        pace = pace or Pace()
        auth = credentials_of(config, pace.clock)
        return cls(HttpClient(config, requests, auth=auth, pace=pace, manners=MANNERS), requests, page_size)

    def rows(self, path: str, query: Query = ()) -> Iterator[Any]:
        """All rows of a list below the endpoint, page by page.

        Raises:
            NoRight: The list is refused.
            Retriable: The list cannot be read now, or not to its end.
            Refused: Canvas does not know the token, or is not what answers.
        """
        target = f"{path}?{urlencode([*query, ('per_page', str(self.page_size))])}"
        followed: dict[str, int] = {}
        while target:
            page = self._page(target, first=not followed)
            yield from page.rows
            target = page.following
            followed[target] = followed.get(target, 0) + 1
            if followed[target] > SAME_LINK:
                raise Retriable("Canvas leads in a circle: a link to a next page was given again and again.")

    def first(self, path: str, query: Query = ()) -> list[Any]:
        """The first page of a list. Raises as :meth:`rows` does."""
        return self._page(f"{path}?{urlencode([*query, ('per_page', str(self.page_size))])}", first=True).rows

    def if_allowed(self, read: Callable[[], T]) -> T | None:
        """What ``read`` reads; None where it is refused. That there is no such thing (404) counts as missing, not as an
        error; a right that is missing (401, 403) is an error until it is granted."""
        try:
            return read()
        except NoRight as refused:
            if refused.status == _ABSENT:
                self.requests.recount("error", "missing")
            return None

    def one(self, path: str) -> dict[str, Any]:
        """One object. Raises as :meth:`rows` does."""
        return self._read(path, object_of, first=True)

    def _page(self, target: str, *, first: bool) -> Page:
        page = self._read(target, page_of, first=first)
        self.cost += page.cost
        if self.first_date is None:
            self.first_date = page.date
        return page

    def _read(self, target: str, understand: Callable[[Answer], T], *, first: bool) -> T:
        try:
            return self.http.read(target, understand)
        except HttpRefused as error:
            if not first and error.status in _DROPPED:
                raise Retriable("Canvas dropped a list while it was read.") from None
            if error.status in _NO_RIGHT and type(error) is HttpRefused:
                raise NoRight(str(error), error.status, rule="right of the token", expected=error.expected) from None
            raise


def page_of(answer: Answer) -> Page:
    """An answer as a page of a list: a JSON list, or an object with ``meta.pagination`` and one list.

    Raises:
        Retriable: It is no list, as when an error comes with HTTP 200, or it breaks off.
        HttpRefused: It is a web page.
    """
    told = answer.json()
    following = _next_link(answer.headers.get("link", ""))
    if isinstance(told, dict) and isinstance(told.get("meta"), dict):
        pagination = told["meta"].get("pagination")
        lists = [value for name, value in told.items() if isinstance(value, list)]
        if isinstance(pagination, dict) and len(lists) == 1:
            following = following or str(pagination.get("next") or "")
            told = lists[0]
    if not isinstance(told, list):
        raise Retriable(f"{answer.address} answered with HTTP {answer.status} and no list.")
    return Page(told, following, _date(answer.headers), _cost(answer.headers))


def object_of(answer: Answer) -> dict[str, Any]:
    """An answer that is one object. Raises as :func:`page_of` does."""
    told = answer.json()
    if not isinstance(told, dict):
        raise Retriable(f"{answer.address} answered with HTTP {answer.status} and no object.")
    return told


def _next_link(header: str) -> str:
    """The address of ``rel="next"``, as it was written; empty where there is none."""
    for address, parameters in _LINK.findall(header):
        if _NEXT.search(parameters):
            return str(address)
    return ""


def _date(headers: Mapping[str, str]) -> int | None:
    try:
        found = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return micros(found if found.tzinfo else found.replace(tzinfo=UTC))


def _cost(headers: Mapping[str, str]) -> float:
    text = headers.get("x-request-cost", "")
    return float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII) else 0.0


def _throttled(answer: Answer) -> bool:
    """429, or 403 that says so in its body as Canvas did before October 2025."""
    return answer.status == 429 or (answer.status == 403 and _LIMIT in answer.body[:1000].lower())


def _unknown(answer: Answer) -> bool:
    """A 401 that asks for other credentials; one that does not is a missing right."""
    return answer.status == 401 and "www-authenticate" in answer.headers


MANNERS: Final = Manners(throttled=_throttled, unknown=_unknown)
