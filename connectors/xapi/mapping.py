"""Statements → items: the one path that statements from files and from an LRS take.

Every statement ends as one item: *observed* (it tells something of an enrollment or a lesson), *stored* (kept, with a
note why it has no effect) or *rejected* (it breaks a rule of xAPI or of the integration, or its id is taken by other
content). A statement has one effect at most, so that voiding it takes out all that it told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from connectors.contract import KEPT_BYTES, Item
from connectors.observe import Learner, Observer, Seen
from connectors.refine import Found, Rules
from connectors.xapi.actor import Identity, identify
from connectors.xapi.checks import Json, broken
from connectors.xapi.digest import content_digest
from connectors.xapi.effects import Telling, effect_of
from connectors.xapi.formats import parse_timestamp
from connectors.xapi.ledger import Known, Ledger, StatementIndex
from connectors.xapi.place import place_of
from connectors.xapi.read_file import TooLarge
from connectors.xapi.settings import ACCOUNT_NAME_IS, Options
from connectors.xapi.validate import VOIDED, Version, validate_statement
from connectors.xapi.verbs import kind_of
from hub.domain import ids
from hub.errors import Unusable

BATCH: Final = 200
BATCH_BYTES: Final = 8 * 1024 * 1024
"""Bytes of statements after which a batch ends early, so that large ones do not fill the memory."""
MOST_STORED: Final = 3_000_000
"""Bytes of a statement that still fits a record of the log when it is sealed."""
_REMEMBERED_AROUND: Final = 50_000


class Source(NamedTuple):
    """One statement as it was read. ``position`` says where."""

    position: str
    statement: Json | Unusable
    raw: bytes


@dataclass(frozen=True, slots=True)
class _Read:
    """A statement that keeps the rules."""

    source: Source
    statement: Json
    id: str
    digest: str
    identity: Identity | None
    """None: its actor is a group."""
    target: str | None
    """The statement that it voids."""


class StatementMapper:
    """Maps the statements of one run."""

    def __init__(
        self, observer: Observer, options: Options, rules: Rules, index: StatementIndex, version: Version
    ) -> None:
        self._observer = observer
        self._options = options
        self._rules = rules
        self._ledger = Ledger(index)
        self._version = version
        self._around: set[object] = set()

    def items(
        self, sources: Iterable[Source], now: Callable[[], int], *, skip_repeated: bool = False
    ) -> Iterator[Item]:
        """One item per statement. ``skip_repeated``: none for one that this run has read before (pages that overlap).

        Raises:
            Retriable: The index or the key store is not available.
        """
        for batch in _batches(sources):
            yield from self._batch(batch, now(), skip_repeated)

    def _batch(self, batch: list[Source], now: int, skip_repeated: bool) -> Iterator[Item]:
        reads = [self._read(source) for source in batch]
        good = [read for read in reads if isinstance(read, _Read)]
        self._ledger.load({key for read in good for key in (read.id, read.target) if key is not None})
        for read in reads:
            if isinstance(read, Item):
                yield read
            elif not (skip_repeated and self._repeated(read)):
                yield self._item(read, now)

    # -- reading ------------------------------------------------------------------------------------------

    def _read(self, source: Source) -> _Read | Item:
        """The statement with its identity, or the item that says what is wrong with it."""
        statement = source.statement
        if isinstance(statement, Unusable):
            return _rejected(source, statement, None)
        native_id = None
        try:
            validate_statement(statement, self._version, pulled=True)
            digest = content_digest(statement)
            native_id = statement["id"].lower() if "id" in statement else self._derived(digest)
            if len(source.raw) > MOST_STORED:
                raise broken("", "size", f"at most {MOST_STORED} bytes")
            is_group = statement["actor"].get("objectType") == "Group"
            identity = None if is_group else identify(statement["actor"])
        except Unusable as problem:
            return _rejected(source, problem, native_id)
        target = statement["object"]["id"].lower() if statement["verb"]["id"] == VOIDED else None
        return _Read(source, statement, native_id, digest, identity, target)

    def _derived(self, digest: str) -> str:
        return ids.derived(self._observer.config.id, "content", digest)

    def _repeated(self, read: _Read) -> bool:
        return self._ledger.read_before(read.id) and _same(read, self._ledger.known(read.id))

    def _subject(self, read: _Read) -> str:
        """Under whose key the statement is sealed; those of groups have one of their own per company."""
        if read.identity is None:
            return ids.derived(self._observer.config.company_id, "group statements")
        return self._observer.account_id(native_id_of(read.identity))

    # -- making items -------------------------------------------------------------------------------------

    def _item(self, read: _Read, now: int) -> Item:
        known = self._ledger.known(read.id)
        item = _plain_item(read.source, read.id)
        try:
            if not _same(read, known):
                raise broken("id", "one id, one statement", "the content that was received under this id before")
            stream = part = None
            if read.target is not None:
                self._void(read, item, now)
            elif known.voided_by is not None:
                item.note = "it was voided"
            else:
                stream, part = self._tell(read, item, now)
        except Unusable as problem:
            return _rejected(read.source, problem, read.id)
        if known.digest is None:
            item.raw.insert(0, self._received(read, stream, part, now))
        self._ledger.add(read.id, Known(stream or known.stream_id, read.digest, known.voided_by))
        return item

    def _tell(self, read: _Read, item: Item, now: int) -> tuple[str | None, str | None]:
        """Put what the statement tells into the item; return the enrollment's stream and the lesson concerned."""
        if read.identity is None:
            item.note = "its actor is a group, which is no learner"
            return None, None
        occurred = _occurred(read.statement, now)
        place = place_of(read.statement, self._options)
        kind = kind_of(read.statement["verb"]["id"])
        zone = self._observer.config.zone
        effect = effect_of(Telling(read.statement, kind, place, occurred, self._options, zone))
        if not effect.facts or place.course is None:
            item.note = effect.note
            return None, None
        lesson = place.lesson.id if effect.of_lesson and place.lesson else None
        learner = _learner(read.identity, self._options)
        named = {"course_name": place.course.name, "course_code": place.course_code}
        found = Found(learner, place.course.id, lesson, effect.facts, named, occurred)
        return self._observe(self._rules.refine(found, read.statement), read, item, now)

    def _observe(self, found: Found, read: _Read, item: Item, now: int) -> tuple[str, str | None]:
        observer, course_key = self._observer, found.course_key or ""
        seen = Seen(now, found.occurred, read.id, read.source.raw, read.digest, read.source.position)
        # What a statement says in passing of course and learner is a state without a time of its own.
        around = replace(seen, source_time=None, content_id=None, native_id=None)
        if self._new((course_key, tuple(found.course.items()))):
            item.observations.append(observer.course(course_key, around, **found.course))
        if self._new(found.learner):
            item.observations.append(observer.account(found.learner, around))
        if found.lesson_key is None:
            told = observer.enrollment(found.learner, course_key, found.facts, seen)
        else:
            name = found.course.get("course_name")
            told = observer.lesson(found.learner, course_key, found.lesson_key, found.facts, seen, course_name=name)
        item.observations.append(told)
        return told["stream_id"], found.lesson_key

    def _new(self, thing: object) -> bool:
        """Whether this run has not told of a course or learner in this form yet."""
        if thing in self._around:
            return False
        if len(self._around) >= _REMEMBERED_AROUND:
            self._around.clear()
        self._around.add(thing)
        return True

    # -- voiding and keeping ------------------------------------------------------------------------------

    def _void(self, read: _Read, item: Item, now: int) -> None:
        """Void the target: now where it is known, else as soon as it comes."""
        target = self._ledger.known(read.target or "")
        if target.voided_by not in (None, read.id):
            item.note = "its target is void already"
            return
        if target.voided_by is None:
            item.raw.append(self._voided(read, now))
        self._ledger.add(read.target or "", target._replace(voided_by=read.id))
        if target.stream_id is None:
            item.note = "its target had no effect" if target.digest else "its target has not come yet"
            return
        occurred = _occurred(read.statement, now)
        seen = Seen(now, occurred, read.id, read.source.raw, read.digest, read.source.position)
        item.observations.append(self._observer.voided(target.stream_id, read.target or "", seen))

    def _received(self, read: _Read, stream: str | None, part: str | None, now: int) -> dict[str, Any]:
        subject, statement = self._subject(read), read.source.raw.decode()
        return self._record("lms.statement.received.v1", ids.statement_row(self._observer.config.id, read.id), now) | {
            "statement_id": read.id,
            "target_stream": stream,
            "target_part": part,
            "account_id": None if read.identity is None else subject,
            "kind": kind_of(read.statement["verb"]["id"]),
            "digest": bytes.fromhex(read.digest),
            "statement": self._observer.seal(subject, statement),
        }

    def _voided(self, read: _Read, now: int) -> dict[str, Any]:
        event_id = ids.derived(self._observer.config.id, "void", read.target or "", read.id)
        return self._record("lms.statement.voided.v1", event_id, now) | {
            "statement_id": read.target,
            "voided_by": read.id,
        }

    def _record(self, kind: str, event_id: str, now: int) -> dict[str, Any]:
        config = self._observer.config
        return {
            "type": kind,
            "event_id": event_id,
            "company_id": config.company_id,
            "integration_id": config.id,
            "recorded_at": now,
            "correlation_id": self._observer.run_id,
        }


def _batches(sources: Iterable[Source]) -> Iterator[list[Source]]:
    batch: list[Source] = []
    size = 0
    for source in sources:
        batch.append(source)
        size += len(source.raw)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def native_id_of(identity: Identity) -> str:
    """The account's id in the source: the actor's one identifier, with its kind."""
    if identity.kind == "account":
        return f"account:{identity.home_page}|{identity.value}"
    return f"{identity.kind}:{identity.value.removeprefix('mailto:')}"


def _learner(identity: Identity, options: Options) -> Learner:
    learner = Learner(native_id_of(identity), display_name=identity.name, email=identity.email)
    if identity.login is None:
        return learner
    return replace(learner, **{ACCOUNT_NAME_IS[options.account_name_is]: identity.login})


def _occurred(statement: Json, now: int) -> int | None:
    """When it happened; never in the future, since all that truly comes after it would then be late.

    1970 and before is the clock of a sender that was never set (epoch 0, or the least time that a system can write).
    """
    times = [parse_timestamp(statement[key]) for key in ("timestamp", "stored") if key in statement]
    told = [time for time in times if time is not None and time > 0]
    if not told:
        return None
    return next((time for time in told if time <= now), now)


def _same(read: _Read, known: Known) -> bool:
    """Whether what is known under the id is this content. The known one may lack the time that an LRS has set."""
    if known.digest in (None, read.digest):
        return True
    timeless = {key: value for key, value in read.statement.items() if key != "timestamp"}
    return len(timeless) < len(read.statement) and content_digest(timeless) == known.digest


def _plain_item(source: Source, native_id: str | None) -> Item:
    return Item(source.position, native_id=native_id, size=len(source.raw), sha256=hashlib.sha256(source.raw).digest())


def _rejected(source: Source, problem: Unusable, native_id: str | None) -> Item:
    item = _plain_item(source, native_id)
    item.problem, item.kept = problem, source.raw[:KEPT_BYTES]
    if isinstance(problem, TooLarge):
        item.size, item.sha256 = problem.size, bytes.fromhex(problem.sha256)
    return item
