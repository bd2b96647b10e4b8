"""``hub directory``: departments, teams, users and employees as HR knows them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import actor, company_of, opened
from hub.cli.frame import example, fail, new_group, note
from hub.cli.options import AsJson, Company

if TYPE_CHECKING:
    from hub.directory.importing import DirectoryReport

app = new_group("The directory: departments, teams, users and employees.")

COLUMNS = {"kind": "", "read": "read", "changed": "changed", "unchanged": "unchanged", "rejected": "rejected"}


@app.callback()
def _group() -> None:
    """Keeps `import` the name of a command while it is the only one."""


@app.command("import", epilog=example("hub directory import people.csv", "hub directory import people.xlsx --accept"))
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Excel or JSON.", exists=True, dir_okay=False)],
    accept: Annotated[
        bool, typer.Option("--accept", help="Also where it would change unusually many employees.")
    ] = False,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Make the directory say what a file from HR says. A file may also hold the company itself."""
    from hub.cli import output
    from hub.directory.importing import import_directory
    from hub.directory.reading import company_id_in
    from hub.domain import ids

    with opened() as hub:
        company_id = company_id_in(str(file))
        if company_id is None or (company and company_id != ids.company_id(company)):
            company_id = company_of(hub, company)
        with output.counting("Taking in the directory") as tell:
            report = import_directory(hub, company_id, str(file), accept=accept, progress=tell, actor=actor())
    _print(report, as_json=as_json)
    if report.held:
        fail(
            f"Nothing was changed: the file would change {report.employees_changed} of {report.existing} employees "
            f"({report.employees_terminated} would leave); if that is meant, give --accept."
        )


def _print(report: DirectoryReport, *, as_json: bool) -> None:
    from hub.cli import output

    counts = report.plain()
    if as_json:
        output.print_json(counts)
        return
    rows: list[dict[str, Any]] = [{"kind": kind, **counted} for kind, counted in counts.items()]
    output.show(
        rows, COLUMNS, as_json=False, empty="The file holds no record.", title="Would be:" if report.held else ""
    )
    if report.ignored:
        note(f"Columns that mean nothing here: {', '.join(output.plain(header) for header in report.ignored)}.")
    if report.links:
        note(f"{report.links} LMS accounts and enrollments were linked because of it.")
    if report.rejections:
        note("Rejected records and why: hub deadletters list")
