"""Dead letters as a person deals with them: what they are about, what a replay would change, replay and discard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.mapping import compile_mapping
from connectors.record_fields import ACCOUNT_KEYS, LEARNER
from hub.bootstrap import Hub
from hub.deadletters import acts
from hub.deadletters.letters import Letter, chosen
from hub.deadletters.parking import Parking
from hub.deadletters.records import Kept, came_by_file, is_statement, kept, row_of
from hub.deadletters.replaying import Rejected, Replay
from hub.deciding.envelope import HUB, Actor
from hub.domain.integration_config import IntegrationConfig
from hub.errors import HubError, Refused
from hub.intake.configured import configured
from projections.engine.resolver import Change, Resolved
from projections.queries import Queries

OPENED = 200
"""Letters of a cause that are opened to see what they are about."""
BEHIND = "a row that waits behind it"


@dataclass(slots=True)
class About:
    """What letters are about: keys of courses, and how many people; of a person nothing is told."""

    courses: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Done:
    """What became, or would become, of letters."""

    resolved: list[tuple[Letter, str]] = field(default_factory=list)
    """Letters and their outcome."""
    left: list[tuple[Letter, str]] = field(default_factory=list)
    """Letters that stay open, and why."""
    changes: list[tuple[Letter, Change]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)


class DeadLetters:
    """Deals with the dead letters of a hub. ``company_id``: whose acts they are, where a record names no company."""

    def __init__(self, hub: Hub, company_id: str) -> None:
        self._hub = hub
        self._company = company_id
        self._queries = Queries(hub.connection)
        self._parking = Parking(hub)
        self._rejected = Rejected(hub)

    # -- looking ---------------------------------------------------------------------------------------------

    def about(self, cause: str) -> About:
        """Which courses the open letters of a cause concern, and how many people; of many, the oldest are looked at."""
        found = About()
        for letter in chosen(self._hub.connection, cause=cause)[:OPENED]:
            if letter.is_parked:
                self._about_stream(letter, found)
            else:
                self._about_record(letter, found)
        return found

    def mapping(self, letter: Letter) -> IntegrationConfig | None:
        """The integration of a letter with its mapping and rules of today."""
        if letter.code is None or letter.company_id is None:
            return None
        return configured(self._hub, self._queries, letter.company_id, letter.code).config

    def steps(self, letter: Letter) -> list[dict[str, Any]]:
        """What each step of today's mapping makes of the kept record; empty where it is none that is mapped."""
        config, source = self.mapping(letter), None
        if config is not None and not letter.is_parked:
            source = self._source(letter, config)
        if config is None or source is None:
            return []
        steps = compile_mapping(config, flat=True).explain(source)
        return [
            {"step": one.name, "record": dict(one.record), "problem": one.problem and str(one.problem)} for one in steps
        ]

    # -- acting ----------------------------------------------------------------------------------------------

    def rehearse(self, letters: Sequence[Letter], file: Path | None = None, *, asks: bool = True) -> Done:
        """What a replay would do; nothing is written. ``asks``: see :meth:`Rejected.rehearse`."""
        done = Done()
        letters = _open(letters, done)
        for letter in _parked(letters):
            try:
                self._note(done, letter, self._parking.rehearse(letter))
            except Refused as problem:
                done.left.append((letter, str(problem)))
        self._take(done, self._rejected.rehearse(_others(letters), file, asks=asks))
        return done

    def replay(
        self, letters: Sequence[Letter], *, actor: Actor = HUB, reason: str | None = None, file: Path | None = None
    ) -> Done:
        """Take in again, or fold again. What cannot be stays open, with the reason.

        Raises Refused where a run cannot begin, Retriable where something is away.
        """
        done = Done()
        letters = _open(letters, done)
        for letter in _parked(letters):
            try:
                self._note(done, letter, self._parking.replay(letter, self._company, actor=actor, reason=reason))
            except Refused as problem:
                done.left.append((letter, str(problem)))
        self._take(done, self._rejected.replay(_others(letters), actor=actor, reason=reason, file=file))
        return done

    def discard(self, letters: Sequence[Letter], *, actor: Actor = HUB, reason: str) -> Done:
        """Let them go for good. Raises Refused without a reason."""
        done = Done()
        letters = _open(letters, done)
        for letter in _parked(letters):
            self._note(done, letter, self._parking.discard(letter, self._company, actor=actor, reason=reason))
        others = _others(letters)
        answers = self._hub.commands.execute_all([
            acts.discarded(letter, (letter.company_id if letter.code else None) or self._company, actor=actor, reason=reason)
            for letter in others
        ])  # fmt: skip
        for letter, answer in zip(others, answers, strict=True):
            if isinstance(answer, HubError):
                raise answer
            done.resolved.append((letter, "discarded" if answer.changed else "resolved before"))
        return done

    # -- parts -----------------------------------------------------------------------------------------------

    def _note(self, done: Done, letter: Letter, resolved: Resolved | None) -> None:
        if resolved is None:
            done.resolved.append((letter, "resolved before"))
            return
        if resolved.still == letter.id:
            done.left.append((letter, f"it still cannot be folded ({resolved.problem})"))
            return
        done.resolved.append((letter, resolved.outcomes[0][1]))
        done.changes += [(letter, change) for change in resolved.changes]
        if resolved.still is not None:
            done.left.append((letter, f"{BEHIND} cannot be folded ({resolved.problem})"))

    def _take(self, done: Done, replay: Replay) -> None:
        done.resolved += [(letter, outcome.outcome) for letter, outcome in replay.taken]
        done.changes += [(letter, change) for letter, outcome in replay.taken for change in outcome.changes]
        done.left += replay.left
        done.runs += [{"integration": code, "run": run, **counts.plain()} for code, run, counts in replay.runs]

    def _source(self, letter: Letter, config: IntegrationConfig) -> dict[str, Any] | None:
        opened = self._opened(letter)
        if opened.text is None or is_statement(config, letter) or not came_by_file(config, letter):
            return None
        return row_of(opened.text)

    def _opened(self, letter: Letter) -> Kept:
        try:
            return kept(letter, self._hub.keyring.open)
        except Refused:
            return Kept()

    def _about_stream(self, letter: Letter, found: About) -> None:
        query = "SELECT e.course_id, e.id::text FROM hub.stream_head h JOIN hub.lms_course_enrollment e ON e.id = h.row_id WHERE h.stream_id = %s"
        with self._hub.connection() as connection:
            row = letter.stream and connection.execute(query, (letter.stream,)).fetchone()
        if row:
            found.courses.add(row[0])
            found.people.add(row[1])

    def _about_record(self, letter: Letter, found: About) -> None:
        opened = self._opened(letter)
        if opened.observation is not None:
            told = {
                "course_id": opened.observation.get("course_key"),
                "lms_user_id": opened.observation.get("account_id"),
            }
        else:
            steps = self.steps(letter)
            told = dict(steps[-1]["record"]) if steps else {}
        if told.get("course_id"):
            found.courses.add(str(told["course_id"]))
        keys = (str(told[name]) for name, key in LEARNER.items() if key in ACCOUNT_KEYS and told.get(name))
        found.people.update(list(keys)[:1])


def _open(letters: Sequence[Letter], done: Done) -> list[Letter]:
    """Those that are open. Raises Refused for one that only waits behind another."""
    for letter in letters:
        if letter.kind == "behind":
            raise Refused(
                f"id: {letter.id} waits behind a parked record of its stream; expected that one to be resolved",
                field="id", rule="in the order of the log", expected="the parked record of its stream",
            )  # fmt: skip
        if letter.resolved:
            done.resolved.append((letter, "resolved before"))
    return [letter for letter in letters if not letter.resolved]


def _parked(letters: Sequence[Letter]) -> list[Letter]:
    return [letter for letter in letters if letter.is_parked]


def _others(letters: Sequence[Letter]) -> list[Letter]:
    return [letter for letter in letters if not letter.is_parked]
