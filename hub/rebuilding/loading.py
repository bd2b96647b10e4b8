"""Folds the log into a second set of tables: a few records here, many in processes of their own, a partition each.

A partition's rows come from that partition alone, so the processes need nothing of each other. Each goes on where the
tables say; one that is interrupted has written whole batches or nothing. Nothing but folding happens: nobody is told,
nothing is decided, no reactor sees these rows.
"""

from __future__ import annotations

import gc
import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

import psycopg

from hub.bootstrap import Hub, clock
from hub.domain.events.deadletters import LetterDiscarded
from hub.errors import HubError, Refused, Retriable
from hub.log import codec
from hub.log.port import EventLog
from hub.logging import configure
from hub.settings import Settings
from projections.copyformat import Opener
from projections.engine.batch import Discarded
from projections.engine.discards import discards
from projections.engine.folder import Folder
from projections.engine.pg_store import PgStore
from projections.rebuild.pair import tables
from projections.rebuild.swap import Offsets, offsets

BATCH = 16_000
"""Records of one transaction; fewer rows are written twice than with the batches of live folding. A process takes up to
about 400 MiB for them and for the rows that it remembers."""
KEEPS = 40_000
"""Rows that a process remembers."""
NAME = "hub rebuild"
DISCARDS = LetterDiscarded.topic
FEW = 10_000
"""Records that are folded in this process rather than in others, which take a second to begin."""

Tell = Callable[[int, int], None]
"""Told how many records are folded, and of how many."""
Part = tuple[str, int]


def silent(_done: int, _total: int) -> None:
    """Tells nobody."""


class Loader:
    """Folds into the tables of one schema; ``close`` lets its connections go. To be used by one thread.

    ``processes``: so many fold at once where there is much to fold.
    """

    def __init__(self, hub: Hub, schema: str, processes: int, few: int = FEW) -> None:
        self._hub = hub
        self._schema = schema
        self._processes = processes
        self._few = few
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(hub.connect())
        self._told = hub.log.ends(DISCARDS)
        self._discarded = discards(hub.log, codec.decode)
        folding = self._stack.enter_context(_quick(hub.connect()))
        self._folder = _folder(folding, hub.open_texts, schema, self._discarded)

    def knows_all_discards(self) -> bool:
        """Whether nobody discarded a record since this began: it would have been folded otherwise."""
        ends = self._hub.log.ends(DISCARDS)
        if ends != self._told and discards(self._hub.log, codec.decode) != self._discarded:
            return False
        self._told = ends
        return True

    def fold_to(self, targets: Mapping[Part, int], tell: Tell = silent) -> int:
        """Fold every partition up to its target (the first record that is not folded); returns how many records.

        Raises Refused where the log does not hold them all, Retriable where a process ended (it may be called again).
        """
        at = offsets(self._connection, self._schema)
        todo = {part: (at.get(part, 0), until) for part, until in targets.items() if at.get(part, 0) < until}
        _demand_whole(self._hub.log, todo)
        total = sum(until - start for start, until in todo.values())
        if total <= self._few:
            done = 0
            for part, (_, until) in todo.items():
                for count in _fold(self._folder, self._hub.log, part, until):
                    done += count
                    tell(done, total)
        else:
            self._fold_beside(todo, total, tell)
        return total

    def close(self) -> None:
        """Let the connections go."""
        self._stack.close()

    def _fold_beside(self, todo: Mapping[Part, tuple[int, int]], total: int, tell: Tell) -> None:
        longest_first = sorted(todo, key=lambda part: todo[part][1] - todo[part][0])
        waiting = [(part, todo[part][1]) for part in longest_first]
        done = 0
        with _Crew(self._hub, self._schema, min(self._processes, len(waiting))) as crew:
            idle = set(crew.links)
            while idle:
                link = idle.pop()
                crew.give(link, waiting.pop() if waiting else None)
                while crew.links and not idle:
                    for ready in crew.ready():
                        count = crew.heard(ready)
                        done += count or 0
                        tell(done, total)
                        if count is None:
                            idle.add(ready)


@dataclass
class _Crew:
    """Processes that fold, each at the other end of a link."""

    hub: Hub
    schema: str
    count: int
    links: dict[Connection, SpawnProcess] = field(default_factory=dict)
    all: list[SpawnProcess] = field(default_factory=list)

    def __enter__(self) -> _Crew:
        context = get_context("spawn")
        for _ in range(self.count):
            here, there = context.Pipe()
            process = context.Process(
                target=work, args=(there, self.hub.settings, self.hub.url, self.schema), daemon=True
            )
            process.start()
            there.close()
            self.links[here] = process
            self.all.append(process)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for process in self.all:
            if kind is not None:
                process.kill()
            process.join()

    def ready(self) -> list[Connection]:
        """Links on which something was said."""
        return [one for one in wait(list(self.links)) if isinstance(one, Connection)]

    def give(self, link: Connection, task: tuple[Part, int] | None) -> None:
        """Give a process its next partition; None: there are no more. Raises Retriable where it has ended."""
        try:
            link.send(task)
        except OSError as problem:
            raise _ended() from problem
        if task is None:
            del self.links[link]

    def heard(self, link: Connection) -> int | None:
        """What was said: how many records were folded; None: the partition is done.

        Raises Retriable where the process failed or ended.
        """
        try:
            said = link.recv()
        except (EOFError, OSError) as problem:
            raise _ended() from problem
        if isinstance(said, str):
            raise Retriable(f"a process that folds has failed: {said}")
        return None if said is None else int(said)


def _ended() -> Retriable:
    return Retriable("a process that folds has ended; what it had written is kept, begin again")


def work(link: Connection, settings: Settings, url: str, schema: str) -> None:
    """What such a process does: fold the partitions that it is given, until there are no more or its parent is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    configure("warning")
    gc.disable()  # a batch leaves nothing in a cycle, and the process ends soon
    with ExitStack() as stack, suppress(EOFError):
        try:
            hub = Hub(settings, url, stack)
            known = discards(hub.log, codec.decode)
            folder = _folder(stack.enter_context(_quick(hub.connect())), hub.open_texts, schema, known)
            while (task := link.recv()) is not None:
                for count in _fold(folder, hub.log, *task):
                    link.send(count)
                link.send(None)
        except (HubError, psycopg.Error) as problem:
            link.send(str(problem))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _fold(folder: Folder, log: EventLog, part: Part, until: int) -> Any:
    """Fold one partition up to ``until``, batch by batch; tells the size of each."""
    at = folder.own([part])[part]
    while at < until:
        records = log.read({part: at}, min(BATCH, until - at))
        if not records:
            raise Refused(
                f"{part[0]}/{part[1]}: the log ends at {at}, the tables say {until}; expected a log that holds all they were "
                "folded from", field="log", rule="whole", expected=f"records up to {until}",
            )  # fmt: skip
        folder.fold(records)
        at = records[-1].offset + 1
        yield len(records)


def _demand_whole(log: EventLog, todo: Mapping[Part, tuple[int, int]]) -> None:
    for topic in {topic for topic, _ in todo}:
        begins = log.begins(topic)
        for (name, number), (start, _) in todo.items():
            if name == topic and begins.get(number, 0) > start:
                raise Refused(
                    f"{topic}/{number}: the log begins at {begins[number]}; expected it from record {start} on, since tables "
                    "are made of all records", field="log", rule="whole", expected=f"records from {start}",
                )  # fmt: skip


def digest(hub: Hub) -> str:
    """Which records were discarded so far: tables that were begun when there were others are begun anew."""
    found = sorted((*where, sha.hex()) for where, sha in discards(hub.log, codec.decode).items())
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def _folder(connection: psycopg.Connection[Any], opener: Opener, schema: str, discarded: Discarded) -> Folder:
    return Folder(PgStore(connection, opener, tables(schema)), codec.decode, clock, discarded, KEEPS)


def _quick(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A lost commit is made again from the log, so none is waited for; the swap itself is."""
    connection.execute("SET synchronous_commit = off")
    return named(connection)


def named(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """With a name by which the session is found and ended where its process was killed."""
    connection.execute(f"SET application_name = '{NAME}'")
    return connection


__all__ = ["Loader", "Offsets", "Tell"]
