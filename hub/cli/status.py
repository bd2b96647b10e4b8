"""``hub status``: how far the hub is, who works, what waits for a person. It looks and starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from hub.cli.context import company_of, opened
from hub.cli.frame import example
from hub.cli.options import AsJson, Company

if TYPE_CHECKING:
    from hub.bootstrap import Hub

TOPICS = {"topic": "topic", "end": "in the log", "folded": "folded", "decided": "decided", "behind": "behind"}
RUNNERS = {"name": "runner", "state": "state", "detail": ""}
INTEGRATIONS = {
    "company_code": "company", "lms_code": "integration", "connection_status": "connection", "is_active": "active",
    "error_count": "failures", "last_sync_at": "last run", "last_run": "it", "read": "read",
}  # fmt: skip
DEAD = {"kind": "dead letters", "count": "open"}


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(
        "status", short_help="How far, who works, what waits.", epilog=example("hub status", "hub status --json")
    )(status)


def status(company: Company = None, as_json: AsJson = False) -> None:
    """Show what is behind, who folds and decides, dead letters, and how the integrations are."""
    from hub.cli import output

    with opened(runners=False) as hub:
        found = _found(hub, None if company is None else company_of(hub, company))
    if as_json:
        output.print_json(found)
        return
    output.print_table(found["topics"], TOPICS, title=f"Log: {found['log']}, {found['partitions']} partitions")
    typer.echo()
    output.print_table(found["runners"], RUNNERS)
    typer.echo()
    output.show(found["deadletters"], DEAD, as_json=False, empty="No dead letter is open.")
    typer.echo()
    output.show(found["integrations"], INTEGRATIONS, as_json=False, empty="No integration yet.")
    for one in found["integrations"]:
        if one["last_run"] == "failed":
            typer.echo(f"The last run of {one['lms_code']} failed: {output.plain(one['failure'] or 'no reason told')}")
    for one in found["waiting"]:
        since = f"{one['since']:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{one['integration']} is {one['what']} since {since}: {one['why']}.\n  {one['do']}")
    if found["to_rebuild"]:
        told = ", ".join(found["to_rebuild"])
        typer.echo(
            f"\nMade by another version of the folds: {told}; `hub projections rebuild` brings them to this one."
        )
    typer.echo("\n" + _in_a_word(found))


def _found(hub: Hub, company_id: str | None) -> dict[str, Any]:
    from hub.cli import standing
    from projections.rebuild import stamp

    with hub.connection() as connection:
        return {
            "log": "Kafka" if hub.settings.on_kafka else "PostgreSQL",
            "partitions": hub.log.partitions,
            "topics": standing.topics(hub),
            "runners": standing.runners(connection, on_kafka=hub.settings.on_kafka),
            "deadletters": standing.dead_letters(connection, company_id),
            "integrations": standing.integrations(connection, company_id),
            "waiting": standing.waiting(connection, company_id),
            "to_rebuild": sorted(stamp.differing(connection)),
        }


def _in_a_word(found: dict[str, Any]) -> str:
    """The one sentence that somebody at night reads first."""
    behind = sum(topic["behind"] or 0 for topic in found["topics"])
    failing = [runner["name"] for runner in found["runners"] if runner["state"] == "failing"]
    parked = sum(one["count"] for one in found["deadletters"] if one["kind"] != "rejected")
    if failing:
        return f"Not well: {', '.join(failing)} fails, and {behind} records wait."
    if parked:
        return f"Not well: {parked} records are parked or wait behind one; see hub deadletters list."
    if found["waiting"]:
        told = ", ".join(f"{one['integration']} is {one['what']}" for one in found["waiting"])
        return f"Waits for a person: {told}; what to do stands above."
    if behind == 0:
        return "All that is in the log is in the tables."
    if any(runner["state"] == "nobody" for runner in found["runners"] if runner["name"] != "serve"):
        command = "hub worker" if found["log"] == "Kafka" else "hub serve"
        return f"{behind} records are behind, and nobody works on them; `{command}` does it."
    return f"{behind} records are behind, and somebody works on them."
