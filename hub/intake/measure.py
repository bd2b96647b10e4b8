"""What a run costs, measured while it works: the host every five seconds, the processor, and how long facts take.

Times come from the monotonic clock. What a system does not tell is left out.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import psycopg

from hub.errors import HubError, Retriable

SAMPLE_SECONDS = 5.0
LOOK_SECONDS = 0.5
"""How soon a wait for the folds looks whether the run is over."""
STAT = Path("/proc/stat")


class Waiter(Protocol):
    """Waits until something is decided or folded."""

    def wait(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool: ...


class Measures:
    """Measures between :meth:`start` and :meth:`finish`, in a thread of its own."""

    def __init__(self, waiter: Waiter, changed: Callable[[], int]) -> None:
        """``changed``: how many records of the run gave a fact so far."""
        self._waiter = waiter
        self._changed = changed
        self._sent: deque[tuple[float, dict[tuple[str, int], int]]] = deque()
        self._news = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="measures", daemon=True)
        self._loads: list[float] = []
        self._seen = 0
        self._folding_ms = 0.0
        self._began = self._cpu = 0.0
        self._disk: int | None = None

    def start(self) -> None:
        """Begin to measure."""
        self._began, self._cpu, self._disk = time.monotonic(), time.process_time(), disk_wait()
        self._thread.start()

    def appended(self, reached: Mapping[tuple[str, int], int]) -> None:
        """Observations were appended now, up to these offsets."""
        self._sent.append((time.monotonic(), dict(reached)))
        self._news.set()

    def finish(self) -> dict[str, Any]:
        """Stop, and tell what was measured. All that was appended is folded, or is never told of."""
        self._over.set()
        self._news.set()
        self._thread.join()
        while self._sent and self._is_folded(0.0):
            pass
        return self._plain()

    def _plain(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "run_seconds": round(time.monotonic() - self._began, 3),
            "processors": os.cpu_count() or 1,
            "processor_seconds": round(time.process_time() - self._cpu, 3),
            "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "folding": {"count": self._seen, "milliseconds": round(self._folding_ms, 1)},
        }
        if self._loads:
            told["load"] = {"count": len(self._loads), "sum": round(sum(self._loads), 3)}
        waited = disk_wait()
        if waited is not None and self._disk is not None:
            told["disk_wait_ms"] = max(0, waited - self._disk)
        return told

    def _run(self) -> None:
        due = time.monotonic()
        while not self._over.is_set():
            if time.monotonic() >= due:
                self._sample()
                due += SAMPLE_SECONDS
            left = max(0.0, due - time.monotonic())
            if self._sent:
                self._is_folded(min(left, LOOK_SECONDS))
            else:
                self._news.wait(left)
                self._news.clear()

    def _sample(self) -> None:
        try:
            self._loads.append(os.getloadavg()[0] / (os.cpu_count() or 1))
        except OSError:
            return

    def _is_folded(self, patience: float) -> bool:
        """Wait for the oldest of what was appended; where it is folded, its time counts for each record it changed."""
        began, reached = self._sent[0]
        try:
            if not self._waiter.wait(reached, patience):
                return False
            took = time.monotonic() - began
            changed = self._changed()
        except (psycopg.Error, HubError):
            return False
        self._sent.popleft()
        self._folding_ms += (changed - self._seen) * took * 1000
        self._seen = changed
        return True


def disk_wait() -> int | None:
    """Milliseconds that all processors together waited for disk since the start of the host; None: it is not told."""
    try:
        fields = STAT.read_text(encoding="ascii").split("\n", 1)[0].split()
        return int(fields[5]) * 1000 // os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


class Patience:
    """Waits for a source; counts the time, and gives up when the hub stops."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Interrupted where the hub stops."""
        until = time.monotonic() + seconds
        self.seconds += seconds
        while (left := until - time.monotonic()) > 0:
            if self._stopped():
                raise Interrupted("interrupted: the hub stops")
            time.sleep(min(left, LOOK_SECONDS))


class Interrupted(Retriable):
    """The hub stops while a run works: that says nothing of the source."""
