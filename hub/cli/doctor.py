"""``hub doctor``: looks at everything the hub stands on, one line each. It changes nothing in a database of yours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hub.cli.context import settings
from hub.cli.frame import example, fail, of_database
from hub.cli.options import AsJson
from hub.errors import HubError, Refused

if TYPE_CHECKING:
    from hub.log.findings import Finding
    from hub.settings import Settings

OLDEST = 15
"""Major version of PostgreSQL that the hub needs at least."""
VAULT = "SELECT to_regnamespace('vault') IS NOT NULL"


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(
        "doctor", short_help="Check all that the hub stands on.", epilog=example("hub doctor", "hub doctor --json")
    )(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Check settings, database, tables, log, master key and schemas; says ok or not ok of each."""
    from hub.cli import output

    found = []
    for finding in _findings():
        found.append(finding)
        if not as_json:
            typer.echo(f"{'ok    ' if finding.ok else 'not ok'}  {finding.name}: {finding.text}")
    if as_json:
        output.print_json([finding._asdict() for finding in found])
    wrong = [finding.name for finding in found if not finding.ok]
    if wrong:
        fail(f"Not in order: {', '.join(wrong)}.")


def _findings() -> Iterator[Finding]:
    from hub.log.findings import Finding

    try:
        chosen = settings()
    except HubError as problem:
        yield Finding("settings", ok=False, text=str(problem))
        return
    where = "Kafka" if chosen.on_kafka else "PostgreSQL"
    kind = "embedded" if chosen.database_url is None else "given"
    text = f"The database is {kind}, the log lies on {where}, HUB_HOME is {chosen.home.resolve()}."
    yield Finding("settings", ok=True, text=text)
    yield _schemas()
    yield from _of_database(chosen)


def _of_database(chosen: Settings) -> Iterator[Finding]:
    import psycopg

    from hub.bootstrap import database, prepare, target_of
    from hub.log import manage
    from hub.log.findings import Finding

    with ExitStack() as stack:
        try:
            url = stack.enter_context(database(chosen))
            if chosen.database_url is None:
                # As every command does where the database is the hub's own; what it refuses, the checks below name.
                with suppress(Refused):
                    prepare(chosen, url)
            with psycopg.connect(url, connect_timeout=10) as connection:
                version = connection.info.server_version // 10_000
                has_vault = connection.execute(VAULT).fetchone() == (True,)
        except Exception as problem:
            if of_database(problem) is None and not isinstance(problem, HubError):
                raise
            yield Finding("database", ok=False, text=of_database(problem) or str(problem))
            return
        text = f"PostgreSQL {version} answers" + ("." if version >= OLDEST else f"; expected {OLDEST} or later.")
        yield Finding("database", ok=version >= OLDEST, text=text)
        yield _tables(url)
        yield _master_key(chosen, url, has_vault=has_vault)
        yield from manage.check(target_of(chosen, url), chosen.partitions)


def _tables(url: str) -> Finding:
    from hub.log.findings import Finding
    from projections import migrations

    at, newest = migrations.current(url), migrations.heads()
    is_current = at in newest
    found = f"The tables are at revision {at or 'none'}"
    text = f"{found}." if is_current else f"{found}; expected {', '.join(newest)}: `hub db upgrade` brings them there."
    return Finding("tables", ok=is_current, text=text)


def _master_key(chosen: Settings, url: str, *, has_vault: bool) -> Finding:
    from psycopg_pool import ConnectionPool

    from hub.log.findings import Finding
    from hub.vault import Keyring, PostgresKeyStore, load_master_key
    from hub.vault.master import FILE_NAME

    given = chosen.master_key.get_secret_value() if chosen.master_key else None
    path = chosen.home / FILE_NAME
    if given is None and not path.exists():
        text = f"There is none yet; the first command makes one in {path.resolve()}. Keep a copy of it elsewhere."
        return Finding("master key", ok=not has_vault or chosen.database_url is None, text=text)
    try:
        key = load_master_key(given, chosen.home)
        if has_vault:
            with ConnectionPool(url, min_size=1, max_size=1, kwargs={"autocommit": True}, open=True) as pool:
                Keyring(PostgresKeyStore(pool.connection), key).check_master_key()
    except HubError as problem:
        return Finding("master key", ok=False, text=str(problem))
    return Finding(
        "master key", ok=True, text=f"The key of {key.source} opens this vault. Keep a copy of it elsewhere."
    )


def _schemas() -> Finding:
    """In the project's folder its contract is checked, elsewhere the copy that travels with the package."""
    from hub.log import schema_files
    from hub.log.avro_schema import declared
    from hub.log.findings import Finding
    from hub.log.schema_registry import packaged

    if Path(schema_files.IDS).exists():
        problems = [finding.text for finding in schema_files.check(Path())]
    else:
        registry = packaged()
        problems = []
        for name in declared():
            try:
                registry.newest(name)
            except HubError as problem:
                problems.append(str(problem))
    text = problems[0] if problems else f"All {len(declared())} event types have a released schema."
    return Finding("schemas", ok=not problems, text=text)
