"""The numbers of one period, by row and by line of its breakdowns, as the measures answer them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from projections.figures.dashboard_sql import Workbench

BY_LINE = ("counts", "people", "hours", "stock", "required")
BY_ROW = ("activity", "courses", "catalog", "days_to_complete", "skills", "attempts", "headcount")
OF_THE_END = frozenset({"stock", "required"})
"""Measures of the last day alone: the same for every period that ends on it."""
ROW, DEPARTMENT, COURSE_TYPE, COURSE = "row", "department", "course type", "course"


@dataclass(slots=True)
class Numbers:
    """What was measured of one row. A name that no measure answered is 0."""

    row: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, dict[str | None, dict[str, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in (DEPARTMENT, COURSE_TYPE, COURSE)}
    )
    score_percents: Fraction = Fraction(0)
    """Sum of the score percents of the scored completions."""
    scored: int = 0
    other_currencies: dict[str, Any] = field(default_factory=dict)
    implausible: list[dict[str, Any]] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        found = self.row.get(name)
        return 0 if found is None else found

    def known(self, name: str) -> Any:
        """A measure that may have no answer: None then."""
        return self.row.get(name)

    def take(self, answer: dict[str, Any]) -> None:
        """One line of a measure's answer."""
        kind = answer.pop("kind", ROW)
        line = answer.pop("line", None)
        into = self.row if kind == ROW else self.lines[kind].setdefault(line, {})
        into.update(answer)


def of_the_end(bench: Workbench) -> list[dict[str, Any]]:
    """What is true on the last day, whatever the period's beginning."""
    return [answer for step in sorted(OF_THE_END) for answer in bench.ask(step)]


def of_the_period(bench: Workbench, stock: list[dict[str, Any]]) -> dict[int, Numbers]:
    """Every row's numbers, by its scope."""
    found: dict[int, Numbers] = defaultdict(Numbers)
    for answer in stock:
        found[answer["scope"]].take(dict(answer))
    for step in (*BY_LINE, *BY_ROW):
        if step not in OF_THE_END:
            for answer in bench.ask(step):
                found[answer["scope"]].take(answer)
    for answer in bench.ask("scores"):
        one = found[answer["scope"]]
        one.score_percents += Fraction(answer["score"]) * 100 / Fraction(answer["max_score"])
        one.scored += answer["scored"]
    for answer in bench.ask("other_currencies"):
        found[answer["scope"]].other_currencies[answer["currency_code"]] = str(answer["cost"])
    for answer in bench.ask("implausible"):
        told = {"employee_id": answer["employee_id"], "day": answer["day"].isoformat()}
        found[answer["scope"]].implausible.append({**told, "hours": round(answer["seconds"] / 3600, 2)})
    return dict(found)
