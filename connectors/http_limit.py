"""Never more requests in an hour than an integration allows: a token bucket whose level may be shared.

The level lies behind a port, so that runs that follow each other, and processes that share an integration, can share
it. Where it is shared, the clock must be one that all of them read alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple, Protocol

HOUR = 3600.0


class Level(NamedTuple):
    """How full a bucket was, and when (seconds of its clock)."""

    tokens: float
    at: float


class BucketStore(Protocol):
    """Where the level of one bucket is kept."""

    def update(self, change: Callable[[Level | None], Level]) -> None:
        """Replace the level (None: there is none yet) by the changed one; nobody else's change comes in between."""


@dataclass(slots=True)
class MemoryBucket:
    """A level for one process; thread-safe."""

    level: Level | None = None
    _lock: Lock = field(default_factory=Lock)

    def update(self, change: Callable[[Level | None], Level]) -> None:
        with self._lock:
            self.level = change(self.level)


class RateLimit:
    """At most ``per_hour`` requests in any hour, a tenth of them at once."""

    def __init__(self, per_hour: int, store: BucketStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._burst = max(1, per_hour // 10)
        # A full bucket and what flows in during one hour must not be more than the hour's allowance.
        self._per_second = (max(1, per_hour) - self._burst + 1) / HOUR

    def take(self) -> float:
        """Take leave for one request: 0.0 where it was given, else the seconds until it is worth asking again."""
        now = self._clock()
        wait = 0.0

        def change(level: Level | None) -> Level:
            nonlocal wait
            tokens = float(self._burst)
            if level is not None:
                passed = max(0.0, now - level.at)
                tokens = min(tokens, level.tokens + passed * self._per_second)
            # The hair's breadth keeps rounding from asking for a wait of nothing.
            wait = 0.0 if tokens >= 1 - 1e-9 else (1 - tokens) / self._per_second
            return Level(tokens if wait else tokens - 1, now)

        self._store.update(change)
        return wait
