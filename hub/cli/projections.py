"""``hub projections``: how far the tables follow the log."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hub.cli.context import opened
from hub.cli.frame import example, new_group
from hub.cli.options import AsJson

app = new_group("Projections: the tables that are made of the log.")

TOPICS = {"topic": "topic", "events": "events", "behind": "behind", "updated_at": "last folded"}
PARTITIONS = {
    "topic": "topic",
    "partition": "partition",
    "next_offset": "next offset",
    "end": "end",
    "behind": "behind",
    "updated_at": "last folded",
}


@app.callback()
def _group() -> None:
    """Keeps `status` the name of a command while it is the only one."""


@app.command(epilog=example("hub projections status", "hub projections status --partitions"))
def status(
    partitions: Annotated[bool, typer.Option("--partitions", help="One line per partition.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far each topic is folded into its tables."""
    from hub.cli import output, standing

    with opened(runners=False) as hub:
        rows = standing.partitions(hub)
    if partitions or as_json:
        output.show(rows, PARTITIONS, as_json=as_json, empty="")
    else:
        output.print_table(_by_topic(rows), TOPICS)


def _by_topic(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(row["topic"], {"topic": row["topic"], "events": 0, "behind": 0, "updated_at": None})
        one["events"] += row["events"]
        one["behind"] += row["behind"]
        moments = [moment for moment in (one["updated_at"], row["updated_at"]) if moment is not None]
        one["updated_at"] = max(moments, default=None)
    return list(found.values())
