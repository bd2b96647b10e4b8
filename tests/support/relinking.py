"""One account, two employees and an enrollment with two cycles and their lessons, on either log: who they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hub.bootstrap import Hub
from hub.deciding.commands import Command, Commands
from hub.deciding.decider import OBSERVATIONS
from hub.directory.commands import company, upsert
from hub.domain import ids
from hub.identity.reactor import IdentityReactor
from hub.integrations.commands import add
from hub.log import codec
from projections.queries import Queries
from tests.support.pg_scene import ACCOUNT, COMPANY, INTEGRATION, NOW, RUN, Scene

ADA, BOB = (ids.derived(COMPANY, "employee", number) for number in ("E1", "E2"))
STREAM = ids.enrollment_stream(INTEGRATION, ACCOUNT, "C1")
PEOPLE = """
SELECT 'cycle', (fold_state->>'cycle')::int, employee_id::text FROM hub.lms_course_enrollment UNION ALL
SELECT 'lesson', (e.fold_state->>'cycle')::int, l.employee_id::text
FROM hub.lms_learning_progress l JOIN hub.lms_course_enrollment e ON e.id = l.enrollment_id ORDER BY 1, 2
"""
LINKS = """
SELECT additional_context->>'event_type', affected_employees, risk_level FROM hub.lms_audit_trail
WHERE additional_context->>'stream' = %s AND additional_context->>'event_type' LIKE '%%linked%%'
ORDER BY (additional_context->>'version')::int
"""
DEADLINE = 60.0
Publish = Callable[[str, dict[str, Any]], None]
"""(key, observation): tell it, and wait until it is decided and folded."""


@dataclass
class Person:
    """An LMS account and what the hub says of it."""

    execute: Callable[[Command], Any]
    publish: Publish
    ask: Callable[..., list[tuple[Any, ...]]]
    reactor: IdentityReactor
    told: int = 0

    def begin(self) -> None:
        """The employees and the account become known; nobody is linked."""
        for number, employee in (("E1", ADA), ("E2", BOB)):
            self.execute(upsert("employee", employee, COMPANY, {"job_title": number}, effective_from=20_000))
        self._tell("account", ACCOUNT, {"is_active": True})

    def learn(self, native_id: str) -> None:
        """The account completes the course and a lesson of it, under this native id: another one is a retake."""
        self._tell("lesson", STREAM, {"completed": True}, native_id=native_id, lesson_key="L1", course_name=None)
        self._tell("enrollment", STREAM, {"completed": True}, native_id=native_id)

    def retake(self, native_id: str) -> None:
        """It begins anew."""
        self._tell("enrollment", STREAM, {"registered": True, "worked": True}, native_id=native_id)
        self._tell("lesson", STREAM, {"worked": True}, native_id=native_id, lesson_key="L1", course_name=None)

    def people(self) -> list[tuple[str, int, str | None]]:
        """Of each cycle, and of each cycle's lesson, whom it belongs to."""
        return [(row[0], row[1], row[2]) for row in self.ask(PEOPLE)]

    def links(self) -> list[tuple[Any, ...]]:
        """The trail of links of the enrollment: type, affected employees, risk."""
        return self.ask(LINKS, f"enrollment/{STREAM}")

    def _tell(self, kind: str, stream: str, facts: dict[str, Any], **more: Any) -> None:
        self.told += 1
        account = kind == "account"
        observation = {
            "type": f"lms.observation.{kind}.v1", "company_id": COMPANY, "integration_id": INTEGRATION,
            "stream_kind": "account" if account else "enrollment", "stream_id": stream, "observed_at": NOW + self.told,
            "source_time": None if account else NOW + self.told, "native_id": None, "payload_sha256": None,
            "content_id": None, "run_id": RUN, "source_name": "test", "source_position": None, "counted": not account,
            "backfill": False, "facts": facts,
        }  # fmt: skip
        about = {} if account else {"account_id": ACCOUNT, "course_key": "C1"}
        self.publish(f"{observation['stream_kind']}/{stream}", observation | about | more)


def in_memory(scene: Scene) -> Person:
    """On the memory log; nothing runs by itself."""

    def publish(key: str, observation: dict[str, Any]) -> None:
        scene.around.append(OBSERVATIONS, [(key, codec.encode(observation))])
        scene.decide()

    return _person(Commands(scene.around), Queries(scene.pool.connection), publish, scene.ask)


def on_postgres(hub: Hub) -> Person:
    """On the PostgreSQL log; the hub of this process folds and decides."""

    def publish(key: str, observation: dict[str, Any]) -> None:
        positions = hub.around.append(OBSERVATIONS, [(key, codec.encode(observation))])
        assert hub.watch.wait({(topic, part): offset + 1 for topic, part, offset in positions}, DEADLINE)

    def ask(query: str, *values: Any) -> list[tuple[Any, ...]]:
        with hub.connection() as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    hub.commands.execute(company("ACME", "Acme"))
    told = {"lms_code": "csv", "lms_name": "CSV", "lms_type": "Corporate LMS", "integration_method": "File Upload"}
    hub.commands.execute(add(COMPANY, told))
    return _person(hub.commands, Queries(hub.connection), publish, ask)


def _person(commands: Commands, queries: Queries, publish: Publish, ask: Callable[..., Any]) -> Person:
    reactor = IdentityReactor(commands, queries.matchable_accounts, queries.stale_enrollments)
    return Person(commands.execute, publish, ask, reactor)
