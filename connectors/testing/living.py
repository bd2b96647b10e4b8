"""What the fakes of living LMSs have in common: a world, a server that can die, a clock that can be off, slowness."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from connectors.testing.server import Asked, Reply
from connectors.testing.wire import LivelyServer
from connectors.testing.world import World


class LivingFake(ABC):
    """A context manager; between entering and leaving it serves at :attr:`url`. ``latency``: seconds each answer takes."""

    def __init__(self, world: World, *, port: int = 0, latency: float = 0.0) -> None:
        self.world = world
        self.latency = latency
        self.server = LivelyServer(self._slowly, port, now=lambda: world.clock() + self._off)
        self.url = self.server.origin
        """The address of the site, without a slash at its end."""
        self._off = 0

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.__exit__(kind, error, trace)

    def close(self) -> None:
        """Let the port go, where it was never entered and is only asked by :meth:`answer`."""
        self.server.close()

    def set_clock_off(self, seconds: int) -> None:
        """Have all times that it tells be off by so much, the ``Date`` header too."""
        self._off = seconds

    def told(self, at: int) -> int:
        """A time as it tells it; never stays never."""
        return at + self._off if at else 0

    @abstractmethod
    def answer(self, asked: Asked) -> Reply:
        """The right answer to a request."""

    @abstractmethod
    def truth(self) -> Iterator[Any]:
        """What it would tell of every learner in every course, for comparison."""

    @abstractmethod
    def expire_tokens(self) -> None:
        """No token that was granted so far is good any more."""

    @abstractmethod
    def error_in_200(self) -> Reply:
        """An error of its kind that comes with status 200."""

    def throttled(self) -> Reply:
        """What it, or the proxy before it, answers to too many requests."""
        return Reply(429, b"Too Many Requests", {"Content-Type": "text/plain", "Retry-After": "1"})

    def _slowly(self, asked: Asked) -> Reply:
        if self.latency:
            time.sleep(self.latency)
        return self.answer(asked)
