"""A year of learning, generated: told late, corrected, revoked, retracted, taken again, lapsed and linked anew, on a clock
that the test sets. Everything goes the way of the hub: observations and commands, decided and folded."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

from hub.deciding.decider import OBSERVATIONS
from hub.deciding.ports import Surroundings
from hub.directory.commands import company
from hub.domain import ids
from hub.domain.units import DAY, day_in
from hub.enrollments import commands as acts
from hub.enrollments.clock import midnight
from hub.errors import Refused
from hub.identity.commands import relink_enrollment
from hub.log import codec
from hub.log.port import NewRecord
from projections import folds
from tests.support.pg_scene import COMPANY, INTEGRATION, NOW, PARTITIONS, RUN, Scene

ZONE = "Europe/Berlin"
HOUR = DAY // 24
PEOPLE = [ids.derived(COMPANY, "employee", str(number)) for number in range(5)]
ACCOUNTS = [ids.derived(INTEGRATION, "account", str(number)) for number in range(5)]
COURSES = ["C-0", "C-1", "C-2"]
CYCLES_MOST = 60
HEADS = "SELECT stream_id::text, version FROM hub.stream_head WHERE stream_id = ANY(%s::uuid[])"
CYCLES = """
SELECT id::text, (fold_state ->> 'valid_until')::int FROM hub.lms_course_enrollment
WHERE enrollment_status = 'Certified' AND fold_state ? 'valid_until'
"""


class Year:
    """A scene with five employees, an account and up to three courses each, and a clock."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene, self.chance = scene, random.Random(seed)
        self.now = self.first = NOW
        self.told: dict[str, list[str]] = {}
        """Stream → native ids told."""
        self.streams = {
            (account, course): ids.enrollment_stream(INTEGRATION, account, course)
            for account in ACCOUNTS
            for course in COURSES
        }
        self.stream_of = {
            ids.enrollment_row(stream, cycle): stream
            for stream in self.streams.values()
            for cycle in range(1, CYCLES_MOST)
        }
        around = scene.around
        given = {name: getattr(around, name) for name in around.__slots__} | {"clock": lambda: self.now}
        scene.around = Surroundings(**given)
        self.folder = scene.folder()
        self.starts = {(topic, part): 0 for topic in folds.BY_TOPIC for part in range(PARTITIONS)}
        scene.deciding.fold = self._fold
        scene.prepared().execute(company("ACME", "Acme", time_zone=ZONE))
        self._people()

    @property
    def today(self) -> int:
        """The day in the company's zone."""
        return day_in(self.now, ZONE)

    def live(self, days: int) -> None:
        """So many steps of one to six days, with one or a few things happening at each."""
        for _ in range(days):
            self.now += self.chance.randint(1, 6) * DAY + self.chance.randint(0, 23) * HOUR
            for _ in range(self.chance.randint(1, 4)):
                self._observe()
            self.scene.decide()
            if self.chance.random() < 0.5:
                self._act()
            if self.chance.random() < 0.2:
                self._lapse()

    def _fold(self) -> None:
        """Fold what is new, over one connection."""
        found = self.scene.log.read(self.starts, 10_000)
        for record in found:
            self.starts[record.topic, record.partition] = record.offset + 1
        if found:
            self.folder.fold(found)

    def _people(self) -> None:
        with self.scene.connect() as connection:
            for number, (employee, account) in enumerate(zip(PEOPLE, ACCOUNTS, strict=True)):
                connection.execute(
                    "INSERT INTO hub.employee (id, company_id, employee_number) VALUES (%s, %s, %s)",
                    (employee, COMPANY, f"E{number}"),
                )
                connection.execute(
                    "INSERT INTO hub.lms_account (id, company_id, lms_integration_id, employee_id) VALUES (%s, %s, %s, %s)",
                    (account, COMPANY, INTEGRATION, employee),
                )

    def _observe(self) -> None:
        account, course = self.chance.choice(ACCOUNTS), self.chance.choice(COURSES)
        stream = self.streams[account, course]
        known = self.told.setdefault(stream, [])
        roll = self.chance.random()
        if roll < 0.06:
            self._publish("course", ids.course_stream(INTEGRATION, course), {
                "course_key": course, "course_id": course, "course_name": course, "validity_days": self.chance.randint(20, 200),
                "version": str(self.now // DAY),
            })  # fmt: skip
        elif roll < 0.16 and known:
            self._publish("voided", stream, None, voided_native_id=self.chance.choice(known))
        else:
            late = self.chance.random() < 0.25
            ago = self.chance.randint(1, 90) * DAY if late else self.chance.randint(0, 20) * HOUR
            known.append(f"n{len(known)}-{self.now}")
            self._publish(
                "enrollment", stream, self._facts(self.now - ago), source_time=self.now - ago, native_id=known[-1],
                account_id=account, course_key=course,
            )  # fmt: skip

    def _facts(self, at: int) -> dict[str, Any]:
        day = day_in(at, ZONE)
        kind = self.chance.choice(
            ["progress", "progress", "completed", "completed", "certified", "again", "failed", "held"]
        )
        if kind == "completed":
            return {"completed": True, "progress": 10_000, "completed_on": day - self.chance.randint(0, 9)}
        if kind == "certified":
            begins = day - self.chance.randint(0, 5)
            return {
                "completed": True, "certified": True, "certificate_id": f"c{at}", "valid_from": begins,
                "valid_until": begins + self.chance.randint(10, 150),
            }  # fmt: skip
        if kind == "again":
            return {"registered": True, "enrolled_on": day, "enrollment_key": f"k{at}"}
        if kind == "failed":
            return {"completed": True, "passed": False}
        return (
            {"suspended": True}
            if kind == "held"
            else {"progress": self.chance.randint(1, 99) * 100, "suspended": False}
        )

    def _publish(self, kind: str, stream: str, facts: dict[str, Any] | None, **more: Any) -> None:
        observation = {
            "type": f"lms.observation.{kind}.v1", "company_id": COMPANY, "integration_id": INTEGRATION,
            "stream_kind": "course" if kind == "course" else "enrollment", "stream_id": stream, "observed_at": self.now,
            "source_time": None, "native_id": None, "payload_sha256": None, "content_id": None, "run_id": RUN,
            "source_name": "test", "source_position": None, "counted": True, "backfill": False, **more,
        }  # fmt: skip
        if facts is not None:
            observation["facts"] = facts
        if kind == "course":
            observation["retired"] = False
        key = f"{observation['stream_kind']}/{stream}".encode()
        self.scene.log.append(OBSERVATIONS, [NewRecord(key, codec.encode(observation))])

    def _act(self) -> None:
        stream = self.chance.choice(list(self.streams.values()))
        day = self.today - self.chance.randint(0, 60)
        wishes = [
            acts.correct(COMPANY, stream, {"completion_date": day}),
            acts.correct(COMPANY, stream, {"valid_until": day + self.chance.randint(-20, 90)}),
            acts.correct(
                COMPANY, stream, {"enrollment_status": self.chance.choice(["Failed", "Completed", "In Progress"])}
            ),
            acts.correct(COMPANY, stream, {"progress_percentage": self.chance.randint(0, 100) * 100}),
            acts.revoke_certificate(COMPANY, stream, occurred_at=midnight(day, ZONE)),
            acts.waive(COMPANY, stream),
            acts.set_due_date(COMPANY, stream, day),
        ]
        certified = [self.stream_of[row] for row, _ in self._asked(CYCLES)]
        if certified and self.chance.random() < 0.2:
            stream = self.chance.choice(certified)
            wishes = [acts.revoke_certificate(COMPANY, stream, occurred_at=midnight(day, ZONE))]
        if self.chance.random() < 0.2:
            self._relink(self.chance.choice(ACCOUNTS))
        else:
            with suppress(Refused):
                self.scene.execute(self.chance.choice(wishes))

    def _lapse(self) -> None:
        for row, until in self._asked(CYCLES):
            if until <= self.today:
                stream = self.stream_of[row]
                self.scene.execute(acts.lapse(COMPANY, stream, row_id=row, occurred_at=midnight(until, ZONE)))

    def _asked(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.scene.pool.connection() as connection:
            return connection.execute(query.encode(), values).fetchall()

    def _relink(self, account: str) -> None:
        """The account belongs to another employee; its enrollments follow, as the reactor would make them."""
        self._asked(
            "UPDATE hub.lms_account SET employee_id = %s WHERE id = %s RETURNING id",
            self.chance.choice(PEOPLE),
            account,
        )
        streams = [self.streams[account, course] for course in COURSES]
        for stream, version in self._asked(HEADS, streams):
            self.scene.execute(relink_enrollment(COMPANY, stream, account, version))
