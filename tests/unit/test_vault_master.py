"""The master key: taken from the setting, else from the file, which is made once and never overwritten."""

from __future__ import annotations

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hub.errors import Fatal, Refused
from hub.vault import MasterKey, load_master_key

GIVEN = base64.b64encode(bytes(range(32))).decode()


def test_a_given_key_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    """The setting comes first; the home stays as it is. White space around (a line end from a file) is forgiven."""
    key = load_master_key(GIVEN + "\n", tmp_path)
    assert key.check_value == MasterKey(bytes(range(32)), "test").check_value
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [None, "", "  "])
def test_a_missing_key_is_generated_once(tmp_path: Path, given: str | None) -> None:
    """Where none is given (or an empty one, as Compose hands it on) a file appears with mode 0600, and is read the next time."""
    home = tmp_path / "new" / "home"
    first = load_master_key(given, home)
    content = (home / "master.key").read_bytes()
    second = load_master_key(given, home)
    assert first.check_value == second.check_value
    assert (home / "master.key").read_bytes() == content
    assert len(base64.b64decode(content)) == 32
    assert stat.S_IMODE((home / "master.key").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["master.key"]


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    """The generated key is random."""
    assert load_master_key(None, tmp_path / "a").check_value != load_master_key(None, tmp_path / "b").check_value


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """The key appears whole or not at all: whoever loses the race reads the winner's."""
    together = Barrier(8)

    def start(_: int) -> bytes:
        together.wait(timeout=30)
        return load_master_key(None, tmp_path).check_value

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(start, range(8)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize(
    "value", ["secret-word", base64.b64encode(bytes(31)).decode(), GIVEN[:-2], "ü" * 44, GIVEN + GIVEN]
)
def test_a_wrong_setting_is_refused_by_name_and_not_repeated(tmp_path: Path, value: str) -> None:
    """The sentence names the setting and what was expected, and never the value; no key is generated in its place."""
    with pytest.raises(Refused, match=r"HUB_MASTER_KEY .* expected base64 of 32 random bytes") as caught:
        load_master_key(value, tmp_path)
    assert value not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"half a ke", b"\xff\xfe\x00"])
def test_a_broken_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    """A damaged key is for a person to mend: overwriting it would make everything unreadable."""
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Refused, match=r"master\.key is not a master key; expected base64"):
        load_master_key(None, tmp_path)
    assert path.read_bytes() == content


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A restored backup often comes with mode 0644; the sentence says how to mend it."""
    load_master_key(None, tmp_path)
    (tmp_path / "master.key").chmod(0o640)
    with pytest.raises(Refused, match="chmod 600"):
        load_master_key(None, tmp_path)


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A plain sentence that names the way out, not an error number."""
    (tmp_path / "home").write_text("a file where a folder was expected")
    with pytest.raises(Refused, match=r"expected a HUB_HOME that the hub may write, or the key in HUB_MASTER_KEY"):
        load_master_key(None, tmp_path / "home")


def test_a_data_key_opens_only_with_its_master_key_and_row() -> None:
    """Another master key, another row, or an altered row is fatal; never a wrong key."""
    master = MasterKey(os.urandom(32), "test")
    key = os.urandom(32)
    sealed = master.wrap(key, "row 1")
    assert master.unwrap(sealed, "row 1") == key
    assert key not in sealed
    assert master.wrap(key, "row 1") != sealed
    for wrong in (sealed[:-1], sealed[:5], b"", b"\x02" + sealed[1:], sealed[:-1] + bytes([sealed[-1] ^ 1])):
        with pytest.raises(Fatal, match="does not open"):
            master.unwrap(wrong, "row 1")
    with pytest.raises(Fatal):
        master.unwrap(sealed, "row 2")
    with pytest.raises(Fatal):
        MasterKey(os.urandom(32), "test").unwrap(sealed, "row 1")


def test_the_representation_names_the_source_only() -> None:
    """A master key in a log line or a traceback shows nothing of itself."""
    key = bytes(range(32))
    assert repr(MasterKey(key, "HUB_MASTER_KEY")) == "MasterKey(source='HUB_MASTER_KEY')"
    with pytest.raises(Refused, match="must hold 32 bytes, not 16"):
        MasterKey(key[:16], "test")
