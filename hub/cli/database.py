"""``hub db``: where the database is, and its tables' shape."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.context import settings
from hub.cli.frame import example, new_group, note

app = new_group("The database: its address and the shape of its tables.")


@app.command(epilog=example('psql "$(hub db url)"', 'psql "$(hub db url --with-password)"'))
def url(
    with_password: Annotated[
        bool, typer.Option("--with-password", help="Print the password too, where there is one.")
    ] = False,
) -> None:
    """Print the address of the database, for psql and other programs."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from hub.postgres.embedded import DATABASE, running
    from hub.postgres.folder import Folder
    from hub.postgres.server import url as url_of

    chosen = settings()
    if chosen.database_url is None:
        typer.echo(url_of(Folder.of(chosen.home), DATABASE))
        if not running(chosen.home):
            note("Mind: the embedded database runs only while a hub command does, such as `hub serve`.")
        return
    given = chosen.database_url.get_secret_value()
    parts = conninfo_to_dict(given)
    if "password" not in parts or with_password:
        typer.echo(given)
        return
    del parts["password"]
    typer.echo(make_conninfo("", **parts))


@app.command(epilog=example("hub db upgrade"))
def upgrade() -> None:
    """Bring tables, keys and log to the shape that this version needs; all commands that open the hub do it too."""
    from hub.bootstrap import database, prepare
    from projections import migrations

    chosen = settings()
    with database(chosen) as address:
        before = migrations.current(address)
        prepare(chosen, address)
        now = migrations.current(address)
    typer.echo(
        f"The tables are at revision {now}"
        + (", as they were." if now == before else f"; they were at {before or 'none'}.")
    )
