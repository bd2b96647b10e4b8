"""A folder of an export or a pack, altered in every way that leaves its own lists plausible: none passes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.audit.export import digests, export, write_frame, write_stretch
from hub.audit.offline import (
    HEADER,
    MANIFEST,
    NO_SEAL,
    PACK,
    START,
    Finding,
    Mark,
    Seal,
    digest,
    key_id,
    list_statement,
    statement,
    to_line,
    verify,
)
from hub.log.memory import MemoryLog
from hub.log.port import NewRecord

TOPIC = "lms.learning"
WHERE = (TOPIC, 0)
VALUES = [f"value {number}".encode() for number in range(9)]


class Sealer:
    """Seals after 3, 6 and 9 records of one partition, and signs lists, as the hub does."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()
        self.lines: list[Seal] = []
        self.add("key", public_key=self.public.hex())
        for count in (3, 6, 9):
            self.add("seal", topic=TOPIC, partition=0, records=count, head=head(count).hex())

    def add(self, kind: str, **told: Any) -> None:
        previous = digest(self.lines[-1]) if self.lines else NO_SEAL
        number = len(self.lines) + 1
        line = Seal(number, kind, "2026-01-01T00:00:00.000000Z", previous, key_id(self.public), **told)
        self.lines.append(line._replace(signature=self.key.sign(statement(line)).hex()))

    def sign(self, kind: str, told: Mapping[str, Any]) -> dict[str, Any]:
        named = {**told, "key": key_id(self.public)}
        return named | {"signature": self.key.sign(list_statement(kind, named)).hex()}


def head(count: int) -> bytes:
    found = START
    for value in VALUES[:count]:
        found = hashlib.sha256(found + value).digest()
    return found


@pytest.fixture
def sealer() -> Sealer:
    return Sealer()


@pytest.fixture
def log() -> MemoryLog:
    made = MemoryLog(1)
    made.append(TOPIC, [NewRecord(b"k", value) for value in VALUES])
    return made


@pytest.fixture
def folder(log: MemoryLog, sealer: Sealer, tmp_path: Path) -> Path:
    export(log, [TOPIC], sealer.lines, tmp_path / "export", sealer.sign)
    return tmp_path / "export"


def segment(folder: Path) -> Path:
    (found,) = folder.rglob("*.records")
    return found


def rewrite(folder: Path, values: Mapping[int, bytes]) -> None:
    """The records that the folder holds, from now on."""
    held = b"".join(HEADER.pack(offset, 1, len(value)) + b"k" + value for offset, value in sorted(values.items()))
    segment(folder).write_bytes(held)


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Alter the manifest."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def stretch(manifest: dict[str, Any]) -> dict[str, Any]:
    (one,) = manifest["stretches"]
    return dict(one)


def drop_the_first(folder: Path) -> None:
    """And say that it begins at the first seal."""
    rewrite(folder, {offset: value for offset, value in enumerate(VALUES) if offset >= 3})
    edit(folder, lambda m: m.update(stretches=[stretch(m) | {"start": 3}]))


def drop_the_last(folder: Path) -> None:
    """And say that it ends at the second seal."""
    rewrite(folder, dict(enumerate(VALUES[:6])))
    edit(folder, lambda m: m.update(stretches=[stretch(m) | {"end": 6, "head": head(6).hex()}]))


def drop_the_last_with_their_seal(folder: Path) -> None:
    drop_the_last(folder)
    lines = (folder / "seals.jsonl").read_text().splitlines(keepends=True)
    (folder / "seals.jsonl").write_text("".join(lines[:-1]))


def change_under_no_seal(folder: Path) -> None:
    """The last record, once the seal over it is gone and the folder says that some are left out."""
    drop_the_last_with_their_seal(folder)
    rewrite(folder, dict(enumerate([*VALUES[:8], b"forged"])))
    edit(folder, lambda m: m.update(complete=False, stretches=[stretch(m) | {"end": 9}]))


def hide_a_partition(folder: Path) -> None:
    edit(folder, lambda m: m.update(complete=False, stretches=[]))


def leave_out_the_seals(folder: Path) -> None:
    """The seals as they were before the last one, in the file alone."""
    lines = (folder / "seals.jsonl").read_text().splitlines(keepends=True)
    (folder / "seals.jsonl").write_text("".join(lines[:-1]))


def call_it_a_pack(folder: Path) -> None:
    edit(folder, lambda m: m.update(kind=PACK, complete=False))


def sign_it_with_another_key(folder: Path) -> None:
    other = Sealer()
    edit(folder, lambda m: m.update(other.sign(MANIFEST, {n: v for n, v in m.items() if n != "signature"})))


def bad(folder: Path, **more: Any) -> list[Finding]:
    return [one for one in verify(folder, **more)[0] if one.is_bad]


def test_an_untouched_export_passes(folder: Path) -> None:
    assert verify(folder) == ([], 9, 3)


@pytest.mark.parametrize(
    "tamper",
    [
        drop_the_first,
        drop_the_last,
        drop_the_last_with_their_seal,
        change_under_no_seal,
        hide_a_partition,
        leave_out_the_seals,
        call_it_a_pack,
        sign_it_with_another_key,
    ],
)
def test_a_folder_whose_lists_were_altered_with_it_does_not_pass(folder: Path, tamper: Callable[[Path], None]) -> None:
    tamper(folder)
    assert bad(folder)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([*VALUES[:4], b"forged", *VALUES[5:]], ("changed", 4)),
        (VALUES[:8], ("cut off", 8)),
        ([*VALUES, b"one more"], ("inserted", 9)),
        ([*VALUES[:7], VALUES[8], VALUES[7]], ("reordered", 7)),
    ],
)
def test_records_alone_altered_are_named(folder: Path, values: list[bytes], expected: tuple[str, int]) -> None:
    rewrite(folder, dict(enumerate(values)))
    (found,) = bad(folder)
    assert (found.kind, found.offset) == expected


def test_an_earlier_export_in_its_place_is_told_by_seals_kept_outside(
    log: MemoryLog, sealer: Sealer, tmp_path: Path
) -> None:
    """It is a true export of its day; whoever kept a later seal sees that there is more."""
    early = Sealer.__new__(Sealer)
    early.key, early.public, early.lines = sealer.key, sealer.public, sealer.lines[:3]
    short = MemoryLog(1)
    short.append(TOPIC, [NewRecord(b"k", value) for value in VALUES[:6]])
    export(short, [TOPIC], early.lines, tmp_path / "early", early.sign)
    kept = tmp_path / "kept.jsonl"
    kept.write_text("".join(to_line(line) + "\n" for line in sealer.lines))
    assert bad(tmp_path / "early") == []
    assert [one.kind for one in bad(tmp_path / "early", kept=kept)] == ["seal"]


def test_what_was_archived_is_told_and_what_was_only_removed_is_wrong(
    log: MemoryLog, sealer: Sealer, tmp_path: Path
) -> None:
    log.trim(TOPIC, 0, 3)
    export(log, [TOPIC], sealer.lines, tmp_path / "removed", sealer.sign)
    assert [(one.kind, one.is_bad) for one in verify(tmp_path / "removed")[0]] == [("removed", True)]
    sealer.add("archive", topic=TOPIC, partition=0, records=3, head=head(3).hex(), reason="older than ten years")
    export(log, [TOPIC], sealer.lines, tmp_path / "archived", sealer.sign)
    (found,) = verify(tmp_path / "archived")[0]
    assert (found.kind, found.is_bad) == ("archived", False)
    assert "older than ten years (seal 5)" in found.text


@pytest.fixture
def pack(log: MemoryLog, sealer: Sealer, tmp_path: Path) -> Path:
    """A pack with one file and the records between two seals."""
    made = tmp_path / "pack"
    made.mkdir()
    (made / "answer.json").write_text('{"is_valid": true}')
    written = [write_stretch(log, made, WHERE, Mark(3, head(3), ""), 6)]
    write_frame(made, PACK, written, [sealer.lines[0], *sealer.lines[1:3]], sealer.sign)
    (made / "pack.json").write_text(json.dumps(sealer.sign(PACK, {"files": digests(made)})))
    return made


def test_a_pack_without_its_list_does_not_pass(pack: Path) -> None:
    """The answer is altered, and the list that would tell is taken out: the manifest says that there was one."""
    assert bad(pack) == []
    (pack / "answer.json").write_text('{"is_valid": false}')
    assert [(one.kind, one.where) for one in bad(pack)] == [("changed", "answer.json")]
    (pack / "pack.json").unlink()
    assert [(one.kind, one.where) for one in bad(pack)] == [("removed", "pack.json")]
    edit(pack, lambda m: m.update(kind=MANIFEST))
    assert ("seal", "manifest.json") in [(one.kind, one.where) for one in bad(pack)]


def test_a_list_of_another_kind_is_no_signature(pack: Path, sealer: Sealer) -> None:
    """A signed manifest cannot stand where the list of files should be."""
    other = pack.parent / "other"
    shutil.copytree(pack, other)
    shutil.copy(pack / "manifest.json", other / "pack.json")
    assert ("seal", "pack.json") in [(one.kind, one.where) for one in bad(other)]
