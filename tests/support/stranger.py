"""A stranger who reads the event log: which records count, and which rows they give.

Slow and simple, and written from what is published, never from the folds: the rule of what counts (design: "a record counts
if it follows the last applied event of its stream and makes the next version"), the docstrings of the events ("new values of
what changed; absent: unchanged; *cleared* names what became unknown"), and the definitions of the columns in section 9 of
the figures. A row is held as the values that are known, its state among them.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hub.domain import ids
from hub.errors import Unusable
from hub.log import codec
from hub.log.memory import MemoryLog

Event = Mapping[str, Any]
Row = dict[str, Any]
DAY = 86_400_000_000
TABLE_OF = {"account": "lms_account"}
"""Tables of the directory that are not named after the kind of their stream."""
HAS_BEGINNING = ("company", "department", "employee")
"""Tables with ``effective_from``."""
HAS_COMPANY = ("department", "team", "user", "employee", "lms_account", "course")
HAS_ACTIVITY = ("department", "team", "user", "lms_account")
OF_LMS = ("lms_account", "course")
RESOLVED = {"lms.deadletter.replayed.v1": "replayed", "lms.deadletter.discarded.v1": "discarded"}


class Counted(NamedTuple):
    """An event that counts, and where it lies."""

    event: Event
    where: tuple[str, int, int]


class Stranger:
    """Reads all topics from their beginning to their end."""

    def __init__(self, log: MemoryLog, topics: Iterable[str]) -> None:
        self.log = log
        self.counted: dict[str, list[Counted]] = defaultdict(list)
        """stream → its events that count, in their order"""
        self.rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self.chains: dict[tuple[str, int], tuple[int, str]] = {}
        """partition → how many records, and the chain's head"""
        self.discarded = _discarded(log)
        for topic in topics:
            for part in range(log.partitions):
                self._read(topic, part)

    def _read(self, topic: str, part: int) -> None:
        head, records = bytes(32), self.log.read({(topic, part): 0}, 100_000)
        for record in records:
            head = hashlib.sha256(head + record.value).digest()
            if record[:3] in self.discarded:
                continue
            try:
                event = codec.decode(record.value)
            except Unusable:
                continue
            if "version" not in event:
                self._raw(event)
            elif _follows(self.counted[event["stream_id"]], event):
                known = self.counted[event["stream_id"]]
                recorded = max(event["recorded_at"], known[-1].event["recorded_at"] if known else 0)
                event = {**event, "recorded_at": recorded}
                known.append(Counted(event, record[:3]))
                self.fold(event)
        self.chains[topic, part] = (len(records), head.hex())

    # -- rows

    def fold(self, event: Event) -> None:
        """The rows that an event gives."""
        if event["type"] == "lms.command.refused.v1":
            return
        if event["stream_kind"] == "enrollment":
            self._enrollment(event)
        elif event["stream_kind"] == "settings":
            self._settings(event)
        elif event["stream_kind"] == "record":
            self._letter(event)
        else:
            self._directory(event)

    def _enrollment(self, event: Event) -> None:
        rows, key = self.rows["lms_course_enrollment"], event["enrollment_row_id"]
        new = key not in rows
        if new:
            rows[key] = {
                "id": key, "company_id": event["company_id"], "lms_integration_id": event["integration_id"],
                "enrollment_number": _number(key), "created_at": event["recorded_at"], "cycle": event["cycle"],
                "account_id": event["account_id"], "course_key": event["course_key"],
                **_known(created_by_user_id=event["performed_by"]),
            }  # fmt: skip
        if _take(rows[key], event, "enrollment", "enrollment_cleared") or new:
            rows[key].update(_known(updated_by_user_id=event["performed_by"]))
            rows[key]["updated_at"] = event["recorded_at"]
            rows[key].pop("time_spent_minutes", None)
            if "time_spent_seconds" in rows[key]:
                rows[key]["time_spent_minutes"] = rows[key]["time_spent_seconds"] // 60
        self._lesson(event)
        for table, others in (
            ("lms_course_enrollment", "other_cycle_ids"),
            ("lms_learning_progress", "linked_lesson_ids"),
        ):
            for other in event[others]:
                row = self.rows[table].get(other)
                if row is not None and row.get("employee_id") != event["employee_id"]:
                    row.pop("employee_id", None)
                    row.update(_known(employee_id=event["employee_id"]), updated_at=event["recorded_at"])

    def _lesson(self, event: Event) -> None:
        key, rows = event["lesson_row_id"], self.rows["lms_learning_progress"]
        if key is None:
            return
        new = key not in rows
        if new:
            rows[key] = {
                "id": key, "company_id": event["company_id"], "lms_integration_id": event["integration_id"],
                "enrollment_id": event["enrollment_row_id"], "course_id": event["course_key"],
                "lesson_id": event["lesson_id"], "created_at": event["recorded_at"],
                **_known(employee_id=event["employee_id"]),
            }  # fmt: skip
        if _take(rows[key], event, "lesson", "lesson_cleared") or new:
            rows[key]["updated_at"] = event["recorded_at"]

    def _directory(self, event: Event) -> None:
        table = TABLE_OF.get(event["stream_kind"], event["stream_kind"])
        row = self.rows[table].setdefault(event["stream_id"], {})
        if not row:
            row.update(id=event["stream_id"], created_at=event["recorded_at"])
            row.update({"company_id": event["company_id"]} if table in HAS_COMPANY else {})
            row.update({"is_active": True} if table in HAS_ACTIVITY else {})
            row.update(_known(lms_integration_id=event["integration_id"]) if table in OF_LMS else {})
        _take(row, event, "change", "cleared")
        if table in HAS_BEGINNING:
            day = event["effective_from"]
            row["effective_from"] = event["occurred_at"] // DAY if day is None else day
        row["updated_at"] = event["recorded_at"]

    def _settings(self, event: Event) -> None:
        configs, key = self.rows["lms_integration_config"], event["config_id"]
        new = key not in configs
        if new:
            configs[key] = {"id": key, "company_id": event["company_id"], "created_at": event["recorded_at"]}
            configs[key].update(_known(created_by_user_id=event["performed_by"]))
        if _take(configs[key], event, "config", "config_cleared") or new:
            configs[key].update(_known(updated_by_user_id=event["performed_by"]), updated_at=event["recorded_at"])
        if event["demoted_id"] is not None:
            configs[event["demoted_id"]].update(is_primary_lms=False, updated_at=event["recorded_at"])
        if event["run_id"] is not None:
            beginning = {
                "company_id": event["company_id"],
                "lms_integration_id": key,
                "created_at": event["recorded_at"],
            }
            run = self.rows["sync_run"].setdefault(event["run_id"], {"id": event["run_id"], **beginning})
            run.update(_known(**(event["run"] or {})), updated_at=event["recorded_at"])

    # -- what has no stream

    def _raw(self, event: Event) -> None:
        if event["type"] == "lms.record.rejected.v1":
            names = ("company_id", "stream_id", "field", "rule", "expected", "message", "record_size", "record_sha256",
                     "source_name", "source_position", "run_id", "recorded_at")  # fmt: skip
            rows, key = self.rows["dead_letter"], event["event_id"]
            if key not in rows:
                told = _known(**{name: event[name] for name in names}, lms_integration_id=event["integration_id"])
                rows[key] = {"id": key, "kind": "rejected", "record": event["observation"], **told}
            elif rows[key].get("resolution") == "replayed":
                rows[key].pop("resolution"), rows[key].pop("resolved_at")
            return
        key = ids.statement_row(event["integration_id"], event["statement_id"])
        common = {
            "id": key, "company_id": event["company_id"], "lms_integration_id": event["integration_id"],
            "statement_id": event["statement_id"], "stored_at": event["recorded_at"],
        }  # fmt: skip
        row = self.rows["xapi_statement"].setdefault(key, common)
        if event["type"] == "lms.statement.voided.v1":
            row.setdefault("voided_by", event["voided_by"])
        elif "digest" not in row:
            row.update(_known(stream_id=event["target_stream"]), digest=event["digest"], kind=event["kind"])

    def _letter(self, event: Event) -> None:
        row = self.rows["dead_letter"].get(event["stream_id"])
        if row is not None and event["kind"] == "rejected" and event["type"] in RESOLVED:
            row.update(resolution=RESOLVED[event["type"]], resolved_at=event["recorded_at"])


def _discarded(log: MemoryLog) -> set[tuple[str, int, int]]:
    """The records that people have discarded: what lost a race does not count here, either."""
    counted: dict[str, list[Counted]] = defaultdict(list)
    for part in range(log.partitions):
        for record in log.read({("lms.deadletter", part): 0}, 100_000):
            try:
                event = codec.decode(record.value)
            except Unusable:
                continue
            if "version" in event and _follows(counted[event["stream_id"]], event):
                counted[event["stream_id"]].append(Counted(event, record[:3]))
    return {
        (one.event["record_topic"], one.event["record_partition"], one.event["record_offset"])
        for events in counted.values()
        for one in events
        if one.event["type"] == "lms.deadletter.discarded.v1" and one.event["kind"] == "parked"
    }


def _follows(known: list[Counted], event: Event) -> bool:
    last = known[-1].event if known else {"event_id": None, "version": 0}
    return (event["follows"], event["version"]) == (last["event_id"], last["version"] + 1)


def _take(row: Row, event: Event, part: str, cleared: str) -> bool:
    """New values, and what became unknown; whether there was any."""
    told = event[part] or {}
    row.update(_known(**told))
    for name in event[cleared]:
        row.pop(name, None)
    return bool(told or event[cleared])


def _known(**values: Any) -> Row:
    return {name: value for name, value in values.items() if value is not None}


def _number(row_id: str) -> str:
    """``E-`` and 12 base-32 letters that follow from the id."""
    return "E-" + base64.b32encode(hashlib.sha256(bytes.fromhex(row_id.replace("-", ""))).digest()).decode()[:12]
