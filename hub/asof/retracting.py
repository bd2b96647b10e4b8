"""Taking one fact out by its event, as a command of a person: what a source reported, or what a person told.

The stream is decided again without it, as where an LMS voids a statement. Nothing is deleted: the log keeps the fact and
the event that took it out, and what was asked as known before stays answered as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from hub.deciding.commands import Body, Command
from hub.deciding.envelope import Actor
from hub.deciding.learning import context_of, finished
from hub.deciding.ports import Surroundings
from hub.deciding.view import View
from hub.domain import retraction
from hub.domain.learning import State, Told
from hub.domain.rows import Row
from hub.errors import Refused

PERSONS = ("user", "employee")
Event = Mapping[str, Any]


def retract_fact(
    company_id: str,
    stream: str,
    event_id: str,
    around: Surroundings,
    *,
    actor: Actor,
    reason: str,
    justification: str | None = None,
    command_id: str | None = None,
) -> Command:
    """Take out the fact of an event of this enrollment's stream. Told twice, the second time changes nothing.

    Its decision raises Refused where the stream has no such event, or where it is no fact that a source or a person told.
    """

    def decide(view: View, now: int) -> Body | None:
        events = _events(view, stream, around)
        target = next((event for event in events if str(event["event_id"]) == event_id), None)
        if target is None or target["company_id"] != company_id:
            raise Refused("event: is not known; expected an event of this enrollment", field="event", rule="exists",
                          expected="an event id of `hub enrollments history`")  # fmt: skip
        if any(str(event.get("retracts")) == event_id for event in events):
            return None
        _demand_fact(target)
        row = view.row(retraction.ENROLLMENT, target["enrollment_row_id"])
        part = view.row(retraction.LESSON, target.get("lesson_row_id"))
        told = _told(target)
        context = context_of(view, target, now)
        draft = retraction.retract(events, target, State(row, part), context, _fold(around))
        return finished(draft, told, row, context) | {"integration_id": target["integration_id"]}

    return Command(
        id=command_id or str(uuid4()), name="enrollment.retract", company_id=company_id, topic="lms.learning",
        stream=("enrollment", stream), decide=decide, actor=actor, reason=reason, justification=justification,
    )  # fmt: skip


def _events(view: View, stream: str, around: Surroundings) -> list[Event]:
    positions, taken = view.history(stream)
    return [*(around.decode(around.read(*_position(where))) for where in positions), *taken]


def _demand_fact(target: Event) -> None:
    by_person = target["actor_kind"] in PERSONS and not target.get("retracts")
    if not target.get("enrollment_row_id") or not (target.get("reported") or by_person):
        raise Refused(
            f"event: {target['type']} was told by no source and no person; expected a fact that one of them told",
            field="event", rule="a fact", expected="a fact that a source or a person told",
        )  # fmt: skip


def _told(target: Event) -> Told:
    if target.get("reported"):
        return retraction.told_of(target)
    return Told(
        str(target["stream_id"]), str(target["integration_id"]), str(target["account_id"]), str(target["course_key"]), None,
        target["occurred_at"],
    )  # fmt: skip


def _fold(around: Surroundings) -> retraction.Fold:
    def fold(table: str, known: Row | None, event: Event) -> Row | None:
        key = event["enrollment_row_id"] if table == retraction.ENROLLMENT else event["lesson_row_id"]
        rows = around.fold(event, lambda name, row_id: known if (name, row_id) == (table, key) else None)
        return rows.get((table, key))

    return fold


def _position(text: str) -> tuple[str, int, int]:
    topic, partition, offset = text.rsplit("/", 2)
    return topic, int(partition), int(offset)
