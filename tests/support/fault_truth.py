"""What a hub's tables must be, whatever befell it: those of a quiet run of the same input, made once; and the comparison."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from hub.bootstrap import Hub, open_hub
from hub.cli import standing
from hub.deciding.decider import OBSERVATIONS
from hub.errors import Unusable
from hub.intake.publish import STATEMENTS
from hub.log import codec
from projections.folds.raw import RECEIVED
from tests.support import equality, learning
from tests.support.fault_feeder import take
from tests.support.site import furnish, site

PATIENCE = 60.0
"""Seconds in which the figures that a server computes now and then are folded, also by who takes over from a worker that left."""

PEOPLE, COURSES = 40, 8
STATEMENT_PARTS = 18
TABLES = (
    "company", "employee", "course", "lms_account", "lms_course_enrollment", "lms_learning_progress", "xapi_statement",
    "dead_letter", "employee_history", "lms_course_enrollment_history", "lms_learning_progress_history",
)  # fmt: skip
WITHOUT = equality.FROM_RECORDING | equality.FROM_OBSERVING | {"run_id", "event_id"}
"""What two runs of the same input never have alike: when it was told, by which run, and the ids of people's commands."""
KINDS = frozenset({"company", "employee", "course", "account", "enrollment"})
"""Kinds of streams whose events follow from the input alone; others tell of runs, and of what a server measures."""
UNEVEN = """
SELECT count(*) FROM hub.sync_run
WHERE status = 'completed' AND records_read <> changed + unchanged + unmatched + stored + rejected
"""


@dataclass(frozen=True)
class Truth:
    """A quiet run: its input, its database, and its accounting part by part."""

    url: str
    parts: list[dict[str, Any]]
    accountings: list[dict[str, int]]


@dataclass
class Verdict:
    """What differs from the truth, counted in rows and in applied events."""

    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)
    """Sentences: rows with other values, accounting that does not add up, records that nobody took."""


def parts(folder: Path, seed: int) -> list[dict[str, Any]]:
    """The input as files: statements in slices, three tables with wrong rows among them, and people who are renamed."""
    told = learning.statements(PEOPLE, COURSES, seed)
    staff = [person["employee_number"] for person in learning.learners(PEOPLE - 5)]
    made: list[dict[str, Any]] = []
    for number in range(STATEMENT_PARTS):
        file = folder / f"part-{number:02}.jsonl"
        file.write_text("".join(json.dumps(one) + "\n" for one in told[number::STATEMENT_PARTS]), "utf-8")
        renamed = [(staff[(number * 3 + k) % len(staff)], f"Renamed{number}") for k in range(3)]
        made.append({"integration": "lrs", "file": str(file), "renamed": renamed, "day": 20_001 + number})
        if number % 6 == 3:
            table = folder / f"table-{number:02}.csv"
            learning.write_csv(table, PEOPLE, COURSES, seed + number)
            made.append({"integration": "csv", "file": str(table), "renamed": [], "day": 20_001 + number})
    return made


def quiet_run(url: str, folder: Path, seed: int) -> Truth:
    """Take the input in on a PostgreSQL log, in this process, without any fault."""
    given = parts(folder, seed)
    with site("postgresql", url, folder, None) as made, open_hub(made.settings) as hub:
        furnish(hub, PEOPLE)
        accountings = [take(hub, part) for part in given]
        verdict = Verdict()
        settled(hub)
        account(hub, verdict)
    assert verdict.wrong == []
    return Truth(url, given, accountings)


def settled(hub: Hub) -> list[str]:
    """What is not decided or folded yet, in words; empty where everything is."""
    return [f"{topic['topic']}: {topic['behind']}" for topic in standing.topics(hub) if topic["behind"]]


def judged(hub: Hub, url: str, truth: Truth) -> Verdict:
    """Hold the tables of a hub, on whichever log, against the truth, and its accounting against its log."""
    verdict = Verdict()
    for table in TABLES:
        _compare(table, url, truth.url, verdict)
    _compare_versions(url, truth.url, verdict)
    account(hub, verdict)
    changed = "SELECT coalesce(sum(changed), 0) FROM ops.run_outcome"
    if (here := _one(url, changed)) != (there := _one(truth.url, changed)):
        verdict.wrong.append(f"{here} records changed something, {there} in the quiet run")
    return verdict


def _compare(table: str, url: str, truth_url: str, verdict: Verdict) -> None:
    here, there = (_rows(one, table) for one in (url, truth_url))
    lost, more = there.keys() - here.keys(), here.keys() - there.keys()
    verdict.lost += len(lost)
    verdict.doubled += len(more)
    verdict.wrong += [f"{table}: lost {key}" for key in list(lost)[:5]] + [
        f"{table}: too many {key}" for key in list(more)[:5]
    ]
    for key in here.keys() & there.keys():
        for column, value in here[key].items():
            if value != there[key][column]:
                verdict.wrong.append(f"{table} {key}: {column}: {value!r}, in the quiet run {there[key][column]!r}")


def _rows(url: str, table: str) -> dict[Any, dict[str, Any]]:
    """Rows without what two runs never have alike; dead letters of the input alone, not of poison on the log."""
    found = equality.rows(url, table, WITHOUT)
    if table == "dead_letter":
        return {key: row for key, row in found.items() if row["lms_integration_id"] is not None}
    return found


def _compare_versions(url: str, truth_url: str, verdict: Verdict) -> None:
    """Every stream had as many events applied as in the quiet run, and each of them is in the trail."""
    here, there = ({key: row for key, row in equality.rows(one, "stream_head").items() if row["kind"] in KINDS}
                   for one in (url, truth_url))  # fmt: skip
    for key in here.keys() | there.keys():
        a, b = (heads[key]["version"] if key in heads else 0 for heads in (here, there))
        verdict.lost += max(0, b - a)
        verdict.doubled += max(0, a - b)
        if a != b:
            verdict.wrong.append(f"stream {key}: {a} events, {b} in the quiet run")
    applied, trail = (_one(url, f"SELECT {what}") for what in (
        "coalesce(sum(version), 0) FROM hub.stream_head", "count(*) FROM hub.lms_audit_trail"))  # fmt: skip
    if applied != trail:
        verdict.wrong.append(f"{applied} events are applied, {trail} are in the trail")


def account(hub: Hub, verdict: Verdict) -> None:
    """Records on the log = folded = decided; observations that count = outcomes; records read = the sum of outcomes."""
    url = hub.url
    deadline = time.monotonic() + PATIENCE
    while (behind := settled(hub)) and time.monotonic() < deadline:
        time.sleep(0.1)
    verdict.wrong += [f"{text} records are behind" for text in behind]
    folded = _one(url, "SELECT coalesce(sum(next_offset - event_count), 0) FROM hub.projection_offset")
    if folded:
        verdict.wrong.append(f"{folded} records were folded more or less than once")
    counted = _counted(hub)
    outcomes = _one(
        url, "SELECT coalesce(sum(changed + unchanged + unmatched + stored + rejected), 0) FROM ops.run_outcome"
    )
    if counted != outcomes:
        verdict.wrong.append(f"{counted} observations count, {outcomes} have an outcome")
        verdict.lost += max(0, counted - outcomes)
        verdict.doubled += max(0, outcomes - counted)
    received, rows = _stored(hub), _one(url, "SELECT count(*) FROM hub.xapi_statement WHERE digest IS NOT NULL")
    if received != rows:
        verdict.wrong.append(f"{received} statements are on the log, {rows} in their table")
    if runs := _one(url, UNEVEN):
        verdict.wrong.append(f"{runs} completed runs do not add up")
    if runs := _one(url, "SELECT count(*) FROM hub.sync_run WHERE status = 'running'"):
        verdict.wrong.append(f"{runs} runs never ended")


def _counted(hub: Hub) -> int:
    """Observations on the log that count as a record of a run."""
    return sum(bool(one["counted"] and one["run_id"]) for one in _told(hub, OBSERVATIONS))


def _stored(hub: Hub) -> int:
    """Statements on the log, each once."""
    received = (one for one in _told(hub, STATEMENTS) if one["type"] == RECEIVED)
    return len({(one["integration_id"], one["statement_id"]) for one in received})


def _told(hub: Hub, topic: str) -> Iterator[dict[str, Any]]:
    """What the records of a topic say; poison says nothing."""
    starts = {(topic, number): offset for number, offset in hub.log.begins(topic).items()}
    while records := hub.log.read(starts, 5000):
        for record in records:
            starts[record.topic, record.partition] = record.offset + 1
            with suppress(Unusable):
                yield codec.decode(record.value)


def _one(url: str, query: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
