"""Time that passes when somebody waits, and the port for personal data without a vault."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from connectors.http import Pace
from hub.domain.sealing import normalise_identifier
from hub.errors import Unusable


@dataclass(slots=True)
class FakeTime:
    """A clock that stands still until it is slept on."""

    start: datetime = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Seconds since the start."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass, at once."""
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> datetime:
        """The wall clock."""
        return self.start + timedelta(seconds=self.seconds)

    def micros(self) -> int:
        """The wall clock in microseconds since 1970 UTC."""
        return int(self.now().timestamp() * 1_000_000)

    def pace(self) -> Pace:
        """A client's time."""
        return Pace(clock=self.clock, sleep=self.sleep, now=self.now)


class ClearSealer:
    """A sealer without secrets, for tests alone: tokens hold the text, readable by :meth:`open`."""

    def prepare(self, company_id: str, subjects: Collection[str]) -> None:
        """Nothing is needed."""

    def seal(self, subject: str, text: str, company_id: str | None = None) -> bytes:  # noqa: ARG002  the port's names
        return b"\x00" + UUID(subject).bytes + b"\x00" * 12 + base64.b64encode(text.encode())

    def open(self, token: bytes) -> str | None:
        if len(token) < 29:
            raise Unusable("This is no token.", field="token", rule="form", expected="a token")
        return base64.b64decode(token[29:]).decode()

    def pseudonym(self, company_id: str, namespace: str, identifier: str) -> str:
        return str(uuid5(NAMESPACE_URL, "\x1f".join((company_id, namespace, normalise_identifier(identifier)))))
