"""``hub log``: the event log itself: make it, copy it, look at it. Sealed values stay sealed."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import opened, settings
from hub.cli.frame import example, new_group
from hub.cli.options import AsJson
from hub.errors import Unusable

if TYPE_CHECKING:
    from hub.log.manage import LogTarget
    from hub.log.port import Record

app = new_group("The event log: make, copy and look at it.")

STATS = {"topic": "topic", "records": "records", "first": "ever appended", "key": "key"}
SHOWN = {"position": "position", "recorded_at": "recorded", "type": "type", "stream": "stream"}
CLOCKS = ("recorded_at", "observed_at")

Topic = Annotated[str, typer.Argument(metavar="TOPIC", help="Such as lms.learning; `hub log stats` names them.")]


@app.command(epilog=example("hub log init"))
def init() -> None:
    """Make what is missing of the log: schema or topics, with HUB_PARTITIONS partitions each."""
    from hub.bootstrap import database, target_of
    from hub.log import manage
    from hub.log.topics import TOPIC_NAMES

    chosen = settings()
    with ExitStack() as stack:
        url = "" if chosen.on_kafka else stack.enter_context(database(chosen))
        manage.init(target_of(chosen, url), chosen.partitions)
    where = "Kafka" if chosen.on_kafka else "PostgreSQL"
    typer.echo(f"The log on {where} has its {len(TOPIC_NAMES)} topics with {chosen.partitions} partitions each.")


@app.command(
    epilog=example("hub log copy --to-kafka localhost:9092", "hub log copy --to-database postgresql://host/new")
)
def copy(
    to_kafka: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Copy to this Kafka cluster.")] = None,
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="Stands before the topics' names on that cluster.")] = "",
    to_database: Annotated[str | None, typer.Option(metavar="URL", help="Copy to the log in this database.")] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the log to another place, every record to the same partition and offset. Nobody may write meanwhile.

    An interrupted copy goes on where it stopped when it is started again. The master key and the keys in schema vault are
    not part of the log; without them its sealed values never open.
    """
    from hub.cli import output
    from hub.log import manage
    from hub.log.copy import copy as copy_log

    if (to_kafka is None) == (to_database is None):
        raise typer.BadParameter("expected exactly one of them", param_hint="--to-kafka, --to-database")
    target: LogTarget = (
        manage.KafkaTarget(to_kafka, prefix) if to_kafka is not None else manage.PostgresTarget(to_database or "")
    )
    with opened(runners=False) as hub:
        manage.init(target, hub.settings.partitions)
        with closing(manage.open_log(target, hub.settings.partitions)) as there, output.measuring() as tell:
            copied = copy_log(hub.log, there, progress=tell)
    rows = [{"topic": topic, "copied": count} for topic, count in copied.items()]
    output.show(rows, {"topic": "topic", "copied": "copied now"}, as_json=as_json, empty="")


@app.command(epilog=example("hub log stats", "hub log stats --json"))
def stats(as_json: AsJson = False) -> None:
    """Show how much each topic holds."""
    from hub.cli import output
    from hub.log import look
    from hub.log.topics import TOPICS

    keys = {topic.name: topic.key for topic in TOPICS}
    with opened(runners=False) as hub:
        found = look.stats(hub.log)
    if as_json:
        output.print_json([one._asdict() for one in found])
        return
    rows = [
        {"topic": one.topic, "records": one.records, "first": sum(one.ends.values()), "key": keys[one.topic]}
        for one in found
    ]
    output.print_table(rows, STATS, title=f"{found[0].partitions} partitions each")


@app.command(
    epilog=example("hub log show lms.learning", "hub log show lms.learning --partition 3 --offset 17 --limit 1 --json")
)
def show(
    topic: Topic,
    partition: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Only this partition; else all, one after the other.")
    ] = None,
    offset: Annotated[int | None, typer.Option(metavar="N", min=0, help="Begin here; else at the beginning.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Most records to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show records of a topic; --json shows all their fields."""
    from hub.cli import output
    from hub.log import look
    from hub.log.topics import demand_topics

    demand_topics([topic])
    with opened(runners=False) as hub:
        begins = hub.log.begins(topic)
        if partition is not None and partition not in begins:
            raise typer.BadParameter(f"expected 0 to {len(begins) - 1}", param_hint="--partition")
        records: list[Record] = []
        for part in sorted(begins) if partition is None else [partition]:
            if len(records) < limit:
                start = begins[part] if offset is None else max(offset, begins[part])
                records += look.show(hub.log, topic, part, start, limit - len(records))
    output.show(
        [_decoded(one) if as_json else _in_short(one) for one in records],
        SHOWN,
        as_json=as_json,
        empty="No record is there.",
    )


@app.command(epilog=example("hub log tail", "hub log tail lms.learning --last 5 --json"))
def tail(
    topics: Annotated[list[str] | None, typer.Argument(metavar="[TOPIC]...", help="Topics; none: all.")] = None,
    last: Annotated[int, typer.Option(metavar="N", min=0, help="Begin with so many records of each partition.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show records as they come, one line each, until Ctrl-C."""
    from hub.cli import output
    from hub.log import look
    from hub.log.topics import TOPIC_NAMES, demand_topics

    chosen = topics or list(TOPIC_NAMES)
    demand_topics(chosen)
    with opened(runners=False) as hub:
        try:
            for record in look.tail(hub.log, chosen, last):
                if as_json:
                    output.print_json(_decoded(record), lines=True)
                else:
                    typer.echo("  ".join(output.plain(value) for value in _in_short(record).values()))
        except KeyboardInterrupt:
            return  # the way that this is ended


def _in_short(record: Record) -> dict[str, Any]:
    event = _decoded(record)
    position = f"{record.topic}/{record.partition}/{record.offset}"
    moment = next((event[name] for name in CLOCKS if event.get(name)), None)
    told = event.get("type") or event["problem"]
    return {"position": position, "recorded_at": moment, "type": told, "stream": record.key.decode(errors="replace")}


def _decoded(record: Record) -> dict[str, Any]:
    """A record with its position and all fields. What cannot be read is told, and is no reason to stop."""
    from hub.cli.natural import natural
    from hub.log import codec

    where = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key.decode(errors="replace"),
    }
    try:
        event = codec.decode(record.value)
    except Unusable as problem:
        return where | {"problem": str(problem)}
    return where | natural(event)
