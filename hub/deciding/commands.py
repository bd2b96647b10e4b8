"""Commands: what people, reactors and the hub itself want changed. They go the way of observations, without the topic.

A command has an id; asking again with the same id gives the same answer. It is decided on a snapshot, appended, and
answered when it is folded, so that who asked can read what was written. What lost a race is decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hub.deciding import envelope
from hub.deciding.batch import take
from hub.deciding.decider import key_of, wait_folded
from hub.deciding.envelope import HUB, Actor
from hub.deciding.ports import Surroundings
from hub.deciding.view import View
from hub.errors import HubError, Refused, Retriable, Unusable

ATTEMPTS = 20
"""Times that a command is decided again after losing a race, before it answers *not now*."""
REFUSED = "lms.command.refused.v1"

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """One wish about one stream. ``decide`` is given the state and the time; it gives an event's body with its type,
    None where nothing would change, or raises Refused."""

    id: str
    name: str
    company_id: str
    topic: str
    stream: tuple[str, str]
    """Kind and id."""
    decide: Callable[[View, int], Body | None]
    actor: Actor = HUB
    reason: str | None = None
    justification: str | None = None
    occurred_at: int | None = None
    integration_id: str | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command. ``position``: where its event lies; none: nothing was to be changed."""

    changed: bool
    position: tuple[str, int, int] | None = None
    event: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Pending:
    """A command that is being worked on."""

    command: Command
    answer: Answer | None = None
    problem: HubError | None = None
    event: dict[str, Any] | None = None
    value: bytes = b""
    """The event as it is appended."""
    position: tuple[str, int, int] | None = None
    done: bool = False

    def finish(self, answer: Answer | None = None, problem: HubError | None = None) -> None:
        self.answer, self.problem, self.done = answer, problem, True


class Commands:
    """Executes commands. ``stopped`` ends a wait for the folds when the process stops."""

    def __init__(self, around: Surroundings, stopped: Callable[[], bool] = lambda: False) -> None:
        self._around = around
        self._stopped = stopped

    def execute(self, command: Command) -> Answer:
        """Decide, append, wait until folded, answer.

        Raises:
            Refused: a rule says no; the refusal is an event of the stream, so a retry gets the same answer.
            Retriable: not now (the stream waits behind a parked record, or others were always faster); ask again.
        """
        answer = self.execute_all([command])[0]
        if isinstance(answer, HubError):
            raise answer
        return answer

    def execute_all(self, commands: Sequence[Command]) -> list[Answer | HubError]:
        """Execute many commands in their order with few round trips; each has its own answer or its own refusal.

        A later command sees what an earlier one decided.
        """
        pending = [_Pending(command) for command in commands]
        for _ in range(ATTEMPTS):
            todo = [one for one in pending if not one.done]
            if not todo:
                break
            self._attempt(todo)
        for one in pending:
            if not one.done:
                one.finish(problem=Retriable(f"{one.command.name}: others were faster {ATTEMPTS} times; ask again"))
        return [one.answer if one.answer is not None else one.problem or Retriable("not decided") for one in pending]

    def _attempt(self, todo: list[_Pending]) -> None:
        """Decide all on one snapshot, append, wait, and finish those that are applied."""
        with self._around.store.snapshot() as snapshot:
            view = View(snapshot, self._around.fold)
            view.load_heads({one.command.stream[1] for one in todo})
            view.load_applied({one.command.id for one in todo})
            for one in todo:
                self._decide(one, view)
        sent = [one for one in todo if one.event is not None and not one.done]
        if not sent:
            return
        self._append(sent)
        wanted: dict[tuple[str, int], int] = {}
        for one in sent:
            if one.position is not None:
                topic, partition, offset = one.position
                wanted[topic, partition] = max(wanted.get((topic, partition), 0), offset + 1)
        wait_folded(self._around, wanted, self._stopped)
        with self._around.store.snapshot() as snapshot:
            applied = snapshot.applied([one.command.id for one in sent])
        for one in sent:
            known = applied.get(one.command.id)
            if known is not None and one.position != _where(known.position):
                self._told_before(one, known.position)  # appended before as well, and that one counts
            elif known is not None:
                one.finish(Answer(True, one.position, one.event) if one.problem is None else None, one.problem)
            one.event = None

    def _decide(self, one: _Pending, view: View) -> None:
        command = one.command
        one.problem = None
        known = view.applied(command.id)
        if known is not None:
            if known.position:  # else it is told twice at once: the next attempt finds it in the trail
                self._told_before(one, known.position)
            return
        if view.head(command.stream[1]).parked:
            text = f"{command.name}: not now, a record of the same stream is parked; see hub deadletters list"
            one.finish(problem=Retriable(text))
            return
        try:
            self._decided(one, view)
            if one.event is None:
                one.finish(Answer(changed=False))
        except Refused as problem:
            one.problem = problem
            self._refused(one, view, problem)
            if one.event is None:
                one.finish(problem=problem)

    def _append(self, sent: list[_Pending]) -> None:
        topics = dict.fromkeys(one.command.topic for one in sent)
        for topic in topics:
            group = [(one, one.event) for one in sent if one.command.topic == topic and one.event is not None]
            records = [(key_of(event), one.value) for one, event in group]
            for (one, _), position in zip(group, self._around.append(topic, records), strict=True):
                one.position = position

    def _decided(self, one: _Pending, view: View) -> None:
        """Give the command its event, or none. Raises Refused, also where a value fits neither log nor table."""
        now = self._around.clock()
        body = one.command.decide(view, now)
        if body is None:
            return
        event = self._envelope(one.command, view, now) | body
        self._demand_justification(one.command, event)
        try:
            value = self._around.encode(event)
            take(view, event, self._around)
        except Unusable as problem:
            raise Refused(str(problem), field=problem.field, rule=problem.rule, expected=problem.expected) from problem
        one.event, one.value = event, value

    def _demand_justification(self, command: Command, event: Mapping[str, Any]) -> None:
        """From risk High on, a person says why it is right for the business."""
        by_person = command.actor.kind in ("user", "employee")
        if by_person and not command.justification and self._around.risk(event) in ("High", "Critical"):
            raise Refused(
                f"justification: {command.name} has a high risk; expected a business justification",
                field="justification", rule="required from risk High on", expected="a business justification",
            )  # fmt: skip

    def _envelope(self, command: Command, view: View, now: int) -> dict[str, Any]:
        return envelope.of_command(
            command_id=command.id,
            company_id=command.company_id,
            stream=command.stream,
            head=view.head(command.stream[1]),
            actor=command.actor,
            now=now,
            occurred_at=command.occurred_at,
            integration_id=command.integration_id,
            correlation_id=command.correlation_id,
            reason=command.reason,
            justification=command.justification,
        )

    def _refused(self, one: _Pending, view: View, problem: Refused) -> None:
        """Give the refusal as an event; none where the company is unknown, or what was asked for cannot even be told."""
        command = one.command
        if view.row("company", command.company_id) is None:
            return
        event = self._envelope(command, view, self._around.clock()) | {
            "type": REFUSED,
            "transitions": ["command.refused"],
            "topic_of": command.topic,
            "command": command.name,
            "rule": problem.rule,
            "field": problem.field,
            "expected": problem.expected,
            "message": str(problem),
        }
        event["integration_id"] = None
        with suppress(Unusable):
            one.value = self._around.encode(event)
            view.take(event, {}, None)
            one.event = event

    def _told_before(self, one: _Pending, position: str) -> None:
        """The command was executed before: its event is the answer."""
        where = _where(position)
        event = self._around.decode(self._around.read(*where))
        if event["type"] == REFUSED:
            said = Refused(event["message"], field=event["field"], rule=event["rule"], expected=event["expected"])
            one.finish(problem=said)
        else:
            one.finish(Answer(True, where, event))


def _where(position: str) -> tuple[str, int, int]:
    topic, partition, offset = position.rsplit("/", 2)
    return topic, int(partition), int(offset)
