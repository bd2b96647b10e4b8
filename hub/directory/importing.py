"""The directory import: a file of companies, departments, teams, employees and users becomes events, one per change.

A file tells the whole state of each record that it has, and nothing of those it has not: who is absent is left as it is.
Importing it again appends no event. What is wrong is rejected and kept; the rest goes on. A file that would change or
end the employment of many is held whole until somebody accepts it, since most often it is the wrong file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from hub.bootstrap import Hub
from hub.deciding.commands import Answer
from hub.deciding.envelope import HUB, Actor
from hub.directory import rejecting
from hub.directory.columns import KINDS, PLURAL
from hub.directory.commands import upsert
from hub.directory.reading import Told, read_directory, unknown_headers
from hub.directory.rejecting import Rejection
from hub.directory.wishes import MUST_EXIST, PEOPLE, Wish, Wishes, check_known
from hub.domain import directory
from hub.domain.rows import Row, value_of
from hub.domain.units import day_in
from hub.errors import HubError, Refused, RuleBroken, Unusable
from hub.identity.reactor import IdentityReactor
from projections.queries import Queries

BATCH = 1000
GUARD_SHARE, GUARD_LEAST = 20, 20
"""Held is what would change more than one in GUARD_SHARE of the employees, and at least GUARD_LEAST of them."""
WORKING = "SELECT count(*) FROM hub.employee WHERE company_id = %s AND employment_status IS DISTINCT FROM 'Terminated'"

T = TypeVar("T")
Progress = Callable[[int], None]


@dataclass(slots=True)
class Counted:
    """What became of the records of one kind; each counts once. Of a held import: what would become of them."""

    read: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0

    def adds_up(self) -> bool:
        """Whether the three outcomes are what was read."""
        return self.read == self.changed + self.unchanged + self.rejected


@dataclass(slots=True)
class DirectoryReport:
    """What an import did; where ``held``, what it would do, for nothing was changed then."""

    kinds: dict[str, Counted] = field(default_factory=lambda: {kind: Counted() for kind in KINDS})
    held: bool = False
    existing: int = 0
    """Employees before the import that had not left."""
    employees_changed: int = 0
    """Employees known before whose data changes, those who leave among them."""
    employees_terminated: int = 0
    links: int = 0
    """Links of LMS accounts and enrollments that were made because of it."""
    rejections: list[Rejection] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    """Headers that no kind of record has."""

    def plain(self) -> dict[str, dict[str, int]]:
        """Counts by the plural of each kind that the file has, as the command line prints them."""
        plural = {kind: name for name, kind in PLURAL.items()}
        return {
            plural[kind]: {"read": c.read, "changed": c.changed, "unchanged": c.unchanged, "rejected": c.rejected}
            for kind, c in self.kinds.items()
            if c.read
        }

    def guard_trips(self) -> bool:
        """Whether so many employees would change that somebody has to say yes."""
        return self.employees_changed >= GUARD_LEAST and self.employees_changed * GUARD_SHARE > self.existing


def import_directory(
    hub: Hub,
    company_id: str,
    path: str,
    *,
    accept: bool = False,
    progress: Progress | None = None,
    actor: Actor = HUB,
) -> DirectoryReport:
    """Import a file (CSV, XLSX, JSON; ``docs/directory.md`` has its columns) for one company.

    ``accept``: also where it would change more than 5 % of the employees (and at least 20). ``progress`` is told
    how many records are done. Accounts that employees of the file own are linked before it returns.

    Raises:
        Refused: the file as a whole cannot be used, or neither the hub nor the file knows the company.
        Retriable: log, database or keys are away, or a stream waits; what was done stays done, import it again.
    """
    return _Import(hub, company_id, Path(path).name, progress or (lambda _: None), actor).run(path, accept)


class _Import:
    def __init__(self, hub: Hub, company_id: str, source_name: str, progress: Progress, actor: Actor) -> None:
        self._hub = hub
        self._company_id = company_id
        self._source_name = source_name
        self._progress = progress
        self._actor = actor
        self._run_id = str(uuid4())
        self._report = DirectoryReport()
        self._known: dict[str, bool] = {}

    def run(self, path: str, accept: bool) -> DirectoryReport:
        report = self._report
        told = self._read(path)
        company = self._company(told)
        with self._hub.connection() as connection:
            row = connection.execute(WORKING, (self._company_id,)).fetchone()
        report.existing = int(row[0]) if row else 0
        zone = value_of(company, "time_zone") or "UTC"
        wishes = Wishes(self._company_id, self._hub.keyring, zone, day_in(self._hub.around.clock(), zone))
        plan = {kind: list(self._plan(kind, told[kind], wishes)) for kind in KINDS}
        if report.guard_trips() and not accept:
            report.held = True
            for kind in KINDS:
                report.kinds[kind].changed = len(plan[kind])
            return report
        for kind in KINDS:
            for batch in _batches(plan[kind]):
                self._execute(batch)
        self._keep_rejected()
        queries = Queries(self._hub.connection)
        reactor = IdentityReactor(self._hub.commands, queries.matchable_accounts, queries.stale_enrollments)
        report.links = reactor.react()
        return report

    def _read(self, path: str) -> dict[str, list[Told]]:
        """All records by kind; a directory fits in memory, and its kinds may stand in any order."""
        told: dict[str, list[Told]] = {kind: [] for kind in KINDS}
        ignored: dict[str, None] = {}
        for record in read_directory(path):
            told[record.kind].append(record)
            self._report.kinds[record.kind].read += 1
            ignored.update(dict.fromkeys(unknown_headers(record)))
        self._report.ignored = tuple(ignored)
        return told

    def _company(self, told: dict[str, list[Told]]) -> Row | None:
        """The company's row. Without one the file must tell of it, since all else belongs to a company."""
        with self._hub.around.store.snapshot() as snapshot:
            company = snapshot.rows("company", [self._company_id]).get(self._company_id)
        if company is None and not told["company"]:
            raise Refused(
                "company: is not known, and the file does not tell of it; expected a record of the company in the file",
                field="company", rule="exists", expected="a record of the company",
            )  # fmt: skip
        return company

    # -- what the file would change --------------------------------------------------------------------------

    def _plan(self, kind: str, told: Sequence[Told], wishes: Wishes) -> Iterator[Wish]:
        """The wishes that would change something; the others are counted."""
        for batch in _batches(told):
            wanted: list[Wish] = []
            for record in batch:
                try:
                    wanted.append(wishes.wish(record))
                except Unusable as problem:
                    self._reject(record, problem)
            yield from self._changing(kind, wanted)

    def _changing(self, kind: str, wanted: Sequence[Wish]) -> Iterator[Wish]:
        named = {wish.plain[column] for wish in wanted for column in MUST_EXIST if column in wish.plain}
        with self._hub.around.store.snapshot() as snapshot:
            rows = snapshot.rows(kind, [wish.stream for wish in wanted])
            for table in ("department", "team"):
                self._known.update(dict.fromkeys(snapshot.rows(table, named - self._known.keys()), True))
        for stream in named:
            self._known.setdefault(stream, False)
        if kind in PEOPLE:
            self._hub.keyring.prepare(self._company_id, list(rows))
        for wish in wanted:
            try:
                check_known(wish, self._known)
            except Unusable as problem:
                self._reject(wish.told, problem)
                continue
            self._known[wish.stream] = True
            if self._changes(wish, rows.get(wish.stream)):
                yield wish
            else:
                self._report.kinds[kind].unchanged += 1
        self._told()

    def _changes(self, wish: Wish, row: Row | None) -> bool:
        """Whether a wish would change its row; employees known before are counted for the guard."""
        if row is None:
            return True
        values = wish.values(self._hub.keyring)
        if wish.kind != "employee":
            return directory.registered_or_changed(wish.kind, row, values, wish.cleared) is not None
        change = directory.employee(row, values, wish.cleared)
        if change is None:
            return False
        self._report.employees_changed += 1
        self._report.employees_terminated += "employee.terminated" in change.transitions
        return True

    # -- doing it --------------------------------------------------------------------------------------------

    def _execute(self, wishes: Sequence[Wish]) -> None:
        people = [wish.stream for wish in wishes if wish.kind in PEOPLE]
        if people:
            self._hub.keyring.prepare(self._company_id, people)
        commands = [
            upsert(
                wish.kind,
                wish.stream,
                self._company_id,
                wish.values(self._hub.keyring),
                cleared=wish.cleared,
                effective_from=wish.effective_from,
                actor=self._actor,
                correlation_id=self._run_id,
            )
            for wish in wishes
        ]
        for wish, answer in zip(wishes, self._hub.commands.execute_all(commands), strict=True):
            self._count(wish, answer)
        self._told()

    def _count(self, wish: Wish, answer: Answer | HubError) -> None:
        if isinstance(answer, RuleBroken):
            self._reject(wish.told, answer)
        elif isinstance(answer, HubError):
            raise answer
        elif answer.changed:
            self._report.kinds[wish.kind].changed += 1
        else:
            self._report.kinds[wish.kind].unchanged += 1

    def _keep_rejected(self) -> None:
        hub = self._hub
        if self._report.rejections:
            rejecting.keep(
                self._report.rejections, hub.around, hub.keyring, self._company_id, self._run_id, self._source_name,
                lambda: hub.closing,
            )  # fmt: skip

    def _reject(self, told: Told, problem: RuleBroken) -> None:
        self._report.kinds[told.kind].rejected += 1
        self._report.rejections.append(Rejection(told, problem))

    def _told(self) -> None:
        self._progress(sum(c.changed + c.unchanged + c.rejected for c in self._report.kinds.values()))


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


__all__ = ["Counted", "DirectoryReport", "Rejection", "import_directory"]
