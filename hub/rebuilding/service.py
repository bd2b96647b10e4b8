"""Comparing and rebuilding as whole acts: in their order, one at a time in a database, each of them told as an event.

What was begun is gone on with: the second set of tables says how far it is, so an act that was interrupted at any
moment is simply asked for again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from hub.bootstrap import Hub
from hub.errors import Refused
from hub.rebuilding import commands, loading
from hub.rebuilding.loading import FEW, NAME, Loader, named
from projections import folds
from projections.rebuild import compare, pair, repair, stamp, swap
from projections.rebuild.compare import Key, Result, Row, Side
from projections.rebuild.pair import LIVE, NEXT, OLD
from projections.tables import SCHEMA

LOCK = 7_205
"""Advisory lock of who compares, rebuilds or rolls back."""
WAIT_SECONDS = 5
"""So long the lock is waited for: a process that was killed may hold it for a moment."""
LEFT_OVER = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()
"""
CLOSE = 200
"""Records by which the second set may be behind when the swap is tried."""
PATIENCE_SECONDS = 600.0
"""So long the swap is tried while others read."""

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""


@dataclass(slots=True)
class Swapped:
    """What a swap took."""

    records: int = 0
    """Records folded into the second set."""
    results: list[Result] = field(default_factory=list)
    held_seconds: float = 0.0
    """How long nobody could read or write."""
    attempts: int = 0


class Rebuilding:
    """The acts over an open hub. ``processes`` fold at once; ``tell`` is shown how far an act is."""

    def __init__(self, hub: Hub, tell: Progress, processes: int | None = None, few: int = FEW) -> None:
        self._hub = hub
        self._tell = tell
        self._processes = processes or os.cpu_count() or 1
        self._few = few

    def compare(self, tables: Collection[str] = (), *, mend: bool = False, reason: str | None = None) -> list[Result]:
        """Compare these tables (none: all) with what the log gives, as of now; ``mend``: rewrite the rows that differ.

        Mending is an event first, so what was rewritten is never without its reason.

        Raises Refused where the log is not whole, another such act is under way, or a dead letter was discarded meanwhile.
        """
        _demand_known(tables)
        with self._alone() as connection, self._loaded(connection, _topics_of(tables)) as loader:
            pair.primary_keys(self._connect, NEXT, self._processes)
            results = self._compared(loader, tables or LIVE, _topics_of(tables))
            _demand_same_discards(loader)
            keys = {one.table: [row.key for row in one.differing] for one in results if one.differing}
            if mend and keys:
                self._mend(connection, loader, keys, reason, _topics_of(tables))
            pair.drop(connection, NEXT)
        return results

    def rebuild(self, *, accept: bool = False, reason: str | None = None) -> Swapped:
        """Build all tables anew beside the live ones, compare, and put them in their place; the old ones are kept.

        Tables of another version are expected to differ; other differences are refused unless accepted.

        Raises Refused where there are such differences (nothing is swapped; what was built is kept), where old tables are
        still kept, or as :meth:`compare` does; Busy where others read without end.
        """
        done = Swapped()
        with self._alone() as connection:
            pair.validate_foreign_keys(connection)  # of a rebuild that was interrupted after its swap
            if pair.exists(connection, OLD):
                raise Refused(
                    "old tables: those before the last rebuild are still kept; expected `hub projections drop-old` first, or "
                    "`hub projections rollback`", field="old tables", rule="one pair is kept", expected="none",
                )  # fmt: skip
            swap.demand_own_only(connection)
            changed = stamp.differing(connection)
            with self._loaded(connection, tuple(folds.BY_TOPIC)) as loader:
                self._tell("build indexes", 0, 1)
                pair.indexes(self._connect, NEXT, self._processes)
                self._tell("build indexes", 1, 1)
                done.results = self._compared(loader, LIVE, tuple(folds.BY_TOPIC))
                _demand_same_discards(loader)
                _demand_expected(done.results, changed, accept=accept)
                self._exchange(connection, loader, NEXT, done)
            done.records = sum(swap.offsets(connection).values())
            pair.validate_foreign_keys(connection)
        self._say("rebuilt", {one.table: one.rows for one in done.results}, reason)
        return done

    def rollback(self, reason: str | None = None) -> Swapped:
        """Bring the old tables up to date and put them back; the others are kept as the old ones then.

        Raises Refused where none are kept, or another version of the program made them.
        """
        done = Swapped()
        with self._alone() as connection:
            if not pair.exists(connection, OLD):
                raise Refused("old tables: there are none; expected a rebuild before",
                              field="old tables", rule="exist", expected="a rebuild before")  # fmt: skip
            if stamp.of(connection, OLD) not in (None, stamp.mine()):
                raise Refused(
                    "old tables: another version of the program made them; expected that version to put them back",
                    field="old tables", rule="made by this version", expected="the version that made them",
                )  # fmt: skip
            swap.demand_own_only(connection)
            pair.drop_foreign_keys(connection, OLD)
            loader = Loader(self._hub, OLD, self._processes, self._few)
            try:
                self._exchange(connection, loader, OLD, done)
            finally:
                loader.close()
            pair.validate_foreign_keys(connection)
        self._say("rolled back", {}, reason)
        return done

    def drop_old(self) -> list[str]:
        """Drop the tables that a rebuild replaced, and those of one that was interrupted; returns what was dropped."""
        with self._alone() as connection:
            return [schema for schema in (OLD, NEXT) if pair.drop(connection, schema)]

    def _connect(self) -> psycopg.Connection[Any]:
        return named(self._hub.connect())

    @contextmanager
    def _alone(self) -> Iterator[psycopg.Connection[Any]]:
        """Hold the lock, in a session of one's own; what is left of an act that was killed is ended first."""
        with self._hub.connect() as connection:
            try:
                connection.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
                connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            except psycopg.errors.LockNotAvailable as problem:
                raise Refused(
                    "projections: they are compared or rebuilt at this moment; expected that to end first",
                    field="projections", rule="one at a time", expected="no other",
                ) from problem  # fmt: skip
            try:
                connection.execute("RESET lock_timeout")
                connection.execute(LEFT_OVER, (NAME,))
                yield connection
            finally:  # by word: the end of the session frees it only some time after the connection is closed
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))

    @contextmanager
    def _loaded(self, connection: psycopg.Connection[Any], topics: Collection[str]) -> Iterator[Loader]:
        """A second set of tables that holds these topics as far as the live tables do now."""
        pair.create(connection, NEXT, loading.digest(self._hub))
        loader = Loader(self._hub, NEXT, self._processes, self._few)
        try:
            loader.fold_to(_only(swap.offsets(connection), topics), lambda done, all_: self._tell("fold", done, all_))
            yield loader
        finally:
            loader.close()

    def _compared(self, loader: Loader, tables: Collection[str], topics: Collection[str]) -> list[Result]:
        """Compare at the offsets of one moment, which the live side goes on seeing while the other is folded up to it."""
        results = []
        with self._connect() as live, self._connect() as log:
            live.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            live.read_only = True
            with live.transaction():
                loader.fold_to(_only(swap.offsets(live), topics), lambda done, all_: self._tell("catch up", done, all_))
                for number, name in enumerate(tables):
                    self._tell("compare", number, len(tables))
                    results.append(compare.compare(Side(live, SCHEMA), Side(log, NEXT), name))
        self._tell("compare", len(tables), len(tables))
        return results

    def _mend(
        self,
        connection: psycopg.Connection[Any],
        loader: Loader,
        keys: dict[str, list[Key]],
        reason: str | None,
        topics: Collection[str],
    ) -> None:
        told = repair.companies(connection, keys)
        commands.tell(self._hub, "repaired", told, reason or "The rows differed from their log.")

        def attempt() -> None:
            loader.fold_to(_only(swap.offsets(connection), topics))
            with swap.held(connection, readers_too=False):
                loader.fold_to(_only(swap.offsets(connection), topics))
                _demand_same_discards(loader)
                repair.repair(connection, keys)

        self._patiently(connection, attempt)

    def _exchange(self, connection: psycopg.Connection[Any], loader: Loader, schema: str, done: Swapped) -> None:
        self._tell("swap", 0, 1)

        def rest(until: swap.Offsets) -> None:
            loader.fold_to(until)
            if not loader.knows_all_discards():
                raise swap.Busy("a dead letter was discarded meanwhile")

        def attempt() -> None:
            done.attempts += 1
            while loader.fold_to(swap.offsets(connection)) > CLOSE:
                pass
            complete = swap.marker(connection)
            loader.fold_to(swap.offsets(connection))
            _demand_same_discards(loader)
            done.held_seconds = swap.exchange(connection, schema, rest, complete)

        self._patiently(connection, attempt)
        self._tell("swap", 1, 1)

    def _patiently(self, connection: psycopg.Connection[Any], attempt: Callable[[], None]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return attempt()
            except swap.Busy as problem:
                if time.monotonic() > deadline:
                    users = ", ".join(map(str, swap.holders(connection)))
                    raise swap.Busy(
                        f"{problem} (for {PATIENCE_SECONDS:.0f} s; sessions that use them: {users})"
                    ) from None
                time.sleep(swap.GIVE_WAY_SECONDS)

    def _say(self, what: str, rows: dict[str, int], reason: str | None) -> None:
        with self._hub.connection() as connection:
            companies = [row[0] for row in connection.execute("SELECT id::text FROM hub.company ORDER BY 1").fetchall()]
        commands.tell(self._hub, what, dict.fromkeys(companies, rows), reason)


def _demand_known(tables: Collection[str]) -> None:
    for name in tables:
        if name not in LIVE:
            raise Refused(f"table: {name} is none; expected one of {', '.join(LIVE)}",
                          field="table", rule="exists", expected=", ".join(LIVE))  # fmt: skip


def _demand_same_discards(loader: Loader) -> None:
    """Rows that were folded with a record that no longer counts are not to be held against the live ones."""
    if not loader.knows_all_discards():
        raise Refused("dead letters: one was discarded meanwhile; expected to be asked again, which begins anew",
                      field="dead letters", rule="as when it began", expected="ask again")  # fmt: skip


def _demand_expected(results: Sequence[Result], changed: Collection[str], *, accept: bool) -> None:
    """Differences in what this version of the program does not change are a person's to look at."""
    strange = [one for one in results if one.differing and one.table.removesuffix("_history") not in changed]
    if changed:  # another fold gives other audit values of the same events
        strange = [one for one in strange if one.table != "lms_audit_trail"]
    if strange and not accept:
        told = ", ".join(f"{one.table} ({len(one.differing)} rows)" for one in strange)
        raise Refused(
            f"live tables: they differ from their log in {told}; nothing was swapped. Expected them to be equal, or --accept; "
            "`hub projections compare` names the rows", field="live tables", rule="equal to their log", expected="--accept",
        )  # fmt: skip


def _topics_of(tables: Collection[str]) -> tuple[str, ...]:
    """The topics from which these tables come; every topic makes audit rows, heads and dead letters."""
    every = {"lms_audit_trail", "stream_head", "dead_letter", "projection_offset"}
    if not tables or every & set(tables):
        return tuple(folds.BY_TOPIC)
    wanted = {name.removesuffix("_history") for name in tables}
    return tuple(topic for topic, group in folds.BY_TOPIC.items() if wanted & {one.name for one in group})


def _only(at: swap.Offsets, topics: Collection[str]) -> swap.Offsets:
    return {part: offset for part, offset in at.items() if part[0] in topics}


__all__ = ["Rebuilding", "Result", "Row", "Swapped"]
