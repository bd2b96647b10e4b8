"""Real statements of public projects, imported whole: the accounting adds up and what is told twice is told once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.bootstrap import Hub
from hub.intake.service import Intake
from tests.support import equality
from tests.support.site import COMPANY, furnish, site

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "xapi"
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the sample statements are not beside the project")


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Hub]:
    with site("postgresql", database_url, tmp_path, None) as made, made.open() as opened:
        furnish(opened, 6)
        yield opened


def everything() -> list[object]:
    """All sample statements, in the order of their files."""
    told: list[object] = []
    for path in sorted(SAMPLES.rglob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        told += content if isinstance(content, list) else [content]
    return told


def test_every_sample_statement_is_accounted_for(hub: Hub, tmp_path: Path) -> None:
    """Each statement counts once; the rejected ones name their field and rule; a second import changes nothing."""
    told = everything()
    path = tmp_path / "all.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    intake = Intake(hub)
    first = intake.import_file(COMPANY, "lrs", str(path), {}).plain()
    assert first["read"] == len(told) == sum(count for name, count in first.items() if name != "read")
    assert first["rejected"] == len(equality.rows(hub.url, "dead_letter"))
    assert all(
        row["field"] and row["rule"] and row["expected"] for row in equality.rows(hub.url, "dead_letter").values()
    )
    assert first["stored"] > 0
    assert first["unmatched"] > 0
    before = {
        topic: hub.log.ends(topic) for topic in ("lms.learning", "lms.directory", "lms.statements", "lms.deadletter")
    }
    second = intake.import_file(COMPANY, "lrs", str(path), {}).plain()
    assert second["changed"] == 0
    assert {topic: hub.log.ends(topic) for topic in before} == before
