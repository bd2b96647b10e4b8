"""One HTTP client for all API connectors: patient, polite and tight-lipped.

Promised: never more requests than ``rate_limit_per_hour``; no request longer than ``timeout_seconds``; safe requests
are tried again (429, 5xx, no connection, timeout, half a body) with growing pauses, or the pause that the server asks
for; no redirect to another host; no answer larger than it may be; JSON where JSON is expected; and neither a query nor
a credential in any message. Waiting goes through :class:`Pace`, so tests need not wait.
"""

from __future__ import annotations

import json
import logging
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlencode

import httpcore
import httpx
import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from connectors.contract import RequestLog
from connectors.http_address import bare, endpoint, joined, origin
from connectors.http_auth import Auth, auth_of
from connectors.http_limit import BucketStore, MemoryBucket, RateLimit
from connectors.http_wire import Place, Wire, headers_of, place_of, unpacked
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Refused, Retriable

T = TypeVar("T")

MOST_BYTES: Final = 64 * 1024 * 1024
MOST_REDIRECTS: Final = 5
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_OF_FORMS: Final = frozenset({307, 308})
_AWAY: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, httpcore.UnsupportedProtocol)
_PAUSES = wait_exponential_jitter(initial=1, max=60, jitter=1)


# At level DEBUG all headers of an answer are written: cookies, and links to next pages with their queries.
logging.getLogger("httpcore").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Pace:
    """The time that a client lives in, and its patience. Seconds."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """Wall clock; read only where an answer asks to wait until a date and tells no time of its own."""
    bucket: BucketStore = field(default_factory=MemoryBucket)
    longest_wait: float = 900.0
    """Where a server, or the rate limit, asks for a longer pause, the run ends and is tried again later."""


class HttpRefused(Refused):
    """The server answered, and its answer was no."""

    def __init__(self, message: str, status: int, *, rule: str, expected: str) -> None:
        super().__init__(message, field="api_endpoint_url", rule=rule, expected=expected)
        self.status = status


class CredentialsRefused(HttpRefused):
    """The server does not know who asks: nothing else that is asked of it can succeed."""

    by_credentials = True


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of a server. ``address`` is without query; names of headers are in lower case."""

    address: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises HttpRefused for HTML, Retriable for text that breaks off."""
        if not self.headers.get("content-type", "").startswith("text/html"):
            try:
                return orjson.loads(self.body)
            except orjson.JSONDecodeError:
                if not self._is_page():
                    return self._json_otherwise()
        raise HttpRefused(
            f"{self.address} answered with a web page where data was expected: a wrong address, a login page or a "
            "proxy stands in between.",
            self.status,
            rule="JSON answer",
            expected="JSON",
        )

    def _is_page(self) -> bool:
        return self.body.lstrip()[:1] == b"<"

    def _json_otherwise(self) -> Any:
        """JSON in another encoding than UTF-8, with halves of characters or with NaN."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Retriable(f"{self.address} answered with text that is no whole JSON.") from None


@dataclass(frozen=True, slots=True)
class Manners:
    """How a server says what HTTP has a status for, where it says it otherwise."""

    throttled: Callable[[Answer], bool] = lambda answer: answer.status == 429
    """Whether it asks to slow down."""
    unknown: Callable[[Answer], bool] = lambda answer: answer.status == 401
    """Whether it does not accept the credentials, so that fresh ones may help; else a refusal is a missing right."""


class _Again(Exception):
    """The request may be tried again."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class HttpClient:
    """Requests of one integration in one run; not for several threads at once."""

    def __init__(
        self,
        config: IntegrationConfig,
        requests: RequestLog,
        *,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
        pace: Pace | None = None,
        most_bytes: int = MOST_BYTES,
        manners: Manners | None = None,
    ) -> None:
        """Raises Refused where address or credentials are missing or of no use."""
        self._pace = pace or Pace()
        self._base = endpoint(config)
        self._auth = auth or auth_of(config, self._pace.clock)
        self._log = requests
        self._limit = RateLimit(config.rate_limit_per_hour, self._pace.bucket, self._pace.clock)
        self._timeout = float(config.timeout_seconds)
        self._most_bytes = most_bytes
        self._manners = manners or Manners()
        self._headers = dict(headers or {}) | {"Accept": "application/json, multipart/mixed"}
        self._wire = Wire(self._timeout, self._pace.clock, requests)
        self._again = Retrying(
            sleep=self._pace.sleep,
            stop=stop_after_attempt(1 + max(0, config.max_retry_attempts)),
            wait=_pause,
            retry=retry_if_exception_type(_Again),
            reraise=True,
        )

    def close(self) -> None:
        """Let connections go."""
        self._wire.close()

    def read(
        self,
        target: str,
        understand: Callable[[Answer], T],
        params: Mapping[str, str] | None = None,
        *,
        form: Mapping[str, str] | None = None,
    ) -> T:
        """GET a path below the endpoint, or an address on its host, and return what ``understand`` makes of the answer.

        ``form``: POST it instead, to a server that is read so; the request must be safe to repeat.

        An answer in which it finds a passing fault (it raises Retriable) is asked for again, as one that broke off.

        Raises:
            Retriable: Every try failed, or the server asks for a longer pause than is bearable; with its
                ``retry_after``.
            HttpRefused: The server says no (4xx, a redirect elsewhere), or the answer is too large.
            Refused: The target lies on another host.
        """
        url = self.address(target)
        if params:
            url = str(httpx.URL(url).copy_merge_params(dict(params)))

        def once() -> T:
            answer = self._authorised(url, form)
            try:
                return understand(answer)
            except Retriable as error:
                raise _Again(str(error), error.retry_after) from None

        return self._patiently(once)

    def address(self, target: str) -> str:
        """The whole address: a name is below the endpoint, a path with ``/`` below the host. Refuses other hosts."""
        base = self._base if not target.startswith(("/", "?")) else origin(self._base)
        url = joined(base, target)
        if url is None:
            raise Refused(
                f"{bare(self._base)} points to another host, or to no address, which is not followed.",
                field="api_endpoint_url",
                rule="same host",
                expected="addresses on the host of the endpoint",
            )
        return url

    def _patiently(self, once: Callable[[], T]) -> T:
        try:
            return self._again(once)
        except _Again as error:
            raise Retriable(str(error), retry_after=error.retry_after) from None

    def _authorised(self, url: str, form: Mapping[str, str] | None) -> Answer:
        """One try: a token that the server no longer takes is renewed once."""
        for last in (False, True):
            shown = self._auth.headers(self._ask_token)
            answer = self._followed(url, shown, form)
            if not self._manners.unknown(answer):
                break
            if last or not self._auth.renew():
                raise _no(
                    answer,
                    "does not accept the credentials",
                    "credentials that the server accepts",
                    CredentialsRefused,
                )
        if answer.status >= 400:
            raise _no(answer, f"refused the request (HTTP {answer.status})", "an answer with the data")
        return answer

    def _followed(self, url: str, shown: Mapping[str, str], form: Mapping[str, str] | None) -> Answer:
        """The answer at the end of redirects on the same host; only 307 and 308 take a form along."""
        for _ in range(MOST_REDIRECTS):
            answer = self._send("GET" if form is None else "POST", url, shown, form)
            place = answer.headers.get("location")
            if answer.status not in _REDIRECTS or place is None:
                return answer
            elsewhere = joined(url, place)
            if elsewhere is None:
                raise _no(answer, "redirects to another host: a login page?", "no redirect")
            url = elsewhere
            form = form if answer.status in _REDIRECTS_OF_FORMS else None
        raise _no(answer, "redirects in a circle", "an answer")

    def _ask_token(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Mapping[str, Any]:
        answer = self._send("POST", url, headers, form)
        if answer.status >= 300:
            what = f"granted no token (HTTP {answer.status})"
            raise _no(answer, what, "a client id and secret that it accepts", CredentialsRefused)
        told = answer.json()
        return told if isinstance(told, dict) else {}

    def _send(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None) -> Answer:
        """One request on the wire, counted in the request log. Raises _Again for what may pass."""
        self._wait_for_leave()
        began = self._pace.clock()
        place = place_of(url)
        sent = None if form is None else urlencode(form).encode()
        try:
            answer = self._read(self._wire.send(method, place, self._headers | dict(headers), sent), place, began)
        except httpcore.TimeoutException:
            self._log.add("timeout", None)
            raise _Again(f"{place.told} did not answer within {self._timeout:g} seconds.") from None
        except httpcore.RemoteProtocolError:
            self._log.add("cut", None)
            raise _Again(f"{place.told} broke off in the middle of its answer.") from None
        except (*_AWAY, zlib.error) as error:
            self._log.add("error", None)
            raise _Again(f"{place.told} cannot be reached ({type(error).__name__}).") from None
        took = (self._pace.clock() - began) * 1000
        throttled = self._manners.throttled(answer)
        if throttled or answer.status in _AGAIN:
            self._log.add("throttled" if throttled else "error", took)
            self._postpone(answer, "asks to slow down" if throttled else "has a fault or is overloaded")
        self._log.add("ok" if answer.status < 400 else "error", took)
        return answer

    def _read(self, response: httpcore.Response, place: Place, began: float) -> Answer:
        headers = headers_of(response.headers)
        pieces, size = [], 0
        try:
            for piece in unpacked(response.iter_stream(), headers.get("content-encoding", ""), self._most_bytes):
                pieces.append(piece)
                size += len(piece)
                if size > self._most_bytes:
                    self._log.add("error", None)
                    raise HttpRefused(
                        f"{place.told} answers with more than {self._most_bytes} bytes: ask for smaller pages.",
                        response.status,
                        rule="size of an answer",
                        expected=f"at most {self._most_bytes} bytes",
                    )
                # A server that sends a byte now and then never runs into the limit for one read.
                if self._pace.clock() - began > self._timeout:
                    raise httpcore.ReadTimeout("the whole answer")
        finally:
            response.close()
        return Answer(place.told, response.status, headers, b"".join(pieces))

    def _postpone(self, answer: Answer, what: str) -> NoReturn:
        """Have the request repeated, after the pause that the server asks for if it is bearable."""
        wait = retry_after(answer.headers, self._pace.now)
        message = f"{answer.address} {what} (HTTP {answer.status})."
        if wait is not None and wait > self._pace.longest_wait:
            raise Retriable(message, retry_after=wait)
        raise _Again(message, wait)

    def _wait_for_leave(self) -> None:
        while wait := self._limit.take():
            if wait > self._pace.longest_wait:
                raise Retriable("rate_limit_per_hour is used up.", retry_after=wait)
            self._pace.sleep(wait)


def _no(answer: Answer, what: str, expected: str, kind: type[HttpRefused] = HttpRefused) -> HttpRefused:
    return kind(f"{answer.address} {what}.", answer.status, rule="accepted by the server", expected=expected)


def retry_after(headers: Mapping[str, str], now: Callable[[], datetime]) -> float | None:
    """The seconds that an answer asks to wait; None where it asks for none, or in no known form.

    A date is measured against the answer's own Date, so that a server whose clock is off is understood.
    """
    text = headers.get("retry-after", "").strip()
    if text.replace(".", "", 1).isdecimal() and text.isascii():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    try:
        base = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        base = now()
    return max(0.0, (_aware(until) - _aware(base)).total_seconds())


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, _Again) else None
    # What the server asks for, and a little more, so that not all clients come back at once.
    return _PAUSES(state) if asked is None else asked + _PAUSES(state) / 60
