"""Real services for tests: from the environment, else from Docker, else from what this machine can start itself.

Each of ``postgres`` and ``kafka`` is a block that yields a ``Service`` and leaves nothing behind, or raises
``Unavailable`` with the reason.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from hub.postgres.embedded import embedded
from tests.support.system_postgres import binaries, system_postgres

POSTGRES_VARIABLE = "HUB_TEST_DATABASE_URL"
SYSTEM_VARIABLE = "HUB_TEST_SYSTEM_POSTGRES"
KAFKA_VARIABLE = "HUB_TEST_KAFKA_BOOTSTRAP_SERVERS"
KAFKA_JARS_VARIABLE = "HUB_TEST_KAFKA_JARS"
POSTGRES_IMAGE = "postgres:17"
KAFKA_IMAGE = "confluentinc/cp-kafka:7.9.2"
DOCKER_SOCKET = Path("/var/run/docker.sock")
KAFKA_LOCAL = Path(__file__).parents[1] / "tools" / "kafka-local" / "kafka-local"


class Unavailable(Exception):
    """No way to get this service here; the message says what was tried."""


@dataclass(frozen=True)
class Service:
    """A running service: its address and, for the report, where it came from."""

    address: str
    origin: str


def in_ci(environment: dict[str, str] | os._Environ[str] = os.environ) -> bool:
    """Whether a missing service is a failure, as ``CI`` says."""
    return environment.get("CI", "").lower() not in ("", "0", "false")


def lacking(what: str, reason: object) -> NoReturn:
    """End a test that needs what is not there: as skipped with its reason, in CI as failed."""
    if in_ci():
        pytest.fail(f"{what} is missing, and in CI that is a failure: {reason}", pytrace=False)
    pytest.skip(f"{what} is missing: {reason}")


def docker_answers(client: Callable[[], Any] | None = None) -> bool:
    """Whether a Docker engine can be used; ``client`` makes the client (default: the one of the environment)."""
    if client is None:
        if "DOCKER_HOST" not in os.environ and not DOCKER_SOCKET.is_socket():
            return False
        import docker  # type: ignore[import-untyped]

        client = docker.from_env
    with warnings.catch_warnings():
        # A client that finds no engine leaves its socket to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            made = client()
            try:
                return bool(made.ping())
            finally:
                made.close()
        except Exception:  # whatever a broken or forbidden engine raises
            return False
        finally:
            gc.collect()


@contextmanager
def postgres(home: Path, *, has_docker: Callable[[], bool] = docker_answers) -> Iterator[Service]:
    """PostgreSQL with a superuser; the address is a libpq URL. ``home`` is used where the wheel is."""
    if given := os.environ.get(POSTGRES_VARIABLE):
        yield Service(given, f"{POSTGRES_VARIABLE}, {_postgres_version(given)}")
        return
    if os.environ.get(SYSTEM_VARIABLE):
        installed = binaries()
        if installed is None:
            raise Unavailable(f"{SYSTEM_VARIABLE} is set, but no PostgreSQL is installed below /usr/lib/postgresql")
        with system_postgres(installed) as url:
            yield Service(url, f"the system's, {_postgres_version(url)}")
        return
    if has_docker():
        with postgres_container() as service:
            yield service
        return
    with embedded(home) as url:
        yield Service(url, f"the wheel, {_postgres_version(url)}")


@contextmanager
def postgres_container(container: Callable[..., Any] | None = None) -> Iterator[Service]:
    """PostgreSQL in Docker; ``container`` is the container class (default: that of testcontainers)."""
    if container is None:
        from testcontainers.community.postgres import PostgresContainer

        container = PostgresContainer
    with container(POSTGRES_IMAGE, username="postgres", dbname="hub", driver=None) as running:
        yield Service(running.get_connection_url(), f"Docker, {POSTGRES_IMAGE}")


def _postgres_version(url: str) -> str:
    with psycopg.connect(url) as connection:
        major, minor = divmod(connection.info.server_version, 10_000)
    return f"PostgreSQL {major}.{minor}"


@contextmanager
def kafka(folder: Path, *, has_docker: Callable[[], bool] = docker_answers) -> Iterator[Service]:
    """A Kafka broker without automatic topics; the address is ``host:port``. ``folder`` is used by kafka-local.

    Raises:
        Unavailable: nothing here can run a broker.
    """
    if given := os.environ.get(KAFKA_VARIABLE):
        yield Service(given, KAFKA_VARIABLE)
        return
    if has_docker():
        with kafka_container() as service:
            yield service
        return
    with kafka_local(folder) as broker:
        yield Service(broker.bootstrap, "Maven artefacts (kafka-local)")


@contextmanager
def kafka_container(container: Callable[..., Any] | None = None) -> Iterator[Service]:
    """Kafka in Docker, set up like kafka-local; ``container`` is the container class."""
    if container is None:
        from testcontainers.community.kafka import KafkaContainer

        container = KafkaContainer
    broker = container(KAFKA_IMAGE).with_kraft()
    broker.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    broker.with_env("KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS", "1000")
    broker.with_env("KAFKA_LOG_RETENTION_MS", "-1")
    with broker as running:
        yield Service(running.get_bootstrap_server(), f"Docker, {KAFKA_IMAGE}")


class KafkaLocal:
    """Brokers of this machine in one folder, for tests that stop or kill them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bootstrap = ""

    def start(self, nodes: int = 1) -> str:
        """Starts the nodes that do not run (the first time: ``nodes`` new ones); returns ``host:port,…`` when ready."""
        self.bootstrap = self._run("start", str(self.folder), "0", str(nodes)).strip()
        return self.bootstrap

    def stop(self, *node: str) -> None:
        """Ends all nodes or one (``"1"``, ``"2"`` …) in order."""
        self._run("stop", str(self.folder), *node)

    def kill(self, *node: str) -> None:
        """Ends all nodes or one by SIGKILL."""
        self._run("kill", str(self.folder), *node)

    def _run(self, *arguments: str) -> str:
        # Nodes and folder go when this process is gone, so nothing is left behind by a killed test run.
        environment = {**os.environ, "KAFKA_LOCAL_HOME": str(kafka_jars()), "KAFKA_LOCAL_OWNER": str(os.getpid())}
        done = subprocess.run(
            [KAFKA_LOCAL, *arguments], env=environment, text=True, capture_output=True, check=False, timeout=240
        )
        if done.returncode:
            raise Unavailable(f"kafka-local {arguments[0]} failed: {done.stderr.strip()[-2000:]}")
        return done.stdout


@contextmanager
def kafka_local(folder: Path, nodes: int = 1) -> Iterator[KafkaLocal]:
    """Running brokers of our own in ``folder``.

    Raises:
        Unavailable: Java is missing, or Maven where the jars were not fetched before.
    """
    if reason := kafka_local_lacks():
        raise Unavailable(reason)
    broker = KafkaLocal(folder)
    broker.start(nodes)
    try:
        yield broker
    finally:
        broker.kill()


def kafka_jars() -> Path:
    """Where kafka-local keeps its jars: ``HUB_TEST_KAFKA_JARS`` or the user's cache folder."""
    if given := os.environ.get(KAFKA_JARS_VARIABLE):
        return Path(given)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "lms-hub" / "kafka-local"


def kafka_local_lacks(which: Callable[[str], str | None] = shutil.which) -> str:
    """What kafka-local needs and this machine does not have, as a sentence; empty if nothing."""
    if not which("java"):
        return f"No Kafka: {KAFKA_VARIABLE} is not set, no Docker engine answers and there is no Java."
    if not which("mvn") and not list(kafka_jars().glob("*/.complete")):
        return f"No Kafka: the jars are not in {kafka_jars()} and there is no Maven to fetch them."
    return ""


class Databases:
    """Makes fresh databases on one server and drops them again."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._made: set[str] = set()

    def create(self, template: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of the database at the URL ``template`` (which nobody may use)."""
        name = f"test_{uuid.uuid4().hex[:16]}"
        source = database_name(template) if template else "template0"
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
            )
        self._made.add(name)
        return urlsplit(self._admin_url)._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        """Drops a database made here, whoever is connected to it."""
        name = database_name(url)
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.discard(name)

    def close(self) -> None:
        """Drops all that were made and not dropped."""
        with ExitStack() as stack:
            for name in self._made:
                stack.callback(self.drop, f"postgresql:///{name}")


def database_name(url: str) -> str:
    """The database that a libpq URL names."""
    return urlsplit(url).path.lstrip("/")
