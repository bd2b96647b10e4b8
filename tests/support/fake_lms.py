"""An LMS in memory, and the connector that reads it: for tests of runs and of the scheduler, not of any wire."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from connectors import registry
from connectors.contract import Check, Coverage, Item, Pull, RequestLog, Setting
from connectors.http_limit import RateLimit
from connectors.observe import Learner, Observer, Seen
from hub.bootstrap import Hub
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Unusable
from hub.integrations import commands as acts


@dataclass
class FakeLms:
    """Who learns what. Everything that is asked of it is counted."""

    courses: dict[str, dict[str, float]] = field(default_factory=dict)
    """Course → learner → progress."""
    unread: set[str] = field(default_factory=set)
    """Courses whose list of enrollments cannot be read."""
    broken: list[str | None] = field(default_factory=list)
    """The courses (None: not known) of records that nobody can use."""
    catalogue: bool = True
    covers: bool = True
    covers_always: bool = False
    age: int | None = None
    """So long ago, in microseconds, each enrollment changed; None: it does not tell."""
    faults: deque[Exception] = field(default_factory=deque)
    """What the next pulls end with, before anything is read."""
    checks: list[Check] = field(default_factory=lambda: [Check("reach", ok=True, text="It answers.")])
    asks: list[Pull] = field(default_factory=list)
    tested: int = 0
    on_pull: Callable[[], None] = lambda: None
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enroll(self, course: str, count: int, progress: float = 10.0) -> None:
        """So many learners in a course."""
        self.courses[course] = {f"{course}-p{number}": progress for number in range(count)}


@dataclass
class FakeConnector:
    """Implements the connector's contract over a :class:`FakeLms`."""

    lms: FakeLms
    config: IntegrationConfig
    observer: Observer
    ports: registry.Ports
    requests: RequestLog = field(default_factory=RequestLog)
    name: ClassVar[str] = "Fake"
    settings: ClassVar[tuple[Setting, ...]] = ()
    _coverage: Coverage | None = None

    def test(self) -> list[Check]:
        self.lms.tested += 1
        return self.lms.checks

    def pull(self, ask: Pull) -> Iterator[Item]:
        lms = self.lms
        with lms._lock:
            lms.at_once += 1
            lms.most_at_once = max(lms.most_at_once, lms.at_once)
            lms.asks.append(ask)
        try:
            lms.on_pull()
            if lms.faults:
                raise lms.faults.popleft()
            self._ask()
            for course in lms.broken:
                problem = Unusable("score: is lots; expected a number", field="score", rule="number", expected="1")
                yield Item("broken", problem=problem, kept=b"lots", course_key=course)
            for course, learners in lms.courses.items():
                yield Item("course", [self.observer.course(course, Seen(ask.now()), counted=True, course_name=course)])
                if course not in lms.unread:
                    yield from (self._item(course, who, progress, ask) for who, progress in learners.items())
            whole = ask.since is None or lms.covers_always
            covered = set(lms.courses) - lms.unread
            self._coverage = Coverage(covered, catalogue=lms.catalogue) if lms.covers and whole else None
        finally:
            with lms._lock:
                lms.at_once -= 1

    def watermark(self) -> int | None:
        return self.lms.asks[-1].now()

    def coverage(self) -> Coverage | None:
        return self._coverage

    def close(self) -> None:
        pass

    def _ask(self) -> None:
        """One request, for the figures and for the limit."""
        if self.ports.pace is not None:
            RateLimit(self.config.rate_limit_per_hour, self.ports.pace.bucket, self.ports.pace.clock).take()
        self.requests.add("ok", 3.0)

    def _item(self, course: str, who: str, progress: float, ask: Pull) -> Item:
        now, age = ask.now(), self.lms.age
        seen = Seen(now, source_time=None if age is None else now - age, native_id=f"{course}/{who}")
        learner = Learner(who)
        facts = {"progress": round(progress * 100), "completed": progress >= 100 or None, "worked": progress > 0}
        return Item(
            who, [self.observer.account(learner, seen), self.observer.enrollment(learner, course, facts, seen)], size=50
        )


class FakeLmses:
    """By the code of the integration."""

    def __init__(self) -> None:
        self.by_code: dict[str, FakeLms] = {}

    def connect(self, config: IntegrationConfig, observer: Observer, ports: registry.Ports | None = None) -> Any:
        """In the place of :func:`connectors.registry.connect`."""
        return FakeConnector(self.by_code[config.lms_code], config, observer, ports or registry.Ports())

    def add(self, hub: Hub, company_id: str, code: str, **wanted: Any) -> FakeLms:
        """An integration with an LMS of its own."""
        values = {"lms_code": code, "lms_name": code, "lms_type": "Docebo", "integration_method": "API"}
        hub.commands.execute(acts.add(company_id, values | wanted))
        self.by_code[code] = FakeLms()
        return self.by_code[code]


def installed(monkeypatch: pytest.MonkeyPatch) -> FakeLmses:
    """Integrations of Docebo by API are read by fakes from now on."""
    fakes, real = FakeLmses(), registry.connector_class

    def chosen(lms_type: str, method: str) -> Any:
        return FakeConnector if (lms_type, method) == ("Docebo", "API") else real(lms_type, method)

    monkeypatch.setattr(registry, "connect", fakes.connect)
    monkeypatch.setattr(registry, "connector_class", chosen)
    return fakes
