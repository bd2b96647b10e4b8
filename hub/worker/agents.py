"""The Faust application: its settings, and one agent per lane.

An agent hands each batch to its lane and acknowledges it after the commit. ``noack_take`` never acknowledges by itself, so
nothing is committed to Kafka that is not in the tables; records from before a rebalance are acknowledged and left, since
the seek at the assignment brings them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faust
from faust.types.events import EventT

from hub.errors import Fatal
from hub.log.port import Record
from hub.settings import Settings
from hub.worker.consumer import StoredOffsetConsumer
from hub.worker.lane import Lane

BATCHES = {"fold": 2000, "decide": 1000}
WITHIN = 0.02
"""Seconds after which a part of a batch is handed on; bounds latency, and how long a revocation waits."""
AGAIN_SECONDS = 0.5
SESSION, STATIC_SESSION, REBALANCE = 10.0, 30.0, 20.0


class WorkerApp(faust.App):
    """The worker's application. An exception that leaves an agent all the same ends the worker."""

    lanes: list[Lane]
    prefix: str
    owned: int = -1
    """Generation of the group in which the partitions were last taken over; -1: never."""
    seeking: bool = False
    """While the positions are being set: deciding is left, since it waits for folds that stand still."""
    closing: bool = False

    def interrupted(self) -> bool:
        """Whether a batch in hand is to be left."""
        return bool(self.rebalancing or self.seeking or self.closing)

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        if isinstance(exc, Exception):
            await self.lanes[0].stand(Fatal(f"{agent}: {exc!r}"))


def application(settings: Settings, slot: str | None, datadir: Path) -> WorkerApp:
    """The application without its agents. ``slot``: name of this worker among those of the hub, for static membership."""
    name = f"{settings.kafka_topic_prefix}hub-worker"
    brokers = ";".join(f"kafka://{host}" for host in (settings.kafka_bootstrap_servers or "").split(","))
    session = SESSION if slot is None else STATIC_SESSION
    app = WorkerApp(
        name,
        broker=brokers,
        store="memory://",
        datadir=datadir,
        autodiscover=False,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_buffer_maxsize=16384,
        stream_wait_empty=True,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=None if slot is None else f"{name}-{slot}",
        broker_session_timeout=session,
        broker_heartbeat_interval=session / 5,
        broker_rebalance_timeout=REBALANCE,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    app.prefix = settings.kafka_topic_prefix
    app.lanes = []
    app.transport.Consumer = StoredOffsetConsumer  # type: ignore[misc]  # declared a class variable; Faust reads it here
    return app


def add_agent(app: WorkerApp, lane: Lane) -> None:
    """Give a lane the records of its topics."""
    names = [app.prefix + topic for topic in lane.work.topics]
    topic = app.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    cut = len(app.prefix)

    async def body(stream: Any) -> None:
        async for events in stream.noack_take(BATCHES[lane.name], within=WITHIN):
            await lane.take(_records(events, app.owned, cut))
            for event in events:
                event.ack()

    async def again() -> None:
        if not app.rebalancing:
            await lane.again()

    app.agent(topic, name=lane.name, concurrency=1)(body)
    app.timer(AGAIN_SECONDS, name=f"{lane.name}-again")(again)
    app.lanes.append(lane)


def _records(events: Sequence[EventT[bytes]], owned: int, cut: int) -> list[Record]:
    """The records that were fetched since the partitions were taken over, under the log's own topic names."""
    records = []
    for event in events:
        message = event.message
        if message.generation_id == owned:
            value = message.value or b""
            records.append(Record(message.topic[cut:], message.partition, message.offset, message.key or b"", value))
    return records
