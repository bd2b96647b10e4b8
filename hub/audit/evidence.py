"""The evidence pack: one question about one person and one course, its answer, and everything that it rests on.

Promises: the answer is the one of ``analytics.completion_asof``; every event of the person in the course is in the pack with
its stored bytes, and the records between the seals around it, so that signature and chain can be checked without the hub;
the files are listed and signed. Records of other people that lie between two seals are in it as they are stored: sealed.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg.rows import dict_row

from hub.audit.evidence_pdf import render
from hub.audit.export import digests, write_frame, write_stretch
from hub.audit.offline import PACK, START, Mark, Seal
from hub.audit.seals import Seals, text_of
from hub.errors import Refused
from hub.log.port import EventLog

PERSON = """
SELECT p.id, p.employee_number, concat_ws(' ', p.given_name, p.family_name) AS name, m.id::text AS company_id, m.code AS company,
       m.name AS company_name, coalesce(m.time_zone, 'UTC') AS zone,
       (now() AT TIME ZONE coalesce(m.time_zone, 'UTC'))::date AS today
FROM hub.employee p JOIN hub.company m ON m.id = p.company_id WHERE p.company_id = %s AND p.employee_number = %s
"""
COURSES = """
SELECT id, course_id, course_code, course_name, validity_days, version FROM hub.course
WHERE company_id = %s AND (course_code = %s OR course_id = %s) ORDER BY id
"""
ANSWER = "SELECT * FROM analytics.completion_asof(%s, %s, %s, %s, %s)"
EVENTS = """
WITH mine AS (SELECT c.id FROM analytics.asof_candidates(%(company)s, ARRAY[%(person)s::uuid], %(course)s) AS c(id)),
about AS (
    SELECT t.id FROM hub.lms_audit_trail t JOIN mine ON t.enrollment_id = mine.id
    UNION
    SELECT t.id FROM hub.lms_audit_trail t WHERE t.enrollment_id IS NULL AND t.entity_id IN (
        SELECT mine.id FROM mine UNION ALL
        SELECT l.id FROM hub.lms_learning_progress l JOIN mine ON l.enrollment_id = mine.id
    )
),
streams AS (
    SELECT DISTINCT t.additional_context ->> 'stream' AS stream FROM about JOIN hub.lms_audit_trail t ON t.id = about.id
    UNION SELECT 'employee/' || %(person)s::uuid
    UNION SELECT 'course/' || unnest(%(courses)s::uuid[])
),
found AS (
    SELECT about.id FROM about
    UNION
    SELECT t.id FROM streams s JOIN hub.lms_audit_trail t
      ON t.enrollment_id IS NULL AND t.entity_id = split_part(s.stream, '/', 2)::uuid AND t.additional_context ->> 'stream' = s.stream
)
SELECT t.id::text AS event_id, t.timestamp AS recorded_at, t.impact_assessment AS impact, t.action_reason AS reason,
       t.business_justification AS justification, t.additional_context AS context
FROM found JOIN hub.lms_audit_trail t ON t.id = found.id
ORDER BY t.timestamp, (t.additional_context ->> 'version')::int, t.id
"""
ROWS = "SELECT to_jsonb(e) FROM analytics.enrollments e WHERE e.enrollment_id = ANY(%s)"
MINE = "SELECT c.id FROM analytics.asof_candidates(%s, ARRAY[%s::uuid], %s) AS c(id)"
COMMENTS = """
SELECT a.attname, d.description FROM pg_description d JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
WHERE d.objoid = 'analytics.enrollments'::regclass AND a.attname = ANY(%s) ORDER BY a.attnum
"""
FUNCTION = "SELECT obj_description(p.oid) FROM pg_proc p WHERE p.oid = to_regproc('analytics.completion_asof')"
DEFINED = ["enrollment_status", "completion_date", "valid_from", "valid_until", "revoked_on"]
BY_HAND = ("user/", "employee/", "system/cli")
MEANING = (
    "Each seal is an Ed25519 signature of the hub over the number of records that a partition of the log held at its time and "
    "the head of their hash chain (SHA-256). It means: at that time exactly these records, in this order, were in the log, and "
    "none of them has been changed since. It does not say that a record is true, only that it is what was recorded then. The "
    "folder of this pack holds the records, the seals and the public keys; offline.py verifies them without the hub."
)

Natural = Callable[[bytes], dict[str, Any]]
"""Decodes a record to what a person reads."""
Tell = Callable[[str, bytes], None]
"""Told before a pack is given out: the id of the employee, and the SHA-256 of the file."""


@dataclass(frozen=True)
class Question:
    """Who, what, on which day, as known at the end of which day (None: today in the company's zone)."""

    company_id: str
    employee: str
    course: str
    on: date | None = None
    known: date | None = None


class Evidence:
    """Makes packs over one connection (autocommit)."""

    def __init__(
        self, connection: psycopg.Connection[Any], log: EventLog, seals: Seals, natural: Natural, tell: Tell
    ) -> None:
        self._connection = connection
        self._log = log
        self._seals = seals
        self._natural = natural
        self._tell = tell

    def write(self, asked: Question, out: Path) -> dict[str, Any]:
        """Write the pack; returns the answer, with ``question`` and the number of ``events``.

        Raises Refused where the person or the course is not known, or the file is there already; and whatever telling raises.
        """
        if out.exists():
            raise Refused(f"{out}: is there already; expected a new file", field="out", rule="new file")
        self._seals.seal()
        seals = self._seals.all()
        person, courses = self._known(asked)
        on, known = asked.on or person["today"], asked.known or person["today"]
        answer = self._rows(ANSWER, person["company"], person["employee_number"], asked.course, on, known)[0]
        of = {"company": person["company_id"], "person": person["id"], "course": asked.course}
        events = self._rows(EVENTS, of | {"courses": [course["id"] for course in courses]})
        question = (
            f"Did {person['name'] or 'employee'} ({person['employee_number']}) hold a valid completion of "
            f"{courses[0]['course_name'] or asked.course} ({asked.course}) on {on}, as known on {known}?"
        )
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self._write_proof(folder, events, seals)
            _write(folder / "question.json", {"question": question, "employee": person["employee_number"],
                   "course": asked.course, "on": on, "known": known, "company": person["company"]})  # fmt: skip
            _write(folder / "answer.json", answer)
            _write(folder / "rows.json", [row[0] for row in self._enrollments(person, asked.course)])
            definitions = self._definitions(courses)
            _write(folder / "definitions.json", definitions)
            told = _told(question, answer, person, events, definitions, seals)
            _write(folder / "edits.json", told["edits"])
            (folder / "evidence.pdf").write_bytes(render(told))
            pack = {"made_at": text_of(datetime.now(UTC)), "question": question, "files": digests(folder)}
            _write(folder / "pack.json", self._seals.sign(PACK, pack))
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(folder.rglob("*")):
                    archive.write(path, path.relative_to(folder))
            self._tell(str(person["id"]), hashlib.sha256(packed.getbuffer()).digest())
            with out.open("xb") as file:
                file.write(packed.getbuffer())
        return {"question": question, "events": len(events), **answer}

    def _known(self, asked: Question) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        people = self._rows(PERSON, asked.company_id, asked.employee)
        if not people:
            raise Refused(
                f"employee: {asked.employee} is not known; expected the number of an employee", field="employee"
            )
        courses = self._rows(COURSES, asked.company_id, asked.course, asked.course)
        if not courses:
            raise Refused(f"course: {asked.course} is not known; expected the code or id of a course", field="course")
        return people[0], courses

    def _enrollments(self, person: Mapping[str, Any], course: str) -> list[tuple[Any, ...]]:
        ids = [row[0] for row in self._connection.execute(MINE, (person["company_id"], person["id"], course))]
        return self._connection.execute(ROWS, (ids,)).fetchall()

    def _definitions(self, courses: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        told = {str(name): str(text) for name, text in self._connection.execute(COMMENTS, (DEFINED,))}
        row = self._connection.execute(FUNCTION).fetchone()
        if row is not None and row[0] is not None:
            told = {"answer": str(row[0])} | told
        for course in courses:
            days = course["validity_days"]
            lasts = "for ever" if days is None else f"{days} days"
            told[f"course {course['course_id']}"] = f"a completion is valid {lasts}, as the catalog tells now"
        return told

    def _write_proof(self, folder: Path, events: list[dict[str, Any]], seals: Sequence[Seal]) -> None:
        """The records between the seals around each event, and each event with its bytes and in words; adds its seal to it."""
        stretches: dict[tuple[str, int, int], tuple[Mark, int]] = {}
        held: set[int] = {seal.number for seal in seals if seal.kind == "key"}
        lines = []
        for event in events:
            context = event["context"]
            where = (str(context["topic"]), int(context["partition"]))
            offset = int(context["offset"])
            before, after = around(seals, where, offset)
            begin = (
                Mark(0, START, "")
                if before is None
                else Mark(before.records or 0, bytes.fromhex(before.head or ""), "")
            )
            stretches[(*where, begin.records)] = (begin, after.records or 0)
            held |= {one.number for one in (before, after) if one is not None}
            event["seal"] = after
            raw = self._log.read({where: offset}, 1)[0].value
            natural = {name: value for name, value in self._natural(raw).items() if value is not None}
            lines.append(
                {"topic": where[0], "partition": where[1], "offset": offset, "raw": raw.hex(), "event": natural}
            )
        written = [
            write_stretch(self._log, folder, (topic, partition), begin, end)
            for (topic, partition, _), (begin, end) in sorted(stretches.items())
        ]
        write_frame(folder, PACK, written, [seal for seal in seals if seal.number in held], self._seals.sign)
        (folder / "events.jsonl").write_bytes(b"".join(_json(line) + b"\n" for line in lines))

    def _rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        given = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
        return self._connection.cursor(row_factory=dict_row).execute(query, given).fetchall()


def around(seals: Sequence[Seal], where: tuple[str, int], offset: int) -> tuple[Seal | None, Seal]:
    """The last seal before a record (None: the chain's beginning) and the first one over it.

    Raises Refused where no seal is over it yet.
    """
    mine = [seal for seal in seals if (seal.topic, seal.partition) == where]
    before = max((one for one in mine if (one.records or 0) <= offset), key=lambda one: one.records or 0, default=None)
    after = min((one for one in mine if (one.records or 0) > offset), key=lambda one: one.records or 0, default=None)
    if after is None:
        raise Refused(
            f"{where[0]}/{where[1]}/{offset}: is not folded yet, so no seal is over it; try again in a moment"
        )
    return before, after


def _told(
    question: str, answer: Mapping[str, Any], person: Mapping[str, Any], events: Sequence[Mapping[str, Any]],
    definitions: Mapping[str, str], seals: Sequence[Seal],
) -> dict[str, Any]:  # fmt: skip
    """What the page shows."""
    now = datetime.now(UTC)
    named = ("enrollment_number", "enrollment_status", "completion_date", "valid_from", "valid_until", "revoked_on",
             "lms_code", "course_version", "department_code", "manager_number")  # fmt: skip
    keys = [f"Key {seal.key} introduced {seal.public_key} on {seal.sealed_at}" for seal in seals if seal.kind == "key"]
    used = sorted({event["seal"] for event in events if event["seal"] is not None})
    return {
        "question": question,
        "answer": ("Yes" if answer["is_valid"] else "No") + f": {answer['verdict']}",
        "facts": [[name.replace("_", " "), str(answer[name])] for name in named if answer[name] is not None],
        "days": [f"Asked about: the end of {answer['asked_day']} in {person['zone']}.",
                 f"By what was known before {text_of(answer['known_until'])}."],
        "edits": [_edit(event) for event in events if event["context"]["actor"].startswith(BY_HAND)],
        "events": [_event(event) for event in events],
        "definitions": sorted(definitions.items()),
        "signatures": keys + [f"Seal {one.number} of {one.topic}/{one.partition}, {one.records} records, {one.sealed_at}, "
                              f"by key {one.key}" for one in used],
        "meaning": MEANING,
        "made_by": f"lms-hub {version('lms-hub')}, {person['company_name'] or person['company']}",
        "made_at": f"{now:%Y-%m-%d %H:%M:%S} UTC",
        "day": {"year": now.year, "month": now.month, "day": now.day},
    }  # fmt: skip


def _edit(event: Mapping[str, Any]) -> dict[str, str]:
    seal, context = event["seal"], event["context"]
    why = " / ".join(text for text in (event["reason"], event["justification"]) if text) or "no reason was given"
    return {
        "at": f"{event['recorded_at'].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "who": str(context["actor"]),
        "what": f"{context['event_type']} {event['impact'] or ''}".strip(),
        "why": why,
        "sealed": f"seal {seal.number}, key {seal.key}, {seal.sealed_at[:19]}Z",
    }


def _event(event: Mapping[str, Any]) -> dict[str, str]:
    context = event["context"]
    return {
        "at": str(context["occurred_at"]),
        "recorded": f"{event['recorded_at'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "type": str(context["event_type"]),
        "impact": event["impact"] or "",
        "position": f"{context['topic']}/{context['partition']}/{context['offset']}",
    }


def _json(value: Any) -> bytes:
    """JSON in one form: names in order, no white space."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes | memoryview) else str(value)


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(json.loads(_json(value)), indent=1, ensure_ascii=False), encoding="utf-8")
