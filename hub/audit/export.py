"""Exports: records of the log as files, with the seals, the public keys and the verifier, to be verified without the hub.

Promises: an export holds the stored bytes; it begins at a beginning or at a seal, and everything that is folded when it is
made is sealed and in it. What cannot be read whole (a hole in the log) ends the export with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.audit.offline import HEADER, MANIFEST, START, Mark, Seal, key_id, to_line
from hub.errors import Fatal, Refused
from hub.log.port import EventLog

READ = 5000
SEGMENT_RECORDS = 50_000
SEGMENT_BYTES = 64 * 1024 * 1024
README = """This folder holds records of an event log, the seals over them and the program that verifies both.

    pip install cryptography
    python offline.py .

It recomputes the chain of every partition from the stored bytes and holds it against each seal (Ed25519). The signatures
are worth as much as the first public key is known to be the hub's: compare its id, or a file of seals that was kept
elsewhere (--seals FILE, --key ID). Names and addresses of people are sealed; this folder has no key that opens them.
"""

Progress = Callable[[str, int, int], None]
"""Called with a topic, records written so far and records to write in all."""
Sign = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""Signs a list of this kind: gives it with the key's id and the signature."""


def export(
    log: EventLog,
    topics: Collection[str],
    seals: Sequence[Seal],
    folder: Path,
    sign: Sign,
    progress: Progress = lambda *_: None,
) -> dict[str, int]:
    """Write all records of these topics to an empty or new folder; returns how many, by topic.

    Raises Refused where the folder holds something, Fatal where a record is missing or archived without a seal.
    """
    demand_empty(folder)
    written: dict[str, int] = {}
    stretches = []
    for topic in topics:
        ends, begins = log.ends(topic), log.begins(topic)
        total, done = sum(ends.values()) - sum(begins.values()), 0
        for partition, end in ends.items():
            begin = beginning(seals, topic, partition, begins[partition])
            if end > begin.records:
                stretches.append(write_stretch(log, folder, (topic, partition), begin, end))
                done += end - begin.records
                progress(topic, done, total)
        written[topic] = done
    chosen = set(topics)
    held = [seal for seal in seals if seal.topic is None or seal.topic in chosen]
    write_frame(folder, MANIFEST, stretches, held, sign, complete=len(held) == len(seals))
    return written


def demand_empty(folder: Path) -> None:
    """Make the folder. Raises Refused where it holds something, or cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filled = any(folder.iterdir())
    except OSError as problem:
        raise Refused(
            f"{folder}: cannot be written ({problem.strerror}); expected a new folder", field="folder"
        ) from None
    if filled:
        raise Refused(f"{folder}: holds files; expected a new or an empty folder", field="folder", rule="empty")


def beginning(seals: Iterable[Seal], topic: str, partition: int, first: int) -> Mark:
    """Where the chain of a partition begins that starts at offset ``first``."""
    if first == 0:
        return Mark(0, START, "the beginning")
    mine = [seal for seal in seals if (seal.topic, seal.partition) == (topic, partition)]
    for seal in sorted(mine, key=lambda one: one.records or 0):
        if (seal.records or 0) >= first:
            return Mark(seal.records or 0, bytes.fromhex(seal.head or ""), f"seal {seal.number}")
    raise Fatal(f"{topic}/{partition}: begins at offset {first}, and no seal ends there or later")


def write_stretch(log: EventLog, folder: Path, where: tuple[str, int], begin: Mark, end: int) -> dict[str, Any]:
    """Write the records of a partition from ``begin`` to before ``end``; returns its part of the manifest."""
    topic, partition = where
    base = Path("segments") / topic / f"{partition:03d}-{begin.records:012d}"
    (folder / base).mkdir(parents=True)
    files: list[str] = []
    at, head = begin.records, begin.head
    with (folder / base / "heads").open("wb") as heads:
        while at < end:
            name = base / f"{at:012d}.records"
            files.append(name.as_posix())
            with (folder / name).open("wb") as file:
                stop = min(end, at + SEGMENT_RECORDS)
                while at < stop and file.tell() < SEGMENT_BYTES:
                    records = log.read({where: at}, min(READ, stop - at))
                    if not records:
                        raise Fatal(f"{topic}/{partition}: ends at offset {at}, but {end} records were appended")
                    for record in records:
                        file.write(HEADER.pack(record.offset, len(record.key), len(record.value)))
                        file.write(record.key)
                        file.write(record.value)
                        head = hashlib.sha256(head + record.value).digest()
                        heads.write(head)
                    at = records[-1].offset + 1
    return {
        "topic": topic, "partition": partition, "start": begin.records, "end": end, "head": head.hex(),
        "files": files, "heads": (base / "heads").as_posix(),
    }  # fmt: skip


def write_frame(
    folder: Path,
    kind: str,
    stretches: Sequence[Mapping[str, Any]],
    seals: Sequence[Seal],
    sign: Sign,
    *,
    complete: bool = False,
) -> None:
    """Write what stands around the records: signed manifest, seals, public keys, verifier.

    ``kind``: ``MANIFEST``, or ``PACK`` of a folder that must hold a signed list of its files too. ``complete``: no seal is left
    out.
    """
    lines = "".join(to_line(seal) + "\n" for seal in seals).encode()
    manifest = {
        "format": 1,
        "kind": kind,
        "made_by": f"lms-hub {version('lms-hub')}",
        "complete": complete,
        "seals": hashlib.sha256(lines).hexdigest(),
        "stretches": list(stretches),
    }
    (folder / "manifest.json").write_text(json.dumps(sign(MANIFEST, manifest), indent=1), encoding="utf-8")
    (folder / "seals.jsonl").write_bytes(lines)
    (folder / "public-keys").mkdir()
    for seal in seals:
        if seal.public_key is not None:
            raw = bytes.fromhex(seal.public_key)
            pem = Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            (folder / "public-keys" / f"{key_id(raw)}.pem").write_bytes(pem)
    (folder / "offline.py").write_bytes(resources.files("hub.audit").joinpath("offline.py").read_bytes())
    (folder / "README.txt").write_text(README, encoding="utf-8")


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder, by its name in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
