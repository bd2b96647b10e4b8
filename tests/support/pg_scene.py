"""A PostgreSQL database with all tables, a memory log, and everything that decides and folds, without threads.

The fixtures ``with_tables``, ``scene`` and ``bare_scene`` are known to all tests of ``tests/integration``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from hub.deciding.commands import Command, Commands
from hub.deciding.decider import OBSERVATIONS, Decider
from hub.deciding.ports import Surroundings
from hub.directory.commands import company
from hub.domain import ids
from hub.integrations.commands import add
from hub.log import codec
from hub.log.memory import MemoryLog
from hub.log.partition import partition_for
from hub.log.port import NewRecord, Record
from projections import folds, migrations
from projections.engine.fold_watch import FoldWatch
from projections.engine.folder import Folder
from projections.engine.pg_deciding import PgDeciding
from projections.engine.pg_store import PgStore
from projections.rowfit import row_check

PARTITIONS = 2
COMPANY = ids.company_id("ACME")
INTEGRATION = ids.integration_id(COMPANY, "csv")
ACCOUNT = "11111111-0000-5000-8000-000000000001"
RUN = "99999999-0000-5000-8000-000000000009"
CAUSES = ("lms.directory", "lms.integration")
LEARNING = "lms.learning"
NOW = 1_770_000_000_000_000


class EagerDeciding(PgDeciding):
    """Waits by folding what there is."""

    fold: Callable[[], None]

    def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
        self.fold()
        return super().wait_folded(wanted, timeout)


class Scene:
    """A database with tables, a memory log, and everything that decides and folds, without a thread of its own."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url, self.stack = url, stack
        self.log = MemoryLog(PARTITIONS)
        self.told = 0
        self.pool = stack.enter_context(ConnectionPool(url, min_size=1, max_size=3, kwargs={"autocommit": True}))
        self.watch = FoldWatch(self.connect)
        stack.callback(self.watch.close)
        self.deciding = EagerDeciding(self.pool.connection, self.watch)
        self.deciding.fold = self.fold
        self.around = Surroundings(
            store=self.deciding,
            fold=folds.fold,
            check=row_check(list),
            open=list,
            encode=codec.encode,
            decode=codec.decode,
            clock=lambda: NOW,
            append=self._append,
            read=lambda topic, part, offset: self.log.read({(topic, part): offset}, 1)[0].value,
            partition_of=lambda key: partition_for(key.encode(), PARTITIONS),
        )

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)

    def folder(self, topics: Collection[str] = tuple(folds.BY_TOPIC)) -> Folder:
        connection = self.connect()
        self.stack.callback(connection.close)
        folder = Folder(PgStore(connection, list), codec.decode, lambda: NOW)
        folder.own([(topic, part) for topic in topics for part in range(PARTITIONS)])
        return folder

    def records(self, topics: Collection[str] = tuple(folds.BY_TOPIC)) -> list[Record]:
        """Everything that these topics hold."""
        return self.log.read({(topic, part): 0 for topic in topics for part in range(PARTITIONS)}, 10_000)

    def fold(self) -> None:
        self.folder().fold(self.records())

    def execute(self, command: Command) -> Any:
        return Commands(self.around).execute(command)

    def prepared(self) -> Scene:
        """With a company and an integration."""
        self.execute(company("ACME", "Acme"))
        wanted = {
            "lms_code": "csv",
            "lms_name": "CSV",
            "lms_type": "Corporate LMS",
            "integration_method": "File Upload",
        }
        self.execute(add(COMPANY, wanted))
        return self

    def tell(self, course: str, progress: int, **more: Any) -> str:
        """Publish an observation of an enrollment in this course; returns its stream."""
        self.told += 1
        stream = ids.enrollment_stream(INTEGRATION, ACCOUNT, course)
        observation = {
            "type": "lms.observation.enrollment.v1", "company_id": COMPANY, "integration_id": INTEGRATION,
            "stream_kind": "enrollment", "stream_id": stream, "observed_at": NOW + self.told, "source_time": NOW + self.told,
            "native_id": None, "payload_sha256": None, "content_id": None, "run_id": RUN, "source_name": "test",
            "source_position": None, "counted": True, "backfill": False, "account_id": ACCOUNT, "course_key": course,
            "facts": {"progress": progress}, **more,
        }  # fmt: skip
        self.log.append(OBSERVATIONS, [NewRecord(f"enrollment/{stream}".encode(), codec.encode(observation))])
        return stream

    def batch(self) -> list[tuple[int, int, bytes]]:
        """What is to be decided."""
        starts = {(OBSERVATIONS, part): self.deciding.decided_offset(part) for part in range(PARTITIONS)}
        return [(one.partition, one.offset, one.value) for one in self.log.read(starts, 1000)]

    def decide(self) -> dict[str, int]:
        return Decider(self.around).process(self.batch())

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(query, values).fetchall()

    def end(self, connection: psycopg.Connection[Any]) -> None:
        """The database ends a connection."""
        self.ask("SELECT pg_terminate_backend(%s, 10000)", connection.info.backend_pid)

    def _append(self, topic: str, records: Sequence[tuple[str, bytes]]) -> list[tuple[str, int, int]]:
        given = [NewRecord(key.encode(), value) for key, value in records]
        return [(at.topic, at.partition, at.offset) for at in self.log.append(topic, given)]


@pytest.fixture(scope="session")
def with_tables(make_database: Callable[[str | None], str]) -> str:
    """The URL of a database with all tables and nothing in them, to be copied and never connected to."""
    url = make_database(None)
    migrations.upgrade(url)
    return url


@pytest.fixture
def bare_scene(with_tables: str, make_database: Callable[[str | None], str]) -> Iterator[Scene]:
    """A scene in a database of its own that holds nothing yet."""
    with ExitStack() as stack:
        yield Scene(make_database(with_tables), stack)


@pytest.fixture
def scene(with_tables: str, make_database: Callable[[str | None], str]) -> Iterator[Scene]:
    """A scene in a database of its own, with a company and an integration."""
    with ExitStack() as stack:
        yield Scene(make_database(with_tables), stack).prepared()


class Enough(Exception):
    """A decider has appended."""


def not_waiting(scene: Scene) -> Surroundings:
    """Surroundings in which a decider ends once it has appended."""

    class Store(PgDeciding):
        def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:
            raise Enough

    around = scene.around
    store = Store(scene.pool.connection, scene.watch)
    return Surroundings(**{name: getattr(around, name) for name in around.__slots__} | {"store": store})


PROGRESS = "SELECT course_id, progress_percentage::int FROM hub.lms_course_enrollment ORDER BY 1"
TRAIL = "SELECT count(*) FROM hub.lms_audit_trail"
