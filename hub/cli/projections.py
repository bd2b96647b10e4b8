"""``hub projections``: how far the tables follow the log, whether they equal it, and how they are built again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import opened
from hub.cli.frame import example, new_group, note
from hub.cli.options import AsJson, Reason
from hub.errors import Refused

if TYPE_CHECKING:
    from hub.rebuilding.service import Result, Swapped

app = new_group("Projections: the tables that are made of the log.")

TOPICS = {"topic": "topic", "events": "events", "behind": "behind", "updated_at": "last folded"}
PARTITIONS = {
    "topic": "topic",
    "partition": "partition",
    "next_offset": "next offset",
    "end": "end",
    "behind": "behind",
    "updated_at": "last folded",
}
COMPARED = {"table": "table", "rows": "rows", "live": "hash, live", "log": "hash, from the log", "differing": "differ"}
DIFFERING = {"table": "table", "key": "row", "what": "is", "columns": "columns"}
VERSIONS = {"projection": "projection", "tables": "made by version", "program": "this program's"}
WHAT = {"differs": "different", "missing": "missing in the table", "extra": "not in the log"}

Tables = Annotated[list[str] | None, typer.Argument(metavar="TABLE", help="Only these tables (default: all).")]


@app.command(epilog=example("hub projections status", "hub projections status --partitions"))
def status(
    partitions: Annotated[bool, typer.Option("--partitions", help="One line per partition.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far each topic is folded into its tables, and whether this version of the program made them."""
    from hub.cli import output, standing
    from projections.rebuild import pair, stamp

    with opened(runners=False) as hub:
        rows = standing.partitions(hub)
        with hub.connection() as connection:
            changed = stamp.differing(connection)
            kept = [schema for schema in (pair.NEXT, pair.OLD) if pair.exists(connection, schema)]
    if partitions or as_json:
        output.show(rows, PARTITIONS, as_json=as_json, empty="")
    else:
        output.print_table(_by_topic(rows), TOPICS)
    if as_json:
        return
    if changed:
        told = [{"projection": name, "tables": was, "program": now} for name, (was, now) in changed.items()]
        output.print_table(told, VERSIONS)
        typer.echo(
            "Tables were made by another version of the folds; `hub projections rebuild` brings them to this one."
        )
    if pair.NEXT in kept:
        typer.echo(
            "A rebuild was interrupted: `hub projections rebuild` goes on with it, `drop-old` drops what it made."
        )
    if pair.OLD in kept:
        typer.echo("The tables before the last rebuild are kept: `rollback` puts them back, `drop-old` drops them.")


@app.command(epilog=example("hub projections compare", "hub projections compare employee --repair --reason TICKET-7"))
def compare(
    tables: Tables = None,
    repair: Annotated[bool, typer.Option("--repair", help="Rewrite the rows that differ; an audited act.")] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Fold the log from its beginning beside the live tables, and name rows and columns that differ.

    Live traffic goes on. Exit status 1 where rows differ and were not repaired.
    """
    from hub.cli import output

    with opened(runners=repair) as hub, output.measuring() as tell:
        from hub.rebuilding.service import Rebuilding

        results = Rebuilding(hub, tell).compare(tables or (), mend=repair, reason=reason)
    _show(results, as_json=as_json)
    _judge(results, repaired=repair)


@app.command(
    epilog=example("hub projections rebuild", "hub projections rebuild lms_course_enrollment --reason TICKET-7")
)
def rebuild(
    tables: Tables = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Swap although live tables differ from their log; they are kept as old.")
    ] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Build all tables again beside live traffic, compare, and put them in place; with TABLE, rewrite its rows that differ.

    Interrupted, it goes on when it is given again. The tables before are kept until `drop-old`.
    """
    from hub.cli import output

    with opened() as hub, output.measuring() as tell:
        from hub.rebuilding.service import Rebuilding

        acts = Rebuilding(hub, tell)
        if tables:
            results, done = acts.compare(tables, mend=True, reason=reason), None
        else:
            done = acts.rebuild(accept=accept, reason=reason)
            results = done.results
    _show(results, as_json=as_json)
    if as_json:
        return
    if done is None:
        _judge(results, repaired=True)
        return
    note(_swapped(done))


@app.command(epilog=example("hub projections rollback --reason 'figures look wrong'"))
def rollback(reason: Reason = None) -> None:
    """Bring the tables before the last rebuild up to date and put them back; those in use are kept as old ones then."""
    from hub.cli import output

    with opened() as hub, output.measuring() as tell:
        from hub.rebuilding.service import Rebuilding

        done = Rebuilding(hub, tell).rollback(reason)
    note(_swapped(done))


@app.command("drop-old", epilog=example("hub projections drop-old"))
def drop_old() -> None:
    """Drop the tables before the last rebuild, and what an interrupted one has made."""
    from hub.cli import output

    with opened(runners=False) as hub, output.measuring() as tell:
        from hub.rebuilding.service import Rebuilding

        dropped = Rebuilding(hub, tell).drop_old()
    typer.echo(f"Dropped: {', '.join(dropped)}." if dropped else "Nothing to drop.")


def _show(results: list[Result], *, as_json: bool) -> None:
    from hub.cli import output

    told = [
        {"table": one.table, "rows": one.rows, "live": one.live, "log": one.log, "differing": len(one.differing)}
        for one in results
    ]
    rows = [
        {"table": one.table, "key": " ".join(row.key), "what": WHAT[row.what], "columns": ", ".join(row.columns)}
        for one in results
        for row in one.differing
    ]
    if as_json:
        output.print_json({"tables": told, "rows": rows})
        return
    output.print_table(told, COMPARED)
    if rows:
        typer.echo()
        output.print_table(rows[:100], DIFFERING)
        if len(rows) > 100:
            typer.echo(f"... and {len(rows) - 100} more; --json names all.")


def _judge(results: list[Result], *, repaired: bool) -> None:
    count = sum(len(one.differing) for one in results)
    if count and not repaired:
        raise Refused(f"{count} rows differ from their log; expected none (`hub projections compare --repair` rewrites them)",
                      field="tables", rule="equal to their log", expected="no difference")  # fmt: skip
    if repaired and count:
        typer.echo(f"{count} rows were rewritten.", err=True)


def _swapped(done: Swapped) -> str:
    return (
        f"Swapped after {done.attempts} attempts; tables were held for {done.held_seconds * 1000:.0f} ms. "
        "Those before are kept: `hub projections rollback` puts them back, `hub projections drop-old` drops them."
    )


def _by_topic(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(row["topic"], {"topic": row["topic"], "events": 0, "behind": 0, "updated_at": None})
        one["events"] += row["events"]
        one["behind"] += row["behind"]
        moments = [moment for moment in (one["updated_at"], row["updated_at"]) if moment is not None]
        one["updated_at"] = max(moments, default=None)
    return list(found.values())
