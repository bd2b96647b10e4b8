"""Scores: how a source's score fits the tables' five digits.

A score, maximum and pass mark are kept as the source gave them where they fit 0 to 999.99. Where the score or the
maximum is larger, or the score is below zero, they are told as percent of minimum..maximum (held to 0..100, maximum
100) and the source's own numbers are kept beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

CEILING = 99_999
"""999.99 in hundredths, the largest value of DECIMAL(5,2)."""
PERCENT_MAXIMUM = 10_000


class Fitted(NamedTuple):
    """Hundredths, as the columns hold them; ``raw`` and ``raw_max`` (ten-thousandths) only where rescaled."""

    score: int | None
    maximum: int | None
    passing: int | None
    raw: int | None = None
    raw_max: int | None = None

    @property
    def rescaled(self) -> bool:
        """Whether score and pass mark are percent, not the source's own points."""
        return self.raw_max is not None and self.maximum == PERCENT_MAXIMUM


NOTHING = Fitted(None, None, None)


def _hundredths(value: int | None) -> int | None:
    if value is None:
        return None
    return (value + 50) // 100 if value >= 0 else -((-value + 50) // 100)


def _percent(value: int | None, low: int, high: int) -> int | None:
    """Percent of low..high in hundredths, rounded half up, held to 0..100.00."""
    if value is None:
        return None
    share = ((value - low) * 20_000 + (high - low)) // (2 * (high - low))
    return max(0, min(PERCENT_MAXIMUM, share))


def fit(score: int | None, low: int | None, high: int | None, passing: int | None) -> Fitted:
    """Fit a source's numbers (ten-thousandths) to the columns (hundredths).

    A score that is too large and has no maximum cannot be told as percent: it is then kept as the raw value only.
    """
    plain = (_hundredths(score), _hundredths(high), _hundredths(passing))
    if all(value is None or 0 <= value <= CEILING for value in plain):
        return Fitted(*plain)
    bottom = low or 0
    if high is None or high <= bottom:
        fitting = [value if value is not None and 0 <= value <= CEILING else None for value in plain]
        return Fitted(fitting[0], fitting[1], fitting[2], score, high)
    return Fitted(_percent(score, bottom, high), PERCENT_MAXIMUM, _percent(passing, bottom, high), score, high)


def fit_facts(facts: Mapping[str, Any], known: Callable[[str], Any]) -> Fitted:
    """Fit what is told to the scale of the row, whose values ``known`` answers.

    A score told without its maximum is on the scale of the last one; a pass mark known before in points becomes percent
    where the score does.
    """
    score, high, passing = facts.get("score"), facts.get("score_max"), facts.get("passing_score")
    if score is None and high is None and passing is None:
        return NOTHING
    low, raw_high = facts.get("score_min"), known("raw_max_score")
    if high is None and (score is not None or passing is not None):
        high = raw_high
    fitted = fit(score, low, high, passing)
    mark = known("passing_score")
    if fitted.rescaled and passing is None and raw_high is None and mark is not None:
        fitted = fit(score, low, high, mark * 100)
    return fitted
