"""Verifies sealed records of an event log without the hub: ``python offline.py FOLDER``. Needs ``cryptography`` only.

The chain of a partition: h(n) = SHA-256(h(n-1) || bytes of record n), beginning with 32 zero bytes. A *seal* signs how many
records a partition held and what its head was then (Ed25519); seals are numbered, each names the digest of the one
before, and so do the keys: a new key is signed by the one before it. So whoever noted the first key, or kept an earlier
seal, finds every change of what was sealed. The manifest of a folder is signed too: from where to where it holds each
partition, and with which seals. What this file promises: a folder in which anything has been changed, removed, inserted,
reordered or cut off does not pass, and the first bad record is named as far as can be told.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

START = bytes(32)
"""The head of a chain before its first record."""
PREFIX = b"lms-hub seal 1\n"
MANIFEST, PACK = "manifest", "pack"
"""Lists that are signed: of the stretches of a folder, and of the files of a pack."""
NO_SEAL = "00" * 32
HEADER = struct.Struct(">QII")
"""Before each record of a segment: its offset, the length of its key, the length of its value."""
HARMLESS = frozenset({"archived", "erased"})
Records = Iterable[tuple[int, bytes]]
"""Offset and value, ascending."""


class Seal(NamedTuple):
    """A signed line. ``kind`` is *key* (a new key), *seal* or *archive* (records before ``records`` were taken out)."""

    number: int
    kind: str
    sealed_at: str
    previous: str
    key: str
    signature: str = ""
    topic: str | None = None
    partition: int | None = None
    records: int | None = None
    head: str | None = None
    public_key: str | None = None
    reason: str | None = None


class Mark(NamedTuple):
    """What the head of a partition must be after ``records`` records, and who says so."""

    records: int
    head: bytes
    told_by: str


class Finding(NamedTuple):
    """Something found: *changed, removed, inserted, reordered, cut off, altered, seal* are wrong, the others are not."""

    kind: str
    where: str
    text: str
    offset: int | None = None

    @property
    def is_bad(self) -> bool:
        """Whether it is more than a remark."""
        return self.kind not in HARMLESS


class Verdict(NamedTuple):
    """How far a walk came unbroken, what it found first, and how many records it hashed."""

    reached: Mark | None
    finding: Finding | None
    walked: int


def statement(seal: Seal) -> bytes:
    """The bytes that a seal signs: all that it says, as JSON in one form only."""
    told = {name: value for name, value in seal._asdict().items() if value is not None and name != "signature"}
    return PREFIX + json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(seal: Seal) -> str:
    """What the next seal names as the one before it."""
    return hashlib.sha256(statement(seal) + bytes.fromhex(seal.signature)).hexdigest()


def key_id(public_key: bytes) -> str:
    """The short name of a public key: 16 letters of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def to_line(seal: Seal) -> str:
    """A seal as a line of a file of seals."""
    return json.dumps({name: value for name, value in seal._asdict().items() if value is not None}, ensure_ascii=False)


def read_seals(path: Path) -> list[Seal]:
    """The seals of a file, a line each.

    Raises ValueError naming the line that is none.
    """
    seals = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            if line.strip():
                seals.append(Seal(**json.loads(line)))
        except (TypeError, ValueError):
            raise ValueError(f"{path.name}: line {number} is not a seal") from None
    return seals


def list_statement(kind: str, told: Mapping[str, Any]) -> bytes:
    """The bytes that the signature of a list is over: all but the signature itself."""
    named = {name: value for name, value in told.items() if name != "signature"}
    text = json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"lms-hub {kind} 1\n{text}".encode()


def signed_by(public_key: str, signature: str, message: bytes) -> bool:
    """Whether this key (hexadecimal) made the signature."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_seals(
    seals: Sequence[Seal], *, complete: bool = True, trusted: str | None = None, unchecked: int = 0
) -> list[Finding]:
    """What is wrong with a sequence of seals: signatures, numbers, links. ``complete``: none may be missing.

    ``trusted``: the id that the first key must have; ``unchecked``: signatures up to this number were checked before.
    """
    keys: dict[str, str] = {}
    found: list[Finding] = []
    current, last = "", None
    for seal in seals:
        where = f"seal {seal.number}"
        if seal.kind == "key" and seal.public_key is not None:
            keys[key_id(bytes.fromhex(seal.public_key))] = seal.public_key
            if not current:
                current = seal.key
                if trusted is not None and current != trusted:
                    found.append(Finding("seal", where, f"the first key is {current}, expected {trusted}"))
        due = 1 if last is None else last.number + 1
        if seal.number < due or (complete and seal.number != due):
            found.append(Finding("seal", where, f"seal {due} is missing: it was removed, or their order changed"))
        elif seal.number == due and seal.previous != (NO_SEAL if last is None else digest(last)):
            found.append(Finding("seal", where, "it does not follow the seal before it: one of the two was altered"))
        if seal.key != current or seal.key not in keys:
            found.append(Finding("seal", where, f"it is signed by key {seal.key}, which was not in force"))
        elif seal.number > unchecked and not signed_by(keys[seal.key], seal.signature, statement(seal)):
            found.append(Finding("seal", where, "its signature is wrong: it was altered, or made by somebody else"))
        if seal.kind == "key" and seal.public_key is not None:
            current = key_id(bytes.fromhex(seal.public_key))
        last = seal
    return found


def marks_of(seals: Iterable[Seal]) -> dict[tuple[str, int], list[Mark]]:
    """What seals say of each partition, in the order of counts."""
    marks: dict[tuple[str, int], set[Mark]] = {}
    for seal in seals:
        if seal.topic is not None and seal.partition is not None and seal.records is not None and seal.head is not None:
            mark = Mark(seal.records, bytes.fromhex(seal.head), f"seal {seal.number} of {seal.sealed_at}")
            marks.setdefault((seal.topic, seal.partition), set()).add(mark)
    return {where: sorted(given) for where, given in marks.items()}


def walk(where: str, records: Iterator[tuple[int, bytes]], begin: Mark, marks: Sequence[Mark]) -> Verdict:
    """Hash records from ``begin`` on and hold the head against each mark; ends at the first that does not fit."""
    sha256 = hashlib.sha256
    at, head, good = begin.records, begin.head, begin
    for mark in marks:
        for offset, value in islice(records, mark.records - at):
            if offset != at:
                gone = Finding("removed", where, f"no record is at offset {at}; the next one is at {offset}", at)
                return Verdict(good, gone, at - begin.records)
            head = sha256(head + value).digest()
            at += 1
        if at < mark.records:
            text = f"the log ends at offset {at}, but {mark.told_by} says that it had {mark.records} records"
            return Verdict(good, Finding("cut off", where, text, at), at - begin.records)
        if head != mark.head:
            text = (
                f"what lies at offsets {good.records} to {mark.records - 1} is not what was there at {mark.told_by}; "
                f"all before offset {good.records} is unaltered"
            )
            return Verdict(good, Finding("altered", where, text, good.records), at - begin.records)
        good = mark
    return Verdict(good, None, at - begin.records)


def locate(
    where: str, records: Mapping[int, bytes], begin: Mark, end: int, heads: Mapping[int, bytes]
) -> Finding | None:
    """The first bad record between two marks, told by the heads after single records (``heads``) that are known.

    ``records`` are those from ``begin`` to beyond ``end``. None where nothing contradicts those heads.
    """
    good, before, head = begin.records, begin.head, begin.head
    for at in range(begin.records, end):
        value = records.get(at)
        if value is not None:
            head = hashlib.sha256(head + value).digest()
        stated = heads.get(at)
        if value is None or (stated is not None and stated != head):
            return _named(where, records, at, good, before, {begin.records - 1: begin.head, **heads})
        if stated is not None:
            good, before = at + 1, head
    return None


def _named(
    where: str, records: Mapping[int, bytes], at: int, good: int, before: bytes, heads: Mapping[int, bytes]
) -> Finding:
    """What happened at an offset: whether its own record lies elsewhere, and where the one that lies there belongs."""
    here, stated = records.get(at), heads.get(at)
    if here is not None and good < at:
        return Finding("altered", where, f"one of the records at offsets {good} to {at} was altered", good)
    moved = [o for o, v in records.items() if o != at and hashlib.sha256(before + v).digest() == stated]
    if here is None:
        if moved:
            return Finding("reordered", where, f"the record of offset {at} now lies at offset {moved[0]}", at)
        if not any(offset > at for offset in records):
            return Finding("cut off", where, f"the log ends at offset {at}; there were more records", at)
        return Finding("removed", where, f"the record at offset {at} was removed", at)
    is_copy = any(offset != at and value == here for offset, value in records.items())
    if moved and is_copy:
        return Finding("inserted", where, f"a copy of another record was inserted at offset {at}", at)
    home = next((o for o in heads if o - 1 in heads and hashlib.sha256(heads[o - 1] + here).digest() == heads[o]), None)
    if moved and home is not None:
        text = f"the record of offset {at} now lies at {moved[0]}, and the one that lies there belongs to {home}"
        return Finding("reordered", where, text, at)
    if moved:
        return Finding("inserted", where, f"a record was inserted at offset {at}", at)
    if home is not None and not is_copy:
        return Finding("removed", where, f"the record of offset {at} was removed, and later ones were moved up", at)
    return Finding("changed", where, f"the record at offset {at} was changed", at)


def read_segment(path: Path) -> Iterator[tuple[int, bytes]]:
    """Offset and value of each record of a segment file."""
    with path.open("rb", buffering=1 << 20) as file:
        while len(header := file.read(HEADER.size)) == HEADER.size:
            offset, key_size, size = HEADER.unpack(header)
            body = file.read(key_size + size)
            if len(body) < key_size + size:
                return
            yield offset, body[key_size:]


def segments(folder: Path, stretch: Mapping[str, Any]) -> Iterator[tuple[int, bytes]]:
    """The records of a stretch, file after file."""
    for name in stretch["files"]:
        yield from read_segment(inside(folder, name))


def inside(folder: Path, name: str) -> Path:
    """A file of the folder.

    Raises ValueError where the name leads out of it.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name}: leads out of the folder")
    return path


def _stated_heads(folder: Path, stretch: Mapping[str, Any]) -> dict[int, bytes]:
    path = inside(folder, stretch["heads"])
    data = path.read_bytes() if path.is_file() else b""
    return {stretch["start"] + index: data[index * 32 : index * 32 + 32] for index in range(len(data) // 32)}


def check_stretch(folder: Path, stretch: Mapping[str, Any], marks: Sequence[Mark]) -> Verdict:
    """Walk one stretch of a partition: from its beginning, or from a seal, to the last seal within it."""
    start, where = stretch["start"], f"{stretch['topic']}/{stretch['partition']}"
    first = Mark(0, START, "the beginning")
    begin = first if start == 0 else next((mark for mark in marks if mark.records == start), None)
    end = Mark(stretch["end"], bytes.fromhex(stretch["head"]), "the manifest")
    if begin is None:
        finding = Finding(
            "cut off", where, f"the records before offset {start} are missing, and no seal ends there", start
        )
        return Verdict(None, finding, 0)
    within = [*(mark for mark in marks if start < mark.records <= end.records), end]
    held = segments(folder, stretch)
    verdict = walk(where, held, begin, within)
    bad, good = verdict.finding, verdict.reached
    if bad is None and next(held, None) is not None:
        text = f"there are records from offset {end.records} on, where the folder ended when it was made"
        return verdict._replace(finding=Finding("inserted", where, text, end.records))
    if bad is None or good is None:
        return verdict
    records = {offset: value for offset, value in segments(folder, stretch) if offset >= good.records}
    beyond = next(mark.records for mark in within if mark.records > good.records)
    told = locate(where, records, good, beyond, _stated_heads(folder, stretch))
    return verdict._replace(finding=told or bad)


def check_evidence(
    folder: Path, stretches: Sequence[Mapping[str, Any]], good: Mapping[tuple[str, int], int]
) -> list[Finding]:
    """Hold the events that a pack tells of against its records, which must lie below a seal."""
    path = folder / "events.jsonl"
    if not path.is_file():
        return []
    held = {
        (one["topic"], one["partition"], offset): hashlib.sha256(value).hexdigest()
        for one in stretches
        for offset, value in segments(folder, one)
        if offset < good.get((one["topic"], one["partition"]), 0)
    }
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        at = (event["topic"], event["partition"], event["offset"])
        raw = hashlib.sha256(bytes.fromhex(event["raw"])).hexdigest()
        if held.get(at) != raw:
            text = "the event of the pack is not the record that was sealed"
            found.append(Finding("changed", f"{at[0]}/{at[1]}", text, at[2]))
    return found


def check_list(kind: str, name: str, told: Mapping[str, Any], seals: Sequence[Seal]) -> list[Finding]:
    """Hold a signed list against its signature, by any key that the seals introduce."""
    keys = {key_id(bytes.fromhex(seal.public_key)): seal.public_key for seal in seals if seal.public_key is not None}
    if signed_by(keys.get(told["key"], ""), told["signature"], list_statement(kind, told)):
        return []
    return [Finding("seal", name, "its signature is wrong: it was altered, or made by somebody else")]


def check_manifest(folder: Path, manifest: Mapping[str, Any], seals: Sequence[Seal]) -> list[Finding]:
    """Hold the manifest against its signature and the seals of the folder against the manifest; tells what was archived."""
    found = check_list(MANIFEST, "manifest.json", manifest, seals)
    if hashlib.sha256((folder / "seals.jsonl").read_bytes()).hexdigest() != manifest["seals"]:
        found.append(Finding("seal", "seals.jsonl", "is not the file that the folder was made with"))
    if manifest["kind"] == PACK:
        return found
    archived = {(seal.topic, seal.partition, seal.records): seal for seal in seals if seal.kind == "archive"}
    for one in manifest["stretches"]:
        where, start = f"{one['topic']}/{one['partition']}", one["start"]
        line = archived.get((one["topic"], one["partition"], start))
        if line is not None:
            text = f"the records before offset {start} were taken out of the log: {line.reason} (seal {line.number})"
            found.append(Finding("archived", where, text, start))
        elif start:
            text = f"the records before offset {start} are missing, and no line says that they were archived"
            found.append(Finding("removed", where, text, 0))
    return found


def check_pack(folder: Path, seals: Sequence[Seal]) -> list[Finding]:
    """Hold the files of a signed pack against its list of digests, and the list against its signature."""
    path = folder / "pack.json"
    if not path.is_file():
        return [Finding("removed", "pack.json", "is missing: it lists the files of the pack and is signed")]
    pack = json.loads(path.read_text(encoding="utf-8"))
    if wrong := check_list(PACK, "pack.json", pack, seals):
        return wrong
    found = []
    for name, wanted in pack["files"].items():
        file = inside(folder, name)
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
            found.append(Finding("changed", name, "the file is not the one that the pack was signed with"))
    return found


def verify(folder: Path, kept: Path | None = None, trusted: str | None = None) -> tuple[list[Finding], int, int]:
    """Verify a folder: all findings, the number of records hashed, and of seals held against them.

    ``kept``: a file of seals from elsewhere that must agree. ``trusted``: the id of the first key, noted elsewhere.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    seals = read_seals(folder / "seals.jsonl")
    found = check_seals(seals, complete=manifest["complete"], trusted=trusted)
    found += check_manifest(folder, manifest, seals)
    if manifest["kind"] == PACK:
        found += check_pack(folder, seals)
    if kept is not None:
        found += compare(read_seals(kept), seals, complete=manifest["complete"])
    marks, walked = marks_of(seals), 0
    good: dict[tuple[str, int], int] = {}
    for stretch in manifest["stretches"]:
        where = (stretch["topic"], stretch["partition"])
        verdict = check_stretch(folder, stretch, marks.get(where, []))
        walked += verdict.walked
        if verdict.reached is not None:
            good[where] = max(good.get(where, 0), verdict.reached.records)
        if verdict.finding is not None:
            found.append(verdict.finding)
    there = {(one["topic"], one["partition"]) for one in manifest["stretches"]}
    if manifest["complete"]:
        for topic, partition in sorted(marks.keys() - there):
            found.append(
                Finding("cut off", f"{topic}/{partition}", "was sealed, but no record of it is in the folder", 0)
            )
    found += check_evidence(folder, manifest["stretches"], good)
    return found, walked, sum(len(given) for given in marks.values())


def compare(kept: Sequence[Seal], seals: Sequence[Seal], *, complete: bool = True) -> list[Finding]:
    """Seals that were kept elsewhere and are not, or not like that, among these."""
    known = {seal.number: seal for seal in seals}
    found = []
    for seal in kept:
        other = known.get(seal.number)
        if other is None and complete:
            found.append(Finding("seal", f"seal {seal.number}", "is kept outside, but was removed here"))
        elif other is not None and other != seal:
            found.append(
                Finding("seal", f"seal {seal.number}", "is another one here than the one that is kept outside")
            )
    return found


def main(given: Sequence[str] | None = None) -> int:
    """Verify a folder and say so in plain lines; 0 where nothing is wrong, else 1."""
    parser = argparse.ArgumentParser(description="Verify sealed records of an event log.")
    parser.add_argument("folder", type=Path, help="folder that `hub audit export` wrote, or an unpacked evidence pack")
    parser.add_argument("--seals", type=Path, help="file of seals that was kept elsewhere; it must agree")
    parser.add_argument("--key", help="id of the first key, as it was noted elsewhere")
    chosen = parser.parse_args(given)
    try:
        found, walked, held = verify(chosen.folder, chosen.seals, chosen.key)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        sys.stderr.write(f"The folder cannot be read: {problem}\n")
        return 1
    for one in found:
        sys.stdout.write(f"{one.kind}: {one.where}: {one.text}\n")
    bad = [one for one in found if one.is_bad]
    told = f"{walked} records hashed, {held} seals"
    sys.stdout.write(f"NOT VERIFIED: {len(bad)} faults ({told})\n" if bad else f"Verified: {told}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
