"""Real answers of Canvas, taken in by a real sync: the accounting adds up, and the page tells what became of each kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.canvas.connector import CanvasConnector
from connectors.contract import Item
from connectors.observe import Observer
from connectors.testing.waiting import ClearSealer, FakeTime
from hub.bootstrap import Hub
from hub.domain.sealing import to_text
from hub.intake.service import Intake
from hub.integrations import commands as acts
from tests.support import equality
from tests.support.canvas import CONFIG, pulled
from tests.support.canvas_samples import FOLDER, USED, SampleCanvas, page, reason, rows_of, samples
from tests.support.site import COMPANY, furnish, site

PAGE = Path(__file__).parents[2] / "docs" / "canvas-samples.md"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the sample answers are not beside the project")


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Hub]:
    with site("postgresql", database_url, tmp_path, None) as made, made.open() as opened:
        furnish(opened, 6)
        yield opened


def add_integration(hub: Hub, origin: str) -> None:
    """An integration with the Canvas at this address."""
    sealed = to_text(hub.keyring.seal_credentials(COMPANY, {"api_key": "token"}))
    wanted = {
        "lms_code": "canvas",
        "lms_name": "Canvas",
        "lms_type": "Canvas",
        "integration_method": "API",
        "api_endpoint_url": f"{origin}/api/v1",
        "rate_limit_per_hour": 100_000,
        "authentication_type": "API Key",
        "authentication_config": json.dumps({"sealed": sealed}),
    }
    hub.commands.execute(acts.add(COMPANY, wanted))


def outcomes(items: Sequence[Item]) -> dict[str, list[str]]:
    """Kind → what became of its rows, in words; what is joined to records is told as that."""
    found: dict[str, list[str]] = {}
    for kind, place in (("courses", "course"), ("enrollments", "enrollment"), ("submissions", "submission")):
        mine = [item for item in items if (item.position.split(", ")[1:] or ["course"])[0].split(" ")[0] == place]
        told = Counter(outcome(item) for item in mine)
        again = sum(1 for _ in rows_of(kind)) - len(mine)
        found[kind] = [f"{count} {what}" for what, count in sorted(told.items())]
        found[kind] += [f"{again} came again under an id that was read: no records of their own"] if again else []
    (course,) = [item for item in items if item.native_id == "course/1"]
    lessons = json.loads(course.observations[0]["facts"]["lesson_order"])
    found["module items"] = [f"joined: {len(lessons)} are the lessons of course 1 in their order"]
    found["modules"] = ["joined: they order the lessons; their items are left out of them and asked for apart"]
    found["assignments"] = ["joined: name and points of submissions"]
    found["users"] = ["joined: name and address of those who are enrolled"]
    return found


def outcome(item: Item) -> str:
    """What became of a record, in words."""
    if item.problem is not None:
        return f"rejected (`{item.problem.field}`: {item.problem.rule}; expected {item.problem.expected})"
    return f"stored ({item.note})" if item.stored else "observed: facts that the hub decides"


def test_every_answer_is_used_or_has_its_reason() -> None:
    """Each answer to a GET is served, or the page says why not."""
    used = {name for names in USED.values() for name in names}
    known = samples()
    assert used <= known.keys()
    assert [name for name, sample in known.items() if name not in used and reason(sample) is None] == []


def test_real_answers_are_accounted_for(hub: Hub) -> None:
    """Each row of a record counts once; the rejected ones name field, rule and expectation; a second sync changes
    nothing; the page in the documentation says just that."""
    with SampleCanvas() as canvas:
        add_integration(hub, canvas.server.origin)
        first = Intake(hub).sync(COMPANY, "canvas")
        assert set(canvas.served) == {name for names in USED.values() for name in names}
        second = Intake(hub).sync(COMPANY, "canvas")
        config = replace(CONFIG, api_endpoint_url=f"{canvas.server.origin}/api/v1")
        items = pulled(CanvasConnector(config, Observer(config, ClearSealer()), pace=FakeTime().pace()))
    assert first is not None
    assert second is not None
    plain = first.plain()
    assert first.adds_up()
    assert plain["changed"] > 0
    letters = equality.rows(hub.url, "dead_letter")
    assert plain["rejected"] == sum(item.problem is not None for item in items)
    assert {row["message"] for row in letters.values()} == {str(item.problem) for item in items if item.problem}
    assert all(row["field"] and row["rule"] and row["expected"] for row in letters.values())
    assert (second.changed, second.rejected) == (0, plain["rejected"])
    assert (plain["read"], plain["stored"]) == (len(items), sum(item.stored for item in items))
    rows = {kind: sum(1 for _ in rows_of(kind)) for kind in USED}
    assert PAGE.read_text(encoding="utf-8") == page(rows, outcomes(items))
