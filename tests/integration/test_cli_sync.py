"""`hub sync` with a held run, `hub integrations test` and `show`: what people read, in this process with a fake LMS."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connectors.contract import Check
from hub.cli.app import app
from hub.directory.commands import company
from tests.support.fake_lms import FakeLms, installed
from tests.support.site import CODE, COMPANY, Site, site


class Line:
    """The command line of one site, and the LMS of its one integration."""

    def __init__(self, made: Site, lms: FakeLms) -> None:
        self.made, self.lms = made, lms

    def run(self, *arguments: str) -> Result:
        done = CliRunner().invoke(app, list(arguments), env=self.made.environment)
        for handler in logging.getLogger().handlers:  # a command has a process of its own, which closes its log
            handler.close()
        return done

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refused(self, *arguments: str) -> Result:
        done = self.run(*arguments)
        assert done.exit_code == 1, done.output
        assert "Traceback" not in done.output
        return done


@pytest.fixture
def line(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    fakes, handlers = installed(monkeypatch), logging.getLogger().handlers[:]
    with site("postgres", database_url, tmp_path, None) as made:
        with made.open() as hub:
            hub.commands.execute(company(CODE, "Acme", time_zone="UTC"))
            lms = fakes.add(hub, COMPANY, "docebo", sync_frequency="Daily")
        yield Line(made, lms)
    logging.getLogger().handlers[:] = handlers


def test_a_held_run_is_shown_and_accepted(line: Line) -> None:
    """Held: exit status 1, one plain line that says what to do, the courses; `show` keeps it; --accept does it."""
    line.lms.enroll("Safety", 50)
    assert json.loads(line.ok("sync", "docebo", "--json"))["read"] == 51
    line.lms.courses["Safety"] = dict(list(line.lms.courses["Safety"].items())[25:])
    done = line.refused("sync", "docebo", "--full")
    assert "Safety" in done.stdout
    assert "25 of 50 enrollments" in done.stderr
    shown = json.loads(line.ok("integrations", "show", "docebo", "--json"))
    held = shown["held_run"]
    assert (held["would_drop"], held["existing"], held["courses"]) == (25, 50, [{"course": "Safety", "drops": 25}])
    assert f"hub sync docebo --accept {held['run']}" in done.stderr
    told = json.loads(line.refused("sync", "docebo", "--full", "--json").stdout)
    assert (told["would_drop"], told["held"] != held["run"]) == (25, True)
    assert "is not the held run" in line.refused("sync", "docebo", "--accept", held["run"]).stderr
    assert json.loads(line.ok("sync", "docebo", "--accept", told["held"], "--json"))["read"] == 26
    shown = json.loads(line.ok("integrations", "show", "docebo", "--json"))
    assert shown["held_run"] is None
    assert (shown["schedule"]["next_step"], shown["schedule"]["breaker"]) == ("probe", "closed")


def test_a_test_names_what_is_missing(line: Line) -> None:
    """Each permission, ok or missing, the columns that stay empty without it, and what grants it."""
    line.lms.checks = [
        Check("reach", ok=True, text="It answers.", empty_columns=("status",), remedy="none needed"),
        Check("grades", ok=False, text="Refused.", empty_columns=("score_achieved",), remedy="Tick grade:view."),
    ]
    done = line.refused("integrations", "test", "docebo")
    assert "missing" in done.stdout
    assert "score_achieved" in done.stdout
    assert "Tick grade:view." in done.stdout
    assert "none needed" not in done.stdout, "what is there needs no remedy"
    told = json.loads(line.refused("integrations", "test", "docebo", "--json").stdout)
    assert told[1] == {
        "name": "grades", "ok": False, "text": "Refused.", "empty_columns": ["score_achieved"], "remedy": "Tick grade:view.",
    }  # fmt: skip
    assert json.loads(line.ok("integrations", "show", "docebo", "--json"))["connection_status"] == "Connected"
    line.lms.checks = [Check("reach", ok=False, text="It does not answer.")]
    assert "not ok" in line.refused("integrations", "test", "docebo").stdout
    assert json.loads(line.ok("integrations", "show", "docebo", "--json"))["connection_status"] == "Disconnected"


def test_the_hubs_own_settings_are_options(line: Line) -> None:
    """--setting takes the hub's own beside the connector's, and says what is wrong with one."""
    window = '[{"from": "22:00", "to": "23:00"}]'
    line.ok("integrations", "change", "docebo", "--setting", "guard_least=50", "--setting", f"maintenance={window}")
    shown = json.loads(line.ok("integrations", "show", "docebo", "--json"))
    assert shown["connector_settings"] == {"guard_least": 50, "maintenance": json.loads(window)}
    for wrong in ("poll_seconds=0", "poll_seconds=soon", "maintenance=[", 'maintenance=[{"from": "x"}]'):
        name = wrong.partition("=")[0]
        assert f"setting {name}" in line.refused("integrations", "change", "docebo", "--setting", wrong).stderr
