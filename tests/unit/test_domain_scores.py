"""Scores fit the five digits of their columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.scores import CEILING, Fitted, fit, fit_facts

NUMBER = st.one_of(st.none(), st.integers(-(10**14), 10**14))


@pytest.mark.parametrize(
    ("told", "fitted"),
    [
        ((85_0000, None, 100_0000, 50_0000), Fitted(85_00, 100_00, 50_00)),
        ((85_0050, None, None, None), Fitted(85_01, None, None)),
        ((1450_0000, 0, 1500_0000, 750_0000), Fitted(96_67, 100_00, 50_00, 1450_0000, 1500_0000)),
        ((-5_0000, -10_0000, 10_0000, 0), Fitted(25_00, 100_00, 50_00, -5_0000, 10_0000)),
        ((1600_0000, 0, 1500_0000, None), Fitted(100_00, 100_00, None, 1600_0000, 1500_0000)),
        ((-1_0000, 0, 10_0000, None), Fitted(0, 100_00, None, -1_0000, 10_0000)),
        ((1450_0000, None, None, 60_0000), Fitted(None, None, 60_00, 1450_0000, None)),
        ((-1_0000, 5_0000, 5_0000, None), Fitted(None, 5_00, None, -1_0000, 5_0000)),
        ((999_9949, None, None, None), Fitted(999_99, None, None)),
        ((999_9951, None, 2000_0000, None), Fitted(50_00, 100_00, None, 999_9951, 2000_0000)),
        ((None, None, 1500_0000, 750_0000), Fitted(None, 100_00, 50_00, None, 1500_0000)),
        ((105_0000, 0, 100_0000, None), Fitted(105_00, 100_00, None)),
    ],
)
def test_scores_are_fitted(told: tuple[int | None, ...], fitted: Fitted) -> None:
    """lms-apis 0.1: the ceiling is 999.99; where raw or max exceeds it, or raw is below 0: percent of min..max, held to
    0..100, maximum 100, the raw numbers kept (trap 32)."""
    assert fit(*told) == fitted


@given(NUMBER, NUMBER, NUMBER, NUMBER)
def test_whatever_is_told_fits(score: int | None, low: int | None, high: int | None, passing: int | None) -> None:
    """Any numbers end as columns that hold, and no score is lost: it is the value or the raw value."""
    fitted = fit(score, low, high, passing)
    assert all(value is None or 0 <= value <= CEILING for value in fitted[:3])
    assert score is None or fitted.score is not None or fitted.raw == score


def test_what_the_row_knows_gives_the_scale() -> None:
    """A score told without its maximum is on the last scale; a pass mark in points becomes percent where the score does."""
    rescaled = {"raw_max_score": 1500_0000, "max_score": 100_00, "passing_score": 50_00}
    assert fit_facts({"score": 300_0000}, rescaled.get).score == 20_00
    assert fit_facts({"passing_score": 300_0000}, rescaled.get).passing == 20_00
    points = {"passing_score": 700_00}
    assert fit_facts({"score": 900_0000, "score_max": 1400_0000}, points.get).passing == 50_00
    assert fit_facts({"score": 60_0000}, points.get) == Fitted(60_00, None, None)
    assert fit_facts({}, rescaled.get) == Fitted(None, None, None)
