"""Canvas's manners: pages, throttling, refusals and tokens; time passes without waiting."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace

import httpx
import pytest

from connectors.canvas.client import CanvasClient, NoRight, page_of
from connectors.canvas.settings import credentials_of, options_of
from connectors.contract import RequestLog
from connectors.http import Answer, CredentialsRefused, HttpRefused
from connectors.testing import server
from connectors.testing.server import HostileServer, Reply, json_reply
from connectors.testing.waiting import FakeTime
from hub.errors import Refused, Retriable
from tests.support.canvas import CONFIG


@contextmanager
def client_of(answer, **config):
    """A client of a server that answers so, with its time and its log."""
    time, log = FakeTime(), RequestLog()
    with HostileServer(answer) as running:
        chosen = replace(CONFIG, api_endpoint_url=running.origin + "/api/v1", **config)
        client = CanvasClient.open(chosen, log, time.pace(), 2)
        with closing(client.http):
            yield running, client, time, log


def answer(body, **headers):
    """An answer with these headers."""
    return Answer("https://x/api/v1/courses", 200, httpx.Headers(headers), body)


# -- throttling -------------------------------------------------------------------------------------------


def test_trap_01_throttled_by_403():
    """Trap 1: 403 whose body says Rate Limit Exceeded is throttling: counted so, and asked again."""
    limit = Reply(403, b"403 Forbidden (Rate Limit Exceeded)\n", {"X-Rate-Limit-Remaining": "2.7"})
    with client_of(lambda _: json_reply([1])) as (running, client, time, log):
        running.script(lambda asked, right: limit)
        assert list(client.rows("courses")) == [1]
    assert log.outcomes == {"throttled": 1, "ok": 1}
    assert time.slept


def test_trap_02_throttled_without_retry_after():
    """Trap 2: 429 without Retry-After is waited for by pauses of our own, which grow."""
    with client_of(lambda _: json_reply([1])) as (running, client, time, log):
        running.script(server.failing(429), server.failing(429), server.failing(429))
        assert list(client.rows("courses")) == [1]
    assert log.outcomes["throttled"] == 3
    assert time.slept == sorted(time.slept)
    assert time.slept[0] >= 1


def test_throttling_that_lasts_is_passing():
    """A Canvas that goes on throttling by 403 is away for now; it does not refuse."""
    limit = Reply(403, b"403 Forbidden (Rate Limit Exceeded)\n")
    with client_of(lambda _: limit, max_retry_attempts=1) as (_, client, _, _), pytest.raises(Retriable):
        list(client.rows("courses"))


# -- pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["link", "Link", "LINK"])
def test_trap_03_link_is_followed_byte_for_byte(name):
    """Trap 3: the next page is the very address of the link, whatever the header's case, without a last one."""
    asked = []
    opaque = "/api/v1/courses?page=bookmark:WyJz%5B%7e+%2Fä|]&state[]=a%20b&per_page=2".replace("ä", "%C3%A4")

    def pages(request):
        asked.append(request)
        if len(asked) > 1:
            return json_reply([3])
        link = f'<{running.origin}/api/v1/courses>; rel="first",<{running.origin}{opaque}>; rel="next"'
        return json_reply([1, 2], headers={name: link})

    with client_of(pages) as (running, client, _, _):
        assert list(client.rows("courses")) == [1, 2, 3]
    assert asked[1].target == opaque


@pytest.mark.parametrize(
    ("header", "following"),
    [
        ("", ""),
        ('<https://x/a>; rel="current"', ""),
        ('<https://x/a,b;c>; rel="next",<https://x/b>; rel="last"', "https://x/a,b;c"),
        ('<https://x/a>; rel="first", <https://x/b>; title="rel=next"; rel=next', "https://x/b"),
        ("<https://x/a>; rel=prev,<https://x/n>;REL=NEXT", "https://x/n"),
        ('<https://x/a>; rel="prev next"', "https://x/a"),
        ('<https://x/a>; rel="nextish"', ""),
        ("nonsense", ""),
    ],
)
def test_link_headers(header, following):
    """Only what is marked as next is followed, in any order and writing of the header."""
    assert page_of(answer(b"[]", Link=header)).following == following


def test_pages_in_the_body():
    """Where Canvas pages in the body, the next page is what meta.pagination says."""
    body = b'{"rows": [1, 2], "meta": {"pagination": {"next": "https://x/api/v1/more"}}}'
    page = page_of(answer(body))
    assert (page.rows, page.following) == ([1, 2], "https://x/api/v1/more")
    assert page_of(answer(b'{"rows": [], "meta": {"pagination": {}}}')).following == ""


@pytest.mark.parametrize("body", [b'{"error": "x"}', b'{"errors": [{"message": "x"}]}', b"null", b"7", b'[{"id": 1}'])
def test_what_is_no_list(body):
    """An error that comes with 200, and half an answer, are passing faults."""
    with pytest.raises(Retriable):
        page_of(answer(body, **{"content-type": "application/json"}))


def test_circle():
    """A list whose link leads to itself for ever is given up; a page that comes twice is not."""
    with client_of(lambda _: None) as (running, client, _, _):
        link = {"Link": f'<{running.origin}/api/v1/courses?page=2>; rel="next"'}
        running.always(lambda asked, right: json_reply([1], headers=link))
        with pytest.raises(Retriable, match="circle"):
            list(client.rows("courses"))
        running.always(None)
        running.script(*[lambda asked, right: json_reply([1], headers=link)] * 2, lambda asked, right: json_reply([2]))
        assert list(client.rows("courses")) == [1, 1, 2]


def test_link_to_another_host():
    """A link to another host is not followed: the token would go there."""
    with (
        client_of(lambda _: json_reply([], headers={"Link": '<https://evil.example/x>; rel="next"'})) as (
            _,
            client,
            _,
            _,
        ),
        pytest.raises(Refused, match="another host"),
    ):
        list(client.rows("courses"))


def test_list_that_is_dropped():
    """A page that is gone midway is no missing right: the run is tried again."""
    with client_of(lambda _: json_reply({"message": "invalid page"}, 400)) as (running, client, _, _):
        link = {"Link": f'<{running.origin}/api/v1/courses?page=2>; rel="next"'}
        running.script(lambda asked, right: json_reply([1], headers=link))
        with pytest.raises(Retriable, match="dropped"):
            list(client.rows("courses"))


def test_login_page_with_200():
    """A redirect to a login page that answers 200 is a wrong address, and is told as one."""

    def login(asked):
        if asked.path == "/login":
            return Reply(200, b"<!DOCTYPE html><title>Log in</title>", {"Content-Type": "text/html"})
        return Reply(302, b"", {"Location": "/login"})

    with client_of(login) as (_, client, _, _), pytest.raises(HttpRefused, match="web page") as raised:
        list(client.rows("courses"))
    assert not isinstance(raised.value, NoRight)


def test_cost_and_clock():
    """What requests took of the allowance is added up; Canvas's clock is that of its first answer."""
    headers = {"X-Request-Cost": "0.5", "Date": "Mon, 02 Mar 2026 08:00:00 GMT"}
    with client_of(lambda _: json_reply([1], headers=headers)) as (_, client, _, _):
        list(client.rows("courses"))
        list(client.rows("courses"))
    assert client.cost == 1.0
    assert client.first_date == 1_772_438_400_000_000


# -- tokens and rights ------------------------------------------------------------------------------------


def oauth(origin=""):
    """Credentials of a developer key."""
    return {
        "authentication_type": "OAuth 2.0",
        "credentials": {"client_id": "me", "client_secret": "kept-secret", "refresh_token": "refresh-secret"}
        | ({"token_url": origin} if origin else {}),
    }


class Granting:
    """A Canvas that grants tokens; ``good`` is the one that it takes."""

    def __init__(self, good):
        self.good = good
        self.granted = 0
        self.forms = []

    def __call__(self, asked):
        if asked.path == "/login/oauth2/token":
            self.granted += 1
            self.forms.append((asked.method, asked.body.decode(), asked.headers.get("authorization")))
            return json_reply({"access_token": f"token-{self.granted}", "expires_in": 3600})
        if asked.headers.get("authorization") == f"Bearer {self.good}":
            return json_reply([1])
        return json_reply({"errors": [{"message": "Invalid access token."}]}, 401, {"WWW-Authenticate": "Bearer"})


def test_trap_06_challenge_refreshes_once():
    """Trap 6: 401 with WWW-Authenticate has the token refreshed once; a second one is a refusal of the credentials."""
    canvas = Granting("token-2")
    with client_of(canvas, **oauth()) as (_, client, _, _):
        assert list(client.rows("courses")) == [1]
    assert canvas.granted == 2
    method, form, shown = canvas.forms[0]
    assert (method, shown) == ("POST", None)
    assert "grant_type=refresh_token" in form
    assert "refresh_token=refresh-secret" in form
    never = Granting("token-9")
    with client_of(never, **oauth()) as (_, client, _, _), pytest.raises(CredentialsRefused):
        list(client.rows("courses"))
    assert never.granted == 2


def test_trap_06_no_challenge_is_a_missing_right():
    """Trap 6: 401 without WWW-Authenticate is a missing right: nothing is refreshed, and other lists may be readable."""

    def answers(asked):
        if asked.path == "/login/oauth2/token":
            return json_reply({"access_token": "token", "expires_in": 3600})
        return json_reply({"status": "unauthorized"}, 401)

    with client_of(answers, **oauth()) as (running, client, _, _):
        with pytest.raises(NoRight):
            list(client.rows("courses"))
        assert [asked.method for asked in running.asked] == ["POST", "GET"]


@pytest.mark.parametrize("status", [400, 401])
def test_no_token_is_granted(status):
    """A refused refresh token is a refusal of the credentials, which no list survives."""

    def answers(asked):
        return json_reply({"error": "invalid_request"}, status)

    with client_of(answers, **oauth()) as (_, client, _, _), pytest.raises(CredentialsRefused) as raised:
        list(client.rows("courses"))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"authentication_type": "API Key", "credentials": {"api_key": "k"}}, "Bearer k"),
        ({"authentication_type": "JWT", "credentials": {"token": "t"}}, "Bearer t"),
    ],
)
def test_tokens_made_by_hand(config, shown):
    """Whatever the kind is called, Canvas gets a bearer token."""
    chosen = replace(CONFIG, api_endpoint_url="https://x/api/v1", **config)
    assert credentials_of(chosen, FakeTime().clock).headers(None)["Authorization"] == shown


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"authentication_type": "Basic Auth"}, "authentication_type"),
        ({"authentication_type": None}, "authentication_type"),
        ({"authentication_type": "API Key", "credentials": {}}, "authentication_config.api_key"),
        (
            {"authentication_type": "OAuth 2.0", "credentials": {"client_id": "x"}},
            "authentication_config.client_secret",
        ),
    ],
)
def test_credentials_that_are_missing(config, field):
    """What Canvas cannot take, and what is missing, is refused with its name."""
    with pytest.raises(Refused) as raised:
        credentials_of(replace(CONFIG, api_endpoint_url="https://x/api/v1", **config), FakeTime().clock)
    assert raised.value.field == field


@pytest.mark.parametrize(
    "settings",
    [
        {"account_id": 1},
        {"account_id": "1/courses"},
        {"page_size": "100"},
        {"page_size": 0},
        {"passing_score": 101},
        {"passing_score": True},
    ],
)
def test_settings_that_are_wrong(settings):
    """A setting of the wrong kind is refused with its name."""
    with pytest.raises(Refused) as raised:
        options_of(replace(CONFIG, settings=settings))
    assert raised.value.field == f"settings.{next(iter(settings))}"
