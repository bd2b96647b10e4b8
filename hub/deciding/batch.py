"""One batch of observations decided on one snapshot: what each becomes, and the events to append.

Pure but for the snapshot's queries. Later decisions of the batch see what earlier ones decided. Each event is built into
the rows that it would give and held against the tables' declarations: nothing is appended that cannot be folded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hub.deciding import directory, envelope, identity, learning
from hub.deciding.identity import Candidates
from hub.deciding.ports import Snapshot, Surroundings, Verdict
from hub.deciding.view import View
from hub.domain.directory import Match
from hub.domain.heads import offset_of
from hub.domain.rows import value_of
from hub.domain.values import Outcome
from hub.errors import Unusable

Observation = Mapping[str, Any]


UNFORESEEN = (KeyError, TypeError, ValueError, RecursionError)
"""How an observation fails that no rule foresaw; the last is JSON of a thousand levels."""


class Batch:
    """Decides observations, in order, on one snapshot."""

    def __init__(self, snapshot: Snapshot, around: Surroundings, now: int) -> None:
        self.view = View(snapshot, around.fold)
        self.around = around
        self.now = now
        self._matches: dict[str, Match] = {}
        self._ids: dict[int, tuple[Observation, Candidates]] = {}
        """Each observation, by its place in memory, with the ids that its event may have."""

    def load(self, observations: Sequence[Observation]) -> None:
        """Load everything that these observations need."""
        view = self.view
        view.load_heads({observation["stream_id"] for observation in observations})
        self._ids = {id(observation): (observation, identity.candidates(observation)) for observation in observations}
        self._load_applied([ids for _, ids in self._ids.values()])
        view.load_rows("company", {observation["company_id"] for observation in observations})
        view.load_rows("lms_integration_config", {observation["integration_id"] for observation in observations})
        directory.load(view, observations)
        learning.load(view, observations)
        self._matches = directory.matches(view, observations, self.around.open)

    def _load_applied(self, told: list[Candidates]) -> None:
        """Which ids are taken; the second is asked for where the first is, or will be by this batch."""
        times = Counter(ids.first for ids in told)
        self.view.load_applied(times)
        known = self.view.applied
        self.view.load_applied(
            {ids.again for ids in told if ids.key and (known(ids.first) is not None or times[ids.first] > 1)}
        )

    def decide(self, observation: Observation, cause: str) -> Verdict:
        """What becomes of one observation. ``cause``: its topic/partition/offset."""
        head = self.view.head(observation["stream_id"])
        if head.parked:
            return Verdict(Outcome.STORED, aside=True)
        ids = self._candidates(observation)
        try:
            self._admit(observation)
            event = self._event(observation, ids, cause)
        except Unusable as problem:
            return Verdict(Outcome.REJECTED, rejected=_rejected(problem))
        except UNFORESEEN as problem:  # kept with its reason, like the rest
            return Verdict(Outcome.REJECTED, rejected=_unforeseen(problem))
        if event is None:
            return Verdict(self._unmoved(observation, ids, cause))
        if event.get("stored"):
            return Verdict(self._matched(observation, Outcome.STORED))
        return Verdict(self._matched(observation, Outcome.CHANGED), event)

    def _candidates(self, observation: Observation) -> Candidates:
        known = self._ids.get(id(observation))
        return known[1] if known is not None else identity.candidates(observation)

    def _admit(self, observation: Observation) -> None:
        """An observation must name an integration of its company."""
        config = self.view.row("lms_integration_config", observation["integration_id"])
        if config is None or config["company_id"] != observation["company_id"]:
            raise Unusable(
                "integration_id: names no integration of this company; expected one that is configured",
                field="integration_id", rule="known integration", expected="an integration of the company",
            )  # fmt: skip

    def _unmoved(self, observation: Observation, ids: Candidates, cause: str) -> str:
        """Nothing to append: unchanged, or changed by an event that was appended before a crash."""
        return self._matched(observation, Outcome.CHANGED if self._told(ids, cause) else Outcome.UNCHANGED)

    def _told(self, ids: Candidates, cause: str) -> bool:
        """Whether the trail has an event that this very observation led to."""
        first = self.view.applied(ids.first)
        if first is None:
            return False
        again = self.view.applied(ids.again) if first.causation_id != cause else first
        return again is not None and again.causation_id == cause

    def _was_no_news(self, observation: Observation, cause: str) -> bool:
        """Whether a later observation of the stream has led to an event, so that this one was decided before a crash."""
        offset, reached = offset_of(cause), self.view.head(observation["stream_id"]).observation_offset
        return offset is not None and reached is not None and offset < reached

    def _matched(self, observation: Observation, outcome: str) -> str:
        """``unmatched`` comes before: the account of what was told is linked to nobody."""
        account = observation.get("account_id")
        if account is None:
            return outcome
        linked = value_of(self.view.row("lms_account", account), "employee_id")
        return outcome if linked is not None else Outcome.UNMATCHED

    def _event(self, observation: Observation, ids: Candidates, cause: str) -> dict[str, Any] | None:
        """The event, taken into the view; None where nothing is new; ``{"stored": True}`` where it has no effect."""
        if self._told(ids, cause):
            return None  # whatever a second decision would say: the row may have moved on and come back since
        used = self.view.applied(ids.first) is not None
        if used and self.view.applied(ids.again) is not None:
            return None
        late = False
        if observation["type"] in directory.KINDS:
            body = directory.decide(self.view, observation, self._matches)
        elif observation["type"] == "lms.observation.voided.v1":
            body = learning.decide_void(self.view, observation, self.now, self.around)
        elif not learning.is_taken_in(self.view, observation):
            return {"stored": True}
        else:
            body, late = learning.decide(self.view, observation, self.now)
        if body is None or (used and (late or observation.get("overtaken"))) or self._was_no_news(observation, cause):
            return None
        head = self.view.head(observation["stream_id"])
        event = envelope.of_observation(observation, head, ids.again if used else ids.first, cause, self.now)
        event.update(body)
        take(self.view, event, self.around)
        return event


def take(view: View, event: dict[str, Any], around: Surroundings) -> None:
    """Build the event's rows, hold them against the tables, and count it as applied in this view.

    Raises Unusable naming the field, the rule and what was expected."""
    rows = view.preview(event)
    for (table, key), row in rows.items():
        around.check(table, row, None if view.row(table, key) is None else _changed(table, event))
    opened = event.get("enrollment_row_id") if event.get("existing_enrollment_id") is None else None
    view.take(event, rows, opened)


_OF_STREAM = ("change", "cleared")
PARTS = {
    "lms_course_enrollment": ("enrollment", "enrollment_cleared"),
    "lms_learning_progress": ("lesson", "lesson_cleared"),
    "lms_integration_config": ("config", "config_cleared"),
    "sync_run": ("run",),
} | dict.fromkeys(("company", "department", "team", "user", "employee", "lms_account", "course"), _OF_STREAM)
"""The parts of an event that name what changes in a row of a table."""
DERIVED = ("time_spent_seconds", "time_spent_minutes")
"""A value, and the column that a fold derives from it."""


def _changed(table: str, event: Mapping[str, Any]) -> set[str] | None:
    """The names of what an event changes in a row that exists; None where they are not known.

    The fold also sets times and links of its own, whose values are right by construction."""
    parts = PARTS.get(table)
    if parts is None:
        return None
    names: set[str] = set()
    for part in parts:
        if told := event.get(part):
            names.update(told)
    if DERIVED[0] in names:
        names.add(DERIVED[1])
    return names


def _rejected(problem: Unusable) -> dict[str, Any]:
    return {
        "field": problem.field,
        "rule": problem.rule,
        "expected": problem.expected,
        "message": str(problem),
    }


def _unforeseen(problem: Exception) -> dict[str, Any]:
    return {
        "field": "observation",
        "rule": "decidable",
        "expected": "an observation of a known shape",
        "message": f"observation: cannot be decided ({type(problem).__name__}); expected one of a known shape",
    }
