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

    lease_seconds: float
    """For so long, what was taken from it may be used up bit by bit; 0: at once, so each request changes the level."""

    def update(self, change: Callable[[Level | None], Level]) -> None:
        """Replace the level (None: there is none yet) by the changed one; nobody else's change comes in between."""


@dataclass(slots=True)
class MemoryBucket:
    """A level for one process; thread-safe."""

    level: Level | None = None
    lease_seconds: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def update(self, change: Callable[[Level | None], Level]) -> None:
        with self._lock:
            self.level = change(self.level)


class RateLimit:
    """At most ``per_hour`` requests in any hour, a tenth of them at once.

    Where the store leases, some tokens are taken at a time. What a lease leaves goes back when the next one is taken.
    """

    def __init__(self, per_hour: int, store: BucketStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._burst = max(1, per_hour // 10)
        # A full bucket and what flows in during one hour must not be more than the hour's allowance, where tokens
        # used in that hour may have been taken up to one lease before it.
        self._per_second = (max(1, per_hour) - self._burst + 1) / (HOUR + store.lease_seconds)
        self._lease = min(self._burst, max(1, int(self._per_second * store.lease_seconds)))
        self._left = 0
        self._until = 0.0

    def take(self) -> float:
        """Take leave for one request: 0.0 where it was given, else the seconds until it is worth asking again."""
        now = self._clock()
        if self._left and self._until - self._store.lease_seconds <= now < self._until:
            self._left -= 1
            return 0.0
        back, self._left = self._left, 0
        wait = 0.0

        def change(level: Level | None) -> Level:
            nonlocal wait
            tokens, at = float(self._burst), now
            if level is not None:
                at = max(now, level.at)  # of clocks that differ a little, none turns the time back
                passed = max(0.0, now - level.at)
                tokens = min(tokens, level.tokens + back + passed * self._per_second)
            # The hair's breadth keeps rounding from asking for a wait of nothing.
            taken = min(self._lease, int(tokens + 1e-9))
            wait = 0.0 if taken else (1 - tokens) / self._per_second
            self._left = taken
            return Level(tokens - taken, at)

        self._store.update(change)
        if self._left:
            self._left -= 1
            self._until = now + self._store.lease_seconds
        return wait
