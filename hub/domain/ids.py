"""Every id of the hub: UUIDv5 of natural keys, so that a rebuilt row has the id that it had.

Ids are plain strings (lower case, with hyphens). No clear identifier of a person enters one: where a person is
part of a key, the key holds the pseudonym that the vault makes of it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from uuid import UUID

NAMESPACE = UUID("6d1f5b0e-0a53-5b0c-9a36-3f0c8f0b7a11")
"""Root of all ids; it never changes."""

SEPARATOR = "\x1f"
UUID_BYTES = 16
KNOWN = 4096
"""Ids of rows that are kept, since a batch asks for each several times."""
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""The first letter of a UUID's fourth group, by what the digest has there."""
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def derived(namespace: str, *parts: str) -> str:
    """The UUIDv5 of ``parts`` below ``namespace`` (a UUID's text). Raises ValueError where that is none."""
    below = bytes.fromhex(namespace.replace("-", ""))
    if len(below) != UUID_BYTES:
        raise ValueError("a namespace is the text of a UUID")
    text = hashlib.sha1(below + SEPARATOR.join(parts).encode(), usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


ROOT = str(NAMESPACE)


def company_id(code: str) -> str:
    """The id of a company, by its code."""
    return derived(ROOT, "company", code.strip().casefold())


def settings_stream(company: str) -> str:
    """The stream that all settings and syncs of a company share; rules over the whole company hold in it."""
    return derived(company, "settings")


def integration_id(company: str, code: str) -> str:
    """The id of an integration, by its ``lms_code``, which never changes."""
    return derived(company, "integration", code.casefold())


def department_id(company: str, code: str) -> str:
    return derived(company, "department", code.strip().casefold())


def team_id(company: str, code: str) -> str:
    return derived(company, "team", code.strip().casefold())


def course_stream(integration: str, course_key: str) -> str:
    """The stream and row of a course in an LMS's catalogue, by the LMS's own id of it."""
    return derived(integration, "course", course_key)


def enrollment_stream(integration: str, account: str, course_key: str) -> str:
    """The stream of (integration, LMS account, course): all its cycles and their lessons."""
    return derived(integration, "enrollment", account, course_key)


@lru_cache(maxsize=KNOWN)
def enrollment_row(stream: str, cycle: int) -> str:
    """The row of one cycle; cycles count from 1."""
    return derived(stream, "cycle", str(cycle))


@lru_cache(maxsize=KNOWN)
def lesson_row(enrollment: str, lesson_id: str) -> str:
    """The row of one lesson of one cycle."""
    return derived(enrollment, "lesson", lesson_id)


def statement_row(integration: str, statement_id: str) -> str:
    """The row of a raw xAPI statement."""
    return derived(integration, "statement", statement_id)


def waiting_record(topic: str, partition: int, offset: int) -> str:
    """The row of a record of the log that is put aside: parked, or behind a parked one."""
    return derived(ROOT, "dead letter", topic, str(partition), str(offset))


def run_id(company: str, integration: str, started: int, nonce: str) -> str:
    """The id of a sync or import run."""
    return derived(company, "run", integration, str(started), nonce)


def event_id(stream: str, part: str, *identity: str) -> str:
    """The id of the fact that ``identity`` tells about ``part`` (a lesson, or nothing) of a stream."""
    return derived(stream, "event", part, *identity)


def _base32(raw: bytes, letters: int) -> str:
    """The first letters of what RFC 4648 makes of ``raw``, which must have as many bits."""
    first = int.from_bytes(raw, "big") >> (len(raw) * 8 - letters * 5)
    return "".join([_BASE32[first >> shift & 31] for shift in range(letters * 5 - 5, -1, -5)])


def enrollment_number(row: str) -> str:
    """``E-`` and 12 base-32 letters of the row's id: stable over rebuilds."""
    return "E-" + _base32(hashlib.sha256(bytes.fromhex(row.replace("-", ""))).digest(), 12)


def short_key(key: str, limit: int) -> str:
    """``key`` where it fits ``limit`` characters, else its alias: 24 base-32 letters of the SHA-256 of the full key."""
    if len(key) <= limit:
        return key
    return _base32(hashlib.sha256(key.encode()).digest(), 24)
