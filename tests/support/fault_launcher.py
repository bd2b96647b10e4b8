"""Starts the hub's processes without the seconds of imports: each is a fork of one process that has imported everything.

A machine that runs a dozen tests with kills would spend most of its time importing. ``python -m tests.support.fault_launcher``
reads requests as JSON lines and answers each with one; when its stdin ends it kills what it started.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

from tests.support.forked import finish

LOOK = 0.02
WARM = ("hub.cli", "hub.serve", "hub.worker.app", "projections.migrations")


class Launched:
    """A process that a launcher started; what of ``subprocess.Popen`` is needed."""

    def __init__(self, launcher: Launcher, pid: int) -> None:
        self._launcher = launcher
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The status, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = self._launcher.ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout: float) -> int:
        """The status once it has ended. Raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(LOOK)
        return code

    def send_signal(self, number: int) -> None:
        """A signal, where it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Launcher:
    """A block that holds the process of which others are forks."""

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fault_launcher"],
            cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)

    def start(self, command: tuple[str, ...], environment: Mapping[str, str], log: Path) -> Launched:
        """Start ``hub`` or a module with its arguments."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        return Launched(self, self.ask({"start": command, "environment": {**clean, **environment}, "log": str(log)}))

    def ask(self, request: dict[str, Any]) -> Any:
        """One request and its answer; any thread may ask."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


def serve() -> None:
    """Answer requests until stdin ends."""
    for name in WARM:
        importlib.import_module(name)
    running: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            running.discard(pid)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                _become(request)
            running.add(answer)
        print(json.dumps(answer), flush=True)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _become(request: dict[str, Any]) -> NoReturn:
    """Be the process that was asked for."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in enumerate((nothing, log, log)):
        os.dup2(source, target)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, encoding="utf-8") for number, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(request["environment"])
    module, *arguments = request["start"]
    sys.argv = [module, *arguments]
    if module == "hub":
        from hub.cli import main

        finish(main)
    finish(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))


if __name__ == "__main__":
    serve()
