"""What people do about parked records, in the model's world: the memory engine's form of resolving them.

The same steps as on PostgreSQL (:mod:`projections.engine.resolver`, :mod:`hub.deadletters`): an act is an event of the
letter's own stream; then, in one step that raises the partition's epoch, the record is folded or passed over, and what
waits behind it is judged; then the observations that were put aside are decided in their order. Whoever acts may die
between two of these, and a look at the tables brings each act to its end. One person at a time acts on a letter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hub.deadletters import acts
from hub.deadletters.letters import Letter
from hub.deciding.decider import Decider
from hub.deciding.ports import Settled, Surroundings
from hub.domain.heads import NOTHING, Head
from hub.domain.rows import Row
from hub.errors import Refused, Retriable
from hub.log import codec
from projections.engine.batch import Batch, Decoded, Writes, decoded
from projections.engine.folder import RowRefused
from projections.engine.memory import MemoryStore, Tables
from tests.support.model import COMPANY, OBSERVATIONS
from tests.support.play import Play
from tests.support.wide import WidePlayed, WideSnapshot, WideWorld

DISCARDED = "lms.deadletter.discarded.v1"


class ParkedWorld(WideWorld):
    """The wide world, with people who look after its dead letters."""

    aside_holder: Play | None = None
    """Who has the lock of deciding what was put aside."""

    # -- letters

    def parked(self) -> list[str]:
        """The ids of the parked records, in the order of the log."""
        waiting = [row for row in self.tables.dead.values() if row["kind"] == "parked"]
        return [row["id"] for row in sorted(waiting, key=place_of)]

    def dead(self) -> bool:
        """Whether anything waits."""
        return bool(self.tables.dead)

    def rejected(self) -> list[str]:
        """The ids of rejected observations whose letters are open."""
        letters = self.tables.rows.get("dead_letter", {}).values()
        return [row["id"] for row in letters if row["resolution"] is None and row["lms_integration_id"] is not None]

    def act(self, letter_id: str, *, discard: bool) -> str:
        """A person wants a parked record replayed or discarded, or is told that it is parked; returns the command's id."""
        letter = _letter(self.tables.dead[letter_id])
        company = letter.company_id or COMPANY
        if discard:
            return self.ask(acts.discarded, letter, company, reason="model")
        return self.ask(acts.replayed, letter, company, reason="model")

    def last_act(self, letter_id: str) -> str | None:
        """The type of the last event that is folded of a letter."""
        head = self.tables.heads.get(letter_id)
        return None if head is None else self.tables.audit[head.last_event_id]["additional_context"]["event_type"]

    def follow(self, letter_id: str) -> bool:
        """Bring the last act on a parked record to its end; whether there was one."""
        act = self.last_act(letter_id)
        if act is None or letter_id not in self.tables.dead:
            return False
        try:
            return self._resolve(letter_id, discard=act == DISCARDED)
        except Refused:
            return False

    def replay_rejected(self, letter_id: str) -> str:
        """A rejected observation is told again as it is, in a run of its own; then its letter is done with."""
        row = self.tables.rows["dead_letter"][letter_id]
        self.publish(codec.decode(row["record"]) | {"backfill": True}, again=True)
        return self.ask(acts.replayed, _letter(row), COMPANY, run_id=None, reason="model")

    # -- resolving

    def _resolve(self, letter_id: str, *, discard: bool) -> bool:
        """One transaction: fold or pass over a record, and go on with what waits behind it."""
        letter = self.tables.dead[letter_id]
        same = (letter["topic"], letter["stream_id"])
        behind = [one for one in self.tables.dead.values() if (one["topic"], one["stream_id"]) == same]
        waiting = sorted(behind if letter["stream_id"] else [letter], key=place_of)
        if waiting[0]["id"] != letter_id:
            raise Refused("id: another record waits before it", field="id", rule="in order", expected="that one first")
        still = False
        while waiting and not still:
            one = waiting.pop(0)
            if discard and one["id"] == letter_id:
                self._forget(one["id"], *self._told_by(one))
            elif not (still := self._fold_again(one)):
                self._forget(one["id"])
        self._free(letter["stream_id"], parked=still)
        where = (letter["topic"], letter["partition"])
        self.tables.at[where] = replace(self.tables.at[where], epoch=self.tables.at[where].epoch + 1)
        return True

    def _fold_again(self, letter: Row) -> bool:
        """Fold one record; whether it is parked (again)."""
        one = self._read(letter)
        if letter["stream_id"] is None and one.event is not None and self._has_gone_on(letter, one.event):
            raise Refused("record: its stream has gone on", field="record", rule="follows", expected="a discard")
        try:
            return self._write(letter, one)
        except RowRefused as problem:
            return self._write(letter, one._replace(problem=problem))

    def _write(self, letter: Row, one: Decoded) -> bool:
        store = MemoryStore(self.tables)
        event = one.event or {}
        stream = event.get("stream_id")
        rows: dict[str, list[str]] = {}
        for projection, key in one.targets:
            rows.setdefault(projection.name, []).append(key)
        heads, known = store.load([stream] if stream else [], rows)
        if stream and letter["stream_id"]:
            heads[stream] = heads.get(stream, NOTHING)._replace(parked=False)
        batch = Batch(heads, known, self.clock())
        batch.one(one, letter["chain"])
        if not batch.counts.parked:
            self.refuse(batch.writes)
        store.commit(_apart(batch.writes))
        return bool(batch.counts.parked)

    def _has_gone_on(self, letter: Row, event: Mapping[str, Any]) -> bool:
        """Whether anything of the stream lies behind the record: it was judged without it."""
        for later in self.log.read({(letter["topic"], letter["partition"]): letter["offset"] + 1}, 10_000):
            if later.key == f"{event['stream_kind']}/{event['stream_id']}".encode():
                return True
        return False

    def _read(self, letter: Row) -> Decoded:
        (record,) = self.log.read({(letter["topic"], letter["partition"]): letter["offset"]}, 1)
        (one,) = decoded([record], self.decode)
        return one

    def _told_by(self, letter: Row) -> list[str]:
        """The letter of the observation that a record was decided from."""
        topic, *place = str((self._read(letter).event or {}).get("causation_id")).split("/")
        return [
            one["id"]
            for one in self.tables.dead.values()
            if topic == OBSERVATIONS and place_of(one) == (topic, *map(int, place))
        ]

    def _forget(self, *letters: str) -> None:
        for letter in letters:
            self.tables.dead.pop(letter, None)

    def _free(self, stream: str | None, *, parked: bool) -> None:
        if stream in self.tables.heads:
            self.tables.heads[stream] = self.tables.heads[stream]._replace(parked=parked)
            self._never_began(stream)

    def _never_began(self, stream: str) -> None:
        """The head of a stream of which nothing was ever applied goes, once nothing waits for it any more."""
        head = self.tables.heads.get(stream)
        waits = any(one["stream_id"] == stream and one["kind"] == "behind" for one in self.tables.dead.values())
        if head is not None and head.version == 0 and not head.parked and not waits:
            del self.tables.heads[stream]

    # -- what was put aside

    def decide_aside(self) -> Play | None:
        """Decide what was put aside of streams that are free; None where nothing is, or somebody else does it."""
        free = [
            one
            for one in self.tables.dead.values()
            if one["topic"] == OBSERVATIONS and not self.tables.heads[one["stream_id"]].parked
        ]
        if self.aside_holder is not None or not free:
            return None
        free = sorted((one for one in free if one["partition"] == free[0]["partition"]), key=place_of)
        records = [
            (one["partition"], one["offset"], self.log.read({(OBSERVATIONS, one["partition"]): one["offset"]}, 1)[0].value)
            for one in free
        ]  # fmt: skip

        def call(around: Surroundings) -> Any:
            return Decider(replace(around, store=_Aside(self, play, free))).process(records)

        self.aside_holder = play = self.play(call)
        return play

    # -- to the end

    def drain(self) -> None:
        self.fates.clear()
        self.broken.clear()
        self.smudged.clear()
        for _ in range(40):
            self.aside_holder = None
            super().drain()
            for letter_id in self.parked():
                self._put_right(letter_id)
            self.run(self.decide_aside())
            self.aside_holder = None
            self.run(self.react())
            self.fold(limit=10_000)
            if not self.tables.dead and not self.stale() and self.decide() is None:
                return
        raise AssertionError(
            f"never comes to rest: {[(one['kind'], place_of(one)) for one in self.tables.dead.values()]}"
        )

    def _put_right(self, letter_id: str) -> None:
        """What was done about a letter is brought to its end, else it is replayed; what cannot be folded is discarded."""
        if self.follow(letter_id) and letter_id not in self.tables.dead:
            return
        if letter_id in self.tables.dead:
            row = self.tables.dead[letter_id]
            one = self._read(row)
            lost = one.event is None or (row["stream_id"] is None and self._has_gone_on(row, one.event))
            self.run_through(self.act(letter_id, discard=lost))
            self.follow(letter_id)


class _Aside(WidePlayed):
    """The store for who decides what was put aside: its streams are free, and no offset moves."""

    def __init__(self, world: ParkedWorld, play: Play, letters: list[Row]) -> None:
        super().__init__(world.tables, world.fold, play)
        self._world, self._letters = world, letters

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        begin = min(one["offset"] for one in self._letters)
        yield self._play.use("snapshot", lambda: _Undecided(self._tables, begin))

    def settle(self, settled: Mapping[int, Settled]) -> None:
        def act() -> None:
            if self._world.aside_holder is not self._play:
                raise Retriable("the connection that had the lock is gone")
            waiting = {one["offset"] for each in settled.values() for one in each.aside}
            for letter in self._letters:
                if letter["offset"] not in waiting:
                    self._tables.dead.pop(letter["id"], None)
                    self._world._never_began(letter["stream_id"])

        self._play.use("settle", act)


class _Undecided(WideSnapshot):
    """A snapshot in which the observations at hand are the next ones."""

    def __init__(self, tables: Tables, begin: int) -> None:
        super().__init__(tables)
        self._begin = begin

    def heads(self, streams: Any) -> dict[str, Head]:
        return self.free(streams)

    def decided_offsets(self, partitions: Collection[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, self._begin)


def place_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a waiting record lies: topic, partition, offset."""
    return row["topic"], row["partition"], row["offset"]


def _apart(writes: Writes) -> Writes:
    """What is written where no offset moves."""
    writes.expected, writes.reached = {}, {}
    return writes


def _letter(row: Row) -> Letter:
    known = {name: row.get(name) for name in Letter.__slots__ if name in row}
    more = {
        "cause": "", "integration_id": row["lms_integration_id"], "code": None, "stream": row["stream_id"], "stream_kind": None,
        "size": row["record_size"], "sha256": row["record_sha256"], "source_sha256": None, "resolved": False,
    }  # fmt: skip
    return Letter(**known, **more)
