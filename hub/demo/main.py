"""``hub demo``: starts a whole hub in a home of its own, lets an invented company's learning come in, and shows it.

The second time nothing new is told, and the accounting says so. Where the demo ends, everything that it started ends.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from connectors.testing.lrs import FakeLrs
from hub.bootstrap import Hub, open_hub
from hub.demo import people, show, statements, table
from hub.demo.people import COMPANY
from hub.directory.importing import DirectoryReport, import_directory
from hub.domain import ids
from hub.domain.sealing import to_text
from hub.errors import Fatal, Refused
from hub.intake.run import Accounting
from hub.intake.service import Intake
from hub.integrations import commands as acts
from hub.settings import Settings

LRS, FILES = "lrs", "classroom"
CLASSROOM = {
    "lms_name": "Classroom trainings",
    "lms_type": "Corporate LMS",
    "integration_method": "File Upload",
}


def run(settings: Settings, console: Console) -> None:
    """Run the demo and print what it shows. Its home is the folder ``demo`` in ``HUB_HOME``.

    Raises:
        Refused: the log lies on Kafka, where other processes would have to fold and decide.
        Fatal: the hub does not get on.
    """
    chosen = demo_settings(settings)
    folder = chosen.home / "input"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with console.status("Starting PostgreSQL and the hub …") as status:
            hub = stack.enter_context(open_hub(chosen))
            report, runs = play(hub, folder, status.update)
        show.directory(console, report)
        show.accounting(console, runs)
        with hub.connection() as connection:
            show.outcome(console, connection, COMPANY)
        if failures := hub.failures():
            raise Fatal("; ".join(failures))
    show.further(console, _environment(chosen))


def demo_settings(settings: Settings) -> Settings:
    """The settings of the demo: a home of its own, so that it never meets a hub that is in use.

    Raises:
        Refused: the log lies on Kafka.
    """
    if settings.on_kafka:
        raise Refused(
            "HUB_KAFKA_BOOTSTRAP_SERVERS: is set, and the demo keeps its log in PostgreSQL; expected it not to be set",
            field="HUB_KAFKA_BOOTSTRAP_SERVERS", rule="log in PostgreSQL", expected="not set",
        )  # fmt: skip
    if settings.database_url is not None:
        return settings
    return settings.model_copy(update={"home": (settings.home / "demo").absolute()})


def play(hub: Hub, folder: Path, say: Callable[[str], None]) -> tuple[DirectoryReport, dict[str, Accounting]]:
    """Let everything come in: the directory, twice what an LRS has, and a file. Returns what became of it."""
    company = people.brightwater()
    file = folder / "directory.csv"
    say(f"Importing the {company.write(file)} records of {people.NAME}'s directory …")
    report = import_directory(hub, COMPANY, str(file))
    intake = Intake(hub)
    told = statements.of(company.active())
    runs: dict[str, Accounting] = {}
    with FakeLrs(told.first) as lrs:
        _integration(hub, LRS, _lrs(hub, lrs))
        say(f"Asking an LRS at {lrs.url} for its statements …")
        runs["LRS, at first"] = intake.sync(COMPANY, LRS)
        for statement in told.later:
            lrs.store(statement)
        say("Asking it again: late, repeated, voided and odd statements have come …")
        runs["LRS, later"] = intake.sync(COMPANY, LRS)
    file = folder / "classroom.csv"
    say(f"Importing the {table.write(file, company.active())} rows of {file.name} …")
    _integration(hub, FILES, CLASSROOM)
    runs[file.name] = intake.import_file(COMPANY, FILES, str(file), {})
    return report, runs


def _lrs(hub: Hub, lrs: FakeLrs) -> dict[str, Any]:
    credentials = hub.keyring.seal_credentials(COMPANY, {"username": lrs.username, "password": lrs.password})
    return {
        "lms_name": "Learning Record Store",
        "lms_type": "xAPI Compatible",
        "integration_method": "xAPI",
        "api_endpoint_url": lrs.url,
        "authentication_type": "Basic Auth",
        "authentication_config": json.dumps({"sealed": to_text(credentials)}),
    }


def _integration(hub: Hub, code: str, wanted: Mapping[str, Any]) -> None:
    """Set an integration up, or change it: the LRS has another port each time."""
    with hub.around.store.snapshot() as snapshot:
        known = ids.integration_id(COMPANY, code) in snapshot.of_company(acts.TABLE, COMPANY)
    hub.commands.execute(
        acts.change(COMPANY, code, wanted) if known else acts.add(COMPANY, {"lms_code": code, **wanted})
    )


def _environment(settings: Settings) -> dict[str, str]:
    """What a shell must be told so that commands look at the demo; a database that was given is known there."""
    return {} if settings.database_url is not None else {"HUB_HOME": shlex.quote(str(settings.home))}
