"""Every released shape of every event still folds: its golden bytes are read, lifted to the newest shape, and folded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.domain.events import all_types
from hub.domain.heads import Head
from hub.log import codec
from hub.log.port import Record
from hub.log.schema_registry import packaged
from projections import folds
from projections.engine.batch import START, Batch, Reached, decoded
from projections.rebuild import stamp

GOLDEN = Path(__file__).parents[2] / "schemas" / "golden"
RELEASED = sorted(path.name for path in GOLDEN.glob("*.bin"))
FOLDED = [name for name in RELEASED if packaged().newest(name.rsplit(".", 2)[0]).topic in folds.BY_TOPIC]


def replayed(value: bytes) -> Batch:
    """A batch that has folded one record, in a stream where it comes next."""
    event: dict[str, Any] = codec.decode(value)
    where = (packaged().newest(event["type"]).topic, 0)
    heads = {}
    if "version" in event:
        heads[event["stream_id"]] = Head(event["follows"], event["version"] - 1, None, None, False)
    batch = Batch(heads, {}, 0)
    batch.fold({where: Reached(0, START)}, decoded([Record(*where, 0, b"key", value)], codec.decode))
    return batch


@pytest.mark.parametrize("name", FOLDED)
def test_a_released_event_folds(name: str) -> None:
    """Nothing that was ever released is parked, and whatever counts has its audit row."""
    batch = replayed((GOLDEN / name).read_bytes())
    assert (batch.counts.folded, batch.counts.parked, batch.counts.skipped) == (1, 0, 0), batch.writes.dead
    assert bool(batch.writes.audit) == ("version" in codec.decode((GOLDEN / name).read_bytes()))


def test_every_folded_type_has_golden_bytes() -> None:
    """No type that is folded lacks an example."""
    types = {name for name, declared in all_types().items() if declared.topic in folds.BY_TOPIC}
    assert {name.rsplit(".", 2)[0] for name in FOLDED} == types


def test_every_projection_has_a_version() -> None:
    """Each table that is folded has one, declared beside its fold; the audit trail as well."""
    names = {one.name for group in folds.BY_TOPIC.values() for one in group}
    assert stamp.versions().keys() == names | {"lms_audit_trail"}
    assert all(version >= 1 for version in stamp.versions().values())
