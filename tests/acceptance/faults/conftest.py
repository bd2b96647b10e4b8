"""Fixtures of the fault suite: the seed, the quiet run (once per session) and what makes scenes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import pytest

from tests.support.cli import Starter
from tests.support.fault_launcher import Launcher
from tests.support.fault_truth import Truth, Verdict, quiet_run
from tests.support.faults import Scene, scene_of
from tests.support.services import Databases

SEED = "HUB_TEST_SEED"
WHOLE_SUITE = "HUB_TEST_FAULTS"
"""Set where tests marked ``faults`` are to run."""
LOG_KINDS = ("postgresql", "kafka")
_drawn = pytest.StashKey[int]()
MakeScene = Callable[..., AbstractContextManager[Scene]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only the whole suite runs."""
    if os.environ.get(WHOLE_SUITE):
        return
    left_out = [item for item in items if item.get_closest_marker("faults")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("faults")]


@pytest.fixture(scope="session")
def fault_seed(pytestconfig: pytest.Config) -> int:
    """The seed of input and faults."""
    seed = int(os.environ.get(SEED) or SystemRandom().randrange(1_000_000))
    pytestconfig.stash[_drawn] = seed
    return seed


@pytest.fixture(scope="session")
def truth(databases: Databases, tmp_path_factory: pytest.TempPathFactory, fault_seed: int) -> Truth:
    """The tables of a quiet run, made once."""
    return quiet_run(databases.create(None), tmp_path_factory.mktemp("quiet"), fault_seed)


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    """Starts commands without the seconds of imports."""
    with Starter() as found:
        yield found


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """Starts servers and workers without the seconds of imports."""
    with Launcher() as found:
        yield found


@pytest.fixture
def make_scene(
    databases: Databases,
    truth: Truth,
    starter: Starter,
    launcher: Launcher,
    fault_seed: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[MakeScene]:
    """``make_scene(kind, *, database_url=None, bootstrap=None, …)``: see :func:`tests.support.faults.scene_of`."""
    print(f"{SEED}={fault_seed}")
    rng = Random(f"{fault_seed} {request.node.name}")
    numbers = count(1)

    made: list[Scene] = []

    @contextmanager
    def make(kind: str, **wanted: Any) -> Iterator[Scene]:
        folder = tmp_path / f"scene-{next(numbers)}"
        folder.mkdir()
        url = wanted.pop("database_url", None) or databases.create(None)
        if kind == "kafka" and wanted.get("bootstrap") is None:
            wanted["bootstrap"] = request.getfixturevalue("kafka_bootstrap")
        with scene_of(kind, url, folder, truth, starter, launcher, rng, **wanted) as scene:
            made.append(scene)
            yield scene

    yield make
    for scene in made:
        tally(request.node, scene.site.on_kafka, sum(scene.faults.values()), scene.verdict)


def tally(node: pytest.Item, on_kafka: bool, faults: int, verdict: Verdict | None) -> None:
    """Have the summary count the faults of a test, and what was lost and doubled by them."""
    found = verdict or Verdict()
    node.user_properties.append(("faults", (LOG_KINDS[on_kafka], faults, found.lost, found.doubled)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says for each log how many faults were injected, and how many records were lost and doubled."""
    ended = [report for report in terminalreporter.stats.get("", []) if report.when == "teardown"]
    told = [value for report in ended for name, value in report.user_properties if name == "faults"]
    for kind in LOG_KINDS:
        counts = [value[1:] for value in told if value[0] == kind]
        if counts:
            faults, lost, doubled = (sum(column) for column in zip(*counts, strict=True))
            seed = os.environ.get(SEED) or config.stash.get(_drawn, "?")
            terminalreporter.write_line(
                f"on the {kind} log: {faults} faults injected, {lost} records lost, {doubled} doubled; {SEED}={seed}"
            )
