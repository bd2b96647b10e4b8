"""The xAPI connector against the suite of all API connectors, on a small hostile LRS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from connectors.contract import Pull
from connectors.observe import Observer
from connectors.testing import server
from connectors.testing.lrs import VOIDED, FakeLrs
from connectors.testing.suite import ConnectorSuite, Source
from connectors.testing.waiting import ClearSealer, FakeTime
from connectors.xapi.lrs import XapiConnector
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Refused, Retriable

CONFIG = IntegrationConfig(
    id="11111111-1111-5111-8111-111111111111",
    company_id="22222222-2222-5222-8222-222222222222",
    lms_code="lrs",
    lms_name="LRS",
    lms_type="xAPI Compatible",
    integration_method="xAPI",
    rate_limit_per_hour=100_000,
)


def statement(number, verb="http://adlnet.gov/expapi/verbs/completed", **more):
    """A statement about the course of its number."""
    return {
        "actor": {"account": {"homePage": "https://lms.example.org/", "name": f"learner-{number}"}},
        "verb": {"id": verb},
        "object": {
            "id": f"https://lms.example.org/course/{number}",
            "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
        },
        **more,
    }


class XapiSource(Source):
    secrets = ("kept-secret", "a2VwdC1zZWNyZXQ", "cmVhZGVy", "secret-token", "format=exact", "next=secret")

    def __init__(self, lrs, settings, version):
        self.lrs = lrs
        self.server = lrs.server
        self.settings = settings
        self.version = version
        self._numbers = count(1000)

    def connect(self, pace, *, oauth=False, **config):
        credentials = {"username": self.lrs.username, "password": self.lrs.password}
        if oauth:
            credentials = {
                "token_url": self.lrs.token_url,
                "client_id": self.lrs.username,
                "client_secret": self.lrs.password,
            }
        config = {
            "api_endpoint_url": self.lrs.url,
            "api_version": self.version,
            "authentication_type": "OAuth 2.0" if oauth else "Basic Auth",
            "credentials": credentials,
            "settings": {"page_size": 3} | self.settings,
        } | config
        chosen = replace(CONFIG, **config)
        return XapiConnector(chosen, Observer(chosen, ClearSealer()), pace=pace)

    def expected(self):
        return self.lrs.ids()

    def identity(self, item):
        assert item.problem is None
        return item.native_id

    def is_page(self, asked):
        return asked.path.endswith("/statements")

    def add(self):
        return self.lrs.store(statement(next(self._numbers)))

    def remove(self):
        gone = self.lrs.ids()[0]
        self.lrs.store(statement(0, VOIDED) | {"object": {"objectType": "StatementRef", "id": gone}})
        return gone

    def repeat_a_page(self):
        self.lrs.repeats = 1

    def expire_tokens(self):
        self.lrs.expire_tokens()

    def set_clock_off(self, seconds):
        self.lrs.shift(timedelta(seconds=seconds))


@contextmanager
def xapi_source(version="1.0.3", settings=None, **lrs) -> Iterator[XapiSource]:
    with FakeLrs([statement(number) for number in range(8)], **lrs) as running:
        yield XapiSource(running, settings or {}, version)


class TestLrs(ConnectorSuite):
    """xAPI 1.0.3 with attachments: every answer comes in parts."""

    def source(self):
        return xapi_source()


class TestPlainLrs(ConnectorSuite):
    """xAPI 2.0 without attachments, and an LRS that does not say what is readable in full."""

    def source(self):
        return xapi_source("2.0.0", {"attachments": False}, consistent=False)


def pulled(connector, since=None):
    with closing(connector):
        return list(connector.pull(Pull(since, now=FakeTime().micros)))


def test_watermark_is_what_the_lrs_says():
    """The watermark is the safe point of the first page, also where it lies far behind what was read."""
    with xapi_source(held_back=timedelta(hours=3)) as source:
        connector = source.connect(FakeTime().pace())
        pulled(connector)
        newest = source.lrs.first_stored + timedelta(seconds=7)
        assert connector.watermark() == int((newest - timedelta(hours=3)).timestamp() * 1e6)


def test_watermark_of_a_silent_lrs():
    """Without a safe point it is the newest time of storing, ten minutes back; and none where nothing was read."""
    with xapi_source(consistent=False) as source:
        connector = source.connect(FakeTime().pace())
        pulled(connector)
        newest = source.lrs.first_stored + timedelta(seconds=7)
        assert connector.watermark() == int((newest - timedelta(minutes=10)).timestamp() * 1e6)
        empty = source.connect(FakeTime().pace())
        assert pulled(empty, connector.watermark() + 10**12) == []
        assert empty.watermark() is None


def test_statement_that_becomes_visible_late():
    """What an LRS was still writing when the first page was read comes with the next run, though pages passed it."""
    with xapi_source(held_back=timedelta(seconds=6)) as source:
        late = []

        def commit(asked, right):
            stored = source.lrs.first_stored + timedelta(seconds=1, milliseconds=500)
            late.append(source.lrs.store(statement(99), stored))
            source.lrs.held_back = timedelta(0)
            return right(asked)

        source.server.script(None, commit, meant=source.is_page)
        first, second = (source.connect(FakeTime().pace()) for _ in range(2))
        seen = [item.native_id for item in pulled(first)]
        assert late[0] not in seen
        assert late[0] in [item.native_id for item in pulled(second, first.watermark())]


def test_list_that_expires():
    """Where the link to more is gone, the list is read anew; one that is always gone ends the run."""
    with xapi_source() as source:
        source.server.script(None, server.failing(404), meant=source.is_page)
        assert sorted(item.native_id for item in pulled(source.connect(FakeTime().pace()))) == sorted(source.expected())
    with xapi_source() as source:
        source.server.always(server.failing(404), meant=lambda asked: "more" in asked.query)
        connector = source.connect(FakeTime().pace())
        with pytest.raises(Retriable, match="dropped its list"):
            pulled(connector)
        assert connector.watermark() is None


def test_more_of_another_host():
    """A link to more on another host is not followed, and credentials do not go there."""
    with xapi_source() as source:

        def lead_away(asked, right):
            return server.json_reply({"statements": [], "more": "https://evil.example.org/statements?more=1"})

        source.server.script(lead_away, meant=source.is_page)
        with pytest.raises(Refused, match="another host"):
            pulled(source.connect(FakeTime().pace()))


def test_broken_statement_on_a_page():
    """One statement that is no valid JSON value or breaks a rule costs itself alone."""
    with xapi_source() as source:

        def spoil(asked, right):
            reply = right(asked)
            return replace(reply, body=reply.body.replace(b'"learner-0"', b"NaN").replace(b'"learner-1"', b'""'))

        source.server.script(spoil, meant=source.is_page)
        items = pulled(source.connect(FakeTime().pace()))
        assert [item.problem is None for item in items] == [False, False, *[True] * 6]
        assert items[0].position == "page 1, item 1"
        assert (items[1].problem.field, items[1].native_id) == ("actor.account.name", source.lrs.ids()[1])


def test_voiding_in_one_run():
    """A statement that is voided in the run that read it is taken out by an observation of the same stream."""
    with xapi_source() as source:

        def void(asked, right):
            source.remove()
            return right(asked)

        source.server.script(None, void, meant=source.is_page)
        items = pulled(source.connect(FakeTime().pace()))
        first, last = items[0], items[-1]
        told = next(told for told in first.observations if told["counted"])
        (taken_out,) = last.observations
        assert taken_out["type"] == "lms.observation.voided.v1"
        assert (taken_out["stream_id"], taken_out["voided_native_id"]) == (told["stream_id"], first.native_id)
        assert [record["type"] for record in last.raw] == ["lms.statement.received.v1", "lms.statement.voided.v1"]


def test_connection_test_names_the_version():
    """An LRS that does not speak the wanted version is a finding with its remedy."""
    with xapi_source("2.0.0", versions=("1.0.3",)) as source:
        with closing(source.connect(FakeTime().pace())) as connector:
            about, _ = connector.test()
        assert not about.ok
        assert "1.0.3" in about.text
        assert "api_version" in about.remedy


def test_version_that_is_none():
    """Only versions that can be read are taken; the column's default means 1.0.3."""
    with xapi_source() as source:
        with pytest.raises(Refused, match="api_version"):
            source.connect(FakeTime().pace(), api_version="0.95")
        assert pulled(source.connect(FakeTime().pace(), api_version="v1"))
