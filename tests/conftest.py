"""Fixtures of all tests: real services, fresh databases, and a clean environment.

In CI (``CI`` is set) a service that is missing is a failure; elsewhere its tests are skipped with the reason.
"""

from __future__ import annotations

import gc
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import hypothesis
import pytest

from tests.support import services

hypothesis.settings.register_profile("fast", max_examples=50, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if services.in_ci() else "fast")

LOG_KINDS = ("postgresql", "kafka")
_origins = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """What the shell of a developer has set for the hub or for libpq must not reach a test."""
    config.stash[_origins] = {}
    for name in list(os.environ):
        if name.startswith(("HUB_", "PG")) and not name.startswith("HUB_TEST_"):
            del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a killed process of a test leaves in its folder for temporary files goes with the folders of the test run."""
    folder = str(tmp_path_factory.mktemp("tmp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


def _offer(request: pytest.FixtureRequest, name: str, start: Callable[[ExitStack], services.Service]) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            service = start(stack)
        except services.Unavailable as reason:
            request.config.stash[_origins][name] = f"none. {reason}"
            services.lacking(name, reason)
        request.config.stash[_origins][name] = service.origin
        yield service.address


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A libpq URL of a real PostgreSQL server, as superuser. Leave its databases alone: ask for ``database_url``."""
    home = tmp_path_factory.mktemp("pg")
    yield from _offer(request, "PostgreSQL", lambda stack: stack.enter_context(services.postgres(home)))


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a real broker, shared by all tests: use a topic prefix and a group name of your own."""
    folder = tmp_path_factory.mktemp("kafka")
    yield from _offer(request, "Kafka", lambda stack: stack.enter_context(services.kafka(folder)))


@pytest.fixture(scope="session")
def databases(postgres_url: str) -> Iterator[services.Databases]:
    """Makes and drops databases on the test server; what is left at the end of the session is dropped."""
    made = services.Databases(postgres_url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def make_database(databases: services.Databases) -> Callable[[str | None], str]:
    """``make_database(template)``: the URL of a new database that lives until the end of the session.

    ``template`` is None for an empty one, or the URL of a database to copy, to which nobody may be connected.
    """
    return databases.create


@pytest.fixture
def database_url(databases: services.Databases) -> Iterator[str]:
    """The URL of a fresh, empty database, dropped after the test."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture(params=["postgresql", pytest.param("kafka", marks=pytest.mark.kafka)])
def event_log_kind(request: pytest.FixtureRequest) -> str:
    """Runs the test once for each event log; the summary counts both."""
    kind: str = request.param
    if kind == "kafka":
        request.getfixturevalue("kafka_bootstrap")
    request.node.user_properties.append(("event_log_kind", kind))
    return kind


def pytest_sessionfinish() -> None:
    """kafka-python leaves the sockets of refused connections to the garbage collector; tests that stop a broker make some."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says which services the tests ran on, and how many tests passed on each event log."""
    for name, origin in config.stash[_origins].items():
        terminalreporter.write_line(f"{name}: {origin}")
    if line := passed_by_log([report.user_properties for report in terminalreporter.getreports("passed")]):
        terminalreporter.write_line(line)


def passed_by_log(properties: list[list[tuple[str, object]]]) -> str:
    """The line on the event logs for the properties of the passed tests; empty where none used one."""
    kinds = [value for each in properties for name, value in each if name == "event_log_kind"]
    if not kinds:
        return ""
    counts = [f"on the {kind} log: {kinds.count(kind)} passed" for kind in LOG_KINDS]
    return "acceptance " + "; ".join(counts)
