"""Every id of the hub: UUIDv5 of natural keys, so that a rebuilt row has the id that it had.

Ids are plain strings (lower case, with hyphens). No clear identifier of a person enters one: where a person is
part of a key, the key holds the pseudonym that the vault makes of it.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from uuid import UUID

NAMESPACE = UUID("6d1f5b0e-0a53-5b0c-9a36-3f0c8f0b7a11")
"""Root of all ids; it never changes."""

SEPARATOR = "\x1f"


@lru_cache(maxsize=4096)
def _namespace(text: str) -> UUID:
    return UUID(text)


def derived(namespace: str, *parts: str) -> str:
    """The UUIDv5 of ``parts`` below ``namespace`` (a UUID's text)."""
    digest = hashlib.sha1(_namespace(namespace).bytes + SEPARATOR.join(parts).encode(), usedforsecurity=False).digest()
    raw = bytearray(digest[:16])
    raw[6] = (raw[6] & 0x0F) | 0x50
    raw[8] = (raw[8] & 0x3F) | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


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


def enrollment_row(stream: str, cycle: int) -> str:
    """The row of one cycle; cycles count from 1."""
    return derived(stream, "cycle", str(cycle))


def lesson_row(enrollment: str, lesson_id: str) -> str:
    """The row of one lesson of one cycle."""
    return derived(enrollment, "lesson", lesson_id)


def statement_row(integration: str, statement_id: str) -> str:
    """The row of a raw xAPI statement."""
    return derived(integration, "statement", statement_id)


def run_id(company: str, integration: str, started: int, nonce: str) -> str:
    """The id of a sync or import run."""
    return derived(company, "run", integration, str(started), nonce)


def event_id(stream: str, part: str, *identity: str) -> str:
    """The id of the fact that ``identity`` tells about ``part`` (a lesson, or nothing) of a stream."""
    return derived(stream, "event", part, *identity)


def _base32(raw: bytes, letters: int) -> str:
    return base64.b32encode(raw).decode()[:letters]


def enrollment_number(row: str) -> str:
    """``E-`` and 12 base-32 letters of the row's id: stable over rebuilds."""
    return "E-" + _base32(hashlib.sha256(UUID(row).bytes).digest(), 12)


def short_key(key: str, limit: int) -> str:
    """``key`` where it fits ``limit`` characters, else its alias: 24 base-32 letters of the SHA-256 of the full key."""
    if len(key) <= limit:
        return key
    return _base32(hashlib.sha256(key.encode()).digest(), 24)
