"""Events by which the audit tells of itself: data given out, a chain found broken, another signing key.

A chain and a key belong to no company: each company of the hub is told, since each has to answer for its own trail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from hub.audit.offline import Finding, Seal, key_id
from hub.bootstrap import Hub
from hub.deciding.commands import Body, Command
from hub.deciding.envelope import HUB, Actor
from hub.deciding.view import View
from hub.domain import ids
from hub.domain.rows import dumped

TOPIC = "lms.operations"
COMPANIES = (
    "SELECT m.id::text, (SELECT count(*) FROM hub.employee e WHERE e.company_id = m.id) FROM hub.company m ORDER BY 1"
)


@dataclass(frozen=True, slots=True)
class Given:
    """What is given out. ``about``: the employee whose data it is; None: of all employees of the company."""

    what: str
    format: str
    asked: Mapping[str, Any]
    sensitivity: str
    about: str | None = None
    sha256: bytes | None = None


def given_out(hub: Hub, company: str, given: Given, actor: Actor, reason: str | None = None) -> None:
    """Tell that data is given out; to be called before it is, and nothing is to be given where this raises.

    Raises Retriable where it cannot be told now; Refused where it reaches many people and a user gives no justification.
    """
    of = given.about or "all"
    body = {
        "type": "lms.data.given_out.v1",
        "transitions": ["data.given_out"],
        "what": given.what,
        "format": given.format,
        "about_id": given.about,
        "asked": dumped(json.loads(json.dumps(given.asked, default=str))),
        "sensitivity": given.sensitivity,
        "sha256": given.sha256,
        "affected_employees": 1 if given.about else _companies(hub)[company],
        "impact": f"Given out: {given.what} ({given.format}).",
    }
    stream = ("disclosure", ids.derived(company, "disclosure", of))
    _execute(hub, [_command(company, stream, "audit.given_out", str(uuid4()), body, actor, reason)])


def given_out_of_all(hub: Hub, given: Given, actor: Actor, reason: str | None = None) -> None:
    """The same of data of all companies: each is told."""
    for company in _companies(hub):
        given_out(hub, company, given, actor, reason)


def chain_broken(hub: Hub, findings: Sequence[Finding]) -> None:
    """Tell every company of what a verification found; what was told before is not told again.

    Raises Retriable where it cannot be told now.
    """
    commands = []
    for company, people in _companies(hub).items():
        stream = ("chain", ids.derived(company, "chain"))
        for one in findings:
            body = {
                "type": "lms.chain.broken.v1",
                "transitions": ["chain.broken"],
                "finding": one.kind,
                "place": one.where,
                "offset": one.offset,
                "affected_employees": people,
                "impact": f"The log is not what was sealed: {one.kind}: {one.where}: {one.text}",
            }
            command = ids.derived(company, "chain broken", one.kind, one.where, str(one.offset))
            commands.append(_command(company, stream, "audit.chain_broken", command, body, HUB, None))
    _execute(hub, commands)


def key_rotated(hub: Hub, line: Seal, actor: Actor, reason: str | None = None) -> None:
    """Tell every company that another key signs; ``line`` is the one that introduces it.

    Raises Retriable where it cannot be told now.
    """
    key = key_id(bytes.fromhex(line.public_key or ""))
    body = {
        "type": "lms.signing_key.rotated.v1",
        "transitions": ["signing_key.rotated"],
        "key_id": key,
        "signed_by": line.key,
        "seal_number": line.number,
        "impact": f"Key {key} signs in place of {line.key}.",
    }
    _execute(
        hub,
        [
            _command(company, ("chain", ids.derived(company, "chain")), "audit.key_rotated",
                     ids.derived(company, "signing key", key), body, actor, reason)
            for company in _companies(hub)
        ],
    )  # fmt: skip


def _companies(hub: Hub) -> dict[str, int]:
    """Every company with how many employees it ever had: whose data is in reach."""
    with hub.connection() as connection:
        return {company: int(people) for company, people in connection.execute(COMPANIES).fetchall()}


def _command(
    company: str, stream: tuple[str, str], name: str, id: str, body: Body, actor: Actor, reason: str | None
) -> Command:
    return Command(
        id=id, name=name, company_id=company, topic=TOPIC, stream=stream, decide=partial(_decide, body=body), actor=actor, reason=reason
    )  # fmt: skip


def _decide(_view: View, _now: int, *, body: Body) -> Body:
    return body


def _execute(hub: Hub, commands: Sequence[Command]) -> None:
    for answer in hub.commands.execute_all(commands):
        if isinstance(answer, Exception):
            raise answer
