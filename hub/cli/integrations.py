"""``hub integrations``: the learning management systems of a company. Credentials go in and are never shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import integration_options
from hub.cli.context import actor, company_of, opened
from hub.cli.frame import example, fail, new_group, note
from hub.cli.options import AsJson, Code, Company, Reason
from hub.errors import HubError, Refused

if TYPE_CHECKING:
    from connectors.contract import Check
    from hub.bootstrap import Hub

app = new_group("Integrations: the learning management systems of a company.")

LIST = "SELECT * FROM analytics.integrations WHERE company_id = %s ORDER BY lms_code"
ONE = """
SELECT v.*, c.fold_state->'connector_settings' AS connector_settings, c.authentication_config->>'sealed' AS sealed
FROM analytics.integrations v JOIN hub.lms_integration_config c ON c.id = v.lms_integration_id
WHERE v.lms_integration_id = %s
"""
COLUMNS = {
    "lms_code": "code", "lms_name": "name", "lms_type": "type", "integration_method": "method",
    "connection_status": "status", "is_active": "active", "is_primary_lms": "primary",
    "last_successful_sync_at": "last success",
}  # fmt: skip
HELD_RUN = """
SELECT r.id::text AS run, r.ended_at, r.held->'would_drop' AS would_drop, r.held->'existing' AS existing,
       r.held->'would_retire' AS would_retire, r.held->'existing_courses' AS existing_courses, r.held->'courses' AS courses
FROM hub.lms_integration_config c JOIN hub.sync_run r ON r.id = (c.fold_state->>'held_run')::uuid WHERE c.id = %s
"""
STEPS = {
    "sync": "sync", "full": "full sync", "probe": "probe", "maintenance_begins": "planned window begins",
    "maintenance_ends": "planned window ends",
}  # fmt: skip
CHECKS = {"result": "", "name": "permission", "text": "found", "columns": "stay empty", "remedy": "remedy"}


@app.command("list", epilog=example("hub integrations list", "hub integrations list --json"))
def list_integrations(company: Company = None, as_json: AsJson = False) -> None:
    """List the integrations of a company."""
    from psycopg.rows import dict_row

    from hub.cli import output

    with opened(runners=False) as hub:
        company_id = company_of(hub, company)
        with hub.connection() as connection:
            rows = connection.cursor(row_factory=dict_row).execute(LIST, (company_id,)).fetchall()
    output.show(rows, COLUMNS, as_json=as_json, empty="There is no integration yet; `hub integrations add` makes one.")


@app.command(
    epilog=example(
        'hub integrations add hr-files --name "Course lists" --type "Custom LMS" --method "File Upload"',
        "hub integrations add lrs --name LRS --type 'xAPI Compatible' --method xAPI --url https://lrs.example.com/xapi/ "
        "--auth 'Basic Auth' --credential username=hub --credential password",
    )
)
@integration_options.with_columns
def add(
    code: Annotated[str, typer.Argument(metavar="CODE", help="2 to 50 letters, digits, - or _; chosen once.")],
    company: Company = None,
    reason: Reason = None,
    given: Mapping[str, Any] = {},
) -> None:
    """Add an integration. --name, --type and --method are needed; the rest has defaults."""
    for option, column in (("--name", "lms_name"), ("--type", "lms_type"), ("--method", "integration_method")):
        if given[column] is None:
            raise typer.BadParameter("is needed", param_hint=option)
    wanted = integration_options.columns_of(given)
    settings = integration_options.settings_of(
        given["setting"] or (), wanted["lms_type"], wanted["integration_method"], wanted.get("data_format")
    )
    credentials = integration_options.credentials_of(given)
    from hub.integrations import commands

    with opened() as hub:
        company_id = company_of(hub, company)
        wanted |= {"lms_code": code} | _sealed(hub, company_id, credentials)
        if settings:
            wanted["connector_settings"] = json.dumps(settings)
        hub.commands.execute(commands.add(company_id, wanted, actor=actor(), reason=reason))
    typer.echo(f"Integration {code}: added. Next: {_next_step(code, wanted)}")


@app.command(
    epilog=example(
        "hub integrations change lrs --timeout-seconds 60",
        "hub integrations change lrs --credential password",
        'hub integrations change hr-files --field-mappings \'{"email": "\\"E-Mail\\""}\'',
    )
)
@integration_options.with_columns
def change(
    code: Code,
    company: Company = None,
    reason: Reason = None,
    clear: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Empty this column, as `show` names it. May be repeated.")
    ] = None,
    given: Mapping[str, Any] = {},
) -> None:
    """Change an integration. What is not given stays; credentials are replaced as a whole, settings one by one."""
    wanted = integration_options.columns_of(given)
    cleared = [_clearable(name) for name in clear or ()]
    credentials = integration_options.credentials_of(given)
    from hub.integrations import commands

    with opened() as hub:
        company_id = company_of(hub, company)
        row = _row(hub, company_id, code)
        if given["setting"]:
            values = [wanted.get(name, row[name]) for name in ("lms_type", "integration_method", "data_format")]
            settings = integration_options.settings_of(given["setting"], *values)
            wanted["connector_settings"] = json.dumps(_settings(row) | settings)
        wanted |= _sealed(hub, company_id, credentials)
        command = commands.change(company_id, row["lms_code"], wanted, cleared=cleared, actor=actor(), reason=reason)
        answer = hub.commands.execute(command)
    typer.echo(f"Integration {row['lms_code']}: {'changed' if answer.changed else 'unchanged'}.")


@app.command(epilog=example("hub integrations show lrs"))
def show(code: Code, company: Company = None, as_json: AsJson = False) -> None:
    """Show one integration: its settings, when it is pulled next, and what is held. Of its credentials only the names."""
    from hub.cli import output

    with opened(runners=False) as hub:
        company_id = company_of(hub, company)
        row = _row(hub, company_id, code)
        row["credentials"] = _credential_names(hub, company_id, row.pop("sealed"))
        row |= _schedule(hub, row["lms_integration_id"])
    row["connector_settings"] = _settings(row)
    output.print_facts(
        row if as_json else {name: value for name, value in row.items() if value not in (None, {}, [])}, as_json=as_json
    )


@app.command("test", epilog=example("hub integrations test lrs"))
def try_connection(code: Code, company: Company = None, as_json: AsJson = False) -> None:
    """Try the connection: name each permission that is missing, the columns that stay empty for it, and what grants it."""
    from hub.cli import output
    from hub.intake.service import Intake

    with opened() as hub:
        company_id = company_of(hub, company)
        found = Intake(hub).test(company_id, _row(hub, company_id, code)["lms_code"], actor=actor())
    if as_json:
        names = ("name", "ok", "text", "empty_columns", "remedy")
        output.print_json([{name: getattr(check, name) for name in names} for check in found])
    else:
        output.print_table([_finding(check) for check in found], CHECKS)
    failed = [check.name for check in found if not check.ok]
    if failed:
        fail(f"The connection of {code} is not in order: {', '.join(failed)}.")


@app.command(epilog=example("hub integrations activate lrs"))
def activate(code: Code, company: Company = None, reason: Reason = None) -> None:
    """Let an integration run again."""
    _switch(code, company, reason, active=True)


@app.command(epilog=example('hub integrations deactivate lrs --reason "moves to another host"'))
def deactivate(code: Code, company: Company = None, reason: Reason = None) -> None:
    """Switch an integration off: no run takes place; rows and history stay."""
    _switch(code, company, reason, active=False)


def _switch(code: str, company: str | None, reason: str | None, *, active: bool) -> None:
    from hub.integrations import commands

    with opened() as hub:
        company_id = company_of(hub, company)
        command = commands.activate(company_id, code, active=active, actor=actor(), reason=reason)
        answer = hub.commands.execute(command)
    word = "active" if active else "switched off"
    typer.echo(f"Integration {code}: {'is ' + word if answer.changed else 'was ' + word + ' already'}.")


def _row(hub: Hub, company_id: str, code: str) -> dict[str, Any]:
    from psycopg.rows import dict_row

    from hub.domain import ids

    with hub.connection() as connection:
        asked = connection.cursor(row_factory=dict_row).execute(ONE, (ids.integration_id(company_id, code),))
        row = asked.fetchone()
    if row is None:
        raise Refused(f"integration: there is none with the code {code}; expected one of `hub integrations list`",
                      field="integration", rule="exists", expected="a known code")  # fmt: skip
    return row


def _settings(row: Mapping[str, Any]) -> dict[str, Any]:
    told = row["connector_settings"]
    return (json.loads(told) if isinstance(told, str) else told) or {}


def _sealed(hub: Hub, company_id: str, credentials: Mapping[str, str]) -> dict[str, str]:
    from hub.domain.sealing import to_text

    if not credentials:
        return {}
    token = hub.keyring.seal_credentials(company_id, credentials)
    return {"authentication_config": json.dumps({"sealed": to_text(token)})}


def _credential_names(hub: Hub, company_id: str, sealed: str | None) -> list[str]:
    from hub.domain.sealing import from_text

    if sealed is None:
        return []
    try:
        return sorted(hub.keyring.open_credentials(company_id, from_text(sealed)))
    except HubError:
        return ["(they cannot be opened any more)"]


def _clearable(name: str) -> str:
    needed = ("lms_name", "lms_type", "integration_method", "is_primary_lms")
    clearable = [column for column in integration_options.COLUMNS if column not in needed]
    if name not in (*clearable, "authentication_config", "connector_settings"):
        raise typer.BadParameter(f"{name} cannot be emptied; expected one of {', '.join(clearable)}, "
                                 "authentication_config, connector_settings", param_hint="--clear")  # fmt: skip
    return name


def _next_step(code: str, wanted: Mapping[str, Any]) -> str:
    """What a person does next. An integration without a connector may still take in files, and is told so now."""
    from connectors.registry import connector_class

    try:
        connector_class(wanted["lms_type"], wanted["integration_method"])
    except Refused as problem:
        if wanted["integration_method"] != "File Upload":
            note(f"Mind: {problem}")
        return f"hub import FILE --integration {code} --dry-run"
    return f"hub integrations test {code}"


def _finding(check: Check) -> dict[str, str]:
    """A finding as a line: what fails, and only that, says which columns stay empty and what grants it."""
    result = "ok" if check.ok else "missing" if check.empty_columns else "not ok"
    line = {"result": result, "name": check.name, "text": check.text, "columns": "", "remedy": ""}
    if check.ok:
        return line
    return line | {"columns": ", ".join(check.empty_columns), "remedy": check.remedy}


def _schedule(hub: Hub, integration_id: str) -> dict[str, Any]:
    """When it is pulled next, whether the breaker is open, and what is held."""
    from psycopg.rows import dict_row

    from hub.bootstrap import clock
    from hub.domain.units import moment
    from hub.scheduling.plan import next_step
    from hub.scheduling.standings import standings

    found, problems = standings(hub.connection, integration_id)
    told: dict[str, Any] = {"next_step": None, "next_at": None, "breaker": None, "problem": "; ".join(problems) or None}
    for one in found:
        step = next_step(one, clock())
        told |= {"next_step": STEPS[step.what], "next_at": moment(max(step.at, 0)) if step.at > clock() else "now"}
        told["breaker"] = "open" if one.status == "Error" else "closed"
    with hub.connection() as connection:
        held = connection.cursor(row_factory=dict_row).execute(HELD_RUN, (integration_id,)).fetchone()
    return {"schedule": told, "held_run": held}
