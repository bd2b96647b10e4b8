"""An LRS as a source: all statements stored since the last run, in the order in which they were stored.

``GET statements`` with ``since`` and ``ascending``, then ``more`` to its end. What pages repeat is dropped by id. The
watermark is what the LRS itself said, with the first page, to be readable in full; it never comes from our clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from io import BytesIO
from typing import Any, ClassVar, Final

from connectors.contract import Check, Coverage, Item, Pull, RequestLog, Setting
from connectors.http import Answer, HttpClient, HttpRefused, Pace
from connectors.observe import Observer
from connectors.refine import Rules
from connectors.xapi.formats import parse_timestamp
from connectors.xapi.ledger import NothingStored, StatementIndex
from connectors.xapi.mapping import Source, StatementMapper
from connectors.xapi.read_file import read_statements
from connectors.xapi.settings import SETTINGS, options_of
from connectors.xapi.validate import Version
from hub.domain.integration_config import IntegrationConfig
from hub.domain.units import SECOND, moment
from hub.errors import HubError, Refused, Retriable

OVERLAP: Final = 600 * SECOND
"""How far the watermark steps back where an LRS does not say what is readable in full."""
_CONSISTENT: Final = "X-Experience-API-Consistent-Through"
_RESTARTS: Final = 2
_GONE: Final = frozenset({400, 404, 410})
_VERSIONS: Final[Mapping[str, Version]] = {
    **dict.fromkeys(("", "v1", "1", "1.0", "1.0.0", "1.0.1", "1.0.2", "1.0.3"), "1.0.3"),
    **dict.fromkeys(("v2", "2", "2.0", "2.0.0"), "2.0.0"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to ``GET statements``."""

    body: bytes
    """The StatementResult's JSON."""
    more: str
    """Where the next page is; empty at the end."""
    consistent_through: int | None
    """Microseconds, of the LRS's clock."""


class XapiConnector:
    """Reads an LRS; implements :class:`connectors.contract.Connector`."""

    name: ClassVar[str] = "xAPI"
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS

    def __init__(
        self,
        config: IntegrationConfig,
        observer: Observer,
        *,
        index: StatementIndex | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Raises Refused where the configuration is wrong. ``index``: the statements that are stored already."""
        self.requests = RequestLog()
        self._options = options_of(config)
        self._version = version_of(config)
        self._mapper = StatementMapper(observer, self._options, Rules(config), index or NothingStored(), self._version)
        headers = {"X-Experience-API-Version": self._version}
        self._http = HttpClient(config, self.requests, headers=headers, pace=pace)
        self._watermark: int | None = None

    def close(self) -> None:
        """Let connections go."""
        self._http.close()

    def coverage(self) -> Coverage | None:
        """None: statements are told, never listed; what is missing shows nothing."""
        return None

    def watermark(self) -> int | None:
        """What the LRS had stored up to here has been read; None before the end of a pull, or where none is told."""
        return self._watermark

    # -- reading ------------------------------------------------------------------------------------------

    def pull(self, ask: Pull) -> Iterator[Item]:
        """Yield one item per statement that was stored after the watermark (or ever).

        Raises:
            Retriable: The LRS cannot be read now; nothing of the watermark has moved.
            Refused: The LRS refuses us, answers with something else than statements, or leads to another host.
        """
        self._watermark = None
        since = None if ask.full else ask.since
        for restart in range(_RESTARTS + 1):
            reader = _Reader(self._http, self._query(since))
            try:
                yield from self._mapper.items(reader.sources(), ask.now, skip_repeated=True)
            except _PagesGone:
                # A link to more is valid for a day; what was read stays read, and is recognised when it comes again.
                if restart == _RESTARTS:
                    raise Retriable("The LRS dropped its list while it was read.") from None
                continue
            self._watermark = reader.read_through()
            return

    def _query(self, since: int | None) -> dict[str, str]:
        query = {"format": "exact", "ascending": "true", "limit": str(self._options.page_size)}
        if self._options.attachments:
            query["attachments"] = "true"
        if since is not None:
            query["since"] = moment(since).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return query

    # -- testing ------------------------------------------------------------------------------------------

    def test(self) -> list[Check]:
        """Ask the LRS what it is, and for one statement. Raises nothing: a failure is a finding."""
        return [self._test_about(), self._test_statements()]

    def _test_about(self) -> Check:
        name = "about"
        try:
            told = self._http.read("about", Answer.json)
        except HubError as error:
            return Check(name, False, str(error), remedy="api_endpoint_url must be the address above /statements.")
        versions = told.get("version") if isinstance(told, dict) else None
        known = [str(version) for version in versions] if isinstance(versions, list) else []
        if any(version[:3] == self._version[:3] for version in known):
            return Check(name, True, f"The LRS speaks xAPI {', '.join(known)}.")
        text = f"The LRS speaks {', '.join(known) or 'no version that it tells'}, not {self._version}."
        return Check(name, False, text, remedy="Set api_version to one that the LRS speaks.")

    def _test_statements(self) -> Check:
        name = "statements"
        query = self._query(None) | {"limit": "1"}
        try:
            page = self._http.read("statements", page_of, query)
        except HubError as error:
            return Check(
                name,
                False,
                str(error),
                empty_columns=("all of lms_course_enrollment", "all of lms_learning_progress"),
                remedy="Grant the credentials the right to read all statements (scope statements/read or all/read).",
            )
        if page.consistent_through is None:
            text = "Statements can be read; the LRS does not say up to when, so each run reads 10 minutes again."
            return Check(name, True, text, remedy=f"Have the LRS send {_CONSISTENT}.")
        return Check(name, True, "Statements can be read.")


class _PagesGone(Exception):
    """A link to more is no longer valid."""


class _Reader:
    """The pages of one listing, from its first to its last."""

    def __init__(self, http: HttpClient, query: Mapping[str, str]) -> None:
        self._http = http
        self._query = query
        self._consistent: int | None = None
        self._newest: int | None = None
        self._ended = False

    def sources(self) -> Iterator[Source]:
        """The statements of all pages. Raises _PagesGone where the listing cannot be followed to its end."""
        page = self._http.read("statements", page_of, self._query)
        self._consistent = page.consistent_through
        followed = set()
        number = 1
        while True:
            yield from self._statements(page, number)
            if not page.more:
                break
            if page.more in followed:
                raise Retriable("The LRS leads in a circle: a link to more was given twice.")
            followed.add(page.more)
            page = self._next(page.more)
            number += 1
        self._ended = True

    def read_through(self) -> int | None:
        """Up to when everything was read, by the LRS's clock; None where it cannot be told."""
        if not self._ended:
            return None
        if self._consistent is not None:
            return self._consistent
        return None if self._newest is None else self._newest - OVERLAP

    def _next(self, more: str) -> Page:
        try:
            return self._http.read(more, page_of)
        except HttpRefused as error:
            if error.status in _GONE:
                raise _PagesGone from None
            raise

    def _statements(self, page: Page, number: int) -> Iterator[Source]:
        for found in read_statements(BytesIO(page.body)):
            if isinstance(found.statement, dict):
                stored = found.statement.get("stored")
                time = parse_timestamp(stored) if isinstance(stored, str) else None
                if time is not None and (self._newest is None or time > self._newest):
                    self._newest = time
            yield Source(f"page {number}, {found.position}", found.statement, found.raw)


def version_of(config: IntegrationConfig) -> Version:
    """The version of xAPI to ask for, by ``api_version``; 1.0.3 where that says nothing. Raises Refused for others."""
    version = _VERSIONS.get((config.api_version or "").strip().lower())
    if version is None:
        raise Refused(
            "api_version must be a version of xAPI that can be read.",
            field="api_version",
            rule="supported version",
            expected="1.0.3 or 2.0.0",
        )
    return version


def page_of(answer: Answer) -> Page:
    """An answer to ``GET statements`` as a page.

    Raises:
        Retriable: It is no list of statements, as when an error comes with HTTP 200, or it breaks off.
        HttpRefused: It is a web page.
    """
    kind = Message()
    kind["content-type"] = answer.headers.get("content-type", "")
    if kind.get_content_type() == "multipart/mixed":
        answer = _first_part(answer, str(kind.get_param("boundary", "")))
    told = answer.json()
    if not isinstance(told, dict) or not isinstance(told.get("statements"), list):
        raise Retriable(f"{answer.address} answered with HTTP {answer.status} and no list of statements.")
    more = told.get("more") or ""
    if not isinstance(more, str):
        raise Retriable(f"{answer.address} answered with a link to more that is no text.")
    through = parse_timestamp(answer.headers.get(_CONSISTENT.lower(), ""))
    return Page(_only_statements(answer.body, told), more, through)


def _only_statements(body: bytes, told: Mapping[str, Any]) -> bytes:
    """The body as it came where its members are those of a StatementResult; else its statements alone."""
    if all(isinstance(value, str | int | float | None) for key, value in told.items() if key != "statements"):
        return body
    return json.dumps(told["statements"]).encode()


def _first_part(answer: Answer, boundary: str) -> Answer:
    """The JSON of a multipart answer: its first part. The bytes of attachments are not needed."""
    delimiter = b"--" + boundary.encode()
    parts = answer.body.split(delimiter, 2)
    head, blank, body = parts[1].partition(b"\r\n\r\n") if boundary and len(parts) == 3 else (b"", b"", b"")
    if not blank or b"json" not in head.lower():
        raise Retriable(f"{answer.address} answered with parts of which the first is no whole JSON.")
    return Answer(answer.address, answer.status, answer.headers, body.removesuffix(b"\r\n"))
