"""The fold store and the deciding store in memory, with the same promises: for tests of the rules themselves."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from hub.domain.heads import Applied, Head
from hub.domain.rows import Row, value_of
from hub.errors import Fatal
from projections.engine.batch import Reached, Writes
from projections.engine.folder import OwnershipLost

ENROLLMENT, LESSON = "lms_course_enrollment", "lms_learning_progress"


class Tables:
    """All tables of one database. A commit happens whole or not at all."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Row]] = {}
        self.history: dict[str, list[Row]] = {}
        self.audit: dict[str, Row] = {}
        self.heads: dict[str, Head] = {}
        self.dead: dict[str, Row] = {}
        self.at: dict[tuple[str, int], Reached] = {}
        self.decided: dict[int, int] = {}
        self.outcomes: dict[str, dict[str, int]] = {}


class MemoryStore:
    """A fold store over :class:`Tables`."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def reached(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Reached]:
        return {where: copy.copy(self.tables.at.get(where, Reached())) for where in partitions}

    def load(
        self, streams: Sequence[str], rows: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, Head], dict[tuple[str, str], Row]]:
        heads = {stream: self.tables.heads[stream] for stream in streams if stream in self.tables.heads}
        found = {
            (table, key): copy.deepcopy(row)
            for table, ids in rows.items()
            for key in ids
            if (row := self.tables.rows.get(table, {}).get(key)) is not None
        }
        return heads, found

    def commit(self, writes: Writes) -> None:
        tables = self.tables
        for where, before in writes.expected.items():
            now = tables.at.get(where, Reached())
            if (now.next_offset, now.epoch) != (before.next_offset, before.epoch):
                raise OwnershipLost(f"{where}: somebody else has folded this partition meanwhile")
        for table, rows in writes.rows.items():
            tables.rows.setdefault(table, {}).update(copy.deepcopy(rows))
        for table, versions in writes.history.items():
            tables.history.setdefault(table, []).extend(versions)
        for row in writes.audit:
            if row["id"] in tables.audit:
                raise AssertionError(f"two audit rows of one event {row['id']}")
            tables.audit[row["id"]] = row
        for stream, (_, _, head) in writes.heads.items():
            tables.heads[stream] = head
        for row in writes.dead:
            tables.dead[row["id"]] = row
        tables.at.update(writes.reached)

    def settle(self) -> None:
        """Everything is written when ``commit`` returns."""


class MemorySnapshot:
    """A snapshot for deciding: the tables as they were when it was taken, whatever is committed meanwhile."""

    def __init__(self, tables: Tables) -> None:
        self._tables = Tables()
        self._tables.rows = {table: dict(rows) for table, rows in tables.rows.items()}
        self._tables.audit = dict(tables.audit)
        self._tables.heads = dict(tables.heads)
        self._tables.decided = dict(tables.decided)

    def heads(self, streams: Collection[str]) -> dict[str, Head]:
        return {stream: self._tables.heads[stream] for stream in streams if stream in self._tables.heads}

    def rows(self, table: str, ids: Collection[str]) -> dict[str, Row]:
        known = self._tables.rows.get(table, {})
        return {key: copy.deepcopy(known[key]) for key in ids if key in known}

    def of_company(self, table: str, company_id: str) -> dict[str, Row]:
        known = self._tables.rows.get(table, {})
        return {key: copy.deepcopy(row) for key, row in known.items() if row["company_id"] == company_id}

    def applied(self, events: Collection[str]) -> dict[str, Applied]:
        found = {}
        for event in events:
            row = self._tables.audit.get(event)
            if row is not None:
                context = row["additional_context"]
                where = f"{context['topic']}/{context['partition']}/{context['offset']}"
                found[event] = Applied(context.get("causation_id"), where)
        return found

    def employees_by(self, company_id: str, column: str, values: Collection[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, row in self._tables.rows.get("employee", {}).items():
            value = str(row[column] or "").casefold()
            if row["company_id"] == company_id and value in values and row["employment_status"] != "Terminated":
                found.setdefault(value, []).append(key)
        return found

    def stream_rows(self, enrollment_row_ids: Collection[str]) -> list[str]:
        known = self._tables.rows.get(LESSON, {})
        return sorted(key for key, row in known.items() if row["enrollment_id"] in enrollment_row_ids)

    def in_play(self, column: str, value: str) -> int:
        known = self._tables.rows.get(ENROLLMENT, {}).values()
        return len({row["employee_id"] for row in known if row[column] == value and row["employee_id"]})

    def changed_people(self, run_id: str, since: int) -> int:
        people = set()
        for row in self._tables.audit.values():
            if row["additional_context"].get("correlation_id") == run_id and row["timestamp"] >= since:
                enrollment = self._tables.rows.get(ENROLLMENT, {}).get(
                    str(row["additional_context"].get("enrollment_id"))
                )
                people.add(value_of(enrollment, "employee_id"))
        return len(people - {None})

    def decided_offsets(self, partitions: Collection[int]) -> dict[int, int]:
        return {part: self._tables.decided[part] for part in partitions if part in self._tables.decided}

    def history(self, head: Head) -> list[str]:
        positions = []
        event = head.last_event_id
        while event is not None:
            context = self._tables.audit[event]["additional_context"]
            positions.append(f"{context['topic']}/{context['partition']}/{context['offset']}")
            event = context.get("follows")
        return positions[::-1]


class MemoryDeciding:
    """A deciding store over :class:`Tables`. ``fold_all`` folds what there is; a wait is a call of it."""

    def __init__(self, tables: Tables, fold_all: Any) -> None:
        self._tables = tables
        self._fold_all = fold_all

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        yield MemorySnapshot(self._tables)

    def decided_offset(self, partition: int) -> int:
        return self._tables.decided.get(partition, 0)

    def settle(self, settled: Mapping[int, Any]) -> None:
        for partition, one in settled.items():
            if self.decided_offset(partition) != one.expected:
                raise Fatal(f"{partition}: another decider has moved the offset meanwhile")
        for partition, one in settled.items():
            self._tables.decided[partition] = one.reached
            for run, counts in one.outcomes.items():
                total = self._tables.outcomes.setdefault(run, {})
                for outcome, count in counts.items():
                    total[outcome] = total.get(outcome, 0) + count
            for waiting in one.aside:
                key = f"lms.observations/{partition}/{waiting['offset']}"
                self._tables.dead[key] = {"id": key, "kind": "behind", "stream_id": waiting["observation"]["stream_id"]}

    def folded(self, topics: Collection[str]) -> dict[tuple[str, int], int]:
        return {where: at.next_offset for where, at in self._tables.at.items() if where[0] in topics}

    def wait_folded(self, wanted: Mapping[tuple[str, int], int], timeout: float) -> bool:  # noqa: ARG002  # the port's form
        self._fold_all()
        return all(self._tables.at.get(where, Reached()).next_offset >= offset for where, offset in wanted.items())
