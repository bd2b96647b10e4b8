"""``hub companies``: whose learning it is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hub.cli.context import actor, opened
from hub.cli.frame import example, new_group
from hub.cli.options import AsJson, Reason

app = new_group("Companies: their time zone, currency and fiscal year. Everything else belongs to one.")

LIST = """
SELECT code, name, time_zone, currency_code, fiscal_year_start_month,
       (SELECT count(*) FROM hub.employee e WHERE e.company_id = c.id) AS employees,
       (SELECT count(*) FROM hub.lms_integration_config i WHERE i.company_id = c.id) AS integrations
FROM hub.company c ORDER BY code
"""
COLUMNS = {
    "code": "code", "name": "name", "time_zone": "time zone", "currency_code": "currency",
    "fiscal_year_start_month": "fiscal year from month", "employees": "employees", "integrations": "integrations",
}  # fmt: skip
DEFAULTS = {"time_zone": "UTC", "currency_code": "USD", "fiscal_year_start_month": 1}


@app.command("list", epilog=example("hub companies list"))
def list_companies(as_json: AsJson = False) -> None:
    """List the companies."""
    from psycopg.rows import dict_row

    from hub.cli import output

    with opened(runners=False) as hub, hub.connection() as connection:
        rows = connection.cursor(row_factory=dict_row).execute(LIST).fetchall()
    output.show(rows, COLUMNS, as_json=as_json, empty="There is no company yet; `hub companies add` makes one.")


def _zone(value: str | None) -> str | None:
    if value is None:
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(value).key
    except (LookupError, ValueError, OSError):
        raise typer.BadParameter("expected an IANA time zone such as Europe/Vienna") from None


def _currency(value: str | None) -> str | None:
    if value is None:
        return None
    code = value.upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise typer.BadParameter("expected the three letters of a currency (ISO 4217), such as EUR")
    return code


@app.command(epilog=example('hub companies add ACME "Acme Inc." --time-zone Europe/Vienna --currency EUR'))
def add(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Short name; chosen once.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the company.")],
    time_zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", callback=_zone, help="IANA time zone in which its days are counted (UTC)."),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(metavar="CODE", callback=_currency, help="Currency of its figures, ISO 4217 (USD).")
    ] = None,
    fiscal_year_month: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=12, help="First month of its fiscal year (1).")
    ] = None,
    reason: Reason = None,
) -> None:
    """Add a company, or change the one with this code. What is not given keeps its value."""
    if not code.strip():
        raise typer.BadParameter("expected a short name", param_hint="CODE")
    given = {"time_zone": time_zone, "currency_code": currency, "fiscal_year_start_month": fiscal_year_month}
    wanted: dict[str, Any] = {column: value for column, value in given.items() if value is not None}
    from hub.directory.commands import upsert
    from hub.domain import ids

    with opened() as hub:
        company_id = ids.company_id(code)
        with hub.connection() as connection:
            row = connection.execute("SELECT code FROM hub.company WHERE id = %s", (company_id,)).fetchone()
        if row is None:
            wanted = DEFAULTS | {"code": code.strip()} | wanted
        command = upsert("company", company_id, company_id, wanted | {"name": name}, actor=actor(), reason=reason)
        answer = hub.commands.execute(command)
    done = "added" if row is None else "changed" if answer.changed else "unchanged"
    typer.echo(f"Company {code.strip() if row is None else row[0]}: {done}.")
