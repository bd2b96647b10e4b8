"""Runs the real ``hub`` command in a process of its own, and keeps all that it ever printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass
class Cli:
    """The command line on one home."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    def command(self) -> list[str]:
        """How the command is started: the installed one, without the shell."""
        return [str(Path(sys.executable).with_name("hub"))]

    def surroundings(self, **more: str) -> dict[str, str]:
        """The environment of a command."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "PG"))}
        return clean | {"HUB_HOME": str(self.home)} | self.environment | more

    def run(self, *arguments: str | Path, given: str = "", **environment: str) -> Done:
        """Run a command to its end; ``given`` is its stdin."""
        done = subprocess.run(
            [*self.command(), *map(str, arguments)],
            env=self.surroundings(**environment),
            input=given,
            text=True,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        self.printed += [done.stdout, done.stderr]
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
