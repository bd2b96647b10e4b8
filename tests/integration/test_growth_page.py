"""The statements of ``docs/growth.md`` do what the page says, on a log that goes on being appended to and read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hub.errors import HubError
from hub.log.manage import PostgresTarget, init, open_log
from hub.log.port import EventLog, NewRecord, RecordsGone
from tests.support.log_contract import PARTITIONS, TOPIC, key_in

PAGE = Path(__file__).parents[2] / "docs" / "growth.md"
OTHER = "lms.directory"
"""A topic that grows slowly."""


def statements() -> list[str]:
    """The page's blocks of SQL, for ranges of ten offsets."""
    text = (
        PAGE.read_text(encoding="utf-8").replace("0000000)", "0)").replace("0000000 ", "0 ").replace("0000000;", "0;")
    )
    return re.findall(r"```sql\n(.*?)```", text, flags=re.DOTALL)


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    init(PostgresTarget(database_url), PARTITIONS)
    log = open_log(PostgresTarget(database_url), PARTITIONS)
    yield log
    log.close()


def append(log: EventLog, topic: str, values: range) -> None:
    log.append(topic, [NewRecord(key_in(0), b"%d" % number) for number in values])


def run(url: str, block: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(block)


def values(log: EventLog, topic: str, start: int = 0) -> list[int]:
    return [int(record.value) for record in log.read({(topic, 0): start}, 1000)]


def test_the_log_is_divided_and_a_range_is_taken_out(log: EventLog, database_url: str) -> None:
    """Before, between and after: appends go on, every record is read, and what was taken out is gone by name."""
    check, divide, extend, take_out = statements()
    append(log, TOPIC, range(7))
    append(log, OTHER, range(3))
    run(database_url, check)
    run(database_url, divide)
    append(log, TOPIC, range(7, 15))
    assert values(log, TOPIC) == list(range(15))

    with pytest.raises(HubError):
        append(log, TOPIC, range(15, 25))
    assert log.ends(TOPIC)[0] == 15
    run(database_url, extend)
    append(log, TOPIC, range(15, 25))
    assert values(log, TOPIC) == list(range(25))
    assert held(database_url) == {"log.record_0": 13, "log.record_1": 10, "log.record_2": 5}

    run(database_url, take_out)
    append(log, TOPIC, range(25, 27))
    append(log, OTHER, range(3, 5))
    assert (log.begins(TOPIC)[0], log.begins(OTHER)[0]) == (10, 0)
    assert values(log, TOPIC, 10) == list(range(10, 27))
    assert values(log, OTHER) == list(range(5))
    with pytest.raises(RecordsGone):
        log.read({(TOPIC, 0): 9}, 1)
    with psycopg.connect(database_url) as connection:
        kept = connection.execute("SELECT count(*) FROM log.record_0_archived").fetchone()
    assert kept == (13,)


def held(url: str) -> dict[str, int]:
    """Records of each range."""
    with psycopg.connect(url) as connection:
        return dict(
            connection.execute("SELECT tableoid::regclass::text, count(*) FROM log.record GROUP BY 1").fetchall()
        )


def test_a_divided_log_is_still_what_init_makes(log: EventLog, database_url: str) -> None:
    """``hub log init`` may be run again, and finds nothing to do."""
    check, divide, *_ = statements()
    append(log, TOPIC, range(3))
    run(database_url, check)
    run(database_url, divide)
    init(PostgresTarget(database_url), PARTITIONS)
    assert values(log, TOPIC) == [0, 1, 2]
