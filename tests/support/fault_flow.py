"""Input that keeps flowing into a hub while faults are injected: parts in a fixed order, each until it was taken in whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

AGAIN_SECONDS = 0.3
HELD_BACK = 2
"""Parts that come after the last fault, whatever happens: they show that the hub still takes in."""
ROOT = Path(__file__).parents[2]


class Flow:
    """A thread that gives parts to a feeder process one by one; a feeder that ended is replaced, the part given again.

    Args:
        environment: the settings of the hub.
        parts: what :func:`tests.support.fault_feeder.take` is given, in order.
        log: where feeders write what went wrong.
        pace: seconds between a part's end and the next part's begin, until :meth:`finish`.
    """

    def __init__(self, environment: dict[str, str], parts: Sequence[dict[str, Any]], log: Path, pace: float) -> None:
        self._environment = {**os.environ, **environment}
        self._parts = parts
        self._log = log
        self._pace = pace
        self._finishing = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow", daemon=True)
        self._feeder: subprocess.Popen[str] | None = None
        self.accountings: list[dict[str, int]] = []
        """Of the parts that were taken in, in order, each as the run told it that did it whole."""
        self.repeated: set[int] = set()
        """Parts that were given more than once."""
        self.giving = False
        """A part is on its way in."""

    @property
    def free(self) -> int:
        """Parts that come without :meth:`finish`."""
        return len(self._parts) - HELD_BACK

    def start(self) -> None:
        """Let it flow."""
        self._thread.start()

    def kill(self) -> bool:
        """SIGKILL the feeder; returns whether a part was on its way."""
        feeder, giving = self._feeder, self.giving
        if feeder is not None:
            feeder.kill()
        return giving

    def finish(self, seconds: float) -> None:
        """Give what is left without a pause. Raises AssertionError where it is not taken in within so many seconds."""
        self._finishing.set()
        self._thread.join(seconds)
        done, log = len(self.accountings), self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""
        assert not self._thread.is_alive(), f"{done} of {len(self._parts)} parts in {seconds:.0f} s; feeder: {log}"
        assert done == len(self._parts)

    def close(self) -> None:
        """End at once."""
        self._closed.set()
        self._finishing.set()
        if self._feeder is not None:
            self._feeder.kill()
        if self._thread.ident is not None:
            self._thread.join(30)

    def _run(self) -> None:
        for number, part in enumerate(self._parts):
            late = number >= len(self._parts) - HELD_BACK
            self._finishing.wait(None if late else self._pace)
            self.giving = True
            while not self._closed.is_set():
                if (accounting := self._given(part)) is not None:
                    self.accountings.append(accounting)
                    break
                self.repeated.add(number)
                self._closed.wait(AGAIN_SECONDS)
            self.giving = False
        self._end()

    def _given(self, part: dict[str, Any]) -> dict[str, int] | None:
        """The accounting of a part; None where its feeder ended before it told."""
        if self._feeder is None:
            with self._log.open("ab") as log:
                self._feeder = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.fault_feeder"], cwd=ROOT, env=self._environment,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                )  # fmt: skip
        feeder = self._feeder
        assert feeder.stdin is not None
        assert feeder.stdout is not None
        line = ""
        with suppress(BrokenPipeError):
            feeder.stdin.write(json.dumps(part) + "\n")
            feeder.stdin.flush()
            line = feeder.stdout.readline()
        if line.endswith("\n"):
            found: dict[str, int] = json.loads(line)
            return found
        self._end()
        return None

    def _end(self) -> None:
        feeder, self._feeder = self._feeder, None
        if feeder is not None:
            with suppress(BrokenPipeError):
                feeder.communicate()
