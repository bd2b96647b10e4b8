"""A broker of a test run that was interrupted goes with the run, and so do its folder and its temporary files.

Most is shown with a stand-in for Java, which begins at once: who ends whom does not depend on what the node does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from tests.support import services

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0
JAVA = """#!/bin/sh
case "$*" in *StorageTool*) exit;; esac
[ -e "$0.slow" ] || echo "Kafka Server started"
exec sleep 600
"""


class Run:
    """A run in a session and, as in a terminal, on a terminal of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.node_folder, self.temporary = folder / "kafka", folder / "tmp"
        self.temporary.mkdir()
        self.terminal, end = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", BEGIN, str(self.node_folder)],
            cwd=ROOT, env={**os.environ, **environment, "TMPDIR": str(self.temporary)}, stdin=end, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        os.close(end)

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def found(self, name: str) -> psutil.Process | None:
        """The living process of a pid file."""
        with suppress(OSError, ValueError, psutil.NoSuchProcess):
            process = psutil.Process(int((self.node_folder / name).read_text().split()[0]))
            return process if is_alive(process) else None
        return None

    def hang_up(self) -> None:
        """The terminal is closed."""
        os.close(self.terminal)
        self.terminal = -1

    def group(self, *signals: signal.Signals) -> None:
        """Signals to the process group: Ctrl-C, or what ``timeout`` sends."""
        for one in signals:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, one)

    def session(self) -> None:
        """SIGKILL to every process of the session, whatever its group."""
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                if os.getsid(process.pid) == self.process.pid:
                    process.kill()

    def close(self) -> None:
        self.group(signal.SIGKILL)
        self.process.communicate()
        if self.terminal >= 0:
            os.close(self.terminal)


BEGIN = """
import fcntl, runpy, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # what started the tests may ignore it, as nohup does
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal becomes that of the session: closing it hangs the session up
runpy.run_module("tests.support.killed_run", run_name="__main__", alter_sys=True)
"""
WAYS: dict[str, Callable[[Run], None]] = {
    "kill -9": lambda run: run.process.kill(),
    "timeout": lambda run: run.group(signal.SIGTERM),
    "timeout -k": lambda run: run.group(signal.SIGTERM, signal.SIGKILL),
    "kill -9 of the group": lambda run: run.group(signal.SIGKILL),
    "kill -9 of the session": Run.session,
    "closed terminal": Run.hang_up,
}


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def wait_until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def java(tmp_path: Path) -> Path:
    """A folder with a stand-in for Java and for the jars; with a file ``java.slow`` in it, a node never gets ready."""
    folder = tmp_path / "java"
    version = ElementTree.parse(services.KAFKA_LOCAL.parent / "pom.xml").find("dependencies/dependency/version")
    assert version is not None
    (folder / str(version.text)).mkdir(parents=True)
    (folder / str(version.text) / ".complete").touch()
    (folder / "java").write_text(JAVA)
    (folder / "java").chmod(0o755)
    return folder


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Begins runs; what is left of them at the end is killed."""
    begun: list[Run] = []

    def made(**environment: str) -> Run:
        begun.append(Run(tmp_path, environment))
        return begun[-1]

    yield made
    for one in begun:
        one.close()


def pretended(java: Path) -> dict[str, str]:
    """The environment in which it stands in."""
    return {"PATH": f"{java}:{os.environ['PATH']}", services.KAFKA_JARS_VARIABLE: str(java)}


def see_all_go(run: Run, *processes: psutil.Process | None) -> None:
    """The run has ended; see node, watcher, folder and temporary files gone."""
    run.process.wait(DEADLINE)
    for process in processes:
        assert process is not None
        wait_until(lambda process=process: not is_alive(process), f"{process} lives on")  # type: ignore[misc]
    wait_until(lambda: not run.node_folder.exists(), "the folder is still there")
    assert list(run.temporary.iterdir()) == []


@pytest.mark.parametrize("way", WAYS)
def test_the_node_goes_with_the_run(begin: Callable[..., Run], java: Path, way: str) -> None:
    """However the run is killed: node, watcher and folder are gone soon after."""
    run = begin(**pretended(java))
    run.wait_ready()
    node, watcher = run.found("node-1.pid"), run.found("watcher.pid")
    WAYS[way](run)
    see_all_go(run, node, watcher)


@pytest.mark.parametrize("way", WAYS)
def test_a_start_that_is_under_way_leaves_nothing_either(begin: Callable[..., Run], java: Path, way: str) -> None:
    """The run is killed when the node's process is there and its start is not over."""
    (java / "java.slow").touch()
    run = begin(**pretended(java))
    wait_until(lambda: run.found("node-1.pid"), "no node began")
    node, watcher = run.found("node-1.pid"), run.found("watcher.pid")
    WAYS[way](run)
    if way == "kill -9":  # the start itself goes on, and gets ready
        (run.node_folder / "node-1.log").write_text("Kafka Server started")
    see_all_go(run, node, watcher)


def test_who_stops_the_nodes_keeps_the_folder(tmp_path: Path, java: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watcher ends with the last node, and begins anew with the next start."""
    for name, value in pretended(java).items():
        monkeypatch.setenv(name, value)
    broker = services.KafkaLocal(tmp_path / "kafka")
    for _ in range(2):
        broker.start(2)
        watcher = psutil.Process(int((broker.folder / "watcher.pid").read_text().split()[0]))
        broker.kill("2")
        assert is_alive(watcher)
        broker.stop()
        wait_until(lambda watcher=watcher: not is_alive(watcher), "the watcher goes on")  # type: ignore[misc]
        assert (broker.folder / "node-1.log").exists()


@pytest.mark.kafka
def test_a_real_broker_goes_with_the_run(begin: Callable[..., Run]) -> None:
    """Also what Java unpacks for itself."""
    if reason := services.kafka_local_lacks():
        services.lacking("Kafka", reason)
    run = begin()
    run.wait_ready()
    node, watcher = run.found("node-1.pid"), run.found("watcher.pid")
    assert node is not None
    assert f"-Djava.io.tmpdir={run.node_folder}/tmp" in node.cmdline()
    WAYS["timeout -k"](run)
    see_all_go(run, node, watcher)


def test_processes_of_tests_have_their_temporary_files_in_the_folders_of_the_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """So what a killed one leaves goes with them."""
    told = subprocess.run(
        [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"],
        text=True,
        capture_output=True,
        check=True,
    )
    assert Path(told.stdout.strip()).is_relative_to(tmp_path_factory.getbasetemp())
