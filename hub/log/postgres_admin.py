"""Making and checking the log on PostgreSQL."""

from __future__ import annotations

import psycopg

from hub.errors import Refused
from hub.log import sql
from hub.log.findings import Finding
from hub.log.port import LogUnavailable
from hub.log.postgres_pool import connect, translated
from hub.log.topics import TOPIC_NAMES, demand_partitions, demand_same_partitions

_LOCK = 7_205_110_001
"""Advisory lock under which the schema is made: two processes may start at once."""


def init(url: str, partitions: int) -> None:
    """Make schema, tables, topics and partitions where they are missing; repeating it changes nothing.

    Raises:
        Refused: the log exists with another partition count, or the role may not make it.
        LogUnavailable: the database cannot be reached.
    """
    demand_partitions(partitions)
    with connect(url) as connection, translated("Nothing was changed."), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("SET LOCAL client_min_messages = warning")
        connection.execute(sql.statement("schema"))
        connection.execute("INSERT INTO log.meta (partitions) VALUES (%s) ON CONFLICT DO NOTHING", (partitions,))
        demand_same_partitions(_partitions(connection), partitions)
        connection.execute(
            "INSERT INTO log.topic (name) SELECT unnest(%s::text[]) EXCEPT SELECT name FROM log.topic",
            (list(TOPIC_NAMES),),
        )
        connection.execute(
            "INSERT INTO log.head (topic_id, part) SELECT topic_id, part FROM log.topic, generate_series(0, %s - 1) part ON CONFLICT DO NOTHING",
            (partitions,),
        )


def check(url: str, partitions: int) -> list[Finding]:
    """Look whether the log is there, as it must be, and stored durably; raises nothing that a finding can say."""
    try:
        with connect(url) as connection, translated("Nothing was read."):
            reached = [Finding("log reachable", ok=True, text="The database of the log answers.")]
            return reached + _durability(connection) + _contents(connection, partitions)
    except (LogUnavailable, Refused) as error:
        return [Finding("log reachable", ok=False, text=str(error))]


def _durability(connection: psycopg.Connection) -> list[Finding]:
    findings = []
    for name in ("fsync", "full_page_writes"):
        ((value,),) = connection.execute("SELECT current_setting(%s)", (name,)).fetchall()
        text = f"The server has {name} = {value}" + (
            "." if value == "on" else "; expected on, or records may be lost in a crash."
        )
        findings.append(Finding(f"log {name}", ok=value == "on", text=text))
    return findings


def _contents(connection: psycopg.Connection, partitions: int) -> list[Finding]:
    found = _partitions(connection)
    text = f"The log has {found} partitions" + (
        "." if found == partitions else f", HUB_PARTITIONS is {partitions}; expected {found}."
    )
    names = {name for (name,) in connection.execute("SELECT name FROM log.topic").fetchall()}
    missing = [name for name in TOPIC_NAMES if name not in names]
    topics = (
        f"Missing: {', '.join(missing)}; 'hub log init' makes them."
        if missing
        else f"All {len(TOPIC_NAMES)} topics are there."
    )
    return [
        Finding("log partitions", ok=found == partitions, text=text),
        Finding("log topics", ok=not missing, text=topics),
    ]


def _partitions(connection: psycopg.Connection) -> int:
    ((partitions,),) = connection.execute("SELECT partitions FROM log.meta").fetchall()
    return int(partitions)
