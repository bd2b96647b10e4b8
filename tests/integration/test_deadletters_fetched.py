"""Rejected records of Moodle and Canvas: replayed from the LMS itself, under today's mapping, and only these."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.testing.canvas import FakeCanvas
from connectors.testing.living import LivingFake
from connectors.testing.moodle import FakeMoodle
from connectors.testing.world import World
from hub.deadletters.letters import Letter, chosen
from hub.deadletters.service import DeadLetters
from hub.domain.ids import integration_id
from hub.errors import Retriable
from hub.intake.service import Intake
from hub.integrations import commands as acts
from tests.support.letters import Letters, letters
from tests.support.living import connect
from tests.support.site import COMPANY

SHORT, LONG = ({"properties": {"course_name": {"maxLength": most}}} for most in (3, 300))
ENROLLMENTS = "SELECT count(*) FROM hub.lms_course_enrollment"
RUNS = """
SELECT kind, trigger, status, records_read, rejected, requests->>'requests' FROM hub.sync_run ORDER BY started_at DESC LIMIT 1
"""
TABLES = ("lms_course_enrollment", "lms_account", "course", "dead_letter", "lms_audit_trail", "stream_head", "sync_run")


class Bench:
    """A hub and a fake LMS whose enrollments are rejected by a rule of the integration."""

    def __init__(self, site: Letters, kind: str, fake: LivingFake) -> None:
        self.site, self.kind, self.fake = site, kind, fake
        connect(site.hub, SimpleNamespace(kind=kind, url=fake.url), validation_rules=json.dumps(SHORT))  # type: ignore[arg-type]
        self.intake = Intake(site.hub)
        self.letters = DeadLetters(site.hub, COMPANY)

    def sync(self, **more: Any) -> Any:
        return self.intake.sync(COMPANY, self.kind, **more)

    def cure(self) -> None:
        self.site.hub.commands.execute(acts.change(COMPANY, self.kind, {"validation_rules": json.dumps(LONG)}))

    def open(self) -> list[Letter]:
        return list(chosen(self.site.hub.connection))

    def courses_asked(self) -> set[str]:
        """The courses whose learners were asked for since the fake forgot."""
        return {number for number in map(str, self.fake.world.courses) for asked in self.fake.server.asked
                if f"courses/{number}/enrollments" in asked.path
                or (b"core_enrol_get_enrolled_users" in asked.body and f"courseid={number}&".encode() in asked.body + b"&")}  # fmt: skip


@pytest.fixture(params=["moodle", "canvas"])
def bench(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Bench]:
    world = World(3, courses=3, learners=8, enrollments=14)
    with ExitStack() as stack:
        site = stack.enter_context(letters(database_url, tmp_path))
        made = FakeMoodle(world) if request.param == "moodle" else FakeCanvas(world)
        yield Bench(site, request.param, stack.enter_context(made))


def course_of(letter: Letter) -> str:
    return str(letter.source_position).removeprefix("course ").partition(",")[0]


def test_records_are_asked_for_again_under_todays_mapping(bench: Bench) -> None:
    """One run with trigger replay and its own accounting and requests; every letter is resolved, and afterwards the LMS
    has nothing to tell that is new."""
    accounting = bench.sync()
    kept = bench.open()
    assert len(kept) == accounting.rejected > 5
    bench.cure()
    done = bench.letters.replay(kept, reason="course names may be long")
    assert done.left == []
    assert bench.open() == []
    (run,) = bench.site.ask(RUNS)
    assert run[:5] == ("import", "replay", "completed", len(kept), 0)
    assert int(run[5]) > 0
    assert set(bench.site.acts()) == {"replayed"}
    assert bench.site.ask(ENROLLMENTS)[0][0] > 5
    assert bench.sync(full=True).changed == 0


def test_one_record_is_taken_in_and_no_other(bench: Bench) -> None:
    """The course of the letter is read and no other one; of it only the record of the letter is told."""
    bench.sync()
    kept = bench.open()
    bench.cure()
    one = next(letter for letter in kept if Counter(map(course_of, kept))[course_of(letter)] > 1)
    before = bench.site.ask(ENROLLMENTS)[0][0]
    bench.fake.server.asked.clear()
    done = bench.letters.replay([one])
    assert [letter.id for letter, _ in done.resolved] == [one.id]
    assert bench.courses_asked() == {course_of(one)}
    assert bench.site.ask(ENROLLMENTS)[0][0] <= before + 1
    assert {letter.id for letter in bench.open()} == {letter.id for letter in kept} - {one.id}


def test_what_is_rejected_as_before_stays_open(bench: Bench) -> None:
    """Without a new mapping the same letters are left, with the rule that they break."""
    bench.sync()
    kept = bench.open()
    done = bench.letters.replay(kept)
    assert done.resolved == []
    assert {letter.id for letter, _ in done.left} == {letter.id for letter in kept} == {one.id for one in bench.open()}
    assert all("course_name" in why for _, why in done.left)


def test_a_rehearsal_asks_and_changes_nothing(bench: Bench) -> None:
    """Rows before and after are shown; nothing is written; what only looks at a letter does not ask the LMS."""
    bench.sync()
    bench.cure()
    kept = bench.open()
    before = bench.site.rows(*TABLES)
    tables = {change.table for _, change in bench.letters.rehearse(kept).changes}
    assert "lms_course_enrollment" in tables
    assert bench.site.rows(*TABLES) == before
    bench.fake.server.asked.clear()
    assert "asked for it again" in bench.letters.rehearse(kept[:1], asks=False).left[0][1]
    assert bench.fake.server.asked == []


def test_what_the_lms_no_longer_shows_is_said(bench: Bench) -> None:
    """All ids of the LMS have changed meanwhile: nothing is taken in, and the answer says what to do."""
    bench.sync()
    kept = bench.open()
    bench.cure()
    bench.fake.world.renumber()
    done = bench.letters.replay(kept)
    assert done.resolved == []
    assert all("no longer shows" in why and "discard" in why for _, why in done.left)


def test_an_lms_that_is_away_resolves_nothing(bench: Bench) -> None:
    """It is said, and the letters stay."""
    bench.sync()
    kept = bench.open()
    bench.cure()
    bench.fake.server.close()
    with pytest.raises(Retriable):
        bench.letters.replay(kept)
    assert len(bench.open()) == len(kept)
    assert integration_id(COMPANY, bench.kind) == kept[0].integration_id


def test_in_a_planned_window_the_lms_is_left_alone(bench: Bench) -> None:
    """Nothing is asked of it; the letters stay, with the end of the window."""
    bench.sync()
    kept = bench.open()
    bench.cure()
    now = datetime.now(UTC)
    window = [{"from": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}", "to": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}"}]
    settings = json.loads(
        bench.site.ask("SELECT fold_state->>'connector_settings' FROM hub.lms_integration_config")[0][0] or "{}"
    )
    changed = {"connector_settings": json.dumps(settings | {"maintenance": window})}
    bench.site.hub.commands.execute(acts.change(COMPANY, bench.kind, changed))
    bench.fake.server.asked.clear()
    for done in (bench.letters.rehearse(kept), bench.letters.replay(kept)):
        assert {letter.id for letter, _ in done.left} == {letter.id for letter in kept}
        assert all("is in a planned window; expected a start after" in why for _, why in done.left)
    assert bench.fake.server.asked == []
