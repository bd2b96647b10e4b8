"""Full passes on a real database: what the LMS no longer shows is dropped, and the mass-change guard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from hub.bootstrap import Hub
from hub.directory.commands import company
from hub.domain.units import SECOND
from hub.errors import Refused
from hub.intake.guard import HeldRun
from hub.intake.service import Intake
from tests.support.fake_lms import FakeLms, FakeLmses, installed
from tests.support.site import CODE, COMPANY, site

TABLES = ("lms_course_enrollment", "course", "lms_account", "dead_letter")


class Scene:
    """A hub with one fake LMS ("docebo") whose syncs are asked for by hand."""

    def __init__(self, hub: Hub, fakes: FakeLmses) -> None:
        self.hub, self.fakes = hub, fakes
        hub.commands.execute(company(CODE, "Acme", time_zone="Europe/Vienna"))
        self.lms: FakeLms = fakes.add(hub, COMPANY, "docebo")
        self.intake = Intake(hub)

    def sync(self, *, full: bool = False, accept: str | None = None) -> dict[str, int]:
        return self.intake.sync(COMPANY, "docebo", full=full, accept=accept).plain()

    def held(self) -> HeldRun:
        with pytest.raises(HeldRun) as no:
            self.sync(full=True)
        return no.value

    def rows(self, query: str, *given: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.hub.url, row_factory=dict_row) as connection:
            return connection.execute(query, given).fetchall()  # type: ignore[call-overload]

    def statuses(self) -> dict[str, int]:
        found = self.rows("SELECT enrollment_status AS s, count(*) AS n FROM hub.lms_course_enrollment GROUP BY 1")
        return {row["s"]: row["n"] for row in found}

    def last_run(self) -> dict[str, Any]:
        return self.rows("SELECT * FROM hub.sync_run ORDER BY started_at DESC LIMIT 1")[0]

    def everything(self) -> list[Any]:
        """All rows of learning, the catalogue and the dead letters."""
        return [self.rows(f"SELECT * FROM hub.{table} ORDER BY id") for table in TABLES]


@pytest.fixture
def scene(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    fakes = installed(monkeypatch)
    with site("postgres", database_url, tmp_path, None) as made, made.open() as hub:
        yield Scene(hub, fakes)


def test_what_is_gone_is_dropped_by_a_full_pass_alone(scene: Scene) -> None:
    """A vanished enrollment is one observation (removed, not counted) of the pass; what is completed stays completed."""
    scene.lms.enroll("A", 30)
    scene.lms.enroll("B", 2, 100.0)
    assert scene.sync() == {"read": 34, "changed": 2, "unchanged": 0, "unmatched": 32, "stored": 0, "rejected": 0}
    del scene.lms.courses["A"]["A-p3"]
    assert scene.sync()["unmatched"] + scene.sync()["unchanged"] > 0
    assert "Dropped" not in scene.statuses()
    counts = scene.sync(full=True)
    assert counts["read"] == 33
    run = scene.last_run()
    assert (run["kind"], run["status"], run["dropped"], run["retired"]) == ("full sync", "completed", 1, 0)
    gone = scene.rows("SELECT fold_state FROM hub.lms_course_enrollment WHERE enrollment_status = 'Dropped'")
    assert len(gone) == 1
    fact = scene.rows(
        "SELECT * FROM hub.lms_audit_trail WHERE additional_context->>'event_type' = 'lms.enrollment.withdrawn.v1'"
    )
    assert [one["additional_context"]["correlation_id"] for one in fact] == [str(run["id"])]
    scene.sync(full=True)
    assert scene.last_run()["dropped"] == 0


def test_courses_that_are_no_longer_listed(scene: Scene) -> None:
    """With the whole catalogue read, a course that is gone is retired and its enrollments are dropped; without, they stay."""
    scene.lms.enroll("A", 5)
    scene.lms.enroll("B", 5)
    scene.sync()
    del scene.lms.courses["B"]
    scene.lms.catalogue = False
    scene.sync(full=True)
    assert "Dropped" not in scene.statuses()
    scene.lms.catalogue = True
    scene.sync(full=True)
    assert scene.statuses()["Dropped"] == 5
    assert [row["course_id"] for row in scene.rows("SELECT * FROM hub.course WHERE retired_at IS NOT NULL")] == ["B"]
    assert (scene.last_run()["dropped"], scene.last_run()["retired"]) == (5, 1)


def test_what_was_not_read_whole_loses_nobody(scene: Scene) -> None:
    """A course that is listed but whose enrollments could not be read; one in which a record was rejected; and nothing at
    all where a record was rejected that may stand anywhere, or where the source covers nothing."""
    for course in "ABC":
        scene.lms.enroll(course, 4)
    scene.sync()
    for course in "ABC":
        del scene.lms.courses[course][f"{course}-p0"]
    scene.lms.covers = False
    scene.sync(full=True)
    scene.lms.covers, scene.lms.broken = True, [None]
    scene.sync(full=True)
    assert scene.last_run()["samples"]["not_compared"].startswith("records were rejected")
    assert "Dropped" not in scene.statuses()
    scene.lms.unread, scene.lms.broken = {"A"}, ["B"]
    scene.sync(full=True)
    dropped = scene.rows("SELECT course_id FROM hub.lms_course_enrollment WHERE enrollment_status = 'Dropped'")
    assert [row["course_id"] for row in dropped] == ["C"]


def test_a_mass_change_is_held_whole(scene: Scene) -> None:
    """More than 5 % and at least 20 of the existing: nothing changes, not even what is new; it says what it would do."""
    scene.lms.enroll("A", 300)
    scene.lms.enroll("B", 100)
    scene.sync()
    before = scene.everything()
    scene.lms.courses["A"] = dict(list(scene.lms.courses["A"].items())[30:])
    scene.lms.enroll("NEW", 10)
    scene.lms.broken = ["NEW"]
    held = scene.held()
    assert (held.loss.would_drop, held.loss.existing) == (30, 400)
    assert scene.everything() == before
    run = scene.last_run()
    assert (run["status"], run["records_read"], run["changed"], run["watermark"]) == ("held", 384, None, None)
    told = run["held"]
    assert (told["would_drop"], told["existing"], told["share_percent"], told["least"]) == (30, 400, 5, 20)
    assert told["courses"] == [{"course": "A", "drops": 30}]
    assert len(told["sample"]) == 20
    assert "A-p" not in json.dumps(told), "a held run names nobody"
    audit = scene.rows("SELECT * FROM hub.lms_audit_trail WHERE action = 'Reject'")
    assert [(one["audit_type"], one["risk_level"]) for one in audit] == [("Data Sync", "High")]
    assert scene.rows("SELECT connection_status AS s FROM hub.lms_integration_config")[0]["s"] == "Connected"
    assert scene.sync()["read"] == 384  # changes go on to be taken in


def test_where_the_guard_trips(scene: Scene) -> None:
    """More than the share and at least the least number; both are settings of the integration. New ones do not count."""
    cases: list[tuple[int, int, dict[str, int], bool]] = [
        (400, 20, {}, False),  # exactly 5 %
        (400, 21, {}, True),
        (30, 19, {}, False),  # fewer than 20
        (30, 20, {}, True),
        (100, 21, {"guard_share_percent": 21}, False),
        (100, 22, {"guard_share_percent": 21}, True),
        (30, 5, {"guard_least": 5}, True),
    ]
    for number, (known, gone, settings, held) in enumerate(cases):
        code = f"case{number}"
        lms = scene.fakes.add(scene.hub, COMPANY, code, connector_settings=json.dumps(settings))
        lms.enroll("A", known)
        scene.intake.sync(COMPANY, code)
        lms.courses["A"] = dict(list(lms.courses["A"].items())[gone:])
        lms.enroll("B", 100)
        with pytest.raises(HeldRun) if held else nullcontext() as no:
            scene.intake.sync(COMPANY, code, full=True)
        dropped = no.value.loss.would_drop if no is not None else scene.last_run()["dropped"]
        assert dropped == gone, (known, gone, settings)


def test_a_held_run_that_is_accepted(scene: Scene) -> None:
    """--accept makes a new full pass that may drop as much as the held one named; more is held again."""
    scene.lms.enroll("A", 100)
    scene.sync()
    learners = list(scene.lms.courses["A"].items())
    scene.lms.courses["A"] = dict(learners[30:])
    held = scene.held()
    with pytest.raises(Refused, match="is not the held run"):
        scene.sync(accept="11111111-0000-5000-8000-000000000001")
    scene.lms.courses["A"] = dict(learners[40:])
    with pytest.raises(HeldRun) as again:
        scene.sync(accept=held.run_id)
    assert again.value.loss.would_drop == 40
    assert "Dropped" not in scene.statuses()
    scene.sync(accept=again.value.run_id)
    assert scene.statuses() == {"In Progress": 60, "Dropped": 40}
    runs = scene.rows("SELECT status, trigger FROM hub.sync_run ORDER BY started_at")
    assert [(one["status"], one["trigger"]) for one in runs] == [
        ("completed", "person"), ("released", "person"), ("released", "accept"), ("completed", "accept"),
    ]  # fmt: skip
    with pytest.raises(Refused, match="none is"):
        scene.sync(accept=again.value.run_id)


def test_a_list_that_comes_back_passes_by_itself(scene: Scene) -> None:
    """A list that was half as long for once: the next full pass finds all, and nothing is held any more."""
    scene.lms.enroll("A", 100)
    scene.sync()
    whole = scene.lms.courses["A"]
    scene.lms.courses["A"] = dict(list(whole.items())[50:])
    scene.held()
    scene.lms.courses["A"] = whole
    scene.sync(full=True)
    assert "Dropped" not in scene.statuses()
    assert not scene.rows("SELECT 1 FROM hub.lms_integration_config WHERE fold_state ? 'held_run'")


def test_a_source_without_a_filter(scene: Scene) -> None:
    """Each sync of it is a full pass by its own will; one that would drop too much drops nothing."""
    scene.lms.covers_always = True
    scene.lms.enroll("A", 100)
    scene.sync()
    learners = list(scene.lms.courses["A"].items())
    scene.lms.courses["A"] = dict(learners[10:])
    scene.sync()
    assert (scene.last_run()["kind"], scene.last_run()["dropped"]) == ("full sync", 10)
    scene.lms.courses["A"] = dict(learners[60:])
    scene.sync()
    assert scene.statuses() == {"In Progress": 90, "Dropped": 10}
    assert "more would drop" in scene.last_run()["samples"]["not_compared"]


def test_what_a_run_tells(scene: Scene) -> None:
    """Requests, host, folding and the age of facts: monitoring is a function of what the run's events say."""
    scene.lms.enroll("A", 3)
    scene.sync()
    first = scene.last_run()
    assert first["requests"]["outcomes"] == {"ok": 1}
    assert (first["requests"]["requests"], first["requests"]["answered"]) == (1, 1)
    assert (first["requests"]["histogram"], sum(first["requests"]["hours"].values())) == ({"5": 1}, 1)
    samples = first["samples"]
    assert samples["run_seconds"] > 0
    assert samples["processors"] >= 1
    assert samples["load"]["count"] >= 1
    assert "latency" not in samples, "a first sync is no news"
    fact = scene.rows("SELECT additional_context FROM hub.lms_audit_trail WHERE entity_type = 'Course Enrollment'")
    assert all(one["additional_context"]["backfill"] for one in fact)
    scene.lms.courses["A"]["A-p0"] = 55.0
    scene.sync()
    assert scene.last_run()["trigger"] == "person"
    assert "latency" not in scene.last_run()["samples"], "the source does not tell when it changed"
    scene.lms.age = 150 * SECOND
    scene.lms.enroll("B", 4)
    scene.sync()
    latency = scene.last_run()["samples"]["latency"]
    assert (latency["count"], latency["median_minutes"], latency["histogram"]) == (
        7,
        3,
        {"3": 7},
    )  # a newer own time is a change
