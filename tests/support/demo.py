"""Runs the demo as a process of its own, and keeps all that it prints and logs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """
from rich.console import Console
from hub import logging, settings
from hub.demo.main import run
found = settings.load()
logging.configure("debug")
run(found, Console(width=200))
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run of the demo printed and logged."""

    status: int
    printed: str
    logged: str

    def table(self, title: str) -> dict[str, list[str]]:
        """The rows of a table by their first cell; columns stand two blanks apart."""
        found: dict[str, list[str]] = {}
        for line in self.printed[self.printed.index(f"{title} ") :].splitlines()[1:]:
            cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
            if len(cells) > 1:
                found[cells[0]] = cells[1:]
            elif cells and "─" not in cells[0]:
                break
        return found


def run(home: Path, **environment: str) -> Shown:
    """Run it to its end; raises TimeoutExpired after three minutes."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "HUB_HOME": str(home), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return Shown(done.returncode, done.stdout, done.stderr)
