"""A hub with learning in its tables, for tests of rebuilding and comparing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.bootstrap import Hub
from hub.intake.service import Intake
from tests.support import learning
from tests.support.site import COMPANY, Site, furnish, site

PEOPLE, COURSES = 30, 6


@contextmanager
def filled(database_url: str, folder: Path) -> Iterator[Site]:
    """A site on the PostgreSQL log, furnished, with statements and a table taken in."""
    learning.write_statements(folder / "statements.jsonl", PEOPLE, COURSES)
    learning.write_csv(folder / "table.csv", PEOPLE, COURSES)
    with site("postgresql", database_url, folder, None) as made:
        with made.open() as hub:
            furnish(hub, PEOPLE)
            take_in(hub, folder)
        yield made


def take_in(hub: Hub, folder: Path) -> None:
    """Import both files."""
    intake = Intake(hub)
    intake.import_file(COMPANY, "lrs", str(folder / "statements.jsonl"), {})
    intake.import_file(COMPANY, "csv", str(folder / "table.csv"), {})
