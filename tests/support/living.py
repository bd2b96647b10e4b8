"""A living LMS beside a hub: fakes as processes of their own, a server that syncs by itself, and their comparison."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.bootstrap import Hub
from hub.domain.sealing import to_text
from hub.integrations import commands as acts
from tests.support.lms_truth import Tables, canvas_differences, moodle_differences
from tests.support.site import COMPANY

DIFFERENCES = {"moodle": moodle_differences, "canvas": canvas_differences}
TYPES = {"moodle": "Moodle", "canvas": "Canvas"}
TOKENS = {"moodle": "moodle-secret-token", "canvas": "canvas-secret-token"}


@dataclass
class Lms:
    """A fake LMS that runs as a process; its commands are those of :mod:`connectors.testing.process`."""

    kind: str
    process: subprocess.Popen[str]
    url: str

    def say(self, command: str) -> str:
        """Give a command; returns its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer not in ("", "what?"), f"{self.kind} answered {answer!r} to {command}"
        return answer

    def truth(self) -> list[dict[str, Any]]:
        """What it would tell of every learner in every course."""
        with tempfile.NamedTemporaryFile("r", suffix=".jsonl", encoding="utf-8") as file:
            self.say(f"truth {file.name}")
            return [json.loads(line) for line in file]

    def differences(self, url: str) -> list[str]:
        """Where the tables of a hub differ from it."""
        return list(DIFFERENCES[self.kind](Tables(url, self.kind), self.truth()))


@contextmanager
def lms(kind: str, *arguments: str) -> Iterator[Lms]:
    """A fake of this kind, from its first line to its last."""
    command = [sys.executable, "-m", f"connectors.testing.{kind}", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Lms(kind, process, process.stdout.readline().strip())
        finally:
            process.terminate()


def connect(hub: Hub, found: Lms, **wanted: Any) -> None:
    """Set up the integration of an LMS; its code is its kind. ``wanted``: fields of the configuration."""
    sealed = to_text(
        hub.keyring.seal_credentials(COMPANY, {"api_key": TOKENS[found.kind], "token": TOKENS[found.kind]})
    )
    settings = wanted.pop("connector_settings", {})
    hub.commands.execute(
        acts.add(
            COMPANY,
            {
                "lms_code": found.kind,
                "lms_name": TYPES[found.kind],
                "lms_type": TYPES[found.kind],
                "integration_method": "API",
                "api_endpoint_url": found.url + ("/api/v1" if found.kind == "canvas" else ""),
                "authentication_type": "API Key",
                "authentication_config": json.dumps({"sealed": sealed}),
                "rate_limit_per_hour": 100_000_000,
                "connector_settings": json.dumps(settings),
                **wanted,
            },
        )
    )


def wait_for(what: Callable[[], Any], seconds: float, pause: float = 0.2) -> Any:
    """Wait until something is true, at most so long; returns what it was at last."""
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(pause)
    return found


def logged(path: Path) -> str:
    """The end of a log, for a failure's message."""
    return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.exists() else ""
