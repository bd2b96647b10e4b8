"""A hub with learning in its tables, on either log, for tests of rebuilding and comparing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.bootstrap import Hub
from hub.intake.service import Intake
from tests.support import learning
from tests.support.site import COMPANY, Site, furnish, site

PEOPLE, COURSES = 30, 6


@contextmanager
def filled(database_url: str, folder: Path, kind: str = "postgresql", bootstrap: str | None = None) -> Iterator[Site]:
    """A site, furnished, with statements and a table taken in; on Kafka a worker goes on folding and deciding."""
    learning.write_statements(folder / "statements.jsonl", PEOPLE, COURSES)
    learning.write_csv(folder / "table.csv", PEOPLE, COURSES)
    with site(kind, database_url, folder, bootstrap) as made:
        with made.open() as hub:
            if made.on_kafka:
                made.start("worker")
            furnish(hub, PEOPLE)
            take_in(hub, folder)
        yield made


def take_in(hub: Hub, folder: Path) -> None:
    """Import both files."""
    intake = Intake(hub)
    intake.import_file(COMPANY, "lrs", str(folder / "statements.jsonl"), {})
    intake.import_file(COMPANY, "csv", str(folder / "table.csv"), {})


@pytest.fixture(scope="session")
def filled_database(make_database: Callable[[str | None], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with learning in its tables, to be copied."""
    url = make_database(None)
    with filled(url, tmp_path_factory.mktemp("filled")):
        pass
    return url


@pytest.fixture
def hub(filled_database: str, make_database: Callable[[str | None], str], tmp_path: Path) -> Iterator[Hub]:
    """A hub on a copy of it, which folds and decides."""
    with site("postgresql", make_database(filled_database), tmp_path, None) as made, made.open() as opened:
        yield opened
