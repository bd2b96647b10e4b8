"""The dashboards of what the hub itself has decided and folded, from observations of an LMS on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from hub.domain.figures import FigureRow
from hub.domain.periods import DAILY, period
from hub.domain.units import day_in
from projections import migrations
from projections.figures.dashboard import compute
from tests.support.pg_scene import ACCOUNT, COMPANY, NOW, Scene

TODAY = day_in(NOW, "UTC")
LATER = NOW + 60_000_000
"""A minute after everything was told."""


@pytest.fixture
def scene(make_database: Callable[[str | None], str]) -> Iterator[Scene]:
    url = make_database(None)
    migrations.upgrade(url)
    with ExitStack() as stack:
        yield Scene(url, stack).prepared()


def executive(scene: Scene) -> FigureRow:
    """The company's row of today."""
    scene.decide()
    scene.fold()
    with scene.connect() as connection, connection.transaction():
        rows = compute(connection, COMPANY, [period(DAILY, TODAY)], LATER)
    (found,) = (row for row in rows if row.kind == "Executive")
    return found


def test_learning_from_observation_to_dashboard(scene: Scene) -> None:
    """Two learn, one of them completes after an hour, with a certificate: counted on the day, with the time that was tracked."""
    scene.tell("C1", 0, facts={"progress": 5000, "seconds_total": 1800, "enrolled_on": TODAY, "started_on": TODAY})
    scene.tell("C2", 0, facts={"progress": 1000, "enrolled_on": TODAY, "started_on": TODAY, "seconds_total": 600})
    scene.tell("C1", 0, facts={
        "progress": 10000, "seconds_total": 3600, "completed": True, "completed_on": TODAY, "certified": True,
        "certificate_id": "X", "valid_until": TODAY + 30, "score": 800_000, "score_max": 1_000_000,
    })  # fmt: skip
    row = executive(scene)
    counts = [row.values[f"{name}_enrollments"] for name in ("total", "active", "in_progress", "completed", "dropped")]
    assert counts == [2, 1, 1, 1, 0]
    assert row.parts["total_learning_hours"] == {"numerator": 4200, "denominator": 3600}
    assert row.values["average_completion_time_hours"] == 100
    assert row.values["learning_effectiveness_score"] == 8000
    flow = row.values["additional_metrics"]["flow"]
    assert flow == {"registered": 2, "started": 2, "completed": 1, "certified": 1, "lapsed": 0}
    assert row.values["additional_metrics"]["people"]["enrolled"] == 0, f"the account {ACCOUNT} is linked to nobody"
