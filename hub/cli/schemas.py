"""``hub schemas``: the public contract of the events, and whether it is kept. Run in the folder of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.context import settings
from hub.cli.frame import example, fail, new_group
from hub.cli.options import AsJson

app = new_group("Schemas: the public contract of the events.")

Root = Annotated[
    Path, typer.Option("--root", metavar="FOLDER", help="Folder of the project.", exists=True, file_okay=False)
]


@app.command(epilog=example("hub schemas export"))
def export(root: Root = Path()) -> None:
    """Write the schemas of the declared events; a change that is not compatible is refused."""
    from hub.log import schema_files

    settings()
    written = schema_files.export(root)
    for name in written:
        typer.echo(name)
    typer.echo(f"{len(written)} files written." if written else "All schemas are up to date.")


@app.command(epilog=example("hub schemas check", "hub schemas check --json"))
def check(root: Root = Path(), as_json: AsJson = False) -> None:
    """Say in words what is incompatible or not exported, and what to do instead."""
    from hub.cli import output
    from hub.log import schema_files
    from hub.log.avro_schema import declared

    settings()
    if not (root / "schemas").is_dir():
        fail(
            f"There is no folder schemas in {root.absolute()}; expected to run in the folder of the project, or --root; "
            "`hub schemas export` makes the folder."
        )
    found = schema_files.check(root)
    if as_json:
        output.print_json([finding._asdict() for finding in found])
    else:
        for finding in found:
            typer.echo(finding.text)
    if found:
        fail(f"The schemas are not in order: {len(found)} finding{'' if len(found) == 1 else 's'}.")
    if not as_json:
        typer.echo(f"The schemas of all {len(declared())} event types are in order.")
