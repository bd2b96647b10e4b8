"""A dead letter that is discarded while tables are rebuilt: no set of tables is swapped in that was made with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.deadletters.letters import chosen
from hub.deadletters.parking import Parking
from hub.errors import Refused
from hub.rebuilding.service import Rebuilding
from projections.rebuild.pair import OLD
from tests.support.letters import Letters, letters
from tests.support.site import COMPANY

ROWS = [f"u{number},C{number},10,2026-01-01T10:00:00Z" for number in range(6)]
TABLES = ("lms_course_enrollment", "lms_audit_trail", "stream_head", "dead_letter")
Tell = Callable[[str, int, int], None]


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Letters]:
    """A hub with rows, and a record that nobody can read."""
    with letters(database_url, tmp_path) as made:
        made.take_in(*ROWS)
        ((topic, part, offset),) = made.hub.around.append("lms.learning", [("enrollment/x", b"no event")])
        assert made.hub.watch.wait({(topic, part): offset + 1}, 30)
        Parking(made.hub).react()
        assert made.open() == {"parked": 1}
        yield made


def discarding(site: Letters, during: str) -> Tell:
    """Discards the record as soon as a rebuild has come to this step."""

    def tell(step: str, _done: int, _total: int) -> None:
        if step == during and site.open():
            (letter,) = (one for one in chosen(site.hub.connection) if one.is_parked)
            Parking(site.hub).discard(letter, COMPANY, reason="not ours")

    return tell


@pytest.mark.parametrize("during", ["build indexes", "swap"])
def test_a_discard_during_a_rebuild_begins_it_anew(site: Letters, during: str) -> None:
    """Whenever it comes: nothing is swapped, the rebuild says why, and asked again it makes tables without the record."""
    with pytest.raises(Refused, match="one was discarded meanwhile"):
        Rebuilding(site.hub, discarding(site, during)).rebuild()
    assert site.ask("SELECT to_regnamespace(%s)", OLD) == [(None,)]
    before = site.rows(*TABLES)
    done = Rebuilding(site.hub, lambda *_: None).rebuild()
    assert not [row for one in done.results for row in one.differing]
    after = site.rows(*TABLES)
    assert {name: after[name] for name in TABLES[:1]} == {name: before[name] for name in TABLES[:1]}
    assert site.open() == {}
    assert [one.kind for one in chosen(site.hub.connection)] == []
    site.take_in(*(row.replace(",10,2026-01-01", ",50,2026-01-02") for row in ROWS))
    assert site.ask("SELECT count(*) FROM hub.lms_course_enrollment WHERE progress_percentage = 50") == [(len(ROWS),)]


def test_a_discard_during_a_repair_rewrites_nothing(site: Letters) -> None:
    """Rows made with the record are held against nothing: no difference is told, none is mended."""
    with pytest.raises(Refused, match="one was discarded meanwhile"):
        Rebuilding(site.hub, discarding(site, "compare")).compare(mend=True)
    assert site.ask("SELECT count(*) FROM hub.lms_audit_trail WHERE additional_context ->> 'event_type' LIKE %s",
                    "lms.projection.%") == [(0,)]  # fmt: skip
    assert site.open() == {}
    results = Rebuilding(site.hub, lambda *_: None).compare()
    assert not [row for one in results for row in one.differing]
