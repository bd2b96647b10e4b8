"""A small LRS: serves a list of statements as the standard says, for tests and for the demo.

Reading only (1.0.3 and 2.0): ``since`` (after it), ``until`` (up to it), ``limit``, ``ascending``, ``more``,
``attachments``, voiding, X-Experience-API-Consistent-Through. It asks for Basic credentials, or for a token that it
grants for OAuth 2.0 client credentials.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self
from uuid import NAMESPACE_URL, uuid5

from connectors.testing.server import Asked, HostileServer, Reply, json_reply

Statement = dict[str, Any]

VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
_PARAMETERS: Final = frozenset({"since", "until", "limit", "ascending", "attachments", "format", "more"})
_AUTHORITY: Final = {"objectType": "Agent", "account": {"homePage": "https://lrs.example.org/", "name": "source"}}


@dataclass(slots=True)
class FakeLrs:
    """A context manager; between entering and leaving it serves at :attr:`url`."""

    statements: Iterable[Statement]
    username: str = "reader"
    password: str = "kept-secret"  # noqa: S105  of a fake
    page_limit: int = 100
    """The most statements that it puts on a page."""
    versions: tuple[str, ...] = ("1.0.3", "2.0.0")
    first_stored: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    """When the first statement was stored; each one after it a second later."""
    consistent: bool = True
    """Whether it says what is readable in full."""
    held_back: timedelta = timedelta(0)
    """How far that lies behind what it has stored."""
    repeats: int = 0
    """So many times, a link to more leads to the page before it."""
    server: HostileServer = field(init=False)
    _stored: list[tuple[datetime, Statement]] = field(default_factory=list, init=False)
    _tokens: set[str] = field(default_factory=set, init=False)
    _granted: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.server = HostileServer(self.answer)
        for statement in self.statements:
            self.store(statement)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """The endpoint: what stands above ``/statements``."""
        return self.server.origin + "/lrs/xapi/"

    @property
    def token_url(self) -> str:
        """Where tokens are granted."""
        return self.server.origin + "/token"

    def store(self, statement: Statement, stored: datetime | None = None) -> str:
        """Store a statement, by default a second after the newest one; return its id."""
        newest = max((time for time, _ in self._stored), default=self.first_stored - timedelta(seconds=1))
        time = stored or newest + timedelta(seconds=1)
        made = str(uuid5(NAMESPACE_URL, json.dumps(statement, sort_keys=True) + str(len(self._stored))))
        whole = {"id": made, "timestamp": _text(time), "version": "1.0.0", **statement}
        whole |= {"stored": _text(time), "authority": _AUTHORITY}
        self._stored.append((time, whole))
        self._stored.sort(key=lambda pair: pair[0])
        return str(whole["id"])

    def expire_tokens(self) -> None:
        """No token that was granted so far is good any more."""
        self._tokens.clear()

    def ids(self) -> list[str]:
        """The ids of all statements that a reader gets now, oldest first."""
        return [str(statement["id"]) for _, statement in self._visible()]

    def shift(self, by: timedelta) -> None:
        """Have its clock be off: all times at which statements were stored move."""
        self._stored = [(time + by, statement | {"stored": _text(time + by)}) for time, statement in self._stored]

    # -- answering ----------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Reply:
        """The right answer to a request."""
        if asked.path == "/token":
            return self._grant(asked)
        if asked.path == "/lrs/xapi/about":
            return json_reply({"version": list(self.versions)})
        if asked.path != "/lrs/xapi/statements":
            return json_reply({"error": "not found"}, 404)
        headers = self._headers(asked)
        if not self._allowed(asked):
            return json_reply({"error": "unauthorized"}, 401, headers)
        if asked.headers.get("x-experience-api-version") not in self.versions or set(asked.query) - _PARAMETERS:
            return json_reply({"error": "bad request"}, 400, headers)
        return self._page(asked.query, headers)

    def _grant(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != self._basic():
            return json_reply({"error": "invalid_client"}, 401)
        self._granted += 1
        token = f"secret-token-{self._granted}"
        self._tokens.add(token)
        return json_reply({"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def _allowed(self, asked: Asked) -> bool:
        shown = asked.headers.get("authorization", "")
        return shown == self._basic() or shown.removeprefix("Bearer ") in self._tokens

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def _headers(self, asked: Asked) -> dict[str, str]:
        found = {"X-Experience-API-Version": asked.headers.get("x-experience-api-version", self.versions[0])}
        if self.consistent:
            newest = max((time for time, _ in self._stored), default=self.first_stored)
            found["X-Experience-API-Consistent-Through"] = _text(newest - self.held_back)
        return found

    def _page(self, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        if "more" in query:
            query = json.loads(base64.urlsafe_b64decode(query["more"]))
        ascending = query.get("ascending") == "true"
        rows = [row for row in self._visible() if _within(row[0], query)]
        if not ascending:
            rows.reverse()
        most = min(int(query.get("limit", "0")) or self.page_limit, self.page_limit)
        page, rest = rows[:most], rows[most:]
        more = ""
        if rest:
            edge = _text(page[-1][0])
            following = dict(query) | {"since" if ascending else "before": edge}
            if self.repeats:
                self.repeats -= 1
                following = dict(query) | {"again": str(self.repeats)}
            token = base64.urlsafe_b64encode(json.dumps(following).encode()).decode()
            more = f"/lrs/xapi/statements?more={token}"
        result = {"statements": [statement for _, statement in page], "more": more}
        return _multipart(result, headers) if query.get("attachments") == "true" else json_reply(result, 200, headers)

    def _visible(self) -> list[tuple[datetime, Statement]]:
        """All but those that are void; a voiding statement itself cannot be."""
        voiding = [statement for _, statement in self._stored if statement["verb"]["id"] == VOIDED]
        gone = {statement["object"]["id"] for statement in voiding}
        return [row for row in self._stored if row[1]["id"] not in gone or row[1] in voiding]


def _within(stored: datetime, query: Mapping[str, str]) -> bool:
    if "since" in query and stored <= datetime.fromisoformat(query["since"]):
        return False
    if "before" in query and stored >= datetime.fromisoformat(query["before"]):
        return False
    return "until" not in query or stored <= datetime.fromisoformat(query["until"])


def _multipart(result: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
    boundary = "a-part-of-the-answer"
    parts = [
        ("Content-Type: application/json", json.dumps(result).encode()),
        ("Content-Type: text/plain\r\nX-Experience-API-Hash: 00", b"bytes of an attachment"),
    ]
    body = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + part + b"\r\n" for head, part in parts)
    kind = {"Content-Type": f'multipart/mixed; boundary="{boundary}"'}
    return Reply(200, body + f"--{boundary}--\r\n".encode(), {**headers, **kind})


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
