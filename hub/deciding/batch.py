"""One batch of observations decided on one snapshot: what each becomes, and the events to append.

Pure but for the snapshot's queries. Later decisions of the batch see what earlier ones decided. Each event is built into
the rows that it would give and held against the tables' declarations: nothing is appended that cannot be folded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.deciding import directory, envelope, identity, learning
from hub.deciding.ports import Snapshot, Surroundings, Verdict
from hub.deciding.view import View
from hub.domain.directory import Match
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
        self._ids: dict[int, tuple[Observation, tuple[str, str]]] = {}
        """Each observation, by its place in memory, with the ids that its event may have."""

    def load(self, observations: Sequence[Observation]) -> None:
        """Load everything that these observations need."""
        view = self.view
        view.load_heads({observation["stream_id"] for observation in observations})
        self._ids = {id(observation): (observation, identity.candidates(observation)) for observation in observations}
        view.load_applied({event for _, both in self._ids.values() for event in both})
        view.load_rows("company", {observation["company_id"] for observation in observations})
        view.load_rows("lms_integration_config", {observation["integration_id"] for observation in observations})
        directory.load(view, observations)
        learning.load(view, observations)
        self._matches = directory.matches(view, observations, self.around.open)

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
            return Verdict(Outcome.REJECTED, rejected=_rejected(problem), candidates=ids)
        except UNFORESEEN as problem:  # kept with its reason, like the rest
            return Verdict(Outcome.REJECTED, rejected=_unforeseen(problem), candidates=ids)
        if event is None:
            return Verdict(self._unmoved(observation, ids, cause), candidates=ids)
        if event.get("stored"):
            return Verdict(self._matched(observation, Outcome.STORED), candidates=ids)
        return Verdict(self._matched(observation, Outcome.CHANGED), event, candidates=ids)

    def _candidates(self, observation: Observation) -> tuple[str, str]:
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

    def _unmoved(self, observation: Observation, ids: tuple[str, ...], cause: str) -> str:
        """Nothing to append: unchanged, or changed by an event that was appended before a crash."""
        return self._matched(observation, Outcome.CHANGED if self._told(ids, cause) else Outcome.UNCHANGED)

    def _told(self, ids: tuple[str, ...], cause: str) -> bool:
        """Whether the trail has an event that this very observation led to."""
        return any((known := self.view.applied(event)) is not None and known.causation_id == cause for event in ids)

    def _matched(self, observation: Observation, outcome: str) -> str:
        """``unmatched`` comes before: the account of what was told is linked to nobody."""
        account = observation.get("account_id")
        if account is None:
            return outcome
        linked = value_of(self.view.row("lms_account", account), "employee_id")
        return outcome if linked is not None else Outcome.UNMATCHED

    def _event(self, observation: Observation, ids: tuple[str, str], cause: str) -> dict[str, Any] | None:
        """The event, taken into the view; None where nothing is new; ``{"stored": True}`` where it has no effect."""
        first, again = ids
        if self._told(ids, cause):
            return None  # whatever a second decision would say: the row may have moved on and come back since
        used = self.view.applied(first) is not None
        if used and (first == again or self.view.applied(again) is not None):
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
        if body is None or (used and late):
            return None
        head = self.view.head(observation["stream_id"])
        event = envelope.of_observation(observation, head, again if used else first, cause, self.now)
        event.update(body)
        take(self.view, event, self.around)
        return event


def take(view: View, event: dict[str, Any], around: Surroundings) -> None:
    """Build the event's rows, hold them against the tables, and count it as applied in this view.

    Raises Unusable naming the field, the rule and what was expected."""
    rows = view.preview(event)
    changed = _changed(event)
    for (table, key), row in rows.items():
        around.check(table, row, None if view.row(table, key) is None else changed)
    opened = event.get("enrollment_row_id") if event.get("existing_enrollment_id") is None else None
    view.take(event, rows, opened)


ALWAYS = ("fold_state", "updated_at", "time_spent_minutes")
"""What a fold may change beside the values that an event names."""
CHANGED = (
    "change", "enrollment", "lesson", "config", "run", "cleared", "enrollment_cleared", "lesson_cleared", "config_cleared",
)  # fmt: skip
"""The parts of an event that name columns."""


def _changed(event: Mapping[str, Any]) -> frozenset[str]:
    """The names of what an event changes, of whichever row."""
    return frozenset(ALWAYS).union(*(told for part in CHANGED if (told := event.get(part))))


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
