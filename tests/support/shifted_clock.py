"""The real hub under a wall clock that jumps: ``python -m tests.support.shifted_clock FILE MODULE [ARGUMENT …]``.

``FILE`` holds seconds as text, read again and again: so far is the wall clock ahead, for this process and for those that it
forks. The monotonic clock goes on as ever, as it does where a machine's time is set.
"""

from __future__ import annotations

import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path

NANOSECONDS = 1_000_000_000
ANEW_SECONDS = 0.05


class ShiftedClock:
    """The wall clock and a shift that may change at any moment."""

    def __init__(self, file: Path, real: Callable[[], int]) -> None:
        self._file = file
        self._real = real
        self._due = 0.0
        self._shift = 0

    def time_ns(self) -> int:
        """Nanoseconds since 1970."""
        if (now := time.monotonic()) >= self._due:
            self._due = now + ANEW_SECONDS
            self._shift = int(self._file.read_text("ascii") or 0) * NANOSECONDS
        return self._real() + self._shift

    def time(self) -> float:
        """Seconds since 1970."""
        return self.time_ns() / NANOSECONDS


def main() -> None:
    """Become the module, as ``python -m`` would."""
    clock = ShiftedClock(Path(sys.argv[1]), time.time_ns)
    time.time_ns, time.time = clock.time_ns, clock.time
    del sys.argv[:2]
    if sys.argv[0] == "hub":
        from hub.cli import main as command

        command()
    else:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
