"""Parked records of the log: replayed after a fix, or discarded; and the part of a server that brings this to its end.

An act is an event first; then the rows follow it. Whoever comes between the two dies harmlessly: the part asks the tables
for acts that have not been followed, for records that nobody told as parked yet, and for observations that wait for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hub.bootstrap import Hub, clock
from hub.deadletters import acts
from hub.deadletters.aside import decide_waiting
from hub.deadletters.letters import Letter, by_id
from hub.deciding.commands import Command
from hub.deciding.envelope import HUB, Actor
from hub.domain.events.deadletters import LetterDiscarded, LetterParked, LetterReplayed
from hub.errors import Refused
from projections.engine.resolver import Resolved, Resolver

ACTED = """
SELECT d.id::text, coalesce(d.company_id, (SELECT min(id::text)::uuid FROM hub.company))::text, h.last_event_id::text,
       a.additional_context->>'event_type'
FROM hub.dead_letter d LEFT JOIN hub.stream_head h ON h.stream_id = d.id LEFT JOIN hub.lms_audit_trail a ON a.id = h.last_event_id
WHERE d.kind = 'parked' AND (%(id)s::uuid IS NULL OR d.id = %(id)s) ORDER BY d.recorded_at, d.id
"""
ACTS = (LetterReplayed.type, LetterDiscarded.type)
KNOWN = "SELECT 1 FROM hub.company WHERE id = %s"


class _Acted(NamedTuple):
    """A parked record, and the last event of its letter."""

    id: str
    company_id: str | None
    event_id: str | None
    event_type: str | None


class Parking:
    """Resolves parked records over a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._resolver = Resolver(hub.connect, hub.open_texts, hub.around.decode, hub.around.read, clock)

    def rehearse(self, letter: Letter, *, discard: bool = False) -> Resolved | None:
        """What a replay or a discard would do; nothing is written. None where it is resolved already."""
        return self._resolver.resolve(letter.id, discard=discard, rehearse=True)

    def replay(
        self, letter: Letter, company_id: str, *, actor: Actor = HUB, reason: str | None = None
    ) -> Resolved | None:
        """Fold it again with what waits behind it; None where it is resolved already.

        Raises Refused where it still cannot be folded; then nothing is told.
        """
        tried = self.rehearse(letter)
        if tried is None:
            return None
        if tried.outcomes[0][1] == "parked":
            raise Refused(
                f"record: it still cannot be folded ({tried.problem})", field=letter.field or "record",
                rule=letter.rule or "foldable", expected=letter.expected or "",
            )  # fmt: skip
        company_id = self._company(letter, company_id)
        if not self._told(
            letter, lambda after: acts.replayed(letter, company_id, actor=actor, reason=reason, after=after)
        ):
            return None
        return self._follow(letter.id, discard=False)

    def discard(
        self, letter: Letter, company_id: str, *, actor: Actor = HUB, reason: str | None = None
    ) -> Resolved | None:
        """Pass it over for good, and go on with its stream; None where it is resolved already."""
        company_id = self._company(letter, company_id)
        if not self._told(
            letter, lambda after: acts.discarded(letter, company_id, actor=actor, reason=reason, after=after)
        ):
            return None
        return self._follow(letter.id, discard=True)

    def react(self) -> int:
        """Bring every act to its end; returns how many parked records were resolved."""
        resolved = sum(self._bring(one) for one in self._acted())
        decide_waiting(self._hub.around, self._hub.deciding, self._hub.connect, lambda: self._hub.closing)
        return resolved

    def _acted(self, letter_id: str | None = None) -> list[_Acted]:
        with self._hub.connection() as connection:
            return [_Acted(*row) for row in connection.execute(ACTED, {"id": letter_id})]

    def _told(self, letter: Letter, act: Callable[[str | None], Command]) -> bool:
        """Tell an act, once every earlier one was followed; False where one of those has resolved the record.

        A record is passed over by a rebuild where a discard was told of it, so no act may be told beside another."""
        while found := self._acted(letter.id):
            (one,) = found
            if one.event_type in ACTS:
                self.react()
            elif self._hub.commands.execute(act(one.event_id)).changed:
                return True
        return False

    def _bring(self, one: _Acted) -> bool:
        if one.event_type in (None, LetterParked.type):
            if one.event_type is None:
                self._tell_parked(one)
            return False
        done = self._resolver.resolve(one.id, discard=one.event_type == LetterDiscarded.type)
        if done is not None and done.still == one.id:
            self._tell_parked(one)
        return done is not None and done.still != one.id

    def _tell_parked(self, one: _Acted) -> None:
        letter = by_id(self._hub.connection, one.id)
        if letter.company_id or one.company_id:
            self._hub.commands.execute(acts.parked(letter, self._company(letter, one.company_id), one.event_id))

    def _follow(self, letter_id: str, *, discard: bool) -> Resolved | None:
        resolved = self._resolver.resolve(letter_id, discard=discard)
        decide_waiting(self._hub.around, self._hub.deciding, self._hub.connect, lambda: self._hub.closing)
        return resolved

    def _company(self, letter: Letter, otherwise: str | None) -> str:
        """The record's company, where it names one that exists."""
        with self._hub.connection() as connection:
            known = letter.company_id and connection.execute(KNOWN, (letter.company_id,)).fetchone()
        if known:
            return str(letter.company_id)
        if not otherwise:
            raise Refused(
                "company: the record names none that exists; expected --company", field="company", rule="named",
                expected="--company",
            )  # fmt: skip
        return otherwise
