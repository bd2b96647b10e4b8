"""Where a worker starts to read: the offsets stored in PostgreSQL, never those committed to Kafka.

Faust seeks once per assignment by :meth:`seek_to_committed`, after every signal that an application can take, so that is
the place. Committed offsets stay a hint for tools that show lag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from hub.errors import Fatal
from hub.worker.lane import Lane


class OutsideLog(Fatal):
    """A stored offset is not in the log: another cluster, a topic made anew, or records that retention removed unread."""


class StoredOffsetConsumer(Consumer):
    """Starts every partition where its lane's work says. The application carries ``lanes``, ``prefix`` and ``owned``."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Load the stored offsets of all assigned partitions, check them against the log, seek, then take over.

        Called again whenever a fetch returns during a rebalance, so it gives the same result twice.
        """
        app = cast(Any, self.app)
        app.seeking = True
        try:
            return await self._taken_over(app)
        finally:
            app.seeking = False

    async def _taken_over(self, app: Any) -> Mapping[TP, int]:
        generation = app.consumer_generation_id
        committed = dict(await super().seek_to_committed())
        mine: set[TP] = set(self.assignment())
        start = await self._stored(app, mine)
        if mine:
            try:
                refuse_outside_log(
                    start, await self.earliest_offsets(*mine), await self._thread.call_thread(self._ends, mine)
                )
            except OutsideLog as problem:
                await app.lanes[0].stand(problem)
        for tp, offset in start.items():  # offset 0 too: the base class skips it
            await self._thread.seek_wait({tp: offset})
        app.owned = generation
        return committed | start

    async def _stored(self, app: Any, mine: set[TP]) -> dict[TP, int]:
        start: dict[TP, int] = {}
        for lane in cast(list[Lane], app.lanes):
            topics = {app.prefix + topic: topic for topic in lane.work.topics}
            partitions = {(topics[tp.topic], tp.partition): tp for tp in mine if tp.topic in topics}
            for where, offset in (await lane.own(list(partitions))).items():
                start[partitions[where]] = offset
        return start

    async def _ends(self, partitions: set[TP]) -> Mapping[TP, int]:
        """The offsets that the next records will get, asked anew: what a consumer remembers may be of a topic before."""
        ends: Mapping[TP, int] = await self._thread._ensure_consumer().end_offsets(partitions)
        return ends


def refuse_outside_log(start: Mapping[TP, int], low: Mapping[TP, int], high: Mapping[TP, int]) -> None:
    """Raises OutsideLog where a stored offset lies before the beginning or behind the end of its partition."""
    for tp, offset in sorted(start.items()):
        if not low[tp] <= offset <= high[tp]:
            raise OutsideLog(
                f"{tp.topic}/{tp.partition}: the database goes on at offset {offset}, but the log holds {low[tp]} to "
                f"{high[tp]}; expected the log that this database was folded from"
            )
