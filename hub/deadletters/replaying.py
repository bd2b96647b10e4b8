"""Takes rejected records in again: a run of their integration like an import, with trigger replay and its own accounting.

The letters are told as replayed after the run, those that were taken in. One that is rejected as before stays open; one
that is now rejected for another reason is another letter. Replaying twice tells the same facts twice, which is nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from connectors import registry
from connectors.contract import Item, RequestLog
from connectors.observe import Observer
from hub.bootstrap import Hub, clock
from hub.deadletters import acts
from hub.deadletters.fetching import fetch, must_be_asked
from hub.deadletters.letters import Letter
from hub.deadletters.records import item_of, kept
from hub.deadletters.rehearsal import Rehearsed, rehearse
from hub.deciding.envelope import HUB, Actor
from hub.domain.values import Outcome
from hub.errors import HubError, Refused
from hub.intake.configured import Configured, configured
from hub.intake.exclusive import exclusive
from hub.intake.measure import Patience
from hub.intake.run import Accounting, Source
from hub.intake.service import Index, Intake
from projections.queries import Queries

SOURCE = "dead letters"
TRIGGER = "replay"
AT_ONCE = 5_000
"""Letters of one run."""
ASKED_FOR = "the LMS of {code} is asked for it again; `hub deadletters replay --dry-run` shows what that gives"


@dataclass(slots=True)
class Replay:
    """What became, or would become, of letters."""

    taken: list[tuple[Letter, Rehearsed]] = field(default_factory=list)
    left: list[tuple[Letter, str]] = field(default_factory=list)
    """Letters that stay open, and why."""
    runs: list[tuple[str, str, Accounting]] = field(default_factory=list)
    """(code, run, accounting)"""

    def add(self, other: Replay) -> None:
        """Take another part's results in."""
        self.taken += other.taken
        self.left += other.left
        self.runs += other.runs


class Rejected:
    """Replays rejected records over a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._queries = Queries(hub.connection)
        self._intake = Intake(hub)

    def rehearse(self, letters: Sequence[Letter], file: Path | None = None, *, asks: bool = True) -> Replay:
        """What a replay would change; nothing is written, no key is made. ``asks``: where only the LMS has the record, it
        is asked for it.

        Raises Retriable where an LMS cannot be read now.
        """
        found = Replay()
        for one, group in self._by_integration(letters, found):
            items, _ = self._items(group, one, None, file, found, asks=asks)
            outcomes = rehearse([item for _, item in items], self._hub.around, self._hub.deciding)
            for (letter, _), outcome in zip(items, outcomes, strict=True):
                _note(found, letter, outcome)
        return found

    def replay(
        self, letters: Sequence[Letter], *, actor: Actor = HUB, reason: str | None = None, file: Path | None = None
    ) -> Replay:
        """Take these letters in again.

        Raises RunUnderWay where a run of the integration is, Refused where it is switched off, Retriable where something is
        away; what was taken in until then stays so.
        """
        found = Replay()
        for one, group in self._by_integration(letters, found):
            for start in range(0, len(group), AT_ONCE):
                self._run(group[start : start + AT_ONCE], one, found, actor, reason, file)
        return found

    def _run(
        self,
        letters: Sequence[Letter],
        one: Configured,
        found: Replay,
        actor: Actor,
        reason: str | None,
        file: Path | None,
    ) -> None:
        config, run_id = one.config, str(uuid4())
        with exclusive(self._hub, config):
            items, requests = self._items(letters, one, run_id, file, found)
            if not items:
                return
            told = _each_once(item for _, item in items)
            source = Source("import", told, SOURCE, requests=lambda: requests, trigger=TRIGGER, actor=actor)
            accounting = self._intake.runner(config, run_id, SOURCE).execute(source)
        found.runs.append((config.lms_code, run_id, accounting))
        # Told a second time they change nothing, so this says which of them are refused whenever they come.
        outcomes = rehearse([item for _, item in items], self._hub.around, self._hub.deciding)
        done = [letter for (letter, _), outcome in zip(items, outcomes, strict=True) if _note(found, letter, outcome)]
        for answer in self._hub.commands.execute_all([
            acts.replayed(letter, config.company_id, run_id=run_id, actor=actor, reason=reason) for letter in done
        ]):  # fmt: skip
            if isinstance(answer, HubError):
                raise answer

    def _by_integration(self, letters: Sequence[Letter], found: Replay) -> list[tuple[Configured, list[Letter]]]:
        """The letters of each integration with its configuration of today."""
        groups: dict[tuple[str, str], list[Letter]] = {}
        for letter in letters:
            if letter.code is None or letter.company_id is None:
                found.left.append(
                    (letter, f"it came through no integration; expected {letter.source_name} to be imported again")
                )
            else:
                groups.setdefault((letter.company_id, letter.code), []).append(letter)
        return [(configured(self._hub, self._queries, *key), group) for key, group in groups.items()]

    def _items(
        self,
        letters: Sequence[Letter],
        one: Configured,
        run_id: str | None,
        file: Path | None,
        found: Replay,
        *,
        asks: bool = True,
    ) -> tuple[list[tuple[Letter, Item]], RequestLog | None]:
        """The records of the letters, from what is kept of them, else from their LMS; and what the requests to it took."""
        config = one.config
        observer = Observer(config, self._hub.keyring, run_id=run_id, source_name=SOURCE, backfill=True, defer=True)
        ports = registry.Ports(index=Index(self._queries, config.id))
        items: list[tuple[Letter, Item]] = []
        distant = [letter for letter in letters if must_be_asked(letter, config)]
        apart = {letter.id for letter in distant}
        for letter in letters:
            if letter.id in apart:
                continue
            try:
                opened = kept(letter, self._hub.keyring.open)
                items.append((letter, item_of(letter, opened, config, observer, ports, clock, file)))
            except Refused as problem:
                found.left.append((letter, str(problem)))
        if not distant:
            return items, None
        if not asks:
            found.left += [(letter, ASKED_FOR.format(code=config.lms_code)) for letter in distant]
            return items, None
        try:
            self._intake.demand_open(one)
        except Refused as closed:
            found.left += [(letter, str(closed)) for letter in distant]
            return items, None
        patience = Patience(lambda: self._hub.closing)
        fetched = fetch(distant, config, observer, self._intake.ports(config, patience))
        found.left += fetched.left
        return items + fetched.items, fetched.requests


def _each_once(items: Iterable[Item]) -> list[Item]:
    """The items without repeats: several letters may be about one record."""
    return list({id(item): item for item in items}.values())


def _note(found: Replay, letter: Letter, outcome: Rehearsed) -> bool:
    """Whether the letter is done with; one that is rejected as before is not."""
    # What no field is to blame for is kept under the field "record".
    if outcome.outcome == Outcome.REJECTED and (outcome.field or "record", outcome.rule) == (letter.field, letter.rule):
        found.left.append((letter, outcome.message or "rejected as before"))
        return False
    found.taken.append((letter, outcome))
    return True
