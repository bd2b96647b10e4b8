"""How tests come by their services: the choices, with engines and containers that only pretend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast

import pytest

from tests import conftest
from tests.support import services
from tests.support.services import Service, Unavailable


class Engine:
    """A Docker client whose engine answers, or says it is broken."""

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers
        self.closed = False

    def ping(self) -> bool:
        if not self.answers:
            raise ConnectionError("no engine")
        return True

    def close(self) -> None:
        self.closed = True


class Container:
    """A container of testcontainers that notes what is asked of it."""

    made: list[Container]

    def __init__(self, image: str, **settings: Any) -> None:
        self.image = image
        self.settings = settings
        self.environment: dict[str, str] = {}
        self.life: list[str] = []
        Container.made.append(self)

    def with_kraft(self) -> Self:
        self.life.append("kraft")
        return self

    def with_env(self, name: str, value: str) -> Self:
        self.environment[name] = value
        return self

    def __enter__(self) -> Self:
        self.life.append("started")
        return self

    def __exit__(self, *_: object) -> None:
        self.life.append("stopped")

    def get_connection_url(self) -> str:
        return "postgresql://postgres:test@localhost:32768/hub"

    def get_bootstrap_server(self) -> str:
        return "localhost:32769"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No service is named by the environment unless the test does it."""
    for name in (services.POSTGRES_VARIABLE, services.KAFKA_VARIABLE, services.KAFKA_JARS_VARIABLE, "CI"):
        monkeypatch.delenv(name, raising=False)
    Container.made = []
    yield
    Container.made = []


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("true", True), ("0", False), ("False", False), ("", False)]
)
def test_ci_is_what_the_variable_says(value: str, expected: bool) -> None:
    """Set and not negated."""
    assert services.in_ci({"CI": value}) is expected
    assert services.in_ci({}) is False


def test_docker_is_used_only_if_its_engine_answers() -> None:
    """An installed client without an engine does not count, and no client is left open."""
    good, broken = Engine(), Engine(answers=False)
    assert services.docker_answers(lambda: good)
    assert not services.docker_answers(lambda: broken)
    assert good.closed
    assert broken.closed


def test_a_docker_client_that_cannot_be_made_is_no_docker() -> None:
    """A broken setting of the client is no failure of the tests."""

    def impossible() -> Engine:
        raise ValueError("bad DOCKER_HOST")

    assert not services.docker_answers(impossible)


def test_postgres_from_docker_is_stopped_afterwards() -> None:
    """The URL is one for libpq (no driver), the user a superuser, and the container goes with the block."""
    with services.postgres_container(Container) as service:
        assert service.address.startswith("postgresql://")
        assert services.POSTGRES_IMAGE in service.origin
        (container,) = Container.made
        assert container.settings == {"username": "postgres", "dbname": "hub", "driver": None}
        assert container.life == ["started"]
    assert container.life == ["started", "stopped"]


def test_kafka_from_docker_is_set_up_like_ours() -> None:
    """Without ZooKeeper, automatic topics and expiry; the container goes with the block."""
    with services.kafka_container(Container) as service:
        assert service.address == "localhost:32769"
    (container,) = Container.made
    assert container.life == ["kraft", "started", "stopped"]
    assert container.environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert container.environment["KAFKA_LOG_RETENTION_MS"] == "-1"


def test_the_real_container_classes_take_what_we_give() -> None:
    """The pretended classes have the shape of the real ones."""
    kafka = pytest.importorskip("testcontainers.community.kafka").KafkaContainer
    postgres = pytest.importorskip("testcontainers.community.postgres").PostgresContainer
    assert callable(kafka.with_kraft)
    assert callable(kafka.with_env)
    assert callable(kafka.get_bootstrap_server)
    assert callable(postgres.get_connection_url)


def test_the_environment_goes_before_docker_and_our_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A named broker is used as it is, and nothing else is asked."""
    monkeypatch.setenv(services.KAFKA_VARIABLE, "broker:9092")
    with services.kafka(tmp_path, has_docker=lambda: pytest.fail("asked")) as service:
        assert service == Service("broker:9092", services.KAFKA_VARIABLE)


def test_without_java_there_is_no_broker_of_our_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reason names all three ways."""
    monkeypatch.setenv("PATH", str(tmp_path))
    broker = services.kafka(tmp_path, has_docker=lambda: False)
    with pytest.raises(Unavailable, match=r"BOOTSTRAP_SERVERS.*Docker.*Java"), broker:
        pass


def test_maven_is_needed_only_for_the_first_fetch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the jars in place Java is enough."""
    monkeypatch.setenv(services.KAFKA_JARS_VARIABLE, str(tmp_path))

    def only_java(name: str) -> str | None:
        return "/usr/bin/java" if name == "java" else None

    assert "Maven" in services.kafka_local_lacks(only_java)
    (tmp_path / "4.3.1").mkdir()
    (tmp_path / "4.3.1" / ".complete").touch()
    assert services.kafka_local_lacks(only_java) == ""


def request() -> pytest.FixtureRequest:
    config = SimpleNamespace(stash=pytest.Stash())
    config.stash[conftest._origins] = {}
    return cast(pytest.FixtureRequest, SimpleNamespace(config=config))


def nothing(stack: ExitStack) -> Service:
    raise Unavailable("No Kafka here.")


def test_a_missing_service_skips_on_a_developers_machine() -> None:
    """With the reason, which the summary repeats."""
    asked = request()
    with pytest.raises(pytest.skip.Exception, match=r"No Kafka here\."):
        next(conftest._offer(asked, "Kafka", nothing))
    assert asked.config.stash[conftest._origins] == {"Kafka": "none. No Kafka here."}


def test_a_missing_service_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a skip: a green run has run everything."""
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match=r"Kafka is missing.*No Kafka here\."):
        next(conftest._offer(request(), "Kafka", nothing))


def test_a_service_is_offered_and_then_ended() -> None:
    """The fixture yields the address, notes the origin, and closes the service at the end."""
    ended: list[str] = []

    def start(stack: ExitStack) -> Service:
        stack.callback(ended.append, "ended")
        return Service("host:1", "somewhere")

    asked = request()
    offered = conftest._offer(asked, "Kafka", start)
    assert next(offered) == "host:1"
    assert asked.config.stash[conftest._origins] == {"Kafka": "somewhere"}
    assert ended == []
    assert next(offered, None) is None
    assert ended == ["ended"]


def test_settings_of_the_shell_do_not_reach_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the hub's nor libpq's; those that name test services stay."""
    for name in ("HUB_HOME", "PGHOST", "HUB_TEST_KAFKA_JARS"):
        monkeypatch.setenv(name, "/somewhere")
    conftest.pytest_configure(cast(pytest.Config, SimpleNamespace(stash=pytest.Stash())))
    assert "HUB_HOME" not in os.environ
    assert "PGHOST" not in os.environ
    assert os.environ["HUB_TEST_KAFKA_JARS"] == "/somewhere"


def test_the_summary_counts_each_log() -> None:
    """Tests that use no log do not count, and no log no line."""
    runs: list[list[tuple[str, object]]] = [
        [("event_log_kind", "postgresql")],
        [("event_log_kind", "postgresql"), ("other", 1)],
        [],
    ]
    assert conftest.passed_by_log(runs) == "acceptance on the postgresql log: 2 passed; on the kafka log: 0 passed"
    assert conftest.passed_by_log([[]]) == ""


def test_database_names_come_from_the_path_of_the_url() -> None:
    """With a socket folder as the host too."""
    assert services.database_name("postgresql://postgres@/hub?host=/tmp/x") == "hub"
    assert services.database_name("postgresql://u:p@h:5432/test_1") == "test_1"
