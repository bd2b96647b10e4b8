"""What every API connector holds to, whatever its server does.

A connector's tests subclass :class:`ConnectorSuite` and say how to build a :class:`Source`: the fake of its kind on a
:class:`~connectors.testing.server.HostileServer`. Under each fault, either every record arrives exactly once, or a
clear error is raised and the watermark does not move; the rate limit holds, and nothing secret is told.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from connectors.contract import Check, Connector, Item, Pull
from connectors.http import Pace
from connectors.testing import server
from connectors.testing.server import Asked, Fault, HostileServer
from connectors.testing.waiting import FakeTime
from hub.errors import HubError, Refused, Retriable


class Source(ABC):
    """The fake of one kind of LMS, holding records over at least three pages."""

    server: HostileServer
    secrets: Sequence[str]
    """What must not be told: passwords, tokens, parts of queries."""

    @abstractmethod
    def connect(self, pace: Pace, *, oauth: bool = False, **config: Any) -> Connector:
        """A connector to the fake; ``config``: fields of the integration's configuration."""

    @abstractmethod
    def expected(self) -> list[str]:
        """The identities of all records that a whole pull gives now."""

    @abstractmethod
    def identity(self, item: Item) -> str:
        """The identity of the record that an item was made of."""

    @abstractmethod
    def is_page(self, asked: Asked) -> bool:
        """Whether a request asks for records."""

    @abstractmethod
    def add(self) -> str:
        """Add a record, as the source does while it is read; return its identity."""

    @abstractmethod
    def remove(self) -> str:
        """Remove the first record, so that those after it move up; return its identity."""

    @abstractmethod
    def repeat_a_page(self) -> None:
        """Have one page come twice."""

    @abstractmethod
    def expire_tokens(self) -> None:
        """Have every token be refused that was granted so far."""

    @abstractmethod
    def set_clock_off(self, seconds: int) -> None:
        """Have all times that the source tells be off by so much."""


class ConnectorSuite(ABC):
    """The tests. Those of a connector that has no tokens say so by ``has_oauth``."""

    has_oauth = True

    @abstractmethod
    def source(self) -> AbstractContextManager[Source]:
        """A fresh fake, serving while it is entered."""

    # -- faults that pass ---------------------------------------------------------------------------------

    def test_everything_arrives_once(self) -> None:
        """A whole pull gives every record once, asks for several pages, and knows how far it has read."""
        with self.source() as source:
            connector = source.connect(FakeTime().pace())
            _same(_identities(source, connector), source.expected())
            _hold(len(source.server.asked) >= 3, "the fake must have several pages")
            _hold(connector.watermark() is not None, "no watermark after a whole pull")

    def test_faults_that_pass(self) -> None:
        """A fault that passes, at the first, a middle and the last request, costs no record and doubles none."""
        faults: list[Fault] = [
            server.failing(429),
            server.failing(429, Retry_After="7"),
            server.failing(429, Retry_After="0.5"),
            *(server.failing(status) for status in (500, 502, 503, 504)),
            server.half_body,
            server.half_json,
            server.error_in_200,
        ]
        for fault in faults:
            for before in (0, 1, 2):
                with self.source() as source:
                    source.server.script(*[None] * before, fault, meant=source.is_page)
                    _same(_identities(source, source.connect(FakeTime().pace())), source.expected())

    def test_slow_answer(self) -> None:
        """A request that is not answered in time is asked again, and counted as a timeout."""
        with self.source() as source:
            source.server.script(None, server.never, meant=source.is_page)
            connector = source.connect(FakeTime().pace(), timeout_seconds=1)
            _same(_identities(source, connector), source.expected())
            _hold(connector.requests.outcomes.get("timeout") == 1, "the timeout was not counted")

    def test_server_says_when_to_come_back(self) -> None:
        """A pause that the server asks for is made; one that is too long ends the run and is handed on."""
        with self.source() as source:
            time = FakeTime()
            source.server.script(server.failing(429, Retry_After="120"), meant=source.is_page)
            _same(_identities(source, source.connect(time.pace())), source.expected())
            _hold(max(time.slept) >= 120, "the pause was not made")
        with self.source() as source:
            source.server.script(None, server.failing(429, Retry_After="86400"), meant=source.is_page)
            error = _failure(source, source.connect(FakeTime().pace()))
            _hold(isinstance(error, Retriable), "a long pause must be a Retriable")
            _hold(getattr(error, "retry_after", None) == 86400, "the length of the pause was lost")

    # -- faults that last ---------------------------------------------------------------------------------

    def test_faults_that_last(self) -> None:
        """A fault that lasts is one clear error of the right family; the watermark stays."""
        retriable: list[Fault] = [server.failing(503), server.failing(429), server.half_body, server.error_in_200]
        refused: list[Fault] = [
            server.failing(401),
            server.failing(403),
            server.web_page,
            server.redirect("http://login.example.org/?next=secret"),
        ]
        for family, faults in ((Retriable, retriable), (Refused, refused)):
            for fault in faults:
                for before in (0, 1):
                    with self.source() as source:
                        source.server.script(*[None] * before, meant=source.is_page)
                        source.server.always(fault)
                        error = _failure(source, source.connect(FakeTime().pace(), max_retry_attempts=1))
                        _hold(isinstance(error, family), f"{error!r} is no {family.__name__}")

    def test_no_server(self) -> None:
        """A server that is not there is a Retriable, and a finding of the connection test."""
        with self.source() as source:
            connectors = [source.connect(FakeTime().pace(), max_retry_attempts=1) for _ in range(2)]
        _hold(isinstance(_failure(source, connectors[0]), Retriable), "no connection must be a Retriable")
        _hold(any(not check.ok for check in _tested(connectors[1])), "the test found nothing wrong")

    def test_connection_test(self) -> None:
        """The test of the connection passes on a good server and names what a refusing one lacks."""
        with self.source() as source:
            _hold(all(check.ok for check in _tested(source.connect(FakeTime().pace()))), "the test failed")
            source.server.always(server.failing(403), meant=source.is_page)
            found = [check for check in _tested(source.connect(FakeTime().pace())) if not check.ok]
            _hold(bool(found) and all(check.text and check.remedy for check in found), "a refusal without a remedy")

    # -- pages --------------------------------------------------------------------------------------------

    def test_repeated_page(self) -> None:
        """A page that comes twice doubles nothing."""
        with self.source() as source:
            source.repeat_a_page()
            _same(_identities(source, source.connect(FakeTime().pace())), source.expected())

    def test_rows_that_move(self) -> None:
        """Records that are added and removed while it is read lose none of those that stay and double none."""
        with self.source() as source:
            before = source.expected()
            moved: list[str] = []

            def change(asked: Asked, right: server.Answerer) -> server.Reply:
                source.add()
                moved.append(source.remove())
                return right(asked)

            source.server.script(None, change, meant=source.is_page)
            found = _identities(source, source.connect(FakeTime().pace()))
            _hold(max(Counter(found).values()) == 1, "a record came twice")
            _hold(not set(before) - set(found) - set(moved), "a record was lost")

    def test_watermark_passes_nothing_unread(self) -> None:
        """What comes while or after a run has read comes with the next run that starts from its watermark."""
        with self.source() as source:
            added: list[str] = []

            def change(asked: Asked, right: server.Answerer) -> server.Reply:
                added.append(source.add())
                return right(asked)

            source.server.script(None, None, change, meant=source.is_page)
            first = source.connect(FakeTime().pace())
            seen = _identities(source, first)
            added.append(source.add())
            second = source.connect(FakeTime().pace())
            seen += _identities(source, second, first.watermark())
            _hold(not set(source.expected()) - set(seen), "a record was passed over")
            _hold(set(added) <= set(seen), "a record that was added while reading was lost")

    def test_clock_that_is_off(self) -> None:
        """Neither a source that lives in the future nor one in the past loses a record between two runs."""
        for off in (-7200, 7200):
            with self.source() as source:
                source.set_clock_off(off)
                first = source.connect(FakeTime().pace())
                seen = _identities(source, first)
                added = source.add()
                again = source.connect(FakeTime().pace())
                _hold(added in _identities(source, again, first.watermark()), "a record was lost by the clock")
                _same([*seen, added], source.expected())

    # -- credentials, limits, secrets ---------------------------------------------------------------------

    def test_token_that_expires_midway(self) -> None:
        """A token that ends while pages are read is renewed once, and nothing is lost or doubled."""
        if not self.has_oauth:
            return
        with self.source() as source:

            def expire(asked: Asked, right: server.Answerer) -> server.Reply:
                source.expire_tokens()
                return right(asked)

            source.server.script(None, expire, meant=source.is_page)
            _same(_identities(source, source.connect(FakeTime().pace(), oauth=True)), source.expected())

    def test_rate_limit(self) -> None:
        """In no hour are there more requests than allowed, over several runs and with faults."""
        limit = 4
        with self.source() as source:
            time = FakeTime()
            times: list[float] = []
            source.server.on_request = lambda: times.append(time.seconds)
            source.server.script(server.failing(500), None, server.failing(429), meant=source.is_page)
            pace = time.pace()
            for _ in range(3):
                _same(_identities(source, source.connect(pace, rate_limit_per_hour=limit)), source.expected())
            _hold(len(times) > 2 * limit, "too few requests to tell")
            busiest = max(sum(start <= other < start + 3600 for other in times) for start in times)
            _hold(busiest <= limit, f"{busiest} requests within an hour, {limit} are allowed")

    def test_nothing_secret_is_told(self) -> None:
        """No log record, at any level, and no error holds a password, a token or a query."""
        faults = (server.failing(401), server.failing(403), server.half_body, server.web_page, server.failing(500))
        for fault in faults:
            for oauth in {False, self.has_oauth}:
                with self.source() as source, _logged() as lines:
                    source.server.script(None, meant=source.is_page)
                    source.server.always(fault)
                    error = _failure(source, source.connect(FakeTime().pace(), oauth=oauth, max_retry_attempts=1))
                    told = "\n".join([str(error), repr(error), repr(error.__cause__), *lines])
                    for secret in source.secrets:
                        _hold(secret not in told, f"{secret!r} was told")

    def test_requests_are_counted(self) -> None:
        """The request log adds up to the requests that the server saw."""
        with self.source() as source:
            source.server.script(server.failing(429), server.half_body, server.failing(500), meant=source.is_page)
            connector = source.connect(FakeTime().pace())
            _identities(source, connector)
            outcomes = connector.requests.outcomes
            _hold(sum(outcomes.values()) == len(source.server.asked), "requests were not all counted")
            _hold((outcomes["throttled"], outcomes["cut"], outcomes["error"]) == (1, 1, 1), f"wrong: {outcomes}")
            _hold(connector.requests.connects >= 1, "no connection was counted")


def _pull(connector: Connector, since: int | None = None) -> Iterator[Item]:
    yield from connector.pull(Pull(since, now=FakeTime().micros))


def _identities(source: Source, connector: Connector, since: int | None = None) -> list[str]:
    try:
        return [source.identity(item) for item in _pull(connector, since)]
    finally:
        connector.close()


def _tested(connector: Connector) -> list[Check]:
    try:
        return connector.test()
    finally:
        connector.close()


def _failure(source: Source, connector: Connector) -> HubError:
    """The error that a pull ends with; what it gave before is not doubled, and its watermark has not moved."""
    found = []
    try:
        for item in _pull(connector):
            found.append(source.identity(item))
    except HubError as error:
        _hold(len(found) == len(set(found)), "a record came twice")
        _hold(connector.watermark() is None, "the watermark moved although reading failed")
        _hold(bool(str(error)), "an error without a text")
        return error
    finally:
        connector.close()
    raise AssertionError("the pull did not fail")


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Everything that is logged, at any level."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    root, keeper = logging.getLogger(), Keeper()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(keeper)
        root.setLevel(level)


def _same(found: Sequence[str], expected: Sequence[str]) -> None:
    twice = [key for key, count in Counter(found).items() if count > 1]
    _hold(not twice, f"came twice: {twice}")
    _hold(set(found) == set(expected), f"lost: {set(expected) - set(found)}, unknown: {set(found) - set(expected)}")


def _hold(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)
