"""Commands by which acts on the read tables are told: one event per company whose rows they are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import uuid4

from hub.bootstrap import Hub
from hub.deciding.commands import Body, Command
from hub.deciding.envelope import Actor
from hub.deciding.view import View
from hub.domain import ids
from hub.domain.rows import dumped

TOPIC, STREAM = "lms.operations", "projection"


def tell(hub: Hub, what: str, rows: Mapping[str, Mapping[str, int]], reason: str | None) -> None:
    """Tell that tables were ``rebuilt``, ``rolled back`` or ``repaired``: company → table → rows.

    Raises Retriable where it cannot be told now.
    """
    answers = hub.commands.execute_all([_command(company, what, told, reason) for company, told in rows.items()])
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _command(company: str, what: str, rows: Mapping[str, int], reason: str | None) -> Command:
    return Command(
        id=str(uuid4()),  # each act is one of its own
        name=f"projections.{what}",
        company_id=company,
        topic=TOPIC,
        stream=(STREAM, ids.derived(company, "projections")),
        decide=partial(_decide, what=what, rows=rows),
        actor=Actor("system", "cli"),
        reason=reason,
    )


def _decide(_view: View, _now: int, *, what: str, rows: Mapping[str, int]) -> Body:
    name = f"projection.{what.replace(' ', '_')}"
    told = ", ".join(f"{count} of {table}" for table, count in rows.items())
    return {
        "type": f"lms.{name}.v1",
        "transitions": [name],
        "rows": dumped(dict(rows)),
        "impact": f"Rows {what}: {told}." if rows else f"All tables {what}.",
    }
