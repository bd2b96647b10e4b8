"""A hub that runs, on PostgreSQL, and the ways to make dead letters of both kinds in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.bootstrap import Hub, open_hub
from hub.directory.commands import company
from hub.intake.run import Accounting
from hub.intake.service import Intake
from hub.integrations import commands as integrations
from hub.settings import Settings, load
from tests.support.site import CODE, COMPANY

POISON = "ALTER TABLE hub.lms_course_enrollment ADD CONSTRAINT poison CHECK (progress_percentage <> 66.66)"
CURE = "ALTER TABLE hub.lms_course_enrollment DROP CONSTRAINT poison"
PROGRESS = "SELECT course_id, progress_percentage::float8 FROM hub.lms_course_enrollment ORDER BY 1"
OPEN = "SELECT kind, count(*) FROM hub.dead_letter WHERE resolved_at IS NULL GROUP BY 1 ORDER BY 1"
ACTS = """
SELECT a.additional_context->>'event_type' FROM hub.lms_audit_trail a
WHERE a.additional_context->>'event_type' LIKE 'lms.deadletter.%%' ORDER BY a.timestamp, 1
"""


class Letters:
    """A hub with a company and an integration of files."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.count = 0

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query says."""
        with self.hub.connection() as connection:
            return connection.execute(query, values or None).fetchall()

    def do(self, statement: str) -> None:
        """Change the database behind the hub's back."""
        with self.hub.connection() as connection:
            connection.execute(statement)

    def take_in(self, *rows: str, header: str = "lms_user_id,course_id,progress_percentage,changed_at") -> Accounting:
        """Import a file of these rows."""
        self.count += 1
        file = self.folder / f"rows{self.count}.csv"
        file.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return Intake(self.hub).import_file(COMPANY, "csv", str(file), {})

    def change(self, **wanted: Any) -> None:
        """Change the integration."""
        self.hub.commands.execute(integrations.change(COMPANY, "csv", wanted))

    def progress(self) -> list[tuple[Any, ...]]:
        """Course and progress of every enrollment."""
        return self.ask(PROGRESS)

    def open(self) -> dict[str, int]:
        """How many letters of each kind are open."""
        return dict(self.ask(OPEN))

    def acts(self) -> list[str]:
        """What the audit trail says of dead letters."""
        return [row[0].removeprefix("lms.deadletter.").removesuffix(".v1") for row in self.ask(ACTS)]

    def rows(self, *tables: str) -> dict[str, list[Any]]:
        """Whole tables as they are."""
        return {one: self.ask(f"SELECT to_jsonb(t)::text FROM hub.{one} t ORDER BY 1") for one in tables}


def settings_of(url: str, folder: Path) -> Settings:
    """The settings of such a hub."""
    return load({
        "HUB_HOME": str(folder / "home"), "HUB_DATABASE_URL": url, "HUB_PARTITIONS": "4", "HUB_LANES": "1",
        "HUB_MASTER_KEY": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=", "HUB_LOG_LEVEL": "error",
    })  # fmt: skip


@contextmanager
def letters(url: str, folder: Path) -> Iterator[Letters]:
    """A hub that folds and decides in this process."""
    with open_hub(settings_of(url, folder)) as hub:
        made = Letters(hub, folder)
        hub.commands.execute(company(CODE, "Acme", time_zone="Europe/Berlin"))
        wanted = {
            "lms_code": "csv",
            "lms_name": "Table",
            "lms_type": "Corporate LMS",
            "integration_method": "File Upload",
        }
        hub.commands.execute(integrations.add(COMPANY, wanted))
        yield made
