"""Runs the real ``hub`` command in a process of its own, and keeps all that it ever printed.

``Cli`` starts it as a person would; with a ``Starter`` it is the fork of a process that has imported everything already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

SECONDS = 90
"""Longest time that one command may take on a busy machine."""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


class Starter:
    """A block that holds the process of which commands are forks."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.support.cli_server"]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=SECONDS)

    def run(self, arguments: list[str], given: str, environment: dict[str, str]) -> Done:
        """Run a command to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("in", "out", "err")]
            files[0].write_text(given, encoding="utf-8")
            asked = {"arguments": arguments, "environment": environment, "files": [str(file) for file in files]}
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            return Done(status, *(file.read_text(encoding="utf-8") for file in files[1:]))


@dataclass
class Cli:
    """The command line on one home."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    starter: Starter | None = None

    def command(self) -> list[str]:
        """How the command is started: the installed one, without the shell."""
        return [str(Path(sys.executable).with_name("hub"))]

    def surroundings(self, **more: str) -> dict[str, str]:
        """The environment of a command."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "PG"))}
        return clean | {"HUB_HOME": str(self.home)} | self.environment | more

    def run(self, *arguments: str | Path, given: str = "", **environment: str) -> Done:
        """Run a command to its end; ``given`` is its stdin."""
        told = [str(one) for one in arguments]
        if self.starter is not None:
            done = self.starter.run(told, given, self.surroundings(**environment))
        else:
            done = self._run(told, given, self.surroundings(**environment))
        self.printed += [done.out, done.err]
        return done

    def _run(self, arguments: list[str], given: str, environment: dict[str, str]) -> Done:
        done = subprocess.run(
            [*self.command(), *arguments],
            env=environment,
            input=given,
            text=True,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str | Path, given: str = "", **environment: str) -> Done:
        """Run a command that must end with status 0."""
        done = self.run(*arguments, given=given, **environment)
        assert done.status == 0, f"{arguments}: {done.status} {done.err}"
        return done

    def refused(self, *arguments: str | Path, given: str = "", **environment: str) -> str:
        """Run a command that must end with status 1, one plain line on stderr and no traceback; returns the line."""
        done = self.run(*arguments, given=given, **environment)
        assert done.status == 1, f"{arguments}: {done.status} {done.out} {done.err}"
        lines = done.err.splitlines()
        assert len(lines) == 1, done.err
        assert lines[0].startswith("hub: ")
        return lines[0]
