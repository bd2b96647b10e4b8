"""A small world whose log is sealed twice, as a database to be copied, and ways to tamper with a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from hub.audit.offline import Finding
from hub.audit.part import seals_of
from hub.audit.seals import Seals
from hub.audit.sources import PostgresSource
from hub.audit.trail import Trail
from hub.audit.verify import Report, Verifier
from hub.directory.commands import company
from hub.intake.service import Intake
from hub.log.topics import TOPIC_NAMES
from hub.vault import load_master_key
from tests.support import learning
from tests.support.site import CODE, COMPANY, furnish, site

PEOPLE, COURSES = 10, 4
TOPIC = "lms.learning"
FAR = 1_000_000


def build(url: str, folder: Path) -> None:
    """Fill an empty database: people, a first seal, learning, a second seal, and one event that no seal covers."""
    learning.write_statements(folder / "statements.jsonl", PEOPLE, COURSES)
    learning.write_csv(folder / "table.csv", PEOPLE, COURSES)
    with site("postgresql", url, folder, None) as made, made.open() as hub:
        furnish(hub, PEOPLE)
        intake, seals = Intake(hub), seals_of(hub)
        seals.seal()
        intake.import_file(COMPANY, "csv", str(folder / "table.csv"), {})
        seals.seal()
        intake.import_file(COMPANY, "lrs", str(folder / "statements.jsonl"), {})
        seals.seal()
        hub.commands.execute(company(CODE, "Acme Ltd", time_zone="Europe/Berlin"))


@contextmanager
def seals(url: str, folder: Path) -> Iterator[Seals]:
    """The seals of a database that ``build`` filled."""
    master = load_master_key("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=", folder)
    yield Seals(lambda: psycopg.connect(url, autocommit=True), master)


def verified(url: str, folder: Path, *, from_start: bool = True, kept: Path | None = None) -> Report:
    """Verify a database's log as the command does."""
    from hub.audit.offline import read_seals

    with seals(url, folder) as known, closing(psycopg.connect(url, autocommit=True)) as connection:
        verifier = Verifier(
            PostgresSource(connection), known.all(), Trail(connection), None if kept is None else read_seals(kept)
        )
        report = verifier.run(TOPIC_NAMES, from_start=from_start)
        Trail(connection).remember(report.reached)
        return report


def bad(report: Report) -> list[Finding]:
    """What is wrong, without the remarks."""
    return [finding for finding in report.findings if finding.is_bad]


class Tamperer:
    """Somebody with the rights of the database's owner, in one busy partition of the learning topic."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        row = self.connection.execute(
            "SELECT topic_id, part, next_offset FROM log.head JOIN log.topic USING (topic_id) WHERE name = %s "
            "ORDER BY next_offset DESC LIMIT 1",
            (TOPIC,),
        ).fetchone()
        assert row is not None
        self.topic, self.part, self.end = row

    @property
    def where(self) -> str:
        return f"{TOPIC}/{self.part}"

    def do(self, statement: str, **values: object) -> None:
        """Run a statement; ``topic`` and ``part`` are given to it."""
        self.connection.execute(statement, {"topic": self.topic, "part": self.part} | values)

    def shift(self, start: int, by: int) -> None:
        """Move the records from an offset on."""
        statement = (
            'UPDATE log.record SET "offset" = "offset" + %(by)s WHERE topic_id = %(topic)s AND part = %(part)s '
            'AND "offset" >= %(start)s'
        )
        self.do(statement, by=FAR, start=start)  # far away first, for two may never have the same offset
        self.do(statement, by=by - FAR, start=start + FAR)

    def event_at(self, offset: int) -> str:
        """The id of the event at an offset, as the trail tells."""
        row = self.connection.execute(
            "SELECT id::text FROM hub.lms_audit_trail WHERE additional_context @> jsonb_build_object("
            "'topic', %s::text, 'partition', %s::int, 'offset', %s::bigint)",
            (TOPIC, self.part, offset),
        ).fetchone()
        assert row is not None
        return str(row[0])
