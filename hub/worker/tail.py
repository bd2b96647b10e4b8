"""A tail follows topics of the log for one lane: a consumer group of Kafka, hosted by Faust as a service.

Positions come from PostgreSQL at every assignment, never from what is committed to Kafka, which stays a hint for tools
that show lag. A partition is taken over after the last seek, and a batch in hand ends before its partitions are given
away. Contiguity and ownership are checked by the work, so a fault of the client can stop a worker but lose nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError
from mode import Service

from hub.errors import Fatal
from hub.log.port import Record
from hub.logging import logger
from hub.worker.lane import Lane
from hub.works import Starts

SESSION, STATIC_SESSION, REBALANCE = 10.0, 30.0, 20.0
"""Seconds: how long the group keeps the partitions of a silent member, of a silent named one, and waits in a rebalance."""
POLL = 0.2
GATHER = 0.01
"""Seconds in which more records are waited for once there are some. While a batch is worked on, the client fetches little
ahead (of a broker that still has records with it, nothing for 100 ms), so its first answer is a part of what there is."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
COMMIT_EVERY = 5.0
FIRST_REST, LONGEST_REST, LIVED_WELL = 0.5, 15.0, 60.0
"""Seconds before it joins again: after the first error, at most, and how long it must have gone well to be the first."""
FAREWELL = 15.0
"""Seconds in which a consumer must have ended; one that lives on could take partitions that nobody reads then."""

log = logger(__name__)


class OutsideLog(Fatal):
    """A stored offset is not in the log: another cluster, a topic made anew, or records that retention removed unread."""


@dataclass(frozen=True, slots=True)
class Group:
    """How a tail joins. ``slot``: a name that stays over restarts, for static membership."""

    bootstrap_servers: str
    prefix: str
    slot: str | None = None

    def consumer(self, lane: str) -> AIOKafkaConsumer:
        """A consumer of the lane's group, not started."""
        name = f"{self.prefix}hub-{lane}"
        session = SESSION if self.slot is None else STATIC_SESSION
        return AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            client_id=name,
            group_id=name,
            group_instance_id=None if self.slot is None else f"{name}-{self.slot}",
            enable_auto_commit=False,
            auto_offset_reset="none",
            session_timeout_ms=int(session * 1000),
            heartbeat_interval_ms=int(session * 200),
            rebalance_timeout_ms=int(REBALANCE * 1000),
            max_poll_interval_ms=900_000,
            fetch_max_wait_ms=250,
        )


class Tail(Service, ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Follows the topics of a lane's work."""

    def __init__(self, lane: Lane, group: Group) -> None:
        super().__init__()
        self.lane = lane
        self.draining = False
        """True: no further batch is begun."""
        self.polled = time.monotonic()
        """When records were last asked for with success."""
        self._group = group
        self._ready = asyncio.Event()
        self._turn = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None
        self._lost = False
        """This consumer is done with."""
        self._rest, self._rested = FIRST_REST, 0.0
        self._committed = 0.0
        self._assignments = 0
        """How often partitions were taken over."""
        self._unsettled = False
        """Something may still be under way."""

    @property
    def bootstrap_servers(self) -> str:
        """Where brokers are asked for: host and port of each, separated by commas."""
        return self._group.bootstrap_servers

    @property
    def ready(self) -> bool:
        """Whether the partitions are taken over (none, for a stand-by) and records are taken."""
        return self._ready.is_set()

    @property
    def busy(self) -> bool:
        """Whether a batch is in hand."""
        return self._turn.locked()

    async def on_start(self) -> None:
        """Join the group. Raises KafkaError."""
        self._consumer = self._group.consumer(self.lane.name)
        self._consumer.subscribe([self._group.prefix + topic for topic in self.lane.work.topics], listener=self)
        await self._consumer.start()

    async def on_stop(self) -> None:
        """End the batch in hand, leave the group."""
        self._ready.clear()
        self.lane.leave = True
        async with self._turn:
            await self._settle()
            if self._consumer is not None:
                await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002  aiokafka's signature
        """A batch in hand ends, and is written, before anybody else takes over."""
        self._ready.clear()
        self.lane.leave = True
        async with self._turn:
            await self._settle()

    async def _settle(self) -> Starts:
        """Wait until nothing is under way; returns as :meth:`_step` does."""
        if not self._unsettled:
            return {}
        self._unsettled = False
        return await self.lane.settle()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Take over: load the stored offsets, hold them against the log, seek every partition."""
        if self._lost or self.should_stop:  # on its way when the consumer was told to end
            return
        try:
            await self._take_over(assigned)
        except KafkaError as problem:
            self._lose(problem)
        except Exception as problem:  # aiokafka would swallow it
            await self._fail(problem)

    async def _take_over(self, assigned: set[TopicPartition]) -> None:
        consumer = self._demand_consumer()
        cut = len(self._group.prefix)
        partitions = {(tp.topic[cut:], tp.partition): tp for tp in assigned}
        found = await self.lane.own(list(partitions))
        start = {partitions[where]: offset for where, offset in found.items()}
        if assigned:
            refuse_outside_log(start, await consumer.beginning_offsets(assigned), await consumer.end_offsets(assigned))
        for tp, offset in start.items():
            consumer.seek(tp, offset)
        self._assignments += 1  # with the seeks: nothing is awaited in between
        self.lane.leave = False
        self.polled = time.monotonic()  # while the group was without a broker nothing could be asked for
        self._ready.set()
        log.info("partitions taken over", lane=self.lane.name, partitions=len(assigned))

    @Service.task
    async def _follow(self) -> None:
        pause, before = FIRST_PAUSE, Starts()
        while not self.should_stop and not self.draining:
            try:
                if self._lost:
                    await self._join_again()
                await asyncio.wait_for(self._ready.wait(), POLL)
                again = await self._step()
            except TimeoutError:
                continue
            except KafkaError as problem:
                self._lose(problem)
                continue
            except Exception as problem:  # a task that ended would leave a worker that does nothing
                await self._fail(problem)
                return
            pause = min(pause * 2, LONGEST_PAUSE) if again and again == before else FIRST_PAUSE
            before = again
            if again:
                await self.sleep(pause)

    async def _step(self) -> Starts:
        """Take one batch; returns the partitions that wait for rows that are not folded yet, and where each stands."""
        consumer = self._demand_consumer()
        try:
            got, assignment = await self._gathered(consumer)
        except NoOffsetForPartitionError:  # assigned, and the listener has not sought yet
            await self.sleep(FIRST_PAUSE)
            return {}
        async with self._turn:
            # What is dropped here is brought back by the seeks of the next assignment.
            if not self.ready or self.draining or assignment != self._assignments:
                return {}
            if not got:
                again = await self._settle()
                self._rewind(consumer, again)
                return again
            cut = len(self._group.prefix)
            records = [
                Record(one.topic[cut:], one.partition, one.offset, one.key or b"", one.value or b"")
                for batch in got.values()
                for one in batch
            ]
            self._unsettled = True
            again = await self.lane.take(records)
            self._rewind(consumer, again)
            await self._hint(consumer)
        return again

    async def _gathered(self, consumer: AIOKafkaConsumer) -> tuple[dict[TopicPartition, list[Any]], int]:
        """Records of the assignment whose number is returned with them; none where none came for a while."""
        got: dict[TopicPartition, list[Any]] = {}
        count, assignment, end = 0, self._assignments, time.monotonic() + POLL
        while self.ready and count < self.lane.batch and (left := end - time.monotonic()) > 0:
            more = await consumer.getmany(timeout_ms=max(1, int(left * 1000)), max_records=self.lane.batch - count)
            self.polled = time.monotonic()
            if assignment != self._assignments:  # what came before is brought back by the seeks
                got, count, assignment = {}, 0, self._assignments
            if more and not got:
                end = self.polled + GATHER
            for tp, records in more.items():
                got.setdefault(tp, []).extend(records)
                count += len(records)
        return got, assignment

    def _rewind(self, consumer: AIOKafkaConsumer, again: Starts) -> None:
        for (topic, partition), offset in again.items():
            try:
                consumer.seek(TopicPartition(self._group.prefix + topic, partition), offset)
            except IllegalStateError:  # no longer assigned
                continue

    async def _hint(self, consumer: AIOKafkaConsumer) -> None:
        """Tell Kafka now and then how far this group is; nothing depends on it."""
        if time.monotonic() - self._committed < COMMIT_EVERY or not self.ready:
            return
        self._committed = time.monotonic()
        try:
            await consumer.commit()
        except (KafkaError, IllegalStateError) as problem:
            log.debug("not committed", lane=self.lane.name, problem=str(problem))

    def _lose(self, problem: KafkaError) -> None:
        """This consumer is done with; the next one joins in its place."""
        self._ready.clear()
        self.lane.leave = True
        self._lost = True
        self.lane.failure = f"Kafka: {problem}"
        log.warning("joins again", lane=self.lane.name, problem=str(problem))

    async def _join_again(self) -> None:
        """End the consumer, rest, and join with a new one. Raises KafkaError; Fatal where it does not end."""
        async with self._turn:
            await self._settle()
        try:
            await asyncio.wait_for(self._demand_consumer().stop(), FAREWELL)
        except TimeoutError as hangs:
            raise Fatal(f"{self.lane.name}: its consumer did not end within {FAREWELL:.0f} seconds") from hangs
        went_well = time.monotonic() - self._rested > LIVED_WELL
        self._rest = FIRST_REST if went_well else min(self._rest * 2, LONGEST_REST)
        await self.sleep(self._rest)
        self._rested = time.monotonic()
        self._lost = False
        if not self.should_stop:
            await self.on_start()

    async def _fail(self, problem: Exception) -> None:
        """Nothing more is taken; the worker ends with code 1."""
        self._ready.clear()
        self.draining = True
        self.lane.failure = str(problem) or type(problem).__name__
        log.critical("worker stops", lane=self.lane.name, problem=self.lane.failure, exc_info=problem)
        await self.crash(problem)

    def _demand_consumer(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise Fatal("the tail was not started")
        return self._consumer


def refuse_outside_log(
    start: Mapping[TopicPartition, int], low: Mapping[TopicPartition, int], high: Mapping[TopicPartition, int]
) -> None:
    """Raises OutsideLog where a stored offset lies before the beginning or behind the end of its partition."""
    for tp, offset in sorted(start.items()):
        if not low[tp] <= offset <= high[tp]:
            raise OutsideLog(
                f"{tp.topic}/{tp.partition}: the database goes on at offset {offset}, but the log holds {low[tp]} to "
                f"{high[tp]}; expected the log that this database was folded from"
            )
