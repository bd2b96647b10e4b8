"""What a connector is: settings declared once, a test of the connection, and source records turned into items.

A connector turns an LMS's wire format into *items*. One item is one source record: it counts once in the accounting of
its run. It yields items in any order; the intake publishes courses and accounts first. It never decides anything, never
writes a row, and keeps no state between runs but the watermark it is handed back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from connectors.observe import Observer
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Unusable

KEPT_BYTES = 64 * 1024
"""As much of a rejected record as the dead letter keeps."""
SLOWEST = 5
"""Courses that are named in a run's figures, those that took longest."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a connector, declared once: it validates input, prints help and hides secrets."""

    name: str
    title: str
    type: type = str
    default: Any = None
    required: bool = False
    secret: bool = False
    help: str = ""


@dataclass(slots=True)
class Item:
    """One source record and what was made of it: observations, or a reason why not.

    Exactly one of these holds: ``problem`` is set (rejected); one of ``observations`` is counted (decided by the hub);
    neither (stored: kept, without effect on learning; ``note`` says why).
    """

    position: str
    observations: list[dict[str, Any]] = field(default_factory=list)
    raw: list[dict[str, Any]] = field(default_factory=list)
    """Records for ``lms.statements``."""
    problem: Unusable | None = None
    note: str = ""
    native_id: str | None = None
    kept: bytes = b""
    """The record, at most its first 64 KiB; kept only where there is a problem."""
    size: int = 0
    sha256: bytes = b""
    course_key: str | None = None
    """Of a rejected record: the course whose list it stands in, where that is known. Who stands there is not known then,
    so in this course a full pass finds nobody gone; where the course is not known either, nowhere."""

    @property
    def stored(self) -> bool:
        """Kept without effect on learning."""
        return self.problem is None and not any(told["counted"] for told in self.observations)


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of a connection test."""

    name: str
    ok: bool
    text: str
    empty_columns: tuple[str, ...] = ()
    """Hub columns that stay empty while this fails."""
    remedy: str = ""
    """The setting in the LMS that grants it."""


@dataclass(slots=True)
class RequestLog:
    """What a run's requests took; becomes part of the run's event. Times in milliseconds."""

    outcomes: dict[str, int] = field(default_factory=dict)
    milliseconds: float = 0.0
    histogram: dict[int, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    """Hour since 1970 (UTC) → requests."""
    connects: int = 0
    connect_milliseconds: float = 0.0
    course_seconds: dict[str, float] = field(default_factory=dict)
    """Key of a course → seconds that reading it took."""
    failing_since: float | None = None
    """First of the failed requests in a row that are the last ones, seconds since 1970; None: the last one was good."""
    now: Callable[[], float] = time.time
    _failing_before: float | None = None
    """The same before the last request was counted."""

    BOUNDS: ClassVar[tuple[int, ...]] = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 120_000)
    FAILED: ClassVar[frozenset[str]] = frozenset({"error", "timeout", "cut", "faulty"})

    def add(self, outcome: str, milliseconds: float | None) -> None:
        """Count one request: ``ok``, ``throttled``, ``timeout``, ``error``, ``cut``; answered ones with their time."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        now = self.now()
        hour = int(now // 3600)
        self.hours[hour] = self.hours.get(hour, 0) + 1
        self._failing_before = self.failing_since
        self._note(outcome, now)
        if milliseconds is not None:
            self.milliseconds += milliseconds
            bound = next((b for b in self.BOUNDS if milliseconds <= b), self.BOUNDS[-1] * 10)
            self.histogram[bound] = self.histogram.get(bound, 0) + 1

    def recount(self, outcome: str, is_rather: str) -> None:
        """The last request, counted as ``outcome``, was another: an ``error`` that was expected (404) is ``missing``,
        an ``ok`` that holds an error is ``faulty``."""
        left = self.outcomes.pop(outcome, 0) - 1
        if left > 0:
            self.outcomes[outcome] = left
        self.outcomes[is_rather] = self.outcomes.get(is_rather, 0) + 1
        self.failing_since = self._failing_before
        self._note(is_rather, self.now())

    def plain(self) -> dict[str, Any]:
        """As a run's event tells it; see ``requests`` of :class:`hub.domain.events.integration.RunChange`."""
        slowest = sorted(self.course_seconds.items(), key=lambda one: -one[1])[:SLOWEST]
        told: dict[str, Any] = {
            "requests": sum(self.outcomes.values()),
            "outcomes": dict(self.outcomes),
            "answered": sum(self.histogram.values()),
            "milliseconds": round(self.milliseconds, 3),
            "histogram": {str(bound): self.histogram[bound] for bound in sorted(self.histogram)},
            "connects": self.connects,
            "connect_milliseconds": round(self.connect_milliseconds, 3),
            "hours": {str(hour): count for hour, count in self.hours.items()},
            "courses": {
                "count": len(self.course_seconds),
                "seconds": round(sum(self.course_seconds.values()), 3),
                "slowest": [[key, round(seconds, 3)] for key, seconds in slowest],
            },
        }
        if self.failing_since is not None:
            told["failing_since"] = int(self.failing_since * 1_000_000)
        return told

    def _note(self, outcome: str, now: float) -> None:
        if outcome not in self.FAILED:
            self.failing_since = None
        elif self.failing_since is None:
            self.failing_since = now


@dataclass(slots=True)
class Pull:
    """What one run asks of a connector."""

    since: int | None
    """Watermark in microseconds, already stepped back by the overlap; None: everything."""
    full: bool = False
    courses: frozenset[str] | None = None
    """Keys of the only courses that are to be read, by connectors that read course by course; None: all."""
    now: Callable[[], int] = field(kw_only=True)
    """The clock, microseconds."""


@dataclass(slots=True)
class Coverage:
    """What a full pass has read to its end. What the hub knows there and the pass did not show is gone from the LMS."""

    courses: set[str] = field(default_factory=set)
    """Keys of the courses whose list of enrollments was read whole."""
    catalogue: bool = False
    """The list of courses was read whole: what is in none of its courses is gone too."""


class Connector(Protocol):
    """A connector for one kind of LMS or standard. Chosen by (``lms_type``, ``integration_method``)."""

    name: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]]
    requests: RequestLog

    def __init__(self, config: IntegrationConfig, observer: Observer) -> None: ...

    def test(self) -> list[Check]:
        """Try the connection and name what is missing. Raises nothing: a failure is a finding."""

    def pull(self, ask: Pull) -> Iterator[Item]:
        """Yield one item per source record changed since the watermark (or all).

        Raises Retriable where the source cannot be read now, Refused where it refuses us or the configuration is wrong.
        """

    def watermark(self) -> int | None:
        """After a whole pull: everything the source changed up to here has been read; None where it tells none."""

    def coverage(self) -> Coverage | None:
        """What the last pull has read whole; None where this source cannot show that something is gone, or the pull
        was not whole."""

    def close(self) -> None:
        """Let connections go."""


class FileReader(Protocol):
    """A source that is a file: any LMS with File Upload, and files handed to ``hub import``."""

    formats: ClassVar[tuple[str, ...]]

    def items(self, path: str, options: Mapping[str, Any], now: Callable[[], int]) -> Iterator[Item]:
        """Yield one item per record of the file. Raises Refused where the file as a whole cannot be read."""
