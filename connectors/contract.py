"""What a connector is: settings declared once, a test of the connection, and source records turned into items.

A connector turns an LMS's wire format into *items*. One item is one source record: it counts once in the accounting of
its run. It yields items in any order; the intake publishes courses and accounts first. It never decides anything, never
writes a row, and keeps no state between runs but the watermark it is handed back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from connectors.observe import Observer
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Unusable

KEPT_BYTES = 64 * 1024
"""As much of a rejected record as the dead letter keeps."""


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
    connects: int = 0
    connect_milliseconds: float = 0.0
    course_seconds: dict[str, float] = field(default_factory=dict)

    BOUNDS: ClassVar[tuple[int, ...]] = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 120_000)

    def add(self, outcome: str, milliseconds: float | None) -> None:
        """Count one request: ``ok``, ``throttled``, ``timeout``, ``error``, ``cut``; answered ones with their time."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if milliseconds is not None:
            self.milliseconds += milliseconds
            bound = next((b for b in self.BOUNDS if milliseconds <= b), self.BOUNDS[-1] * 10)
            self.histogram[bound] = self.histogram.get(bound, 0) + 1


@dataclass(slots=True)
class Pull:
    """What one run asks of a connector."""

    since: int | None
    """Watermark in microseconds, already stepped back by the overlap; None: everything."""
    full: bool = False
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
