"""``hub audit``: proof that the log is what it was, and who did what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import actor, company_of, opened
from hub.cli.frame import example, new_group
from hub.cli.options import ActsAs, AsJson, Company, Reason
from hub.errors import HubError, Refused

if TYPE_CHECKING:
    from hub.audit.offline import Finding
    from hub.audit.show import Kind
    from hub.audit.sources import Source
    from hub.audit.verify import Report
    from hub.bootstrap import Hub

app = new_group("The audit trail: seal it, verify it, export it, and see who did what.")

SHOWN_ERASED = 10
SHOWN = {
    "recorded_at": "recorded", "event": "event", "who": "who", "action_reason": "why", "changes": "before → after",
    "event_id": "event id",
}  # fmt: skip
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]

Topics = Annotated[list[str] | None, typer.Option("--topic", metavar="TOPIC", help="Only this topic; may be repeated.")]
Open = Annotated[bool, typer.Option("--open", help="Show personal values, while their keys live.")]


def _moment(name: str, text: str) -> Any:
    return typer.Option(name, formats=FORMATS, metavar="MOMENT", help=text)


def _day(name: str, text: str) -> Any:
    return typer.Option(name, formats=["%Y-%m-%d"], metavar="DAY", help=text)


def _key(name: str, text: str) -> Any:
    return typer.Option(name, metavar="KEY", help=text)


@app.command(epilog=example("hub audit seal"))
def seal(as_json: AsJson = False) -> None:
    """Sign what every partition of the log holds now, where it grew since its last seal. A server does it every hour."""
    from hub.audit.part import seals_of
    from hub.cli import output

    with opened(runners=False) as hub:
        made = seals_of(hub).seal()
    if as_json:
        output.print_json([one._asdict() for one in made])
        return
    for one in made:
        if one.kind == "key":
            typer.echo(f"A signing key was made: {one.key}. Note its id outside of the hub.")
    count = sum(one.kind == "seal" for one in made)
    typer.echo(f"Sealed: {count} partitions." if count else "Nothing grew since the last seal.")


@app.command("rotate-key", epilog=example("hub audit rotate-key --reason 'yearly'"))
def rotate_key(reason: Reason = None) -> None:
    """Replace the signing key. The old one signs the new one, and its private half is destroyed."""
    from hub.audit.offline import key_id
    from hub.audit.part import seals_of
    from hub.audit.telling import key_rotated

    with opened() as hub:
        seals = seals_of(hub)
        line = seals.rotate(reason)
        key_rotated(hub, line, actor(), reason)
        seals.seal()
    typer.echo(f"Key {key_id(bytes.fromhex(line.public_key or ''))} is in force, signed by {line.key}.")


@app.command("export-seals", epilog=example("hub audit export-seals /mnt/outside/seals.jsonl"))
def export_seals(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Lines are appended to it; keep it outside of the hub.")],
) -> None:
    """Append the seals that a file does not have yet. Kept elsewhere, it shows what somebody with all rights here has done."""
    from hub.audit.part import seals_of

    with opened(runners=False) as hub:
        count = seals_of(hub).export(file)
    typer.echo(f"{count} lines were appended to {file}.")


@app.command(epilog=example("hub audit verify", "hub audit verify --from-start --seals /mnt/outside/seals.jsonl"))
def verify(
    topic: Topics = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin at the first record of each partition.")
    ] = False,
    seals: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Seals that were kept outside; they must agree.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FOLDER", help="Verify this export, not the log.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hash the log again and hold it against its seals; tells the first event of a partition that is not as it was.

    Begins at the last seal that was verified before, unless told otherwise.
    """
    from hub.audit.trail import Trail
    from hub.cli import output
    from hub.log.topics import TOPIC_NAMES, demand_topics

    demand_topics(topic or [])
    with opened(runners=False) as hub, _source(hub, log) as source, closing(hub.connect()) as asking:
        from hub.audit.part import seals_of
        from hub.audit.verify import Verifier

        trail = Trail(asking)
        with output.measuring() as tell:
            verifier = Verifier(source, seals_of(hub).all(), trail, None if seals is None else _kept(seals))
            report = verifier.run(topic or TOPIC_NAMES, from_start=from_start or log is not None, progress=tell)
        bad = [finding for finding in report.findings if finding.is_bad]
        if log is None:
            trail.remember(report.reached)
    if bad and log is None:
        _tell_broken(bad)
    _print(report, as_json=as_json)
    if bad:
        raise Refused(
            f"The log is not what was sealed: {_line(bad[0])}" + (f"; {len(bad) - 1} more" if bad[1:] else "")
        )


def _tell_broken(bad: list[Finding]) -> None:
    """Tell it as an event, where the log still takes one: a broken log may not."""
    from hub.audit.telling import TOPIC, chain_broken

    if any(one.where.startswith(f"{TOPIC}/") for one in bad):  # the event would lie there, and might never be folded
        typer.echo(f"Not put into the audit trail: {TOPIC} itself is not what was sealed.", err=True)
        return
    try:
        with opened() as hub:
            chain_broken(hub, bad)
    except HubError as problem:
        typer.echo(f"What was found could not be put into the audit trail: {problem}", err=True)


@app.command(epilog=example("hub audit export /mnt/outside/log-2026", "hub audit export folder --topic lms.learning"))
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
    topic: Topics = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Write the log with its seals, its public keys and a verifier to a folder. `python offline.py FOLDER` verifies it anywhere."""
    from hub.audit import export as exporting
    from hub.audit import offline
    from hub.audit.part import seals_of
    from hub.audit.telling import Given, given_out_of_all
    from hub.cli import output
    from hub.log.topics import TOPIC_NAMES, demand_topics
    from projections.folds import BY_TOPIC

    demand_topics(topic or [])
    chained = [name for name in topic or TOPIC_NAMES if name in BY_TOPIC or topic]
    with opened() as hub, output.measuring() as tell:
        exporting.demand_empty(folder)
        given_out_of_all(
            hub, Given("export of the log", "folder", {"topics": chained}, "Learning Data"), actor(), reason
        )
        known = seals_of(hub)
        known.seal()
        written = exporting.export(hub.log, chained, known.all(), folder, known.sign, tell)
    rows = [{"topic": name, "records": count} for name, count in written.items()]
    output.show(rows, {"topic": "topic", "records": "records"}, as_json=as_json, empty="")
    bad = [finding for finding in offline.verify(folder)[0] if finding.is_bad]
    if bad:
        raise Refused(f"The log is not what was sealed, and neither is the export: {_line(bad[0])}")


@app.command(
    epilog=example(
        "hub audit show --person E1001 --from 2026-01-01", "hub audit show --event 53f1994c-5f4d-5e5f-802b-ea0e338a1440"
    )
)
def show(
    person: Annotated[
        str | None, _key("--person", "Employee number or id: events about the person, and what they did.")
    ] = None,
    enrollment: Annotated[str | None, _key("--enrollment", "Enrollment number or id.")] = None,
    course: Annotated[str | None, _key("--course", "Course code or id, with its enrollments.")] = None,
    integration: Annotated[str | None, _key("--integration", "Code or id: its settings, runs and incidents.")] = None,
    user: Annotated[str | None, _key("--user", "Login or id: what the user did, and events about the user.")] = None,
    row: Annotated[str | None, _key("--row", "Id of any row, such as a figure's.")] = None,
    event: Annotated[str | None, _key("--event", "Id of an event: where it came from.")] = None,
    since: Annotated[datetime | None, _moment("--from", "Recorded from then on (UTC).")] = None,
    until: Annotated[datetime | None, _moment("--to", "Recorded before then (UTC).")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Most events to show.")] = 1000,
    open_values: Open = False,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Show who did what, when, why and from where, with the fields before and after; or where one event came from."""
    from hub.audit import show as showing
    from hub.cli import output

    given: dict[Kind, str | None] = {
        "person": person, "enrollment": enrollment, "course": course, "integration": integration, "user": user, "row": row,
    }  # fmt: skip
    asked = [(kind, key) for kind, key in given.items() if key is not None]
    if len(asked) + (event is not None) != 1:
        raise typer.BadParameter("expected exactly one of them", param_hint="--" + ", --".join([*given, "event"]))
    with opened(runners=False) as hub:
        opener = hub.open_texts if open_values else None
        if event is not None:
            _print_origin(hub, event, opener, as_json=as_json)
            return
        (kind, key) = asked[0]
        company_id = company_of(hub, company)
        with hub.connection() as connection:
            about = showing.subject(connection, company_id, kind, key)
            found = showing.events(connection, company_id, about, since=_utc(since), until=_utc(until), limit=limit)
        rows = showing.revealed(found, opener)
    if not as_json:
        rows = [_in_short(one, showing.changes_text(one)) for one in rows]
    output.show(rows, SHOWN, as_json=as_json, empty="No event is there.")
    if len(rows) == limit and not as_json:
        typer.echo(f"The first {limit}; --from or --limit shows more.", err=True)


@app.command(epilog=example("hub audit evidence --employee E1001 --course SAFETY-1 --on 2026-05-03 --out pack.zip"))
def evidence(
    employee: Annotated[str, typer.Option(metavar="NUMBER", help="Number of the employee.")],
    course: Annotated[str, typer.Option(metavar="CODE", help="Code or id of the course.")],
    out: Annotated[Path, typer.Option(metavar="FILE.zip", help="The pack; a new file.")],
    on: Annotated[datetime | None, _day("--on", "The day asked about; default: today.")] = None,
    known: Annotated[
        datetime | None, _day("--known", "By what was known at the end of this day; default: today.")
    ] = None,
    user: ActsAs = None,
    reason: Reason = None,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Write a pack that answers whether somebody held a valid completion on a day, and proves it without the hub.

    It holds the answer as PDF/A, the events with their bytes, the records between the seals around them, signatures, public
    keys and the verifier: unpack it and run `python offline.py .` in it.
    """
    from hub.asof.putting_right import person
    from hub.audit.evidence import Evidence, Question
    from hub.audit.part import seals_of
    from hub.audit.telling import Given, given_out
    from hub.cli import output
    from hub.cli.natural import natural
    from hub.log import codec

    with opened() as hub, closing(hub.connect()) as connection:
        company_id = company_of(hub, company)
        who = actor() if user is None else person(connection, company_id, user)
        asked = Question(company_id, employee, course, on and on.date(), known and known.date())
        words = {"course": course, "on": asked.on, "known": asked.known}

        def tell(about: str, sha256: bytes) -> None:
            given_out(hub, company_id, Given("evidence pack", "zip", words, "PII", about, sha256), who, reason)

        maker = Evidence(connection, hub.log, seals_of(hub), lambda value: natural(codec.decode(value)), tell)
        told = maker.write(asked, out)
    if as_json:
        output.print_json(told)
        return
    typer.echo(told["question"])
    typer.echo(f"{'Yes' if told['is_valid'] else 'No'}: {told['verdict']}. {told['events']} events; the pack is {out}.")


@contextmanager
def _source(hub: Hub, folder: Path | None) -> Iterator[Source]:
    """Where the records come from."""
    from hub.audit.sources import ExportSource, PostgresSource

    if folder is not None:
        try:
            export_of = ExportSource(folder)
        except (OSError, ValueError, KeyError):
            raise Refused(f"log: {folder} is no export; expected a folder of `hub audit export`", field="log") from None
        yield export_of
    elif hub.settings.kafka_bootstrap_servers:
        from hub.audit.kafka_source import KafkaSource

        at = (hub.settings.kafka_bootstrap_servers, hub.settings.kafka_topic_prefix)
        with closing(KafkaSource(hub.log, *at)) as topics:
            yield topics
    else:
        with closing(hub.connect()) as connection:
            yield PostgresSource(connection)


def _kept(path: Path) -> list[Any]:
    from hub.audit.offline import read_seals

    try:
        return read_seals(path)
    except (OSError, ValueError) as problem:
        raise Refused(
            f"seals: {path} cannot be read ({problem}); expected a file of `hub audit export-seals`"
        ) from None


def _print(report: Report, *, as_json: bool) -> None:
    from hub.cli import output

    if as_json:
        told = {"good": report.is_good, "hashed": report.walked, "partitions": report.partitions, "unsealed": report.unsealed,
                "unfolded": report.unfolded, "findings": [one._asdict() for one in report.findings]}  # fmt: skip
        output.print_json(told)
        return
    erased = [one for one in report.findings if one.kind == "erased"]
    for one in [one for one in report.findings if one.kind != "erased"] + erased[:SHOWN_ERASED]:
        typer.echo(_line(one))
    if len(erased) > SHOWN_ERASED:
        typer.echo(f"erased: {len(erased) - SHOWN_ERASED} people more")
    word = "Verified" if report.is_good else "NOT VERIFIED"
    typer.echo(f"{word}: {report.walked} records hashed in {report.partitions} partitions, {report.unsealed} not sealed yet, "
               f"{report.unfolded} not folded yet.")  # fmt: skip


def _line(finding: Finding) -> str:
    return f"{finding.kind}: {finding.where}: {finding.text}"


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _in_short(row: dict[str, Any], changes: str) -> dict[str, Any]:
    event = str(row["event_type"]).removeprefix("lms.").rpartition(".")[0]
    return row | {"event": event, "who": row["performed_by_login"] or row["actor"], "changes": changes}


def _print_origin(hub: Hub, event: str, opener: Any, *, as_json: bool) -> None:
    from hub.audit.origin import origin
    from hub.audit.show import revealed
    from hub.cli import output
    from hub.cli.natural import natural
    from hub.log import codec

    with hub.connection() as connection:
        told = origin(connection, hub.log, event, lambda value: natural(codec.decode(value)))
    (shown,) = revealed([told], opener)
    if as_json:
        output.print_json(shown)
        return
    output.print_facts({name: value for name, value in shown.items() if not isinstance(value, dict)})
    for name, value in shown.items():
        if isinstance(value, dict):
            typer.echo(f"\n{name}")
            output.print_facts(value)
