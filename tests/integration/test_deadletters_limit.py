"""A park that grows stops its source rather than the hub, and the source goes on when it shrank."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.deadletters import limit
from hub.deadletters.letters import chosen
from hub.deadletters.service import DeadLetters
from hub.deciding.commands import Command
from hub.domain import ids
from hub.errors import Refused
from hub.integrations import commands as integrations
from hub.scheduling.plan import next_run
from hub.scheduling.standings import standings
from tests.support.letters import Letters, letters
from tests.support.site import COMPANY

LMS = ids.integration_id(COMPANY, "csv")


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Letters]:
    with letters(database_url, tmp_path) as made:
        made.change(lms_type="Moodle", api_endpoint_url="https://lms.example.org", sync_frequency="Hourly",
                    connector_settings='{"dead_letter_limit": 1}')  # fmt: skip
        yield made


def start(trigger: str) -> Command:
    run = {"kind": "sync", "trigger": trigger, "started_at": 1}
    return integrations.sync_started(COMPANY, LMS, ids.derived(COMPANY, "run", trigger), run)


def test_the_source_stops_beyond_the_limit_and_goes_on_below_it(site: Letters) -> None:
    """Scheduled runs are refused with the reason and planned no more; by hand it still runs; each turn is told once."""
    site.take_in("u1,C1,lots,2026-01-01T10:00:00Z", "u2,C1,lots,2026-01-01T10:00:00Z")
    assert [limit.react(site.hub) for _ in range(2)] == [1, 0]
    with pytest.raises(Refused, match="dead_letter_limit"):
        site.hub.commands.execute(start("schedule"))
    site.hub.commands.execute(start("person"))
    site.change(integration_method="API")
    ((stopped,), _) = standings(site.hub.connection)
    assert stopped.is_stopped
    assert next_run(stopped, 10**18) is None
    first, _ = chosen(site.hub.connection)
    DeadLetters(site.hub, COMPANY).discard([first], reason="one less")
    assert [limit.react(site.hub) for _ in range(2)] == [1, 0]
    ((resumed,), _) = standings(site.hub.connection)
    assert next_run(resumed, 10**18) is not None
    told = site.ask(
        "SELECT additional_context->>'event_type', risk_level FROM hub.lms_audit_trail "
        "WHERE additional_context->>'event_type' LIKE 'lms.source.%%' ORDER BY timestamp"
    )
    assert told == [("lms.source.stopped.v1", "High"), ("lms.source.resumed.v1", "Medium")]
