"""A small world in which deciders, folders and commands run one step at a time, and anything may happen between two.

The code that runs is the real one, over the memory log and the memory stores; see :mod:`tests.support.play` for its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from hub.deciding.commands import Answer, Command, Commands
from hub.deciding.decider import OBSERVATIONS, Decider
from hub.deciding.ports import Surroundings
from hub.deciding.view import View
from hub.domain import ids
from hub.domain.learning import Draft, Told
from hub.domain.rows import Row, value_of
from hub.errors import Refused
from hub.log import codec
from hub.log.memory import MemoryLog
from hub.log.partition import partition_for
from hub.log.port import LogUnavailable, NewRecord, Record
from projections import folds
from projections.engine.folder import Folder, Gap, OwnershipLost
from projections.engine.memory import Tables
from projections.folds.base import blank
from projections.rowfit import row_check
from projections.tables import TABLES
from tests.support.play import Crash, HookedStore, Play, PlayedStore

COMPANY = ids.company_id("model")
INTEGRATION, FOREIGN = ids.integration_id(COMPANY, "main"), ids.integration_id(COMPANY, "other")
LINKED, UNLINKED = "11111111-0000-5000-8000-000000000001", "22222222-0000-5000-8000-000000000002"
EMPLOYEE = "eeeeeeee-0000-5000-8000-000000000005"
ENROLLMENT = "lms_course_enrollment"
LEARNING, DIRECTORY, DEADLETTER = "lms.learning", "lms.directory", "lms.deadletter"
PARTITIONS = 3
STREAMS = ((LINKED, "C1"), (LINKED, "C2"), (LINKED, "C3"), (UNLINKED, "C1"))
MINUTE = 60_000_000
BEGINNING = 1_760_000_000_000_000

FATES = ("lands", "lands", "lands", "unsure", "twice", "late", "half", "lost")
"""What may become of an append. Only the first two kinds are confirmed; the others may have landed or land later."""
FOLDS = ("whole", "whole", "crash before", "crash after", "race", "gap", "gap", "overlap")


def stream_of(number: int) -> str:
    """The id of one of the world's streams."""
    account, course = STREAMS[number]
    return ids.enrollment_stream(INTEGRATION, account, course)


class World:
    """Log, tables, two folders, and the plays that run on them."""

    topics: tuple[str, ...] = (LEARNING, DIRECTORY, DEADLETTER)
    """What the folders fold."""
    hooked: Callable[[Tables], HookedStore] = HookedStore
    """The store that a folder writes to."""

    def __init__(self, log: MemoryLog | None = None, tables: Tables | None = None) -> None:
        self.log = log or MemoryLog(PARTITIONS)
        self.tables = tables or _tables()
        self.now = BEGINNING + 600 * MINUTE
        self.fates: list[str] = []
        self.held: list[tuple[str, list[NewRecord]]] = []
        self.told = 0
        self.named = 0
        self.commands: dict[str, Command] = {}
        self.answers: dict[str, Answer | Refused] = {}
        self.stores = [self.hooked(self.tables), self.hooked(self.tables)]
        self.folders = [self._folder(0), self._folder(1)]

    # -- observations and commands

    def tell(self, stream: int, facts: Mapping[str, Any], *, own: int | None = None, **more: Any) -> dict[str, Any]:
        """Publish an observation of a stream. ``own``: its own time, in minutes; ``more``: further fields."""
        account, course = STREAMS[stream]
        observation = {
            "type": "lms.observation.lesson.v1" if "lesson_key" in more else "lms.observation.enrollment.v1",
            "company_id": COMPANY,
            "integration_id": INTEGRATION,
            "stream_kind": "enrollment",
            "stream_id": stream_of(stream),
            "source_time": None if own is None else BEGINNING + own * MINUTE,
            "native_id": None,
            "payload_sha256": None,
            "content_id": None,
            "source_name": "model",
            "source_position": None,
            "counted": True,
            "backfill": False,
            "account_id": account,
            "course_key": course,
            "course_name": None,
            "facts": dict(facts),
        } | more
        if observation["type"] == "lms.observation.enrollment.v1":
            del observation["course_name"]
        return self.publish(observation)

    def publish(self, observation: dict[str, Any], *, again: bool = False) -> dict[str, Any]:
        """Publish an observation of a new run; ``again``: with the time at which it was observed before."""
        self.told += 1
        run = ids.derived(ids.ROOT, "model run", str(self.told))
        seen = observation["observed_at"] if again else BEGINNING + 60 * MINUTE + self.told * 1_000_000
        observation = observation | {"run_id": run, "observed_at": seen}
        key = f"{observation['stream_kind']}/{observation['stream_id']}".encode()
        self.log.append(OBSERVATIONS, [NewRecord(key, codec.encode(observation))])
        return observation

    def command(self, stream: int) -> str:
        """A new command: one more access of this enrollment. Returns its id."""
        name = self.name()
        self.commands[name] = one_more_access(name, stream)
        return name

    def name(self) -> str:
        """The id of a new command."""
        self.named += 1
        return ids.derived(ids.ROOT, "model command", str(self.named))

    # -- plays

    def play(self, call: Callable[[Surroundings], Any]) -> Play:
        """A call of the real code, not begun yet."""
        return Play(self.surroundings, call)

    def decide(self, limit: int = 100) -> Play | None:
        """A decider takes a batch from the stored offsets on; None where there is nothing to decide."""
        starts = {(OBSERVATIONS, part): self.tables.decided.get(part, 0) for part in range(PARTITIONS)}
        batch = [(one.partition, one.offset, one.value) for one in self.log.read(starts, limit)]
        return self.play(lambda around: Decider(around).process(batch)) if batch else None

    def execute(self, command: str) -> Play:
        """Somebody asks for a command, perhaps not for the first time."""
        return self.play(lambda around: Commands(around).execute(self.commands[command]))

    def surroundings(self, play: Play) -> Surroundings:
        """The ports of one play."""
        return Surroundings(
            store=self.store(play),
            fold=folds.fold,
            check=row_check(list),
            open=list,
            encode=codec.encode,
            decode=codec.decode,
            clock=lambda: play.use("clock", self.clock, pauses=False),
            append=lambda topic, records: play.use("append", partial(self._append, topic, records)),
            read=lambda topic, part, offset: self.log.read({(topic, part): offset}, 1)[0].value,
            partition_of=lambda key: partition_for(key.encode(), PARTITIONS),
        )

    def store(self, play: Play) -> PlayedStore:
        """The deciding store as one play sees it."""
        return PlayedStore(self.tables, self.fold, play)

    def decode(self, value: bytes) -> dict[str, Any]:
        """A record as a folder reads it."""
        return codec.decode(value)

    def clock(self) -> int:
        """A clock that moves whenever somebody looks."""
        self.now += 1
        return self.now

    # -- the log, as an unreliable network shows it

    def _append(self, topic: str, records: Sequence[tuple[str, bytes]]) -> list[tuple[str, int, int]]:
        given = [NewRecord(key.encode(), value) for key, value in records]
        fate = self.fates.pop(0) if self.fates else "lands"
        if fate == "late":
            self.held.append((topic, given))
        if fate == "half":
            self.log.append(topic, given[: (len(given) + 1) // 2])
        if fate in ("unsure", "twice", "lands"):
            positions = self.log.append(topic, given)
            if fate == "twice":
                positions = self.log.append(topic, given)
            if fate != "unsure":
                return [(at.topic, at.partition, at.offset) for at in positions]
        raise LogUnavailable(f"{topic}: no answer")

    def land(self, number: int) -> None:
        """An append that was given up lands after all; it stays, since it may land again."""
        self.log.append(*self.held[number])

    # -- folding

    def fold(self, how: str = "whole", who: int = 0, limit: int = 100, only: str | None = None) -> None:
        """One folder takes what comes next for it, in one of the ways of ``FOLDS``. ``only``: of one topic."""
        records = self._next(who, limit, only)
        store, other = self.stores[who], 1 - who
        if how == "gap":
            records = [one for one in records if one.offset > self.at(who, one)]
        elif how == "overlap":
            records = [*self.log.read({(one.topic, one.partition): 0 for one in records}, limit), *records]
        elif how == "race":
            store.before = partial(self._hand_over, other, self._next(other, limit))
        elif how == "crash before":
            store.before = _crash
        elif how == "crash after":
            store.after = _crash
        try:
            if records:
                self._hand_over(who, records)
        except Crash:
            self.folders[who] = self._folder(who)
        finally:
            store.before = store.after = None

    def at(self, who: int, record: Record) -> int:
        """The offset at which a folder goes on."""
        return self.folders[who]._at[record.topic, record.partition].next_offset

    def _next(self, who: int, limit: int, only: str | None = None) -> list[Record]:
        at = self.folders[who]._at.items()
        return self.log.read({where: one.next_offset for where, one in at if only in (None, where[0])}, limit)

    def _hand_over(self, who: int, records: list[Record]) -> None:
        before = dict(self.tables.at)
        try:
            self.folders[who].fold(records)
        except OwnershipLost:
            self.folders[who] = self._folder(who)
        except Gap:
            assert self.tables.at == before, "a gap writes nothing"

    def _folder(self, who: int) -> Folder:
        folder = Folder(self.stores[who], self.decode, self.clock)
        folder.own([(topic, part) for topic in self.topics for part in range(PARTITIONS)])
        return folder

    # -- to the end

    def run(self, play: Play | None) -> None:
        """Let one play go on to its end while nothing else happens."""
        if play is not None and not play.done:
            play.runs = True
            play.step()

    def drain(self) -> None:
        """Let a reliable world finish everything that was begun."""
        self.fates.clear()
        for _ in range(200):
            play = self.decide()
            if play is None:
                break
            self.run(play)
        else:
            raise AssertionError("observations that are never settled")
        for command in list(self.commands):
            asked = self.execute(command)
            self.run(asked)
            self.answered(command, asked)
        self.fold(limit=10_000)

    def answered(self, command: str, play: Play) -> None:
        """Keep a command's answer; the same id has the same answer for ever, once there is an event of it."""
        answer = play.problem if play.problem is not None else play.result
        if not isinstance(answer, Answer | Refused) or (isinstance(answer, Answer) and not answer.changed):
            return
        known = self.answers.setdefault(command, answer)
        assert _told_by(known) == _told_by(answer), f"{command} had another answer before"


def one_more_access(name: str, stream: int) -> Command:
    """A command whose lost update would show: it adds one to a count that observations leave alone."""
    account, course = STREAMS[stream]
    told = Told(stream_of(stream), INTEGRATION, account, course, None, BEGINNING)

    def decide(view: View, now: int) -> dict[str, Any]:
        row = view.row(ENROLLMENT, view.head(told.stream).row_id)
        if row is None:
            raise Refused("enrollment: is not known; expected one", field="enrollment", rule="exists", expected="one")
        more = {"total_access_count": (row["total_access_count"] or 0) + 1}
        draft = Draft(value_of(row, "cycle"), row["id"], transitions={"enrollment.corrected"}, enrollment=more)
        return draft.body(told, False) | {"type": draft.type, "employee_id": row["employee_id"], "reported": None}

    return Command(
        name, "model.access", COMPANY, LEARNING, ("enrollment", told.stream), decide, integration_id=INTEGRATION
    )


def _told_by(answer: Answer | Refused) -> Any:
    return answer.position if isinstance(answer, Answer) else str(answer)


def _crash() -> None:
    raise Crash


def _row(table: str, **values: Any) -> dict[str, Row]:
    row = blank(TABLES[table]) | {"fold_state": {}, "company_id": COMPANY} | values
    return {row["id"]: row}


def _tables() -> Tables:
    tables = Tables()
    tables.rows["company"] = _row("company", id=COMPANY, time_zone="UTC")
    tables.rows["lms_integration_config"] = _row(
        "lms_integration_config", id=INTEGRATION, supported_course_types=["eLearning"]
    )
    tables.rows["lms_account"] = _row("lms_account", id=LINKED, employee_id=EMPLOYEE) | _row("lms_account", id=UNLINKED)
    return tables
