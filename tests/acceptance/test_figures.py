"""Figures on both logs: computed from what came in, told by events of the log, in the tables and in the trail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.bootstrap import Hub, clock
from hub.domain.figures import DASHBOARD, KINDS_OF, MONITORING
from hub.domain.periods import period
from hub.domain.units import DAY
from hub.figures.part import service
from hub.figures.service import Outcome
from hub.intake.service import Intake
from hub.log import codec
from projections.figures.base import company_of
from tests.support import learning
from tests.support.site import COMPANY, Site, counts, furnish, site

PEOPLE, COURSES = 12, 3


@pytest.fixture
def place(event_log_kind: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    bootstrap = request.getfixturevalue("kafka_bootstrap") if event_log_kind == "kafka" else None
    with site(event_log_kind, database_url, tmp_path, bootstrap) as made:
        yield made


def tell(hub: Hub, back: int = 0, reason: str | None = None) -> Outcome:
    """Tell the periods of a day, so many days ago."""
    with hub.connection() as connection:
        company = company_of(connection, COMPANY)
    outcome = Outcome()
    for table, kinds in KINDS_OF.items():
        on = clock() // DAY - back
        outcome.add(service(hub).tell(table, company, [period(kind, on) for kind in kinds], reason=reason))
    return outcome


def test_figures_are_events_on_either_log(place: Site, tmp_path: Path) -> None:
    """A row per figure, an audit row per event, each event in the log where the answer said; told again: nothing new."""
    learning.write_csv(tmp_path / "table.csv", PEOPLE, COURSES)
    with place.open() as hub:  # type: ignore[attr-defined]
        if place.on_kafka:
            place.start("worker-1")
        furnish(hub, PEOPLE)
        Intake(hub).import_file(COMPANY, "csv", str(tmp_path / "table.csv"), {})
        told = tell(hub)
        assert told.recorded == len(told.events) > 6
        rows = sum(counts(place.url, f"SELECT count(*) FROM hub.{table}") for table in (MONITORING, DASHBOARD))
        assert rows == told.recorded
        trail = "SELECT count(*) FROM hub.lms_audit_trail WHERE additional_context->>'topic' = 'lms.operations'"
        assert counts(place.url, trail) == told.recorded
        assert sum(hub.log.ends("lms.operations").values()) == told.recorded
        for one in told.events:
            topic, partition, offset = one.position
            (record,) = hub.log.read({(topic, partition): offset}, 1)
            event = codec.decode(record.value)
            assert (event["event_id"], event["stream_id"]) == (one.event["event_id"], one.row.id)
            assert event["positions"] != "{}"
        assert tell(hub).events == []
