"""Chunks of a run: bounded by records and by bytes, and nothing is left out."""

from __future__ import annotations

import pytest

from connectors.contract import KEPT_BYTES, Item
from connectors.xapi.mapping import BATCH_BYTES, Source, _batches
from hub.errors import Unusable
from hub.intake.run import CHUNK, CHUNK_BYTES, _chunks


def test_many_small_items_are_bounded_by_their_number() -> None:
    """A chunk has at most CHUNK items, and the last one the rest."""
    items = [Item(str(number), size=100) for number in range(2 * CHUNK + 1)]
    chunks = list(_chunks(items))
    assert [len(chunk) for chunk in chunks] == [CHUNK, CHUNK, 1]
    assert [item for chunk in chunks for item in chunk] == items


@pytest.mark.parametrize("rejected", [False, True])
def test_large_items_are_bounded_by_their_bytes(rejected: bool) -> None:
    """What a chunk holds in memory is less than CHUNK_BYTES and one record; of a rejected one that is what is kept."""
    large = 3_000_000
    items = [
        Item(str(number), problem=Unusable("too large"), kept=b"x" * KEPT_BYTES, size=100 * large)
        if rejected
        else Item(str(number), size=large)
        for number in range(1200 if rejected else 40)
    ]
    held = [sum(len(item.kept) if rejected else item.size for item in chunk) for chunk in _chunks(items)]
    assert len(held) > 1
    assert max(held) < CHUNK_BYTES + large
    assert sum(held) == sum(len(item.kept) if rejected else item.size for item in items)


def test_statements_are_read_in_batches_bounded_by_their_bytes() -> None:
    """A batch of large statements ends early; all of them come, in order."""
    sources = [Source(str(number), {}, b"x" * 1_000_000) for number in range(20)]
    batches = list(_batches(sources))
    assert max(sum(len(source.raw) for source in batch) for batch in batches) < BATCH_BYTES + 1_000_000
    assert [source for batch in batches for source in batch] == sources
