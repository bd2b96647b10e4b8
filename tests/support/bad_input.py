"""Imports of bad files into one hub, and what became of every record: for acceptance tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import psycopg
from psycopg.rows import namedtuple_row

from hub.bootstrap import Hub
from hub.directory.commands import upsert
from hub.domain.sealing import to_text
from hub.intake.publish import storable
from hub.intake.service import Intake
from tests.support.site import COMPANY, ends, furnish, site

ADL = "http://adlnet.gov/expapi/verbs/"
COURSE_TYPE = "http://adlnet.gov/expapi/activities/course"
PERSONAL = ("Lovelace", "example.org", "@")
"""Parts of the personal values in the files of these tests; none may stand in the clear columns of a dead letter."""
TWIN = "twin@example.org"
"""An address that two employees have."""
DEAD = """
SELECT field, rule, expected, message, source_name, source_position, record, record_size, record_sha256
FROM hub.dead_letter WHERE source_name = %s ORDER BY source_position, id
"""


class Outcome(NamedTuple):
    """What an import came to."""

    read: int
    changed: int = 0
    unchanged: int = 0
    unmatched: int = 0
    stored: int = 0
    rejected: int = 0


@dataclass
class Taken:
    """One file, taken in twice."""

    outcome: Outcome
    dead: list[Any] = field(default_factory=list)

    @property
    def rules(self) -> list[tuple[str, str, str]]:
        """(position, field, rule) of each dead letter."""
        return [(letter.source_position, letter.field, letter.rule) for letter in self.dead]


class Desk:
    """A furnished hub to which files are handed."""

    def __init__(self, hub: Hub, url: str, folder: Path) -> None:
        self.hub = hub
        self.url = url
        self.folder = folder
        self.intake = Intake(hub)

    def take(self, code: str, name: str, content: bytes | Path, **options: Any) -> Taken:
        """Take a file in, hold what is true of every import, take it in again and see that nothing is told twice."""
        path = content if isinstance(content, Path) else self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        outcome = self._import(code, path, options)
        before, dead = ends(self.hub), self.dead(storable(path.name))
        again = self._import(code, path, options)
        after = ends(self.hub)
        grown = {topic for topic in after if after[topic] != before[topic]}
        assert grown == {"lms.integration"}, f"{name}: a repeat told {grown}"
        assert again.changed == 0, name
        assert again.read == outcome.read, name
        assert again.rejected == outcome.rejected, name
        for letter in dead:
            assert letter.rule, name
            assert letter.expected, name
            assert letter.message, name
            told = f"{letter.field} {letter.rule} {letter.message.replace(letter.expected, '')}"
            assert not [part for part in PERSONAL if part in told], told
        return Taken(outcome, dead)

    def dead(self, name: str) -> list[Any]:
        """The dead letters of a file."""
        return self.rows(DEAD, name)

    def rows(self, query: str, *values: Any) -> list[Any]:
        """Rows of the hub's database."""
        with psycopg.connect(self.url, row_factory=namedtuple_row) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def _import(self, code: str, path: Path, options: dict[str, Any]) -> Outcome:
        told = self.intake.import_file(COMPANY, code, str(path), options)
        assert told.adds_up(), f"{path.name}: {told}"
        assert self.hub.failures() == [], path.name
        return Outcome(**told.plain())


@contextmanager
def desk(url: str, folder: Path) -> Iterator[Desk]:
    """A hub with a company, employees and the integrations ``csv`` and ``lrs``, on the PostgreSQL log."""
    with site("postgresql", url, folder, None) as made, made.open() as hub:
        furnish(hub, 40)
        for number in ("E1", "E2"):
            stream = hub.keyring.pseudonym(COMPANY, "employee", number)
            told = {"employee_number": number, "given_name": "Ada", "family_name": "Lovelace", "email": TWIN}
            sealed = {name: to_text(hub.keyring.seal(stream, value, COMPANY)) for name, value in told.items()}
            hub.commands.execute(upsert("employee", stream, COMPANY, sealed, effective_from=20_000))
        yield Desk(hub, url, folder)


def statement(number: int, **changes: Any) -> dict[str, Any]:
    """A good statement of its own learner and course; ``changes`` replace its members."""
    return {
        "id": str(uuid5(NAMESPACE_URL, f"bad/{number}")),
        "actor": {"mbox": f"mailto:learner{number % 30}@example.org", "name": f"Ada{number} Lovelace"},
        "verb": {"id": ADL + "completed"},
        "object": {
            "id": f"https://lms.example.org/bad/{number}",
            "definition": {"type": COURSE_TYPE, "name": {"en": f"Course {number}"}},
        },
        "result": {"completion": True},
        "timestamp": "2026-02-03T10:00:00Z",
    } | changes


def lines(*told: Any) -> bytes:
    """JSON lines; what is bytes already stands as it is."""
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in told)
