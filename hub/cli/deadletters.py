"""``hub deadletters``: records that could not be taken in or folded, why, what was expected, and what is done about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import actor, company_of, opened
from hub.cli.frame import example, fail, new_group, note
from hub.cli.options import AsJson, Company
from hub.errors import HubError, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.bootstrap import Hub
    from hub.deadletters.letters import Letter
    from hub.deadletters.service import Done

app = new_group("Dead letters: what could not be taken in or folded, why, and what to do about it.")

CAUSE_COLUMNS = {
    "cause": "cause", "count": "records", "kind": "kind", "lms_code": "integration", "field": "field", "rule": "rule",
    "expected": "expected", "courses": "courses", "people": "people", "since": "since", "newest": "id of newest",
}  # fmt: skip
EACH_COLUMNS = {
    "id": "id", "kind": "kind", "lms_code": "integration", "source_name": "source", "source_position": "at", "message": "why",
}  # fmt: skip
RESOLVED_COLUMNS = {**EACH_COLUMNS, "resolution": "became", "resolved_at": "when", "reason": "reason"}
CHANGE_COLUMNS = {
    "letter": "letter",
    "table": "table",
    "row": "row",
    "column": "column",
    "before": "before",
    "after": "after",
}
NAMED_COURSES = 3


Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Ids, as `list` shows them; their beginnings will do.")
]
Cause = Annotated[str | None, typer.Option(metavar="CAUSE", help="All of a cause, as `list` shows it.")]


@app.command("list", epilog=example("hub deadletters list", "hub deadletters list --integration hr-files --each"))
def list_letters(
    each: Annotated[bool, typer.Option("--each", help="One line per record, not per cause.")] = False,
    resolved: Annotated[bool, typer.Option("--resolved", help="What was replayed or discarded, and why.")] = False,
    integration: Annotated[str | None, typer.Option(metavar="CODE", help="Only those of this integration.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Most records that --each or --resolved shows.")] = 100,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """List open dead letters, grouped by what is wrong with them."""
    from hub.cli import output
    from hub.deadletters import listing

    with opened(runners=False) as hub:
        company_id = None if company is None else company_of(hub, company)
        if resolved:
            rows = listing.resolved(hub.connection, hub.around, company_id, integration, limit)
        elif each:
            rows = listing.each(hub.connection, company_id, integration, limit)
        else:
            rows = listing.causes(hub.connection, company_id, integration)
            _say_about(hub, rows, as_json=as_json)
    if not as_json:
        rows = [row | {name: str(row[name])[: output.ID] for name in ("id", "newest") if name in row} for row in rows]
    columns = RESOLVED_COLUMNS if resolved else EACH_COLUMNS if each else CAUSE_COLUMNS
    empty = "No dead letter was resolved." if resolved else "No dead letter is open."
    output.show(rows, columns, as_json=as_json, empty=empty)


def _say_about(hub: Hub, rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Say which courses and how many people each cause concerns."""
    from hub.deadletters.service import DeadLetters

    letters = DeadLetters(hub, "")
    for row in rows:
        about = letters.about(row["cause"])
        names = sorted(about.courses)
        more = f" and {len(names) - NAMED_COURSES} more" if len(names) > NAMED_COURSES else ""
        row["courses"] = names if as_json else ", ".join(names[:NAMED_COURSES]) + more
        row["people"] = len(about.people)


@app.command(epilog=example("hub deadletters show 0b6c1f0e", "hub deadletters show 0b6c1f0e --open"))
def show(
    letter: Annotated[str, typer.Argument(metavar="ID", help="Id, as `list` shows it; its beginning will do.")],
    open_record: Annotated[
        bool,
        typer.Option(
            "--open", help="Show the record too, beside what today's mapping makes of it; it may tell of a person."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: the field, the rule, what was expected, where it came from, and the mapping of today."""
    from hub.cli import output
    from hub.deadletters import listing
    from hub.deadletters.letters import by_id
    from hub.deadletters.service import DeadLetters

    with opened(runners=False) as hub:
        found = by_id(hub.connection, letter)
        row = listing.one(hub.connection, found.id)
        kept = row.pop("record")
        letters = DeadLetters(hub, found.company_id or "")
        config = letters.mapping(found)
        if config is not None:
            row["field_mappings"] = dict(config.field_mappings)
            row["transformation_rules"] = dict(config.transformation_rules)
            row["validation_rules"] = dict(config.validation_rules)
        if row["resolved_at"] is None:
            row["today"] = _today(letters.rehearse([found], asks=False))
        if open_record:
            row["record"] = _opened(hub, kept)
            row["mapped_today"] = letters.steps(found)
    facts = row if as_json else {name: value for name, value in row.items() if value not in (None, {}, [])}
    output.print_facts(facts, as_json=as_json)


def _today(tried: Done) -> str:
    """What a replay would come to now, in one line."""
    if tried.left:
        return f"stays open: {tried.left[0][1]}"
    changed = len(tried.changes)
    outcome = tried.resolved[0][1] if tried.resolved else "nothing"
    return f"a replay would end as {outcome}, with {changed} changed row{'' if changed == 1 else 's'}"


@app.command(
    epilog=example(
        "hub deadletters replay 0b6c1f0e --dry-run",
        "hub deadletters replay --cause 3f2a91bc",
        "hub deadletters replay --all",
    )
)
def replay(
    ids: Ids = None,
    cause: Cause = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The file it came from, where not all of it is kept.", exists=True, dir_okay=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which rows would change; change nothing.")] = False,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept in the audit trail.")] = None,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Take records in again, or fold them again, under today's code and mapping. Replaying twice changes nothing twice."""
    from hub.deadletters.service import DeadLetters

    with opened(runners=not dry_run) as hub:
        letters = _chosen(hub, ids, cause, company, everything=everything)
        service = DeadLetters(hub, _acting(hub, company))
        if dry_run:
            done = service.rehearse(letters, file)
        else:
            done = service.replay(letters, actor=actor(), reason=reason, file=file)
    _show_done(done, as_json=as_json, changes=dry_run)
    if dry_run and not as_json:
        note("Nothing was changed.")
    if letters and not done.resolved:
        fail(
            f"Nothing was replayed: {done.left[0][1]}"
            if not dry_run
            else f"Nothing would be replayed: {done.left[0][1]}"
        )


@app.command(
    epilog=example(
        'hub deadletters discard 0b6c1f0e --reason "test data"',
        'hub deadletters discard --cause 3f2a91bc --reason "course was deleted"',
    )
)
def discard(
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the audit trail.")],
    ids: Ids = None,
    cause: Cause = None,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Let records go for good. A discarded record of the log never counts; what comes after it in its stream goes on."""
    from hub.deadletters.service import DeadLetters

    with opened() as hub:
        letters = _chosen(hub, ids, cause, company, everything=False)
        done = DeadLetters(hub, _acting(hub, company)).discard(letters, actor=actor(), reason=reason)
    _show_done(done, as_json=as_json, changes=False)


def _chosen(
    hub: Hub, ids: Sequence[str] | None, cause: str | None, company: str | None, *, everything: bool
) -> list[Letter]:
    """The letters that a command is about: exactly one way of choosing them."""
    from hub.deadletters.letters import by_id, chosen

    if sum((bool(ids), cause is not None, everything)) != 1:
        raise Refused(
            "id: expected either ids, or --cause, or (for a replay) --all",
            field="id",
            rule="one choice",
            expected="one choice",
        )
    if ids:
        return list({letter.id: letter for letter in (by_id(hub.connection, one) for one in ids)}.values())
    return list(chosen(hub.connection, None if company is None else company_of(hub, company), cause=cause))


def _acting(hub: Hub, company: str | None) -> str:
    """Whose act it is where a record names no company; nobody's where there are several and none is named."""
    try:
        return company_of(hub, company)
    except Refused:
        if company is not None:
            raise
        return ""


def _show_done(done: Done, *, as_json: bool, changes: bool) -> None:
    """What became of each letter, and which rows change."""
    from hub.cli import output
    from hub.deadletters.listing import difference

    rows = [
        {"letter": letter.id, "table": change.table, "row": change.id, **cell}
        for letter, change in done.changes
        for cell in difference(change)
    ]
    if as_json:
        told: dict[str, Any] = {
            "resolved": [{"id": letter.id, "outcome": outcome} for letter, outcome in done.resolved],
            "left": [{"id": letter.id, "why": why} for letter, why in done.left],
            "runs": done.runs,
        }
        output.print_json(told | ({"changes": rows} if changes else {}))
        return
    outcomes = [{"id": one.id[: output.ID], "becomes": outcome, "why": ""} for one, outcome in done.resolved]
    outcomes += [{"id": one.id[: output.ID], "becomes": "stays open", "why": why} for one, why in done.left]
    output.show(
        outcomes, {"id": "id", "becomes": "becomes", "why": "why"}, as_json=False, empty="No dead letter is open."
    )
    if changes:
        short = [row | {"letter": row["letter"][: output.ID], "row": row["row"][: output.ID]} for row in rows]
        output.show(short, CHANGE_COLUMNS, as_json=False, empty="No row would change.")


def _opened(hub: Hub, kept: bytes | None) -> Any:
    """The kept record: a source's text as it came, or a record of the log decoded."""
    from hub.domain.sealing import from_text, is_sealed
    from hub.log import codec

    if kept is None:
        return None
    text = kept.decode("utf-8", "replace")
    if is_sealed(text):
        opened_text = hub.keyring.open(from_text(text))
        return "(its key was destroyed)" if opened_text is None else opened_text
    try:
        return codec.decode(kept)
    except HubError:
        return text
