"""What ``hub status --json`` said during a fault, and what of it cannot be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """One answer of ``hub status --json``: its exit code, what it found (None where it could not look), and its stderr."""

    code: int
    found: dict[str, Any] | None
    error: str

    def found_or_fail(self) -> dict[str, Any]:
        """What it found. Raises AssertionError with what it said where it could not look."""
        assert self.found is not None, self.error[-2000:]
        return self.found

    def state(self, runner: str) -> str:
        """The state of ``serve``, ``fold``, ``decide`` … ; where it could not look or names no such one, "not told" and why."""
        for one in (self.found or {}).get("runners", ()):
            if one["name"] == runner:
                return str(one["state"])
        return f"not told {self.error[-300:]}"

    def state_of_work(self) -> set[str]:
        """The states of those who fold and decide, on either log."""
        return (
            {self.state("fold, decide")}
            if self.found and self.found["log"] == "Kafka"
            else {self.state("fold"), self.state("decide")}
        )

    def behind(self) -> int:
        """Records that are not decided or folded yet."""
        return sum(topic["behind"] or 0 for topic in (self.found or {}).get("topics", ()))

    def ends(self) -> dict[str, int]:
        """Records per topic."""
        return {topic["topic"]: topic["end"] for topic in (self.found or {}).get("topics", ())}

    def is_plain_refusal(self) -> bool:
        """It could not look, and said so in one sentence."""
        return self.code == 1 and self.found is None and self.error.startswith("hub: ") and self.error.count("\n") == 1


def lies(statuses: list[Told]) -> list[str]:
    """What statuses said that cannot be true: figures that do not add up, or a log that became shorter."""
    wrong: list[str] = []
    before: dict[str, int] = {}
    for number, told in enumerate(statuses):
        if told.found is None:
            if not told.is_plain_refusal():
                wrong.append(f"status {number}: status {told.code}, {told.error[-300:]!r}")
            continue
        for topic in told.found["topics"]:
            reached = topic["decided"] if topic["folded"] is None else topic["folded"]
            if reached is not None and (topic["behind"] != topic["end"] - reached or topic["behind"] < 0):
                wrong.append(f"status {number}: {topic}")
            if topic["end"] < before.get(topic["topic"], 0):
                wrong.append(f"status {number}: {topic['topic']} had {before[topic['topic']]} records")
        before = told.ends()
    return wrong
