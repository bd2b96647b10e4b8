"""The HTTP client of all API connectors, against a server on loopback; time passes without waiting."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import RequestLog
from connectors.http import Answer, HttpClient, HttpRefused, Pace, retry_after
from connectors.http_address import bare
from connectors.http_auth import ClientCredentials, auth_of
from connectors.http_limit import Level, MemoryBucket, RateLimit
from connectors.testing import server
from connectors.testing.server import HostileServer, Reply, json_reply
from connectors.testing.waiting import FakeTime
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Refused, Retriable

CONFIG = IntegrationConfig("i", "c", "lms", "LMS", "Moodle", "API", max_retry_attempts=2, rate_limit_per_hour=10_000)


def right(asked):
    """Echoes what was asked."""
    return json_reply({"path": asked.path, "query": dict(asked.query), "shown": asked.headers.get("authorization")})


@contextmanager
def serving(answer=right, *, most_bytes=1 << 20, time=None, **config):
    """A server, and a client of it."""
    time = time or FakeTime()
    log = RequestLog()
    with HostileServer(answer) as running:
        chosen = replace(CONFIG, api_endpoint_url=running.origin + "/api/", **config)
        client = HttpClient(chosen, log, pace=time.pace(), most_bytes=most_bytes)
        try:
            yield running, client, time, log
        finally:
            client.close()


# -- asking -----------------------------------------------------------------------------------------------


def test_paths_and_queries():
    """A name is below the endpoint, a path below its host; parameters are added to a query that is there."""
    with serving() as (_, client, _, _):
        assert client.read("users", Answer.json, {"page": "1&2"}) == {
            "path": "/api/users",
            "query": {"page": "1&2"},
            "shown": None,
        }
        assert client.read("/other?more=x", Answer.json, {"n": "2"})["query"] == {"more": "x", "n": "2"}


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "lms.example.org",
        "ftp://x/",
        "https://me:secret@x/",
        "https://x/?token=1",
        "http://[",
        "http://x:port/",
    ],
)
def test_endpoint_that_is_none(url):
    """An endpoint must be a plain http address; what is secret belongs into the credentials."""
    with pytest.raises(Refused, match="api_endpoint_url") as raised:
        HttpClient(replace(CONFIG, api_endpoint_url=url), RequestLog())
    assert "secret" not in str(raised.value)


def test_other_hosts_are_refused():
    """Neither another host nor another port nor plain http is taken for the endpoint; the step to https is."""
    client = HttpClient(replace(CONFIG, api_endpoint_url="https://lms.example.org/api"), RequestLog())
    for target in (
        "https://evil.example.org/",
        "//evil.example.org/x",
        "https://lms.example.org:8443/",
        "http://lms.example.org/",
        "https://[",
        "https://lms.example.org:port/",
    ):
        with pytest.raises(Refused, match="another host"):
            client.address(target)
    assert client.address("https://lms.example.org/x") == "https://lms.example.org/x"
    client.close()
    plain = HttpClient(replace(CONFIG, api_endpoint_url="http://lms.example.org/api"), RequestLog())
    assert plain.address("https://lms.example.org/x")
    plain.close()


def test_redirects():
    """Redirects on the host are followed, in a circle not for ever, elsewhere never."""
    with serving() as (running, client, _, log):
        running.script(server.redirect("/api/there"))
        assert client.read("here", Answer.json)["path"] == "/api/there"
        assert log.outcomes == {"ok": 2}
        running.always(server.redirect("/api/here"))
        with pytest.raises(HttpRefused, match="circle"):
            client.read("here", Answer.json)
        running.always(server.redirect("https://login.example.org/?state=secret"))
        with pytest.raises(HttpRefused, match="another host") as raised:
            client.read("here", Answer.json)
        assert "secret" not in str(raised.value)


# -- patience ---------------------------------------------------------------------------------------------


def test_pauses_grow_and_end():
    """As many tries as configured, with pauses that grow; then Retriable."""
    with serving(max_retry_attempts=4) as (running, client, time, log):
        running.always(server.failing(503))
        with pytest.raises(Retriable, match="HTTP 503"):
            client.read("x", Answer.json)
        assert len(running.asked) == 5
        assert log.outcomes == {"error": 5}
        assert [1 <= time.slept[0] <= 2, 2 <= time.slept[1] <= 3, 4 <= time.slept[2] <= 5, 8 <= time.slept[3] <= 9] == [
            True
        ] * 4


def test_what_is_final_is_asked_once():
    """A refusal is not repeated, and says which it was."""
    with serving() as (running, client, time, _):
        for status in (400, 403, 404, 410):
            running.always(server.failing(status))
            with pytest.raises(HttpRefused, match=str(status)) as raised:
                client.read("x", Answer.json)
            assert raised.value.status == status
        assert (len(running.asked), time.slept) == (4, [])


def test_passing_fault_found_by_the_caller():
    """What the caller cannot understand is asked for again; its message is the error's in the end."""

    def understand(answer):
        raise Retriable("no list in it")

    with serving() as (running, client, _, _):
        with pytest.raises(Retriable, match="no list in it"):
            client.read("x", understand)
        assert len(running.asked) == 3


def test_slow_drops():
    """An answer that comes in drops ends with the time for the whole request, though each drop was in time."""
    time = FakeTime()
    with serving(lambda asked: Reply(200, b"x" * 300_000), time=time, max_retry_attempts=0) as (_, client, _, log):
        ticking = Pace(clock=lambda: _tick(time, 20), sleep=time.sleep, now=time.now)
        client._pace = ticking
        with pytest.raises(Retriable, match="within 30 seconds"):
            client.read("x", lambda answer: answer)
        assert log.outcomes == {"timeout": 1}


def _tick(time, seconds):
    time.seconds += seconds
    return time.seconds


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "Mon, 02 Mar 2026 08:01:00 GMT"}, 60.0),
        ({"retry-after": "Mon, 02 Mar 2026 08:01:00 GMT", "date": "Mon, 02 Mar 2026 08:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Mar 2026 07:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, expected):
    """Seconds or a date, which is measured by the server's own clock where it tells it."""
    assert retry_after(headers, lambda: datetime(2026, 3, 2, 8, 0, tzinfo=UTC)) == expected


# -- answers ----------------------------------------------------------------------------------------------


def test_answer_that_is_too_large():
    """More than the limit is not read on; the message names the limit."""
    with serving(lambda asked: Reply(200, b" " * 2000), most_bytes=1000) as (_, client, _, log):
        with pytest.raises(HttpRefused, match="more than 1000 bytes"):
            client.read("x", Answer.json)
        assert log.outcomes == {"error": 1}


def test_web_page_is_said_to_be_one():
    """HTML where JSON is expected is named as such, by its type or by its first sign."""
    with serving() as (running, client, _, _):
        for fault in (
            server.web_page,
            lambda asked, right: Reply(200, b"\n<html>", {"Content-Type": "application/json"}),
        ):
            running.always(fault)
            with pytest.raises(HttpRefused, match="web page"):
                client.read("x", Answer.json)


def test_messages_hold_no_query():
    """Addresses in messages are without query, fragment and user."""
    assert bare("https://me:pw@lms.example.org:8443/a/b?wstoken=secret#x") == "https://lms.example.org:8443/a/b"


# -- credentials ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "credentials", "expected"),
    [
        (None, {}, {}),
        ("Basic Auth", {"username": "ü", "password": "p:q"}, {"Authorization": "Basic w7w6cDpx"}),
        ("API Key", {"api_key": "k"}, {"X-API-Key": "k"}),
        ("API Key", {"api_key": "k", "api_key_header": "X-Key"}, {"X-Key": "k"}),
        ("JWT", {"token": "t"}, {"Authorization": "Bearer t"}),
    ],
)
def test_headers(kind, credentials, expected):
    """Each authentication type shows its credential in its header."""
    config = replace(CONFIG, authentication_type=kind, credentials=credentials)
    assert auth_of(config, FakeTime().clock).headers(lambda *_: {}) == expected


@pytest.mark.parametrize(
    ("kind", "missing"), [("Basic Auth", "username"), ("OAuth 2.0", "token_url"), ("SAML", "SAML")]
)
def test_missing_credentials(kind, missing):
    """What is missing is named before anything is asked."""
    with pytest.raises(Refused, match=missing):
        auth_of(replace(CONFIG, authentication_type=kind), FakeTime().clock)


def test_token_is_renewed_before_its_end():
    """A token is fetched once, and again shortly before it ends; an untold end is an hour."""
    time, asked = FakeTime(), []

    def ask(url, form, headers):
        asked.append((url, dict(form), dict(headers)))
        return {"access_token": f"t{len(asked)}", "expires_in": "600"} if len(asked) < 3 else {"access_token": "last"}

    auth = ClientCredentials("https://x/token", "me", "pw", "read", time.clock)
    for seconds, token in ((0, "t1"), (539, "t1"), (2, "t2"), (541, "last"), (3500, "last")):
        time.seconds += seconds
        assert auth.headers(ask) == {"Authorization": f"Bearer {token}"}
    assert asked[0] == (
        "https://x/token",
        {"grant_type": "client_credentials", "scope": "read"},
        {"Authorization": "Basic bWU6cHc="},
    )


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": 7}, {"error": "invalid_scope"}])
def test_no_token_is_granted(answer):
    """An answer without a token is a refusal that says where to look."""
    with pytest.raises(Refused, match="access_token"):
        ClientCredentials("https://x/token", "me", "pw", None, FakeTime().clock).headers(lambda *_: answer)


# -- rate limit -------------------------------------------------------------------------------------------


@given(
    per_hour=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 4000, allow_nan=False), max_size=120),
)
def test_rate_limit_holds_in_any_hour(per_hour, pauses):
    """However requests are spread, no hour (its end not included) has more than allowed."""
    time = FakeTime()
    limit = RateLimit(per_hour, MemoryBucket(), time.clock)
    taken = []
    for pause in pauses:
        time.seconds += pause
        if not limit.take():
            taken.append(time.seconds)
    # A millisecond of the hour is left to rounding.
    assert all(sum(start <= other < start + 3599.999 for other in taken) <= per_hour for start in taken)


def test_rate_limit_is_used_up_evenly():
    """Who waits as told gets his share: an hour's allowance in about an hour."""
    time = FakeTime()
    limit = RateLimit(100, MemoryBucket(), time.clock)
    for _ in range(100):
        while wait := limit.take():
            time.sleep(wait)
    assert 3000 <= time.seconds <= 3600


def test_level_is_shared_by_its_store():
    """Two clients of one store share the allowance; a clock that steps back gives nothing."""
    time, store = FakeTime(), MemoryBucket(Level(1.0, 50.0))
    first, second = (RateLimit(10, store, time.clock) for _ in range(2))
    assert first.take() == 0.0
    assert second.take() > 0


def test_long_wait_for_the_rate_limit_ends_the_run():
    """A wait that is too long is handed on instead of waited for."""
    with serving(rate_limit_per_hour=1) as (running, client, time, _):
        client.read("x", Answer.json)
        with pytest.raises(Retriable, match="rate_limit_per_hour") as raised:
            client.read("x", Answer.json)
        assert raised.value.retry_after == pytest.approx(3600)
        assert (len(running.asked), time.slept) == (1, [])
