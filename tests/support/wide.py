"""The model's world with everything in it: settings, directory, catalogue, statements, dead letters, links, rebuilds.

It adds to :mod:`tests.support.model` further topics and commands, the reactor of identity, a database that refuses the
rows of a stream for a while, records that cannot be read, what people do about them (:mod:`tests.support.parking`), and a
fold from the beginning beside the live one. Its tables begin with a company, an integration, an employee and an account.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from hub.deciding.commands import Command, Commands
from hub.deciding.ports import Settled
from hub.directory import commands as directory
from hub.domain import ids
from hub.domain.heads import Head
from hub.domain.rows import Row, value_of
from hub.enrollments import commands as enrollments
from hub.identity import commands as identity
from hub.identity.reactor import IdentityReactor
from hub.integrations import commands as integrations
from hub.log import codec
from hub.log.memory import MemoryLog
from hub.log.port import NewRecord
from projections.engine.batch import Writes
from projections.engine.folder import RowRefused
from projections.engine.memory import MemorySnapshot, Tables
from tests.support.model import (
    BEGINNING,
    COMPANY,
    DEADLETTER,
    DIRECTORY,
    ENROLLMENT,
    FOREIGN,
    INTEGRATION,
    LEARNING,
    LINKED,
    MINUTE,
    OBSERVATIONS,
    PARTITIONS,
    STREAMS,
    UNLINKED,
    World,
    stream_of,
)
from tests.support.play import HookedStore, Play, PlayedStore

SETTINGS, STATEMENTS = "lms.integration", "lms.statements"
ACCOUNTS = (LINKED, UNLINKED)
NUMBERS = ("sealed:1001", "sealed:1002")
EMPLOYEES = tuple(ids.derived(COMPANY, "employee", number) for number in NUMBERS)
BREAKABLE = (*(stream_of(number) for number in range(len(STREAMS))), *ACCOUNTS, ids.settings_stream(COMPANY))
"""Streams whose rows the database may refuse for a while."""
GARBAGE = b"garbage"


class WideSnapshot(MemorySnapshot):
    """A snapshot that knows what is put aside: a stream is parked for as long as anything of it waits to be decided."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self._dead = dict(tables.dead)

    def heads(self, streams: Any) -> dict[str, Head]:
        aside = {one["stream_id"] for one in self._dead.values() if one["topic"] == OBSERVATIONS}
        found = super().heads(streams)
        return {stream: head._replace(parked=True) if stream in aside else head for stream, head in found.items()}

    def free(self, streams: Any) -> dict[str, Head]:
        """The heads as who decides what was put aside sees them."""
        return super().heads(streams)

    def rows(self, table: str, ids: Any) -> dict[str, Row]:
        found = super().rows(table, ids)
        if table == "dead_letter":
            found |= {key: dict(self._dead[key]) for key in ids if key in self._dead}
        return found


class WidePlayed(PlayedStore):
    """The deciding store as one play sees it, with what is put aside."""

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        yield self._play.use("snapshot", lambda: WideSnapshot(self._tables))

    def settle(self, settled: Mapping[int, Settled]) -> None:
        def act() -> None:
            super(PlayedStore, self).settle({part: _without_aside(one) for part, one in settled.items()})
            for part, one in settled.items():
                for waiting in one.aside:
                    key = ids.waiting_record(OBSERVATIONS, part, waiting["offset"])
                    where = {"topic": OBSERVATIONS, "partition": part, "offset": waiting["offset"]}
                    stream = waiting["observation"]["stream_id"]
                    self._tables.dead[key] = {"id": key, "kind": "behind", "stream_id": stream, **where}

        self._play.use("settle", act)


def _without_aside(one: Settled) -> Settled:
    return Settled(one.expected, one.reached, one.outcomes)


class WideStore(HookedStore):
    """A fold store on a database that refuses some rows."""

    refuse: Callable[[Writes], None]

    def commit(self, writes: Writes) -> None:
        self.refuse(writes)
        super().commit(writes)


@dataclass(frozen=True, slots=True)
class Found:
    """An account or an enrollment that the reactor of identity concerns itself with."""

    stream: str
    account_id: str
    version: int
    candidates: Mapping[str, Sequence[str]]
    company_id: str = COMPANY


class WideWorld(World):
    """See the module."""

    topics = (SETTINGS, DIRECTORY, LEARNING, STATEMENTS, DEADLETTER)
    hooked = WideStore

    def __init__(self, *, empty: bool = False) -> None:
        self.broken: set[str] = set()
        """Streams whose rows the database refuses at present."""
        self.smudged: set[bytes] = set()
        """Records that cannot be read at present."""
        self.wishes: set[str] = set()
        """Ids of all commands that add an access."""
        super().__init__(*((None, Tables()) if empty else _beginning()))
        if not empty:
            self.told, self.named, self.now = _begun().told, _begun().named, _begun().now
        for store in self.stores:
            store.refuse = self.refuse

    def store(self, play: Play) -> PlayedStore:
        return WidePlayed(self.tables, self.fold, play)

    def decode(self, value: bytes) -> dict[str, Any]:
        return codec.decode(GARBAGE if value in self.smudged else value)

    def refuse(self, writes: Writes) -> None:
        """Raise RowRefused where a row of a broken stream would be written."""
        for row in writes.audit:
            if row["additional_context"]["stream"].partition("/")[2] in self.broken:
                raise refusal()

    # -- what is told beside enrollments and lessons

    def see_account(self, number: int, own: int | None, name: str) -> dict[str, Any]:
        """An LMS tells of an account, whose number in HR it knows."""
        facts = {"hr_number": NUMBERS[number], "display_name": f"sealed:{name}"}
        return self._see("account", ACCOUNTS[number], facts, own)

    def see_course(self, key: str, own: int | None, days: int, *, retired: bool) -> dict[str, Any]:
        """An LMS tells of a course of its catalogue."""
        facts = {"course_key": key, "course_id": key, "course_name": key, "validity_days": days}
        return self._see("course", ids.course_stream(INTEGRATION, key), facts, own, retired=retired)

    def _see(self, kind: str, stream: str, facts: dict[str, Any], own: int | None, **more: Any) -> dict[str, Any]:
        return self.publish({
            "type": f"lms.observation.{kind}.v1", "company_id": COMPANY, "integration_id": INTEGRATION, "stream_kind": kind,
            "stream_id": stream, "source_time": None if own is None else BEGINNING + own * MINUTE, "native_id": None,
            "payload_sha256": None, "content_id": None, "source_name": "model", "source_position": None, "counted": True,
            "backfill": False, "facts": facts, **more,
        })  # fmt: skip

    def tell_of_nobody(self, number: int) -> dict[str, Any]:
        """An enrollment of an integration that may not be configured (yet)."""
        account, course = STREAMS[number]
        stream = ids.enrollment_stream(FOREIGN, account, course)
        return self.tell(number, {"progress": 4000}, own=1, integration_id=FOREIGN, stream_id=stream)

    def receive(self, number: int, voided: bool) -> None:
        """A raw statement, or one that voids it; sent in any order, any number of times."""
        statement, voiding = (ids.derived(ids.ROOT, what, str(number)) for what in ("statement", "voiding"))
        common = {"company_id": COMPANY, "integration_id": INTEGRATION, "recorded_at": BEGINNING + number, "correlation_id": None,
                  "statement_id": statement}  # fmt: skip
        if voided:
            record = common | {"type": "lms.statement.voided.v1", "event_id": voiding, "voided_by": voiding}
        else:
            record = common | {
                "type": "lms.statement.received.v1", "event_id": statement, "target_stream": None, "target_part": None,
                "account_id": None, "kind": "other", "digest": bytes([number]) * 32, "statement": "sealed:x",
            }  # fmt: skip
        self.log.append(STATEMENTS, [NewRecord(f"statement/{statement}".encode(), codec.encode(record))])

    def litter(self, topic: str, part: int) -> None:
        """A stranger appends what is no record of ours."""
        self.log.append(topic, [NewRecord(b"x", GARBAGE)], partition=part)

    # -- commands

    def command(self, stream: int) -> str:
        name = super().command(stream)
        self.wishes.add(name)
        return name

    def ask(self, make: Callable[..., Command], *given: Any, **more: Any) -> str:
        """A new command of the hub; returns its id."""
        name = self.name()
        self.commands[name] = replace(make(*given, **more), id=name)
        return name

    def ask_for_employee(self, number: int, title: str) -> str:
        """HR tells of an employee."""
        wanted = {"employee_number": NUMBERS[number], "job_title": title}
        return self.ask(directory.upsert, "employee", EMPLOYEES[number], COMPANY, wanted)

    def ask_for_link(self, account: int, employee: int | None) -> str:
        """A person links an account, or takes its link back."""
        if employee is None:
            return self.ask(identity.unlink_account, COMPANY, ACCOUNTS[account])
        return self.ask(identity.link_account, COMPANY, ACCOUNTS[account], EMPLOYEES[employee])

    def ask_for_setting(self, what: str, code: str) -> str:
        """Somebody changes an integration, or a run of it begins or ends."""
        config = ids.integration_id(COMPANY, code)
        run, facts = ids.derived(config, "model sync"), {"kind": "sync", "started_at": BEGINNING, "trigger": "person"}
        if what == "add":
            wanted = {"lms_code": code, "lms_name": code, "lms_type": "Moodle", "integration_method": "API"}
            return self.ask(integrations.add, COMPANY, wanted)
        if what in ("on", "off"):
            return self.ask(integrations.activate, COMPANY, code, active=what == "on")
        if what in ("primary", "unprimary"):
            return self.ask(integrations.change, COMPANY, code, {"is_primary_lms": what == "primary"})
        if what == "address":
            return self.ask(integrations.change, COMPANY, code, {"api_endpoint_url": "https://lms.example.org"})
        if what == "no address":
            return self.ask(integrations.change, COMPANY, code, {}, cleared=("api_endpoint_url",))
        sync = {
            "begin": integrations.sync_started,
            "end": integrations.sync_completed,
            "fail": integrations.sync_failed,
        }
        return self.ask(sync[what], COMPANY, config, run, facts)

    def ask_for_due_date(self, stream: int, day: int | None) -> str:
        """A person sets, moves or lifts a deadline."""
        return self.ask(enrollments.set_due_date, COMPANY, stream_of(stream), day)

    def waive(self, stream: int) -> str:
        """A person is excused."""
        return self.ask(enrollments.waive, COMPANY, stream_of(stream))

    # -- the reactor of identity

    def react(self) -> Play:
        """The reactor looks at the tables, and gives commands for what is not as it should be."""
        play: Play

        def call(around: Any) -> int:
            def stale(_: int) -> list[Found]:
                return play.use("query", self.stale)

            def matchable(_: str) -> list[Found]:
                return play.use("query", self.matchable)

            return IdentityReactor(Commands(around), matchable, stale).react()  # type: ignore[arg-type]

        play = self.play(call)
        return play

    def stale(self) -> list[Found]:
        """Enrollments of which some row does not say the employee that its account says."""
        found = {}
        for row in self.tables.rows.get(ENROLLMENT, {}).values():
            account = value_of(row, "account_id")
            linked = self.tables.rows.get("lms_account", {}).get(account, {}).get("employee_id")
            stream = ids.enrollment_stream(row["lms_integration_id"], account, value_of(row, "course_key"))
            head = self.tables.heads[stream]
            if row["employee_id"] != linked and not head.parked:
                found[stream] = Found(stream, account, head.version, {})
        return list(found.values())

    def matchable(self) -> list[Found]:
        """Accounts linked to nobody that an employee's number names."""
        employees = self.tables.rows.get("employee", {}).values()
        found = []
        for key, row in self.tables.rows.get("lms_account", {}).items():
            head = self.tables.heads[key]
            if row["employee_id"] is None and row["match_problem"] != "unlinked by hand" and not head.parked:
                same = [one["id"] for one in employees if one["employee_number"] == row["hr_number"]]
                found.append(Found(key, key, head.version, {"hr_number": same}))
        return found

    # -- the log

    def _append(self, topic: str, records: Sequence[tuple[str, bytes]]) -> list[tuple[str, int, int]]:
        if self.fates[:1] == ["smudged"]:
            self.fates[0] = "lands"
            if topic != DEADLETTER:
                self.smudged.add(records[0][1])
        return super()._append(topic, records)

    def run_through(self, command: str) -> None:
        """Execute a command while nothing else happens."""
        asked = self.execute(command)
        self.run(asked)
        self.answered(command, asked)


def refusal() -> RowRefused:
    """What the database says of a row that it does not take."""
    return RowRefused("row: is refused; expected one that fits", field="row", rule="fits", expected="one that fits")


@cache
def _begun() -> WideWorld:
    """A company, an integration, an employee, and his account."""
    world = WideWorld(empty=True)
    names = [
        world.ask(directory.company, "model", "Model"),
        world.ask(
            integrations.add, COMPANY,
            {"lms_code": "main", "lms_name": "Main", "lms_type": "Moodle", "integration_method": "API",
             "supported_course_types": '["eLearning"]'},
        ),
        world.ask_for_employee(0, "smith"),
    ]  # fmt: skip
    for name in names:
        world.run_through(name)
    world.see_account(0, 0, "ada")
    world.drain()
    return world


def _beginning() -> tuple[MemoryLog, Tables]:
    begun = _begun()
    log = MemoryLog(PARTITIONS)
    for where, records in begun.log._records.items():
        log._records[where] = list(records)
    return log, copy.deepcopy(begun.tables)
