"""Sealing while a hub runs: at intervals, by several at once, kept in a file outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from hub.audit.offline import check_seals, key_id, read_seals
from hub.audit.part import HOUR, Sealing, seals_of
from hub.bootstrap import Hub
from hub.directory.commands import company
from hub.errors import Fatal, Refused
from tests.support import sealed
from tests.support.site import CODE, site


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Hub]:
    with site("postgresql", database_url, tmp_path, None) as made, made.open() as opened:
        opened.commands.execute(company(CODE, "Acme"))
        yield opened


def rename(hub: Hub, name: str) -> None:
    hub.commands.execute(company(CODE, name))


def test_the_first_look_seals_and_the_next_waits_for_its_time(hub: Hub) -> None:
    """One key and one partition; another server's look within the interval writes nothing, a shorter interval does."""
    part = Sealing(hub)
    assert part.seal() == 2
    rename(hub, "Acme Ltd")
    assert Sealing(hub).seal() == 0
    assert Sealing(hub, interval=0).seal() == 1
    assert Sealing(hub, interval=0).seal() == 0
    part.start()
    part.close()
    assert part.failures() == []
    lines = seals_of(hub).all()
    assert [line.kind for line in lines] == ["key", "seal", "seal"]
    assert lines[0].key == key_id(bytes.fromhex(lines[0].public_key or ""))
    assert check_seals(lines) == []
    assert HOUR == 3600


def test_several_that_seal_at_once_write_one_sequence(hub: Hub) -> None:
    """Numbers without a gap, each line after the one before, and no partition twice at the same length."""
    with ThreadPoolExecutor(4) as pool:
        made = [line for lines in pool.map(lambda _: seals_of(hub).seal(), range(8)) for line in lines]
    lines = seals_of(hub).all()
    assert sorted(made) == lines
    assert check_seals(lines) == []
    assert len({(line.topic, line.partition, line.records) for line in lines}) == len(lines)


def test_a_file_of_seals_is_only_appended_to(hub: Hub, tmp_path: Path) -> None:
    """What it has stays; where it has other lines than the hub, or no seals at all, nothing is written."""
    seals, file = seals_of(hub), tmp_path / "seals.jsonl"
    seals.seal()
    assert seals.export(file) == 2
    before = file.read_text()
    rename(hub, "Acme Ltd")
    seals.seal()
    assert seals.export(file) == 1
    assert file.read_text().startswith(before)
    assert read_seals(file) == seals.all()
    file.write_text(before.replace('"records": 1', '"records": 2'))
    with pytest.raises(Refused, match="one of the two was altered"):
        seals.export(file)
    file.write_text("no seal\n")
    with pytest.raises(Refused, match="line 1 is not a seal"):
        seals.export(file)
    assert file.read_text() == "no seal\n"


def test_a_vault_without_its_key_makes_no_new_one_unseen(hub: Hub) -> None:
    """Where the log was sealed before and the key is gone, sealing stops: a new key would not be signed by the old one."""
    seals_of(hub).seal()
    with hub.connection() as connection:
        connection.execute("DELETE FROM vault.signing_key")
    rename(hub, "Acme Ltd")
    with pytest.raises(Fatal, match="no signing key"):
        seals_of(hub).seal()


def test_an_altered_private_key_does_not_open(make_database: Callable[[str | None], str], tmp_path: Path) -> None:
    """A key that was put there by somebody without the master key seals nothing."""
    url = make_database(None)
    with site("postgresql", url, tmp_path, None) as made, made.open() as opened:
        opened.commands.execute(company(CODE, "Acme"))
        seals_of(opened).seal()
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE vault.signing_key SET sealed_key = set_byte(sealed_key, 20, get_byte(sealed_key, 20) # 1)"
        )
    with sealed.seals(url, tmp_path) as seals, pytest.raises(Fatal, match="does not open"):
        seals.seal()
