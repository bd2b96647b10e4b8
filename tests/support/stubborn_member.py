"""A member of a consumer group that lives, and at the next rebalance never comes: all others hang in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

FOR_EVER = 600_000
"""Milliseconds that the group waits for it, far more than any test takes."""


class _Stubborn(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self) -> None:
        self.joined = threading.Event()
        self.is_asked = threading.Event()

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        if revoked:
            self.is_asked.set()
            await asyncio.Event().wait()

    async def on_partitions_assigned(self, assigned: set[Any]) -> None:
        if assigned:
            self.joined.set()


@contextmanager
def stubborn_member(bootstrap: str, group: str, topics: list[str]) -> Iterator[_Stubborn]:
    """In the group while the block lasts. ``joined``: it has partitions; ``is_asked``: the group waits for it."""
    listener = _Stubborn()
    loop = asyncio.new_event_loop()

    async def join() -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, session_timeout_ms=10_000,
            rebalance_timeout_ms=FOR_EVER, max_poll_interval_ms=FOR_EVER,
        )  # fmt: skip
        consumer.subscribe(topics, listener=listener)
        await consumer.start()
        return consumer

    async def leave() -> None:
        """Without a word: its session ends, and so does the waiting for it."""
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_forever, name="stubborn member", daemon=True)
    thread.start()
    try:
        consumer = asyncio.run_coroutine_threadsafe(join(), loop).result(60)
        try:
            yield listener
        finally:
            asyncio.run_coroutine_threadsafe(leave(), loop).result(60)
            asyncio.run_coroutine_threadsafe(consumer._client.close(), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
