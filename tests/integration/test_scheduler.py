"""The scheduler on a real database with fake LMSs and a clock that is moved by hand: every step is carried out here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

import hub.bootstrap
import hub.intake.pulling
import hub.intake.service
from connectors.contract import Check
from connectors.http import CredentialsRefused
from connectors.moodle.errors import MoodleError, error_of
from hub.bootstrap import Hub
from hub.directory.commands import company
from hub.domain import ids
from hub.domain.units import DAY, SECOND
from hub.errors import Refused, Retriable
from hub.intake.exclusive import INTERRUPTED, RUN_LOCK, run_key
from hub.intake.service import Intake, RunUnderWay
from hub.integrations import commands as acts
from hub.scheduling.plan import HOUR, MINUTE
from hub.scheduling.scheduler import Scheduler
from tests.support.fake_lms import FakeLms, FakeLmses, installed
from tests.support.log_contract import DEADLINE, in_thread
from tests.support.site import CODE, COMPANY, site

DOWN = [Check("reach", ok=False, text="It does not answer.")]


class Time:
    """The wall clock, and what is added to it by hand."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self.ahead

    def pass_by(self, microseconds: int) -> None:
        self.ahead += microseconds


class Scene:
    """A hub, and schedulers whose steps are carried out one by one."""

    def __init__(self, hub: Hub, fakes: FakeLmses, now: Time) -> None:
        self.hub, self.fakes, self.now = hub, fakes, now
        hub.commands.execute(company(CODE, "Acme", time_zone="Europe/Vienna"))
        self.intake = Intake(hub)
        self.made: list[Scheduler] = []
        self.scheduler = self.another()

    def another(self, at_once: int = 0) -> Scheduler:
        self.made.append(Scheduler(self.hub, at_once, self.now))
        return self.made[-1]

    def add(self, code: str = "lms", frequency: str = "Hourly", **wanted: Any) -> FakeLms:
        settings = wanted.pop("settings", {})
        return self.fakes.add(
            self.hub, COMPANY, code, sync_frequency=frequency, connector_settings=json.dumps(settings), **wanted
        )

    def drive(self) -> list[str]:
        """Carry out all that is due; what it was."""
        done = []
        self.scheduler._look()
        while not self.scheduler._due.empty():
            _, _, one, step = self.scheduler._due.get()
            self.scheduler._carry_out(self.intake, one, step)
            done.append(step.what)
        return done

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.hub.url, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload]

    def config(self) -> dict[str, Any]:
        return self.rows("SELECT * FROM hub.lms_integration_config")[0]

    def runs(self) -> list[tuple[str, str, str]]:
        found = self.rows("SELECT kind, status, trigger FROM hub.sync_run ORDER BY started_at")
        return [(one["kind"], one["status"], one["trigger"]) for one in found]

    def told(self) -> list[str]:
        """The events of the integration, but those that set it up."""
        found = self.rows(
            "SELECT additional_context AS c FROM hub.lms_audit_trail ORDER BY (additional_context->>'version')::int"
        )
        names = [one["c"]["event_type"].removeprefix("lms.").removesuffix(".v1") for one in found]
        return [name for name in names if name.startswith(("sync.", "connection.", "run."))]


@pytest.fixture
def scene(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    now, fakes = Time(), installed(monkeypatch)
    for module in (hub.bootstrap, hub.intake.service, hub.intake.pulling):
        monkeypatch.setattr(module, "clock", now)
    with site("postgres", database_url, tmp_path, None) as made, made.open() as opened:
        scene = Scene(opened, fakes, now)
        yield scene
        for scheduler in scene.made:
            scheduler.close()


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def test_runs_follow_the_schedule(scene: Scene) -> None:
    """The first one at once, then after each interval, from the end of the last run; a full pass once a day."""
    lms = scene.add(frequency="Hourly")
    lms.enroll("A", 2)
    assert scene.drive() == ["full"]
    assert scene.drive() == []
    scene.now.pass_by(HOUR - MINUTE)
    assert scene.drive() == ["probe"], "the last contact is 59 minutes ago"
    scene.now.pass_by(MINUTE)
    assert scene.drive() == ["sync"]
    scene.now.pass_by(DAY)
    assert scene.drive() == ["full"]
    assert [ask.since is None for ask in lms.asks] == [True, False, True]
    assert scene.runs() == [(kind, "completed", "schedule") for kind in ("full sync", "sync", "full sync")]


def test_what_is_switched_off_is_left_alone(scene: Scene) -> None:
    """is_active false: no run, no probe; switched on again it goes on at once."""
    lms = scene.add()
    scene.hub.commands.execute(acts.activate(COMPANY, "lms", active=False))
    assert scene.drive() == []
    scene.hub.commands.execute(acts.activate(COMPANY, "lms", active=True))
    assert scene.drive() == ["full"]
    assert len(lms.asks) == 1


def test_retries_breaker_probe_and_back(scene: Scene) -> None:
    """Failed runs are tried again with growing pauses up to max_retry_attempts; then Error, and nothing but a probe every
    few minutes, which closes it by itself; a run follows. Every change of status is an event."""
    lms = scene.add(frequency="Weekly", max_retry_attempts=3)
    lms.faults.extend(Retriable("It is away.") for _ in range(3))
    pauses = (30 * SECOND, MINUTE)
    for number, pause in enumerate(pauses, 1):
        assert scene.drive() == ["full"]
        assert (scene.config()["connection_status"], scene.config()["error_count"]) == ("Disconnected", number)
        scene.now.pass_by(pause - 10 * SECOND)
        assert scene.drive() == []
        scene.now.pass_by(10 * SECOND + 15 * SECOND)
    assert scene.drive() == ["full"]
    assert (scene.config()["connection_status"], scene.config()["error_count"]) == ("Error", 3)
    lms.checks = DOWN
    for _ in range(2):
        scene.now.pass_by(5 * MINUTE)
        assert scene.drive() == ["probe"]
        assert scene.config()["connection_status"] == "Error"
    lms.checks = [Check("reach", ok=True, text="It answers.")]
    scene.now.pass_by(5 * MINUTE)
    assert scene.drive() == ["probe"]
    assert (scene.config()["connection_status"], scene.config()["error_count"]) == ("Connected", 2)
    assert scene.drive() == ["full"]
    assert (scene.config()["connection_status"], scene.config()["error_count"]) == ("Connected", 0)
    assert [trigger for _, _, trigger in scene.runs()] == ["schedule", "retry", "retry", "probe"]
    failed, done = ["sync.started", "sync.failed"], ["sync.started", "sync.completed"]
    assert scene.told() == [*failed * 3, "connection.restored", *done]


def test_the_source_may_ask_for_a_longer_pause(scene: Scene) -> None:
    """Retry-After: not before."""
    lms = scene.add(frequency="Hourly")
    lms.faults.append(Retriable("Slow down.", retry_after=1200.0))
    assert scene.drive() == ["full"]
    scene.now.pass_by(1100 * SECOND)
    assert scene.drive() == ["probe"]
    scene.now.pass_by(100 * SECOND)
    assert scene.drive() == ["full"]
    assert len(lms.asks) == 2


def test_refused_credentials_are_told_as_such(scene: Scene) -> None:
    """Of a run that failed it is known whether the credentials were the reason: only a person can mend that."""
    lms = scene.add(frequency="Hourly", max_retry_attempts=9)
    lms.faults.append(Retriable("It is away."))
    lms.faults.append(CredentialsRefused("No.", 401, rule="401", expected="a token that it accepts"))
    lms.faults.append(MoodleError("forcepasswordchangenotice", "core_x", "a password"))
    lms.faults.append(error_of({"errorcode": "invalidtoken"}, "core_x"))
    for _ in range(5):
        assert "full" in scene.drive()
        scene.now.pass_by(20 * MINUTE)
    query = "SELECT status, credentials_refused AS refused FROM hub.sync_run ORDER BY started_at"
    assert [one["refused"] for one in scene.rows(query)] == [False, True, False, True, None]


def test_probes_are_quiet(scene: Scene) -> None:
    """Every 15 minutes where nothing else calls; only a change of status is told, and the first contact of a day."""
    lms = scene.add(frequency="On-demand")
    assert scene.drive() == ["probe"]
    assert scene.told() == ["connection.restored"]
    for _ in range(3):
        scene.now.pass_by(15 * MINUTE)
        assert scene.drive() == ["probe"]
    scene.now.pass_by(DAY)
    lms.checks = [Check("grades", ok=False, text="No right.", empty_columns=("score_achieved",))]
    assert scene.drive() == ["probe"]
    assert scene.config()["connection_status"] == "Connected", "a missing permission leaves columns empty, no more"
    lms.checks = DOWN
    scene.now.pass_by(15 * MINUTE)
    assert scene.drive() == ["probe"]
    assert [name for name in scene.told() if name != "connection.checked"] == ["connection.restored", "connection.lost"]
    assert scene.config()["connection_status"] == "Disconnected"
    assert 1 <= scene.told().count("connection.checked") <= 2  # midnight may pass within the 45 minutes
    assert lms.tested == 6


def test_two_servers_do_not_double(scene: Scene) -> None:
    """Both find the run due; whoever comes second sees that it was made."""
    lms = scene.add()
    other = scene.another()
    scene.scheduler._look()
    other._look()
    for scheduler in (scene.scheduler, other):
        _, _, one, step = scheduler._due.get_nowait()
        scheduler._carry_out(scene.intake, one, step)
    assert len(lms.asks) == 1
    assert len(scene.runs()) == 1


def test_a_run_that_is_under_way_elsewhere_is_waited_for(scene: Scene) -> None:
    """One run per integration at a time: the lock is held by another session."""
    lms = scene.add()
    key = run_key(ids.integration_id(COMPANY, "lms"))
    with psycopg.connect(scene.hub.url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s, %s)", (RUN_LOCK, key))
        assert scene.drive() == ["full"]
        assert not lms.asks
        holder.execute("SELECT pg_advisory_unlock_all()")
    scene.now.pass_by(MINUTE)
    assert scene.drive() == ["full"]
    assert len(lms.asks) == 1


def test_what_a_person_begins_waits_for_a_look_at_the_connection(scene: Scene) -> None:
    """The server's own look holds the lock and is no run; where a run has it, the person is told so at once."""
    lms = scene.add(frequency="On-demand")
    config_id = ids.integration_id(COMPANY, "lms")
    key = run_key(config_id)
    with psycopg.connect(scene.hub.url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s, %s)", (RUN_LOCK, key))
        run = in_thread(lambda: scene.intake.sync(COMPANY, "lms"))
        assert not run.wait(0.3)
        holder.execute("SELECT pg_advisory_unlock_all()")
        assert run.wait(DEADLINE)
        assert len(lms.asks) == 1

        holder.execute("SELECT pg_advisory_lock(%s, %s)", (RUN_LOCK, key))
        begun = {"kind": "sync", "trigger": "schedule", "started_at": scene.now()}
        scene.hub.commands.execute(acts.sync_started(COMPANY, config_id, str(uuid4()), begun))
        with pytest.raises(RunUnderWay):
            scene.intake.sync(COMPANY, "lms")


def test_an_interrupted_run_is_told_as_failed(scene: Scene) -> None:
    """A row that says running while nobody holds the lock: its server was killed."""
    scene.add(frequency="On-demand")
    run_id, config_id = str(uuid4()), ids.integration_id(COMPANY, "lms")
    begun = {"kind": "sync", "trigger": "schedule", "started_at": scene.now()}
    scene.hub.commands.execute(acts.sync_started(COMPANY, config_id, run_id, begun))
    scene.scheduler._sweep()
    run = scene.rows("SELECT * FROM hub.sync_run")[0]
    assert (run["status"], run["failure"]) == ("failed", INTERRUPTED)
    assert (scene.config()["connection_status"], scene.config()["error_count"]) == ("Disconnected", 0), (
        "the LMS did nothing wrong"
    )
    scene.scheduler._sweep()
    assert scene.told() == ["sync.started", "sync.failed"]


def test_a_held_full_pass_waits_unless_it_would_pass_by_now(scene: Scene) -> None:
    """Changes go on to be taken in; the pass is made again by itself once the guard would let it."""
    lms = scene.add(settings={"full_pass_hours": 1})
    lms.enroll("A", 100)
    scene.drive()
    lms.courses["A"] = dict(list(lms.courses["A"].items())[30:])
    scene.now.pass_by(HOUR)
    assert scene.drive() == ["full"]
    assert scene.runs()[-1] == ("full sync", "held", "schedule")
    for _ in range(2):
        scene.now.pass_by(HOUR)
        assert scene.drive() == ["sync"]
    wider = json.dumps({"full_pass_hours": 1, "guard_share_percent": 30})
    scene.hub.commands.execute(acts.change(COMPANY, "lms", {"connector_settings": wider}))
    scene.now.pass_by(HOUR)
    assert scene.drive() == ["full"]
    assert scene.rows("SELECT dropped FROM hub.sync_run ORDER BY started_at DESC LIMIT 1")[0]["dropped"] == 30


def test_a_planned_window(scene: Scene) -> None:
    """Status Maintenance, no run in it, not by hand either; what was due follows."""
    day = scene.now() // DAY * DAY
    scene.now.pass_by(day + DAY + 12 * HOUR - scene.now())  # noon in UTC
    window = [{"from": "12:30", "to": "13:30"}]
    scene.hub.commands.execute(company(CODE, "Acme", time_zone="UTC"))
    lms = scene.add(frequency="Every 15 mins", settings={"maintenance": window})
    assert scene.drive() == ["full"]
    scene.now.pass_by(31 * MINUTE)
    assert scene.drive() == ["maintenance_begins"]
    assert scene.config()["connection_status"] == "Maintenance"
    assert scene.drive() == []
    with pytest.raises(Refused, match="planned window"):
        scene.intake.sync(COMPANY, "lms")
    scene.now.pass_by(HOUR)
    assert scene.drive() == ["maintenance_ends"]
    assert scene.config()["connection_status"] == "Connected"
    assert scene.drive() == ["sync"]
    assert len(lms.asks) == 2


def test_the_threads(scene: Scene) -> None:
    """A bounded number at once, never two of one integration; none starves; a new integration is seen at once."""
    fakes = [scene.add(f"lms{number}", "Real-time", settings={"poll_seconds": 1}) for number in range(6)]
    scheduler = scene.another(at_once=2)
    scheduler.start()
    try:
        until(lambda: all(len(lms.asks) >= 2 for lms in fakes))
        late = scene.add("late", "Hourly")
        until(lambda: len(late.asks) == 1)
        assert scheduler.failures() == []
    finally:
        scheduler.close()
    assert max(lms.most_at_once for lms in fakes) == 1
    busy = scene.rows("SELECT max(n) AS n FROM (SELECT (SELECT count(*) FROM hub.sync_run b WHERE b.started_at <= a.started_at "
                      "AND coalesce(b.ended_at, 'infinity') > a.started_at) AS n FROM hub.sync_run a) x")  # fmt: skip
    assert busy[0]["n"] <= 2
