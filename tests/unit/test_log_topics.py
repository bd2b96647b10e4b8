"""The declared topics, and how a read is divided."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.log.port import shares
from hub.log.topics import TOPICS


def test_the_public_names_and_their_retention() -> None:
    """Names and retention are a contract; only observations end."""
    assert {topic.name: topic.retention for topic in TOPICS} == {
        "lms.observations": timedelta(days=30),
        "lms.learning": None,
        "lms.integration": None,
        "lms.directory": None,
        "lms.governance": None,
        "lms.operations": None,
        "lms.outcomes": None,
        "lms.statements": None,
        "lms.deadletter": None,
    }


@given(counts=st.lists(st.integers(0, 50), max_size=8), limit=st.integers(0, 200))
def test_shares_use_the_limit_and_are_fair(counts: list[int], limit: int) -> None:
    """Nothing is given away that is wanted, and nobody has less than another unless it has no more (but for one record)."""
    available = {("t", part): count for part, count in enumerate(counts)}
    given_ = shares(available, limit)
    assert sum(given_.values()) == min(limit, sum(counts))
    assert all(0 <= given_[key] <= count for key, count in available.items())
    unsated = [given_[key] for key, count in available.items() if given_[key] < count]
    assert all(share >= max(given_.values()) - 1 for share in unsated)
