"""What the definition of a figure says; column comments, data dictionary, documentation and ``hub figures explain`` show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

REASONS = {
    "no_data": "there was nothing to count, or the denominator is empty",
    "not_reported_by_source": "the source does not tell what it is computed from",
    "no_input_event": "a fact from outside the LMS is needed, and none came in",
    "below_minimum_group": "fewer than five people, so nothing is shown",
    "not_run": "the check that it comes from did not run",
    "not_applicable": "it has no meaning for this row",
    "mixed_currency": "amounts in other currencies without a recorded rate are left out",
    "capped": "the exact value is beyond the column's range; it stands in the parts",
}
"""Why a figure is NULL or held at a limit."""

Level = Literal["", "efficiency", "effectiveness", "outcome"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one table: the one place where it is defined."""

    table: str
    column: str
    unit: str
    text: str
    """What it says, in one or more plain sentences."""
    numerator: str = ""
    """For a ratio or a mean: what is counted or added up above the line."""
    denominator: str = ""
    reasons: tuple[str, ...] = ()
    """The codes with which it may be NULL; none: with nothing to count it is 0."""
    composite: bool = False
    """Ours: no standard has it, so its parts are kept with it."""
    level: Level = ""
    kirkpatrick: int = 0
    """Level of evaluation, 1 to 5; 0: none."""
    version: int = 1
    """Raised with every change of the definition; an event names the version it was computed by."""
    signed: bool = False

    @property
    def no_data(self) -> str:
        """What stands there where there is nothing to compute from."""
        if not self.reasons:
            return "0 where there was none"
        return "NULL with the reason " + " or ".join(self.reasons)

    @property
    def comment(self) -> str:
        """The comment of the column."""
        parts = [f"{self.text} Unit: {self.unit}."]
        if self.numerator:
            parts.append(f"{_upper(self.numerator)} / {self.denominator}.")
        if self.composite:
            parts.append("Composite of the hub's own; its parts are kept.")
        parts.append(f"{self.no_data}.")
        return " ".join(parts)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
