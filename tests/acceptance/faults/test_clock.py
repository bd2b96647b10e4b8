"""A wall clock that is set forwards and back while records flow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.faults.conftest import MakeScene
from tests.support import equality
from tests.support.faults import SERVER

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
HOUR = 3600
JUMPS = (3 * HOUR, -2 * HOUR, 26 * HOUR, -50 * HOUR, 1, 0)


def test_the_clock_jumps(event_log_kind: str, make_scene: MakeScene) -> None:
    """Hours and days to and fro, each process at another moment, one of them started again meanwhile: the same rows, and
    within a stream what was recorded later never bears an earlier time."""
    with make_scene(event_log_kind, shifted=True) as scene:
        for jump in scene.rng.sample(JUMPS, k=len(JUMPS)):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            scene.set_clock(jump)
            scene.count("clock set")
            if jump < 0:
                scene.kill(scene.rng.choice([SERVER, *scene.workers]))
            scene.flowed(1)
        scene.settle()
        scene.verify()
        history = equality.rows(scene.url, "lms_course_enrollment_history")
        by_row: dict[Any, list[tuple[int, Any]]] = {}
        for (row, version), found in history.items():
            by_row.setdefault(row, []).append((version, found["recorded_at"]))
        for moments in by_row.values():
            told = [moment for _, moment in sorted(moments)]
            assert told == sorted(told)
