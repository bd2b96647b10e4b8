"""``hub demo``: starts a whole hub in a home of its own, lets an invented company's learning come in, and shows it.

The second time nothing new is told, and the accounting says so. Where the demo ends, everything that it started ends.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from connectors.testing.lrs import FakeLrs
from connectors.testing.unruly import Unruly
from hub.bootstrap import Hub, clock, open_hub
from hub.demo import lms, people, show, statements, table
from hub.demo.lms import CANVAS, MOODLE
from hub.demo.people import COMPANY
from hub.directory.importing import DirectoryReport, import_directory
from hub.domain import ids
from hub.domain.sealing import to_text
from hub.errors import Fatal, HubError, Refused
from hub.figures.clock import FiguresReactor
from hub.figures.part import service
from hub.intake.run import Accounting
from hub.intake.service import Intake
from hub.integrations import commands as acts
from hub.settings import Settings
from projections.figures.reading import Facts

LRS, FILES = "lrs", "classroom"
LEARNED = 40
"""Things that happen in each LMS while the demo runs."""
RATE_LIMIT = 1_000_000
"""Requests an hour that an LMS of the demo allows; a real one is asked far less."""
CLASSROOM = {
    "lms_name": "Classroom trainings",
    "lms_type": "Corporate LMS",
    "integration_method": "File Upload",
}
LIVING = {
    MOODLE: {
        "lms_name": "Academy",
        "lms_type": "Moodle",
        "token": "moodle-secret-token",
        "connector_settings": json.dumps(
            {
                "skills_field": "skills",
                "mandatory_field": "mandatory",
                "compliance_field": "compliance",
                "validity_days_field": "validity_days",
                "passing_score": 60,
            }
        ),
    },
    CANVAS: {"lms_name": "Campus", "lms_type": "Canvas", "token": "canvas-secret-token"},
}


@dataclass(slots=True)
class Played:
    """What the demo did, to be shown."""

    report: DirectoryReport
    runs: dict[str, Accounting] = field(default_factory=dict)
    trouble: list[tuple[str, str, str, str]] = field(default_factory=list)
    """What was done to a source, and what the hub said: source, what happened, its answer, connection status then."""


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
            played = play(hub, folder, status.update)
            status.update("Computing the figures …")
            FiguresReactor(service(hub), Facts(hub.connection), clock).react(at_once=True)
        show.directory(console, played.report)
        show.accounting(console, played.runs)
        show.trouble(console, played.trouble)
        with hub.connection() as connection:
            show.outcome(console, connection, COMPANY)
            show.figures(console, connection, COMPANY)
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


def play(hub: Hub, folder: Path, say: Callable[[str], None]) -> Played:
    """Let everything come in: the directory, what an LRS, a Moodle and a Canvas have, and a file."""
    company = people.brightwater()
    file = folder / "directory.csv"
    say(f"Importing the {company.write(file)} records of {people.NAME}'s directory …")
    played = Played(import_directory(hub, COMPANY, str(file)))
    intake = Intake(hub)
    _statements(hub, intake, company, played, say)
    file = folder / "classroom.csv"
    say(f"Importing the {table.write(file, company.active())} rows of {file.name} …")
    _integration(hub, FILES, CLASSROOM)
    played.runs[file.name] = intake.import_file(COMPANY, FILES, str(file), {})
    with lms.campus(folder / "campus.json", company.active()) as campus:
        for code, one in campus.systems.items():
            _living(hub, intake, code, one, played, say)
        _break(hub, intake, campus.systems[CANVAS].unruly, played, say)
    return played


def _statements(hub: Hub, intake: Intake, company: people.People, played: Played, say: Callable[[str], None]) -> None:
    """Ask an LRS twice: what it has at first, and what came later."""
    told = statements.of(company.active())
    with FakeLrs(told.first) as lrs:
        _integration(hub, LRS, _lrs(hub, lrs))
        say(f"Asking an LRS at {lrs.url} for its statements …")
        played.runs["LRS, at first"] = intake.sync(COMPANY, LRS)
        for statement in told.later:
            lrs.store(statement)
        say("Asking it again: late, repeated, voided and odd statements have come …")
        played.runs["LRS, later"] = intake.sync(COMPANY, LRS)


def _living(hub: Hub, intake: Intake, code: str, one: lms.Lms, played: Played, say: Callable[[str], None]) -> None:
    """Read an LMS whole, let people learn in it, and read what changed."""
    wanted = dict(LIVING[code])
    name = wanted["lms_type"]
    sealed = to_text(hub.keyring.seal_credentials(COMPANY, {"api_key": wanted.pop("token")}))
    _integration(hub, code, wanted | {
        "integration_method": "API",
        "api_endpoint_url": one.address,
        "authentication_type": "API Key",
        "authentication_config": json.dumps({"sealed": sealed}),
        "sync_frequency": "Hourly",
        "rate_limit_per_hour": RATE_LIMIT,
        "max_retry_attempts": 1,
    })  # fmt: skip
    intake.test(COMPANY, code)
    say(f"Reading a {name} at {one.address} …")
    played.runs[f"{name}, at first"] = intake.sync(COMPANY, code)
    one.live(LEARNED)
    say(f"{LEARNED} things happened in {name}; asking what changed …")
    played.runs[f"{name}, later"] = intake.sync(COMPANY, code, full=True)


def _break(hub: Hub, intake: Intake, unruly: Unruly, played: Played, say: Callable[[str], None]) -> None:
    """Break Canvas on purpose: it tells half of its lists, then it is down, then it is well again."""
    for what, do in (("its lists are half as long, with status 200", lambda: unruly.lie("half_list")),
                     ("it is down", unruly.kill), ("it is well again", unruly.well)):  # fmt: skip
        say(f"Breaking Canvas: {what} …")
        do()
        try:
            accounting = intake.sync(COMPANY, CANVAS, full=True)
            answer = f"completed: {accounting.read} records read, {accounting.changed} changed"
        except HubError as problem:
            answer = str(problem)
        played.trouble.append(("Canvas", what, answer, _status(hub, CANVAS)))


def _status(hub: Hub, code: str) -> str:
    with hub.connection() as connection:
        asked = "SELECT connection_status FROM hub.lms_integration_config WHERE company_id = %s AND lms_code = %s"
        found = connection.execute(asked, (COMPANY, code)).fetchone()
    return str(found[0]) if found else ""


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
