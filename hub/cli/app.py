"""The command line put together: one module per group of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli import (
    accounts,
    asof,
    audit,
    companies,
    database,
    deadletters,
    directory,
    doctor,
    enrollments,
    figures,
    integrations,
    log,
    projections,
    running,
    schemas,
    sql,
    status,
    taking_in,
    transcript,
)
from hub.cli.frame import Root

app = typer.Typer(
    cls=Root,
    help="An event-sourced integration hub between HR and learning management systems.",
    epilog="Begin with `hub demo`, or with `hub companies add` and `hub integrations add`. "
    "Each command has an example in its own help.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (running, doctor, taking_in, status, sql, transcript):
    module.register(app)
for name, group in (
    ("companies", companies.app),
    ("integrations", integrations.app),
    ("directory", directory.app),
    ("accounts", accounts.app),
    ("enrollments", enrollments.app),
    ("figures", figures.app),
    ("asof", asof.app),
    ("db", database.app),
    ("log", log.app),
    ("projections", projections.app),
    ("deadletters", deadletters.app),
    ("audit", audit.app),
    ("schemas", schemas.app),
):
    app.add_typer(group, name=name)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"lms-hub {version('lms-hub')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Declares what stands before a command; the help of the whole is the app's."""
