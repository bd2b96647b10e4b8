"""``hub sync`` and ``hub import``: runs that take records in and account for every one of them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import actor, company_of, opened
from hub.cli.frame import example, fail, note
from hub.cli.options import AsJson, Code, Company, Reason
from hub.errors import Refused

if TYPE_CHECKING:
    from connectors.contract import Item
    from hub.intake.guard import HeldRun
    from hub.intake.run import Accounting

MEANINGS = {
    "read": "records of the source",
    "changed": "told something new: an event each",
    "unchanged": "told nothing new",
    "unmatched": "kept; the account is linked to nobody",
    "stored": "kept, without effect on learning",
    "rejected": "not usable; kept with the reason",
}
PREVIEW = {
    "position": "position",
    "becomes": "becomes",
    "learner": "learner",
    "course": "course",
    "facts": "facts, or why not",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(
        "sync",
        short_help="Take in what changed in an LMS.",
        epilog=example(
            "hub sync lrs",
            "hub sync moodle --full --json",
            "hub sync moodle --accept 5d1c8f0e-3a44-4c5b-9d7e-2f6b8a1c0e93",
        ),
    )(sync)
    app.command(
        "import",
        epilog=example(
            "hub import courses.csv --integration hr-files --dry-run",
            "hub import courses.csv --integration hr-files --encoding cp1252 --delimiter ';'",
            "hub import statements.json.gz --integration lrs",
        ),
    )(import_file)


def sync(
    code: Code,
    full: Annotated[bool, typer.Option("--full", help="Ask for everything, and find what is gone.")] = False,
    accept: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Say yes to a held run: a full pass that may drop as much as it named."),
    ] = None,
    reason: Reason = None,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Ask an LMS what changed since the last completed sync, and take it in. A full pass also finds what is gone; where
    that is unusually much, nothing is changed until it is accepted."""
    from hub.cli import output
    from hub.intake.guard import HeldRun
    from hub.intake.service import Intake

    with opened() as hub:
        company_id = company_of(hub, company)
        try:
            with output.counting(f"Asking {code}") as tell:
                accounting = Intake(hub).sync(
                    company_id, code, full=full, accept=accept, actor=actor(), reason=reason, progress=tell
                )
        except HeldRun as held:
            _show_held(held, as_json=as_json)
            fail(str(held))
    _account_for(accounting, as_json=as_json)


def _show_held(held: HeldRun, *, as_json: bool) -> None:
    """What a held run would do, by course."""
    from dataclasses import asdict

    from hub.cli import output

    if as_json:
        output.print_json({"held": held.run_id, **asdict(held.loss)})
    else:
        output.show(held.loss.courses, {"course": "course", "drops": "would be dropped"}, as_json=False, empty="")


def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, Excel, JSON or xAPI statements.", exists=True, dir_okay=False)
    ],
    integration: Annotated[str, typer.Option(metavar="CODE", help="The integration (LMS) that the file comes from.")],
    format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="csv, xlsx, json or jsonl; else told from the file.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(metavar="TEXT", help="Such as cp1252; else detected.")] = None,
    delimiter: Annotated[str | None, typer.Option(metavar="TEXT", help="One character, or tab; else detected.")] = None,
    sheet: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Sheet of a workbook; else the first visible one.")
    ] = None,
    header_row: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Row of the headers; else the first not empty.")
    ] = None,
    date_format: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Such as %d.%m.%Y; ISO 8601 is always understood.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Zone of times without an offset, such as Europe/Vienna.")
    ] = None,
    decimal_mark: Annotated[
        str | None, typer.Option(metavar="TEXT", help="'.' or ','; where a number could be read in two ways.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would come of the first records; change nothing.")
    ] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Records that --dry-run shows.")] = 20,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Take in a file. Importing it again changes nothing. Columns named as in the data dictionary need no mapping."""
    from hub.cli import output
    from hub.intake.service import Intake

    told = {
        "format": format, "encoding": encoding, "delimiter": delimiter, "sheet": sheet, "header_row": header_row,
        "date_format": date_format, "time_zone": time_zone, "decimal_mark": decimal_mark,
    }  # fmt: skip
    options = {name: value for name, value in told.items() if value is not None}
    with opened(runners=not dry_run) as hub:
        company_id = company_of(hub, company)
        intake = Intake(hub)
        try:
            if dry_run:
                # one more than is shown tells whether there are more
                _preview(intake.preview(company_id, integration, str(file), options, limit + 1), limit, as_json=as_json)
                if not as_json:
                    _unread(file, options, intake.config(company_id, integration).field_mappings)
                return
            with output.counting(f"Taking in {file.name}") as tell:
                accounting = intake.import_file(company_id, integration, str(file), options, tell)
        except Refused as problem:
            if problem.field in ("learner", "course_id") and not as_json:
                _propose(file, options, integration)
            raise
    _account_for(accounting, as_json=as_json)


def _account_for(accounting: Accounting, *, as_json: bool) -> None:
    """Print what became of the records; a run that does not add up has failed."""
    from hub.cli import output

    counts = accounting.plain()
    if as_json:
        output.print_json({name: counts[name] for name in MEANINGS})
    else:
        rows = [{"outcome": name, "records": counts[name], "meaning": text} for name, text in MEANINGS.items()]
        output.print_table(rows, {"outcome": "", "records": "records", "meaning": ""})
        if accounting.unmatched:
            note("Who is linked to nobody: hub accounts list --unmatched")
        if accounting.rejected:
            note("What was rejected and why: hub deadletters list")
    if not accounting.adds_up():
        fail("The run has failed: its accounting does not add up; its records can be taken in again.")


def _preview(items: list[Item], limit: int, *, as_json: bool) -> None:
    from hub.cli import output

    if as_json:
        output.print_json([_in_full(item) for item in items[:limit]])
    else:
        rows = [_in_short(item) for item in items[:limit]]
        output.show(rows, PREVIEW, as_json=False, empty="The file holds no record.")
        if len(items) > limit:
            note(f"The file has more than {limit} record{'' if limit == 1 else 's'}; --limit N shows more.")
        note("Nothing was changed.")


def _in_full(item: Item) -> dict[str, Any]:
    """An item as JSON: what it would become, and every observation of it."""
    from hub.cli.natural import natural

    told: dict[str, Any] = {"position": item.position, "becomes": _becomes(item)}
    if item.problem is not None:
        problem = item.problem
        told |= {"field": problem.field, "rule": problem.rule, "expected": problem.expected, "message": str(problem)}
    else:
        told |= {"note": item.note, "observations": [natural(one) for one in item.observations]}
    return told


def _in_short(item: Item) -> dict[str, Any]:
    """An item as one line: its learner, its course, and what the source says of the two."""
    from hub.cli.natural import natural

    line: dict[str, Any] = {"position": item.position, "becomes": _becomes(item), "learner": None, "course": None}
    if item.problem is not None:
        return line | {"facts": str(item.problem)}
    observations = [natural(one) for one in item.observations]
    about = {one["stream_kind"]: one["facts"] for one in observations}
    line["learner"] = about.get("account", {}).get("native_id")
    line["course"] = about.get("course", {}).get("course_key")
    counted = [one["facts"] for one in observations if one["counted"]]
    facts = {name: value for one in counted for name, value in one.items() if value is not None}
    return line | {"facts": facts or item.note}


def _becomes(item: Item) -> str:
    return "rejected" if item.problem is not None else "stored" if item.stored else "observation"


def _unread(file: Path, options: dict[str, Any], mappings: Mapping[str, str]) -> None:
    """Say which headers no field is read from, and which field each may be meant for: a score is easily lost so."""
    from connectors.expressions import as_expression
    from connectors.files import inspect, propose
    from hub.cli.output import plain

    try:
        shape = inspect(str(file), options)
    except Refused:
        return  # what is no table has no columns
    if shape.format not in ("csv", "xlsx"):
        return
    proposal = propose(shape.headers)
    meant = {header: field for field, header in proposal.field_mappings.items() if field not in mappings}
    told = set(proposal.own.values())
    expressions = list(mappings.values())
    unread = [
        plain(header) + (f" ({meant[as_expression(header)]}?)" if as_expression(header) in meant else "")
        for header in shape.headers
        if header not in told and not any(header in text for text in expressions)
    ]
    if unread:
        note(f"Columns that are not read: {', '.join(unread)}. Those that matter need a field mapping.")


def _propose(file: Path, options: dict[str, Any], code: str) -> None:
    """Say which of the file's headers could mean what; a person decides."""
    from connectors.files import inspect, propose

    try:
        proposal = propose(inspect(str(file), options).headers)
    except Refused:
        return  # the refusal that led here says what is wrong
    if not proposal.field_mappings:
        return
    text = json.dumps(proposal.field_mappings, ensure_ascii=False)
    typer.echo("These columns could be meant; look at them, and set the mapping if it is right:")
    typer.echo(f"  hub integrations change {shlex.quote(code)} --field-mappings {shlex.quote(text)}")
    if proposal.missing:
        typer.echo(f"No column seems to tell: {', '.join(proposal.missing)}.")
