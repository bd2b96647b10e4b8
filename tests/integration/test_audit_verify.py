"""Seals and verification on a real PostgreSQL log: every kind of tampering is found, and named for what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from hub.audit.offline import Mark, check_seals
from tests.support import sealed
from tests.support.sealed import Tamperer, bad, verified

SAME = "WHERE topic_id = %(topic)s AND part = %(part)s"


@pytest.fixture(scope="module")
def template(make_database: Callable[[str | None], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    url = make_database(None)
    sealed.build(url, tmp_path_factory.mktemp("sealed"))
    return url


@pytest.fixture
def url(make_database: Callable[[str | None], str], template: str) -> str:
    return make_database(template)


@pytest.fixture
def tamperer(url: str) -> Iterator[Tamperer]:
    made = Tamperer(url)
    yield made
    made.connection.close()


def test_an_untouched_log_verifies(url: str, tmp_path: Path) -> None:
    """All that is folded is hashed; the event after the last seal is counted as unsealed; the second time nothing is walked again."""
    report = verified(url, tmp_path)
    assert report.findings == []
    with psycopg.connect(url) as connection:
        folded = connection.execute("SELECT sum(event_count) FROM hub.projection_offset").fetchone()
    assert folded is not None
    assert report.walked == folded[0]
    assert report.unsealed == 1
    again = verified(url, tmp_path, from_start=False)
    assert again.is_good
    assert again.walked == 1


def middle(tamperer: Tamperer) -> int:
    assert tamperer.end > 10
    return tamperer.end // 2


def one_finding(url: str, folder: Path, kind: str, tamperer: Tamperer, offset: int) -> str:
    """Verify; there is one finding, of this kind, at this offset. Its text."""
    (found,) = bad(verified(url, folder))
    assert (found.kind, found.where, found.offset) == (kind, tamperer.where, offset), found
    return found.text


def test_a_changed_value_is_named(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """UPDATE of a value: the very event is named."""
    at = middle(tamperer)
    tamperer.do(f"UPDATE log.record SET value = set_byte(value, 40, (get_byte(value, 40) + 1) %% 256) {SAME} "
                'AND "offset" = %(at)s', at=at)  # fmt: skip
    assert tamperer.event_at(at) in one_finding(url, tmp_path, "changed", tamperer, at)


def test_a_removed_record_is_named(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """DELETE leaves a hole; where later records are moved up to hide it, it is a removal still."""
    at = middle(tamperer)
    tamperer.do(f'DELETE FROM log.record {SAME} AND "offset" = %(at)s', at=at)
    assert tamperer.event_at(at) in one_finding(url, tmp_path, "removed", tamperer, at)
    tamperer.shift(at + 1, -1)
    tamperer.do(f"UPDATE log.head SET next_offset = next_offset - 1 {SAME}")
    assert tamperer.event_at(at) in one_finding(url, tmp_path, "removed", tamperer, at)


def test_an_inserted_record_is_named(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """A made-up record between two others, also where it is a copy of another; and one beyond the end of the log."""
    at = middle(tamperer)
    tamperer.shift(at, 1)
    tamperer.do(
        'INSERT INTO log.record (topic_id, part, "offset", key, value) '
        "VALUES (%(topic)s, %(part)s, %(at)s, 'k', 'made up')",
        at=at,
    )
    tamperer.do(f"UPDATE log.head SET next_offset = next_offset + 1 {SAME}")
    one_finding(url, tmp_path, "inserted", tamperer, at)
    tamperer.do(f'UPDATE log.record SET value = (SELECT value FROM log.record {SAME} AND "offset" = 1) {SAME} '
                'AND "offset" = %(at)s', at=at)  # fmt: skip
    one_finding(url, tmp_path, "inserted", tamperer, at)


def test_a_record_outside_of_the_log_is_named(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """A record put where no append has put one would stop the next append: it is found before."""
    tamperer.do(
        "INSERT INTO log.record (topic_id, part, \"offset\", key, value) VALUES (%(topic)s, %(part)s, %(at)s, 'k', 'x')",
        at=tamperer.end,
    )
    one_finding(url, tmp_path, "inserted", tamperer, tamperer.end)


def test_swapped_records_are_named(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """Two records that changed places."""
    at = middle(tamperer)
    for old, new in ((at, -1), (at + 2, at), (-1, at + 2)):
        tamperer.do(f'UPDATE log.record SET "offset" = %(new)s {SAME} AND "offset" = %(old)s', old=old, new=new)
    text = one_finding(url, tmp_path, "reordered", tamperer, at)
    assert str(at + 2) in text


def test_a_cut_end_is_named(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """The last records are gone, whether the head of the log still tells of them or not."""
    at = tamperer.end - 3
    tamperer.do(f'DELETE FROM log.record {SAME} AND "offset" >= %(at)s', at=at)
    assert tamperer.event_at(at) in one_finding(url, tmp_path, "cut off", tamperer, at)
    tamperer.do(f"UPDATE log.head SET next_offset = %(at)s {SAME}", at=at)
    one_finding(url, tmp_path, "cut off", tamperer, at)


def recompute(tamperer: Tamperer) -> None:
    """Make trail and stored head agree with the altered log, as somebody would who knows how the chain is made."""
    import hashlib

    head = bytes(32)
    rows = tamperer.connection.execute(
        'SELECT "offset", value FROM log.record WHERE topic_id = %s AND part = %s ORDER BY 1',
        (tamperer.topic, tamperer.part),
    ).fetchall()
    for offset, value in rows:
        head = hashlib.sha256(head + value).digest()
        tamperer.do(
            "UPDATE hub.lms_audit_trail SET additional_context = additional_context || jsonb_build_object('chain', %(head)s::text) "
            "WHERE additional_context @> jsonb_build_object('topic', 'lms.learning', 'partition', %(part)s::int, 'offset', %(at)s::bigint)",
            head=head.hex(), at=offset,
        )  # fmt: skip
    tamperer.do(
        "UPDATE hub.projection_offset SET chain = %(head)s WHERE topic = 'lms.learning' AND partition = %(part)s",
        head=head,
    )


def test_who_alters_the_tables_too_is_found_by_the_seals(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """With trail and heads recomputed only the signature stands against the change; it tells between which seals."""
    at = middle(tamperer)
    tamperer.do(f"UPDATE log.record SET value = value || '\\x00' {SAME} AND \"offset\" = %(at)s", at=at)
    recompute(tamperer)
    (found,) = bad(verified(url, tmp_path))
    assert found.kind == "altered"
    assert "agrees with what lies there now" in found.text
    assert found.offset is not None
    assert found.offset <= at


def test_an_altered_seal_is_found(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """A seal that was changed, removed or made without the key does not pass, also when nothing is walked again."""
    verified(url, tmp_path)
    tamperer.do("UPDATE ops.chain_seal SET reason = 'none' WHERE number = 3")
    (found,) = bad(verified(url, tmp_path, from_start=False))
    assert (found.kind, found.where) == ("seal", "seal 4")
    (signature, link) = bad(verified(url, tmp_path))
    assert (signature.where, link.where) == ("seal 3", "seal 4")
    tamperer.do("DELETE FROM ops.chain_seal WHERE number = 3")
    assert "seal 3 is missing" in bad(verified(url, tmp_path))[0].text


def test_removed_seals_are_found_by_the_file_outside(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """The last seals can be removed without a trace in the database, but not from the file that was taken out before."""
    kept = tmp_path / "kept.jsonl"
    with sealed.seals(url, tmp_path) as known:
        total = known.export(kept)
        assert total == len(known.all())
        assert known.export(kept) == 0
    tamperer.do(f'DELETE FROM log.record {SAME} AND "offset" >= %(at)s', at=tamperer.end - 3)
    tamperer.do(f"UPDATE log.head SET next_offset = %(at)s {SAME}", at=tamperer.end - 3)
    tamperer.do("DELETE FROM ops.chain_seal WHERE kind = 'seal'")
    tamperer.do("DELETE FROM hub.projection_offset WHERE topic = 'lms.learning' AND partition = %(part)s")
    assert bad(verified(url, tmp_path)) == []
    kinds = {found.kind for found in bad(verified(url, tmp_path, kept=kept))}
    assert kinds == {"seal", "cut off"}


def test_a_rotated_key_verifies_and_its_private_half_is_gone(url: str, tmp_path: Path) -> None:
    """The new key is signed by the old one; seals of both hold; the old key can sign no more."""
    with sealed.seals(url, tmp_path) as known:
        line = known.rotate("yearly")
        assert line.reason == "yearly"
        lines = known.all()
        assert line.key == lines[0].key
    assert check_seals(lines) == []
    assert verified(url, tmp_path).is_good
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT sealed_key IS NULL FROM vault.signing_key ORDER BY created_at").fetchall()
    assert rows == [(True,), (False,)]


def test_an_erased_person_verifies_as_erased(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """The key is destroyed, the bytes are intact: a finding of its own, and nothing is wrong."""
    tamperer.do(
        "UPDATE vault.data_key SET sealed_key = NULL, destroyed_at = now() WHERE subject_id = "
        "(SELECT id FROM hub.employee ORDER BY id LIMIT 1)"
    )
    report = verified(url, tmp_path)
    assert report.is_good
    (found,) = report.findings
    assert found.kind == "erased"
    assert "1 events" in found.text


def test_archived_records_are_told_apart_from_removed_ones(url: str, tamperer: Tamperer, tmp_path: Path) -> None:
    """Records before a recorded offset may be gone; without the record, or beyond it, they are removed."""
    with sealed.seals(url, tmp_path) as known:
        first = min(
            seal.records or 0 for seal in known.all() if seal.partition == tamperer.part and seal.topic == sealed.TOPIC
        )
        seal = next(
            one
            for one in known.all()
            if one.records == first and one.partition == tamperer.part and one.topic == sealed.TOPIC
        )
        tamperer.do(f'DELETE FROM log.record {SAME} AND "offset" < %(at)s', at=first)
        tamperer.do(f"UPDATE log.head SET first_offset = %(at)s {SAME}", at=first)
        one_finding(url, tmp_path, "removed", tamperer, 0)
        known.archive(
            sealed.TOPIC, tamperer.part, Mark(first, bytes.fromhex(seal.head or ""), ""), "older than ten years"
        )
    report = verified(url, tmp_path)
    assert report.is_good
    (found,) = report.findings
    assert found.kind == "archived"
    assert "older than ten years" in found.text
