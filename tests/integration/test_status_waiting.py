"""``hub status`` names what waits for a person, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.testing.moodle import FakeMoodle
from connectors.testing.world import World
from hub.cli import standing
from hub.cli.status import _in_a_word
from hub.deadletters import limit
from hub.deadletters.letters import chosen
from hub.deadletters.service import DeadLetters
from hub.intake.guard import HeldRun
from hub.intake.service import Intake
from tests.support.letters import Letters, letters
from tests.support.living import connect
from tests.support.site import COMPANY

QUIET = {"topics": [{"behind": 0}], "runners": [], "deadletters": []}


def waiting(site: Letters) -> list[dict[str, Any]]:
    with site.hub.connection() as connection:
        return standing.waiting(connection, COMPANY)


def test_a_source_that_was_stopped(database_url: str, tmp_path: Path) -> None:
    """How many letters are open and how many may be; with fewer it waits no more."""
    with letters(database_url, tmp_path) as site:
        site.change(connector_settings='{"dead_letter_limit": 1}')
        site.take_in("u1,C1,lots,2026-01-01T10:00:00Z", "u2,C1,lots,2026-01-01T10:00:00Z")
        limit.react(site.hub)
        (one,) = waiting(site)
        assert (one["integration"], one["what"]) == ("csv", "stopped")
        assert "2 dead letters are open, more than the 1" in one["why"]
        assert one["do"].startswith("hub deadletters list --integration csv")
        assert _in_a_word({**QUIET, "waiting": [one]}).startswith("Waits for a person: csv is stopped")
        DeadLetters(site.hub, COMPANY).discard(list(chosen(site.hub.connection))[:1], reason="one less")
        limit.react(site.hub)
        assert waiting(site) == []


def test_a_run_that_is_held(database_url: str, tmp_path: Path) -> None:
    """What it would drop, and the command that accepts it; once accepted it waits no more."""
    world = World(3, courses=2, learners=10, enrollments=18)
    with letters(database_url, tmp_path) as site, FakeMoodle(world) as fake:
        settings = {"guard_least": 1, "guard_share_percent": 5}
        connect(site.hub, SimpleNamespace(kind="moodle", url=fake.url), connector_settings=settings)  # type: ignore[arg-type]
        intake = Intake(site.hub)
        intake.sync(COMPANY, "moodle", full=True)
        assert waiting(site) == []
        for enrollment in world.enrollments[::2]:
            world.stand(enrollment, "removed")
        with pytest.raises(HeldRun) as held:
            intake.sync(COMPANY, "moodle", full=True)
        (one,) = waiting(site)
        assert (one["integration"], one["what"]) == ("moodle", "held")
        assert f"would drop {held.value.loss.would_drop} of {held.value.loss.existing} enrollments" in one["why"]
        assert f"hub sync moodle --accept {held.value.run_id}" in one["do"]
        assert json.dumps(one, default=str)
        intake.sync(COMPANY, "moodle", accept=held.value.run_id)
        assert waiting(site) == []
