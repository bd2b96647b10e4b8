"""The commands about dead letters. Each letter is a stream of its own, so nothing that is parked can hold them up."""

from __future__ import annotations

from uuid import uuid4

from hub.deadletters.letters import Letter
from hub.deciding.commands import Body, Command
from hub.deciding.envelope import HUB, Actor
from hub.deciding.view import View
from hub.domain import ids
from hub.domain.events.deadletters import STREAM, LetterDiscarded, LetterEvent, LetterParked, LetterReplayed
from hub.domain.rows import Row
from hub.errors import Refused

TABLE = "dead_letter"
ANY = "any"
"""Whatever the last event of the letter is."""


def parked(letter: Letter, company_id: str, after: str | None) -> Command:
    """Tell that a record of the log is parked. ``after``: the last event of the letter, so that it is told once."""
    return _command(LetterParked, letter, company_id, command_id=ids.derived(letter.id, "parked", after or ""))


def replayed(
    letter: Letter,
    company_id: str,
    *,
    run_id: str | None = None,
    actor: Actor = HUB,
    reason: str | None = None,
    after: str | None = ANY,
) -> Command:
    """Tell that rejected input was taken in again by a run, or that a parked record is to be folded again.

    ``after``: nothing is told where another event is the letter's last one by then."""
    return _command(LetterReplayed, letter, company_id, run_id=run_id, actor=actor, reason=reason, after=after)


def discarded(
    letter: Letter, company_id: str, *, actor: Actor = HUB, reason: str | None = None, after: str | None = ANY
) -> Command:
    """Decide that the record never counts. Its refusal: a discard says why. ``after`` as for :func:`replayed`."""
    return _command(LetterDiscarded, letter, company_id, actor=actor, reason=reason, after=after)


def _command(
    event: type[LetterEvent],
    letter: Letter,
    company_id: str,
    *,
    run_id: str | None = None,
    actor: Actor = HUB,
    reason: str | None = None,
    command_id: str | None = None,
    after: str | None = ANY,
) -> Command:
    name = event.type.removeprefix("lms.").removesuffix(".v1")

    def decide(view: View, _: int) -> Body | None:
        if event is LetterDiscarded and not (reason or "").strip():
            raise Refused(
                "reason: a discard says why; expected --reason", field="reason", rule="required", expected="a reason"
            )
        row = view.row(TABLE, letter.id)
        if row is None or row["resolved_at"] is not None:
            return None
        if after != ANY and view.head(letter.id).last_event_id != after:
            return None
        return _body(event, letter, row, run_id)

    return Command(
        id=command_id or str(uuid4()),
        name=name,
        company_id=company_id,
        topic=event.topic,
        stream=(STREAM, letter.id),
        decide=decide,
        actor=actor,
        reason=reason,
        integration_id=letter.integration_id if letter.code is not None else None,
        correlation_id=run_id,
    )


def _body(event: type[LetterEvent], letter: Letter, row: Row, run_id: str | None) -> Body:
    return {
        "type": event.type,
        "transitions": [event.type.removeprefix("lms.").removesuffix(".v1")],
        "kind": letter.kind,
        "record_topic": letter.topic,
        "record_partition": letter.partition,
        "record_offset": letter.offset,
        "record_sha256": row["record_sha256"],
        "record_stream": letter.stream,
        "field": row["field"],
        "rule": row["rule"],
        "message": row["message"],
        "run_id": run_id,
        "affected_employees": letter.people,
    }
