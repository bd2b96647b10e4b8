"""The whole path on both logs: the accounting adds up, a repeat tells nothing, and both logs give the same tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.intake.service import Intake
from hub.log.copy import copy
from hub.log.topics import TOPICS
from tests.support import equality, learning
from tests.support.site import COMPANY, Site, ends, furnish, site

PEOPLE, COURSES = 40, 8
SYNC_EVENTS_OF_TWO_IMPORTS = 4


@pytest.fixture
def place(event_log_kind: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    bootstrap = request.getfixturevalue("kafka_bootstrap") if event_log_kind == "kafka" else None
    with site(event_log_kind, database_url, tmp_path, bootstrap) as made:
        yield made


def take_in(made: Site, folder: Path, times: int = 1) -> list[dict[str, int]]:
    """Furnish a hub and import statements and a table; returns the accountings."""
    learning.write_statements(folder / "statements.jsonl", PEOPLE, COURSES)
    learning.write_csv(folder / "table.csv", PEOPLE, COURSES)
    told: list[dict[str, int]] = []
    with made.open() as hub:
        if made.on_kafka:
            made.start("worker-1")
        furnish(hub, PEOPLE)
        intake = Intake(hub)
        before = ends(hub)
        for number in range(times):
            told.append(intake.import_file(COMPANY, "lrs", str(folder / "statements.jsonl"), {}).plain())
            told.append(intake.import_file(COMPANY, "csv", str(folder / "table.csv"), {}).plain())
            if number == 0:
                before = ends(hub)
        after = ends(hub)
    grown = {topic: after[topic] - before[topic] for topic in after if after[topic] != before[topic]}
    assert grown == ({"lms.integration": SYNC_EVENTS_OF_TWO_IMPORTS * (times - 1)} if times > 1 else {})
    return told


def test_every_record_is_accounted_for_and_a_second_import_appends_sync_events_only(
    place: Site, tmp_path: Path
) -> None:
    """The five outcomes add up to what was read; what is told again is unchanged or still unmatched or rejected."""
    first_xapi, first_csv, again_xapi, again_csv = take_in(place, tmp_path, times=2)
    for told in (first_xapi, first_csv, again_xapi, again_csv):
        assert told["read"] == sum(count for name, count in told.items() if name != "read")
    assert first_xapi["changed"] > 300
    assert first_xapi["unmatched"] > 0
    assert first_csv["rejected"] == 2
    assert again_xapi["changed"] == again_csv["changed"] == 0
    assert again_xapi["unmatched"] == first_xapi["unmatched"]
    assert again_csv["rejected"] == 2


def test_the_audit_trail_has_one_row_per_event_that_counts(place: Site, tmp_path: Path) -> None:
    """Every applied event is one audit row with its own position, and heads agree with the trail."""
    take_in(place, tmp_path)
    trail = equality.rows(place.url, "lms_audit_trail")
    positions = {
        tuple(row["additional_context"][part] for part in ("topic", "partition", "offset")) for row in trail.values()
    }
    assert len(positions) == len(trail)
    heads = equality.rows(place.url, "stream_head")
    assert sum(head["version"] for head in heads.values()) == len(trail)


def without_observation(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what depends on when it was recorded or observed, also below fold_state."""
    return {name: value for name, value in row.items() if name not in equality.FROM_RECORDING}


@pytest.mark.kafka
def test_both_logs_give_the_same_enrollments_and_lessons(
    make_database: Any, kafka_bootstrap: str, tmp_path: Path
) -> None:
    """The same input through PostgreSQL and through Kafka ends in equal rows, but for the times of recording."""
    urls = []
    for kind in ("postgresql", "kafka"):
        folder = tmp_path / kind
        folder.mkdir()
        url = make_database(None)
        with site(kind, url, folder, kafka_bootstrap) as made:
            if urls:
                with made.open():
                    pass
                equality.copy_keys(urls[0], url)
            take_in(made, folder)
        urls.append(url)
    tables = ("lms_course_enrollment", "lms_learning_progress")
    found = [
        {key: without_observation(row) for table in tables for key, row in equality.rows(url, table).items()}
        for url in urls
    ]
    assert found[0] == found[1]
    assert len(found[0]) > 200


@pytest.mark.kafka
def test_a_copied_log_folds_to_equal_tables(make_database: Any, kafka_bootstrap: str, tmp_path: Path) -> None:
    """A log copied from PostgreSQL to Kafka gives equal tables, row for row, audit trail and heads included."""
    first, second = make_database(None), make_database(None)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with (
        site("postgresql", first, tmp_path / "one", None) as one,
        site("kafka", second, tmp_path / "two", kafka_bootstrap) as two,
    ):
        take_in(one, tmp_path)
        with one.open() as source, two.open() as target:
            equality.copy_keys(first, second)
            folded = source.watch.folded()
            copied = copy(source.log, target.log, [topic.name for topic in TOPICS if topic.name != "lms.observations"])
            two.start("worker-1")
            wanted = {where: offset for where, offset in folded.items() if where[0] in copied}
            assert target.watch.wait(wanted, 120)
    assert equality.differences(first, second, equality.EVERYTHING) == []
