"""A run: one sync or one import, from its first event to its last, with the accounting of every source record.

Courses and accounts of a chunk are published first and waited for, so that enrollments find their people; then
enrollments, then lessons. Chunks keep memory constant. A run ends as completed only if what became of the records adds
up to what was read; else it has failed, and says so. A full pass looks at its end for what is gone; where that is
unusually much the run is held whole: it is read into a spool, and nothing of it is published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from connectors.contract import Coverage, Item, RequestLog
from hub.deciding.commands import Commands
from hub.deciding.envelope import HUB, Actor
from hub.domain.runs import UNBALANCED
from hub.errors import HubError, Refused, Retriable
from hub.intake.comparing import Loss, Shown, removal, retirement
from hub.intake.guard import Guard, HeldRun
from hub.intake.measure import Interrupted, Measures, Waiter
from hub.intake.publish import OBSERVATIONS, Publisher
from hub.intake.spool import Spool
from hub.integrations import commands as acts
from hub.integrations.telling import tell
from hub.logging import logger

log = logger(__name__)

CHUNK = 5_000
CHUNK_BYTES = 32 * 1024 * 1024
"""Source bytes after which a chunk ends before it has all its items: a few thousand large ones would fill the memory."""
PATIENCE = 1.0
FULL = "full sync"


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


@dataclass(slots=True)
class Source:
    """Where the records come from."""

    kind: str
    """sync, full sync or import"""
    items: Iterable[Item]
    name: str
    sha256: str | None = None
    requests: Callable[[], RequestLog | None] = lambda: None
    watermark: Callable[[], int | None] = lambda: None
    coverage: Callable[[], Coverage | None] = lambda: None
    trigger: str = "person"
    """schedule, retry, probe, person or accept"""
    actor: Actor = HUB
    is_live: bool = False
    """Its facts are new ones, so their age says how fast the hub learns of them."""


@dataclass(slots=True)
class _Pass:
    """How a run went that was not interrupted."""

    held: Loss | None = None
    whole: bool = False
    """It looked for what is gone, and that was decided."""
    told: dict[str, Any] = field(default_factory=dict)
    samples: dict[str, Any] = field(default_factory=dict)


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
    guard: Guard | None = None
    waited: Callable[[], float] = lambda: 0.0
    """Seconds that the source made it wait."""
    _local: Accounting = field(default_factory=Accounting)
    _measures: Measures = field(init=False)

    def __post_init__(self) -> None:
        self._measures = Measures(self.waiter, lambda: self.outcomes(self.publisher.run_id)["changed"])

    def execute(self, source: Source) -> Accounting:
        """Take in everything the source gives.

        Raises HeldRun where the mass-change guard says so, else whatever ended the run early, after the run was told as
        failed.
        """
        config, run_id = self.publisher.config, self.publisher.run_id
        started = self.clock()
        beginning = {
            "kind": source.kind,
            "trigger": source.trigger,
            "started_at": started,
            "source_name": source.name,
            "source_sha256": source.sha256,
        }
        beginning = {name: value for name, value in beginning.items() if value is not None}
        tell(self.commands, acts.sync_started(config.company_id, config.id, run_id, beginning, actor=source.actor))
        self._measures.start()
        try:
            went = self._take_in(source, started)
        except Exception as problem:
            self._fail(source, started, problem)
            raise
        told = {"kind": source.kind, "started_at": started} | went.told
        if went.held is not None:
            told |= self._figures(source, went, {"records_read": self._local.read})
            held = acts.run_held(config.company_id, config.id, run_id, told, went.held.people)
            tell(self.commands, held)
            log.warning("run held", run_id=run_id, integration=config.lms_code, would_drop=went.held.would_drop)
            raise HeldRun(config.lms_code, run_id, went.held)
        accounting = self._accounting()
        told |= self._figures(source, went, _counts(accounting))
        if accounting.adds_up():
            tell(self.commands, acts.sync_completed(config.company_id, config.id, run_id, told, is_whole=went.whole))
        else:
            told["failure"] = UNBALANCED
            tell(self.commands, acts.sync_failed(config.company_id, config.id, run_id, told))
        log.info("run ended", run_id=run_id, integration=config.lms_code, kind=source.kind, **accounting.plain())
        return accounting

    # -- reading and publishing ------------------------------------------------------------------------------

    def _take_in(self, source: Source, started: int) -> _Pass:
        if self.guard is None:
            self._read(source, None)
            went = _Pass()
        elif self.guard.spools:
            with Spool(self.guard.folder) as spool:
                self._read(source, spool)
                spool.finish()
                went = self._compared(source, self.guard)
                if went.held is not None:
                    return went
                self._replay(spool)
        else:
            self._read(source, None)
            went = self._compared(source, self.guard)
            if went.held is not None:
                # What was read is published already, and is right; only what would drop waits for a pass with a spool.
                went = _Pass(samples={"compared": False, "not_compared": "more would drop than a sync may"})
        if self.guard is not None and (went.told.get("dropped") or went.told.get("retired")):
            self._drop(self.guard.shown)
        self._wait()
        self.react()
        if self.guard is not None and source.is_live:
            latency = self.guard.shown.latency(self.publisher.run_id, started)
            went.samples |= {"latency": latency} if latency else {}
        return went

    def _read(self, source: Source, spool: Spool | None) -> None:
        """Read all; publish it, or keep it in the spool."""
        append = self.publisher.append
        if spool is not None:
            self.publisher.append = spool.append
        try:
            for items in _chunks(source.items):
                self._count(items)
                if self.guard is not None:
                    self.guard.shown.take(items, timed=source.is_live)
                self.publisher.seal(items)
                self.publisher.rejected(items)
                self.publisher.raw(items)
                self.publisher.causes(items)
                if spool is None:
                    self._wait()
                else:
                    spool.wait()
                self.publisher.effects(items)
                if spool is None:
                    self._measures.appended(self.publisher.reached)
                self.progress(self._local.read)
        finally:
            self.publisher.append = append

    def _replay(self, spool: Spool) -> None:
        """Publish what is in the spool."""
        for batch in spool.replay():
            if batch is None:
                self._wait()
            else:
                topic, records = batch
                self.publisher.send(topic, records)
                if topic == OBSERVATIONS:
                    self._measures.appended(self.publisher.reached)

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
                raise Interrupted("interrupted: the hub stopped before all records were decided; start it again")

    # -- what is gone ----------------------------------------------------------------------------------------

    def _compared(self, source: Source, guard: Guard) -> _Pass:
        """Whether anything is gone, and whether that may be told."""
        coverage = source.coverage()
        if coverage is not None:
            source.kind = FULL
        if source.kind != FULL or not guard.shown.can_lose:
            return _Pass(whole=coverage is not None)
        why = guard.shown.why_not_comparable(coverage)
        if why is not None or coverage is None:
            return _Pass(samples={"compared": False, "not_compared": why})
        loss = guard.shown.compare(coverage)
        if guard.trips(loss):
            return _Pass(held=loss, told={"held": _as_json(guard.told(loss))})
        return _Pass(whole=True, told={"dropped": loss.would_drop, "retired": loss.would_retire})

    def _drop(self, shown: Shown) -> None:
        """Tell what is gone: one observation each, decided the normal way."""
        config, run_id, encode = self.publisher.config, self.publisher.run_id, self.publisher.encode
        self._wait()
        now = self.clock()
        for batch in shown.drops():
            told = [removal(config.company_id, config.id, run_id, now, one) for one in batch]
            self.publisher.send(OBSERVATIONS, [(f"enrollment/{one['stream_id']}", encode(one)) for one in told])
        for courses in shown.retired():
            told = [retirement(config.company_id, config.id, run_id, now, one) for one in courses]
            self.publisher.send(OBSERVATIONS, [(f"course/{one['stream_id']}", encode(one)) for one in told])

    # -- what is told of it ----------------------------------------------------------------------------------

    def _fail(self, source: Source, started: int, problem: Exception) -> None:
        config, run_id = self.publisher.config, self.publisher.run_id
        # Of what nobody foresaw only the kind is told: its text may hold a value.
        text = str(problem) if isinstance(problem, HubError | OSError) else ""
        told = {"kind": source.kind, "started_at": started, "failure": text or type(problem).__name__}
        told |= self._figures(source, _Pass(), _counts(self._accounting()))
        told.pop("watermark", None)
        requests = source.requests()
        if requests is not None and requests.failing_since is not None:
            told["failing_since"] = int(requests.failing_since * 1_000_000)
        told["unreachable"] = _is_unreachable(problem, requests)
        told["credentials_refused"] = isinstance(problem, Refused) and problem.by_credentials
        asked = problem.retry_after if isinstance(problem, Retriable) else None
        log.warning("run failed", run_id=run_id, integration=config.lms_code, problem=type(problem).__name__)
        retry_after = None if asked is None else int(asked * 1_000_000)
        with suppress(HubError):  # where this cannot be told now, whoever runs next finds the run interrupted
            tell(self.commands, acts.sync_failed(config.company_id, config.id, run_id, told, retry_after=retry_after))

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

    def _figures(self, source: Source, went: _Pass, counts: Mapping[str, int]) -> dict[str, Any]:
        told: dict[str, Any] = dict(counts)
        told["samples"] = _as_json(self._measures.finish() | went.samples)
        requests = source.requests()
        if requests is not None and requests.outcomes:
            told["requests"] = _as_json(requests.plain() | {"waited_seconds": round(self.waited(), 3)})
        watermark = source.watermark()
        if watermark is not None and went.held is None:
            told["watermark"] = watermark
        return told


def _counts(accounting: Accounting) -> dict[str, int]:
    counts = accounting.plain()
    return {"records_read": counts.pop("read"), **counts}


def _is_unreachable(problem: Exception, requests: RequestLog | None) -> bool:
    """Whether the source was away. Where requests are counted, the last of them tells; our own limit says nothing of it."""
    if not isinstance(problem, Retriable) or isinstance(problem, Interrupted):
        return False
    return requests is None or not requests.outcomes or requests.failing_since is not None


def _as_json(value: Any) -> str:
    return orjson.dumps(value).decode()


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
