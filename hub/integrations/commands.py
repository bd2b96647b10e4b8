"""Commands about integrations and their runs; all of a company go through its one settings stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from hub.deciding.commands import Body, Command
from hub.deciding.envelope import HUB, Actor
from hub.deciding.view import View
from hub.domain import ids, integrations, runs
from hub.domain.integrations import Configs, IntegrationChange

TOPIC = "lms.integration"
TABLE = "lms_integration_config"

Decision = Callable[[Configs, int], IntegrationChange | None]


def _command(
    name: str,
    company_id: str,
    config_id: str,
    decision: Decision,
    *,
    actor: Actor = HUB,
    reason: str | None = None,
    justification: str | None = None,
    run_id: str | None = None,
    affected: Callable[[View], int] | None = None,
    command_id: str | None = None,
) -> Command:
    def decide(view: View, now: int) -> Body | None:
        configs = view.snapshot.of_company(TABLE, company_id)
        for key in configs:
            configs[key] = view.row(TABLE, key) or configs[key]
        change = decision(configs, now)
        if change is None:
            return None
        body = _body(change)
        body["affected_employees"] = (
            view.snapshot.in_play("lms_integration_id", config_id) if affected is None else affected(view)
        )
        return body

    return Command(
        id=command_id or str(uuid4()),
        name=name,
        company_id=company_id,
        topic=TOPIC,
        stream=("settings", ids.settings_stream(company_id)),
        decide=decide,
        actor=actor,
        reason=reason,
        justification=justification,
        integration_id=None if name == "integration.add" else config_id,
        correlation_id=run_id,
    )


def _body(change: IntegrationChange) -> Body:
    return {
        "type": change.type,
        "transitions": list(change.transitions),
        "config_id": change.config_id,
        "config": change.config or None,
        "config_cleared": list(change.cleared),
        "demoted_id": change.demoted_id,
        "run_id": change.run_id,
        "run": change.run or None,
    }


def add(company_id: str, wanted: Mapping[str, Any], *, actor: Actor = HUB, reason: str | None = None) -> Command:
    """Set up an integration."""
    config_id = ids.integration_id(company_id, str(wanted.get("lms_code") or ""))
    return _command(
        "integration.add", company_id, config_id, lambda configs, _: integrations.configured(configs, config_id, wanted),
        actor=actor, reason=reason,
    )  # fmt: skip


def change(
    company_id: str,
    code: str,
    wanted: Mapping[str, Any],
    *,
    cleared: Sequence[str] = (),
    actor: Actor = HUB,
    reason: str | None = None,
    justification: str | None = None,
) -> Command:
    """Change an integration."""
    config_id = ids.integration_id(company_id, code)
    return _command(
        "integration.change", company_id, config_id, lambda configs, _: integrations.changed(configs, config_id, wanted, cleared),
        actor=actor, reason=reason, justification=justification,
    )  # fmt: skip


def activate(company_id: str, code: str, *, active: bool, actor: Actor = HUB, reason: str | None = None) -> Command:
    """Let an integration run, or switch it off."""
    config_id = ids.integration_id(company_id, code)
    decision = integrations.activated if active else integrations.deactivated
    name = "integration.activate" if active else "integration.deactivate"
    return _command(
        name, company_id, config_id, lambda configs, _: decision(configs, config_id), actor=actor, reason=reason
    )


def begin_test(company_id: str, code: str, *, actor: Actor = HUB) -> Command:
    """A test of the connection begins."""
    config_id = ids.integration_id(company_id, code)
    return _command(
        "integration.test", company_id, config_id, lambda configs, _: runs.testing(configs, config_id),
        actor=actor, affected=_nobody,
    )  # fmt: skip


def connection_tested(company_id: str, code: str, *, good: bool, zone: str = "UTC", actor: Actor = HUB) -> Command:
    """Tell what a test or a probe of the connection found. ``zone``: the company's, whose day begins anew."""
    config_id = ids.integration_id(company_id, code)
    return _command(
        "integration.connection", company_id, config_id,
        lambda configs, now: runs.connection(configs, config_id, good=good, at=now, zone=zone),
        actor=actor, affected=_nobody,
    )  # fmt: skip


def maintenance(company_id: str, code: str, *, begins: bool) -> Command:
    """A planned window begins, or is over."""
    config_id = ids.integration_id(company_id, code)
    return _command(
        "integration.maintenance", company_id, config_id,
        lambda configs, _: runs.maintenance(configs, config_id, begins=begins), affected=_nobody,
    )  # fmt: skip


def sync_started(
    company_id: str, config_id: str, run_id: str, run: Mapping[str, Any], *, actor: Actor = HUB
) -> Command:
    """A run begins. Its command id is derived, so that a run has one beginning."""
    return _command(
        "sync.start", company_id, config_id,
        lambda configs, _: runs.started(configs, config_id, run_id, run),
        actor=actor, run_id=run_id, affected=_nobody, command_id=ids.derived(run_id, "started"),
    )  # fmt: skip


def sync_completed(
    company_id: str, config_id: str, run_id: str, run: Mapping[str, Any], *, is_whole: bool = False
) -> Command:
    """A run ended and its accounting adds up. ``is_whole``: a full pass that looked for what is gone."""
    return _command(
        "sync.complete", company_id, config_id,
        lambda configs, now: runs.completed(
            configs, config_id, run_id, {**run, "ended_at": now}, now, is_whole=is_whole
        ),
        run_id=run_id, affected=lambda view: view.snapshot.changed_people(run_id, run["started_at"]),
        command_id=ids.derived(run_id, "ended"),
    )  # fmt: skip


def sync_failed(
    company_id: str, config_id: str, run_id: str, run: Mapping[str, Any], *, retry_after: int | None = None
) -> Command:
    """A run ended early, or its accounting does not add up. ``retry_after``: microseconds that the source asked for."""
    return _command(
        "sync.fail", company_id, config_id,
        lambda configs, now: runs.failed(configs, config_id, run_id, {**run, "ended_at": now}, now, retry_after),
        run_id=run_id, affected=_nobody, command_id=ids.derived(run_id, "ended"),
    )  # fmt: skip


def run_held(company_id: str, config_id: str, run_id: str, run: Mapping[str, Any], affected: int) -> Command:
    """A full pass is held by the mass-change guard. ``affected``: people whose enrollments it would drop."""
    return _command(
        "run.hold", company_id, config_id,
        lambda configs, now: runs.held(configs, config_id, run_id, {**run, "ended_at": now}, now),
        run_id=run_id, affected=lambda _: affected, command_id=ids.derived(run_id, "ended"),
    )  # fmt: skip


def run_released(
    company_id: str, config_id: str, run_id: str, affected: int,
    *, actor: Actor = HUB, reason: str | None = None, justification: str | None = None,
) -> Command:  # fmt: skip
    """Accept what a held run would do. ``affected``: as told when it was held."""
    return _command(
        "run.release", company_id, config_id, lambda configs, _: runs.released(configs, config_id, run_id),
        actor=actor, reason=reason, justification=justification, run_id=run_id, affected=lambda _: affected,
    )  # fmt: skip


def source_stopped(company_id: str, config_id: str, *, stops: bool) -> Command:
    """Too many dead letters of an integration are open, or few enough again."""
    return _command(
        "source.stop" if stops else "source.resume", company_id, config_id,
        lambda configs, now: runs.stopped(configs, config_id, now) if stops else runs.resumed(configs, config_id),
        affected=_nobody,
    )  # fmt: skip


def _nobody(_: View) -> int:
    return 0
