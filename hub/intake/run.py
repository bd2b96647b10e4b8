"""A run: one sync or one import, from its first event to its last, with the accounting of every source record.

Courses and accounts of a chunk are published first and waited for, so that enrollments find their people; then
enrollments, then lessons. Chunks keep memory constant. A run ends as completed only if what became of the records adds
up to what was read; else it has failed, and says so.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import orjson

from connectors.contract import Item, RequestLog
from hub.deciding.commands import Commands
from hub.errors import HubError, Retriable
from hub.intake.publish import Publisher
from hub.integrations import commands as acts
from hub.logging import logger

log = logger(__name__)

CHUNK = 5_000
CHUNK_BYTES = 32 * 1024 * 1024
"""Source bytes after which a chunk ends before it has all its items: a few thousand large ones would fill the memory."""
PATIENCE = 1.0


@dataclass(slots=True)
class Accounting:
    """What became of the records of a run; each counts once."""

    read: int = 0
    changed: int = 0
    unchanged: int = 0
    unmatched: int = 0
    stored: int = 0
    rejected: int = 0

    def adds_up(self) -> bool:
        """Whether the five outcomes are what was read."""
        return self.read == self.changed + self.unchanged + self.unmatched + self.stored + self.rejected

    def plain(self) -> dict[str, int]:
        """As the command line prints it."""
        return asdict(self)


class Waiter(Protocol):
    """Waits until something is decided or folded."""

    def wait(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool: ...


@dataclass(slots=True)
class Source:
    """Where the records come from."""

    kind: str
    """sync, full sync or import"""
    items: Iterable[Item]
    name: str
    sha256: str | None = None
    requests: RequestLog | None = None
    watermark: Callable[[], int | None] = lambda: None
    since: int | None = None


@dataclass(slots=True)
class Run:
    """Executes one run."""

    publisher: Publisher
    commands: Commands
    waiter: Waiter
    outcomes: Callable[[str], Mapping[str, int]]
    react: Callable[[], int]
    """The identity reactor, asked once the accounts of a chunk are decided."""
    clock: Callable[[], int]
    progress: Callable[[int], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False
    _local: Accounting = field(default_factory=Accounting)

    def execute(self, source: Source) -> Accounting:
        """Take in everything the source gives.

        Raises whatever ended the run early, after the run was told as failed.
        """
        config, run_id = self.publisher.config, self.publisher.run_id
        started = self.clock()
        beginning = {
            "kind": source.kind,
            "started_at": started,
            "source_name": source.name,
            "source_sha256": source.sha256,
        }
        beginning = {name: value for name, value in beginning.items() if value is not None}
        self.commands.execute(acts.sync_started(config.company_id, config.id, run_id, beginning))
        cpu = time.process_time()
        try:
            self._take_in(source)
        except Exception as problem:
            # Of what nobody foresaw only the kind is told: its text may hold a value.
            text = str(problem) if isinstance(problem, HubError | OSError) else ""
            text = text or type(problem).__name__
            told = self._figures(source, self._accounting(), cpu) | {"failure": text, "started_at": started}
            unreachable = isinstance(problem, Retriable)
            self.commands.execute(acts.sync_failed(config.company_id, config.id, run_id, told, unreachable=unreachable))
            log.warning("run failed", run_id=run_id, integration=config.lms_code, problem=type(problem).__name__)
            raise
        accounting = self._accounting()
        told = self._figures(source, accounting, cpu) | {"started_at": started}
        if accounting.adds_up():
            self.commands.execute(acts.sync_completed(config.company_id, config.id, run_id, told))
        else:
            told["failure"] = "the accounting does not add up"
            self.commands.execute(acts.sync_failed(config.company_id, config.id, run_id, told, unreachable=False))
        log.info("run ended", run_id=run_id, integration=config.lms_code, kind=source.kind, **accounting.plain())
        return accounting

    def _take_in(self, source: Source) -> None:
        for items in _chunks(source.items):
            self._count(items)
            self.publisher.seal(items)
            self.publisher.rejected(items)
            self.publisher.raw(items)
            self.publisher.causes(items)
            self._wait()
            self.publisher.effects(items)
            self.progress(self._local.read)
        self._wait()
        self.react()

    def _count(self, items: Iterable[Item]) -> None:
        for item in items:
            self._local.read += 1
            if item.problem is not None:
                self._local.rejected += 1
            elif item.stored:
                self._local.stored += 1

    def _wait(self) -> None:
        """Wait until all that was published is folded (raw) or decided (observations)."""
        while not self.waiter.wait(self.publisher.reached, PATIENCE):
            if self.stopped():
                raise Retriable("the run was stopped before all its records were decided; start it again")

    def _accounting(self) -> Accounting:
        decided = self.outcomes(self.publisher.run_id)
        local = self._local
        return Accounting(
            local.read,
            decided["changed"],
            decided["unchanged"],
            decided["unmatched"],
            decided["stored"] + local.stored,
            decided["rejected"] + local.rejected,
        )

    def _figures(self, source: Source, accounting: Accounting, cpu: float) -> dict[str, Any]:
        counts = accounting.plain()
        told: dict[str, Any] = {"records_read": counts.pop("read"), **counts}
        usage = resource.getrusage(resource.RUSAGE_SELF)
        told["samples"] = orjson.dumps(
            {"processor_seconds": round(time.process_time() - cpu, 3), "memory_mib": usage.ru_maxrss // 1024}
        ).decode()
        if source.requests is not None and source.requests.outcomes:
            told["requests"] = orjson.dumps(asdict(source.requests), option=orjson.OPT_NON_STR_KEYS).decode()
        watermark = source.watermark()
        if watermark is not None:
            told["watermark"] = watermark
        return told


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Items in lists of at most :data:`CHUNK`, fewer where they are large."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item.kept) if item.problem is not None else item.size
        if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
