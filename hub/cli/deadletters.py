"""``hub deadletters``: records that could not be taken in or folded, why, and what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import company_of, opened
from hub.cli.frame import example, new_group
from hub.cli.options import AsJson, Company
from hub.errors import HubError, Refused

if TYPE_CHECKING:
    from hub.bootstrap import Hub

app = new_group("Dead letters: what could not be taken in or folded, and why.")

WHERE = """
FROM hub.dead_letter d LEFT JOIN analytics.integrations i ON i.lms_integration_id = d.lms_integration_id
WHERE d.resolved_at IS NULL AND (%(company)s::uuid IS NULL OR d.company_id = %(company)s)
  AND (%(code)s::text IS NULL OR lower(i.lms_code) = lower(%(code)s))
"""
CAUSES = f"""
SELECT d.kind, i.lms_code, d.field, d.rule, d.expected, count(*) AS count, max(d.recorded_at) AS last_at,
       (array_agg(d.message ORDER BY d.recorded_at DESC, d.id))[1] AS message,
       (array_agg(d.id::text ORDER BY d.recorded_at DESC, d.id))[1] AS newest
{WHERE} GROUP BY 1, 2, 3, 4, 5 ORDER BY count DESC, 1, 2, 3, 4, 5
"""
EACH = f"""
SELECT d.id::text AS id, d.kind, i.lms_code, d.field, d.rule, d.expected, d.message, d.source_name, d.source_position, d.recorded_at
{WHERE} ORDER BY d.recorded_at DESC, d.id LIMIT %(limit)s
"""
ONE = """
SELECT d.id::text AS id, d.kind, m.code AS company, i.lms_code AS integration, d.field, d.rule, d.expected, d.message,
       d.source_name, d.source_position, d.topic, d.partition, d."offset", d.stream_id::text AS stream_id,
       d.run_id::text AS run_id, d.recorded_at, d.resolved_at, d.record_size, d.record_sha256, d.record
FROM hub.dead_letter d LEFT JOIN hub.company m ON m.id = d.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = d.lms_integration_id
WHERE d.id::text LIKE %s ORDER BY d.id LIMIT 2
"""
CAUSE_COLUMNS = {
    "count": "records", "kind": "kind", "lms_code": "integration", "field": "field", "rule": "rule", "expected": "expected",
    "last_at": "last", "newest": "id of newest",
}  # fmt: skip
EACH_COLUMNS = {
    "id": "id", "kind": "kind", "lms_code": "integration", "source_name": "source", "source_position": "at", "message": "why",
}  # fmt: skip


@app.command("list", epilog=example("hub deadletters list", "hub deadletters list --integration hr-files --each"))
def list_letters(
    each: Annotated[bool, typer.Option("--each", help="One line per record, not per cause.")] = False,
    integration: Annotated[str | None, typer.Option(metavar="CODE", help="Only those of this integration.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Most records that --each shows.")] = 100,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """List open dead letters, grouped by what is wrong with them."""
    from psycopg.rows import dict_row

    from hub.cli import output

    with opened(runners=False) as hub:
        company_id = None if company is None else company_of(hub, company)
        asked = {"company": company_id, "code": integration, "limit": limit}
        with hub.connection() as connection:
            rows = connection.cursor(row_factory=dict_row).execute(EACH if each else CAUSES, asked).fetchall()
    if not as_json:
        rows = [row | {name: row[name][: output.ID] for name in ("id", "newest") if name in row} for row in rows]
    output.show(rows, EACH_COLUMNS if each else CAUSE_COLUMNS, as_json=as_json, empty="No dead letter is open.")


@app.command(epilog=example("hub deadletters show 0b6c1f0e", "hub deadletters show 0b6c1f0e --open"))
def show(
    letter: Annotated[str, typer.Argument(metavar="ID", help="Id, as `list` shows it; its beginning will do.")],
    open_record: Annotated[bool, typer.Option("--open", help="Show the record too; it may tell of a person.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: the field, the rule, what was expected, and where the record came from."""
    from hub.cli import output

    with opened(runners=False) as hub:
        row = _row(hub, letter)
        kept = row.pop("record")
        if open_record:
            row["record"] = _opened(hub, kept)
    output.print_facts(
        row if as_json else {name: value for name, value in row.items() if value is not None}, as_json=as_json
    )


def _row(hub: Hub, letter: str) -> dict[str, Any]:
    from psycopg.rows import dict_row

    start = letter.lower()
    if not start or not set(start) <= set("0123456789abcdef-"):
        raise _unknown(letter)
    with hub.connection() as connection:
        found = connection.cursor(row_factory=dict_row).execute(ONE, (start + "%",)).fetchall()
    if len(found) > 1:
        raise Refused(
            f"id: several begin with {letter}; expected more of it", field="id", rule="unique", expected="more of it"
        )
    if not found:
        raise _unknown(letter)
    return found[0]


def _unknown(letter: str) -> Refused:
    return Refused(f"id: no dead letter has the id {letter}; expected one of `hub deadletters list --each`",
                   field="id", rule="exists", expected="a known id")  # fmt: skip


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
