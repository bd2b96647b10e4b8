"""A member of a consumer group that lives, and at the next rebalance never comes: all others hang in it.

``python -m tests.support.stubborn_member BOOTSTRAP GROUP TOPIC …`` prints a line when it has partitions, and one when the
group begins to wait for it. It ends by SIGKILL alone; the waiting ends some seconds later, with its session.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

FOR_EVER = 600_000
"""Milliseconds that the group waits for it, far more than any test takes."""
SESSION = 10_000
JOINED, ASKED = "joined", "asked"


class _Stubborn(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        if revoked:
            print(ASKED, flush=True)
            await asyncio.Event().wait()

    async def on_partitions_assigned(self, assigned: set[Any]) -> None:
        if assigned:
            print(JOINED, flush=True)


async def _join(bootstrap: str, group: str, topics: list[str]) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, session_timeout_ms=SESSION,
        rebalance_timeout_ms=FOR_EVER, max_poll_interval_ms=FOR_EVER,
    )  # fmt: skip
    consumer.subscribe(topics, listener=_Stubborn())
    await consumer.start()
    await asyncio.Event().wait()


class Member:
    """The process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def wait(self, word: str) -> None:
        """Wait until it said so. Raises AssertionError where it ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise AssertionError(f"it ended before it said {word}")


@contextmanager
def stubborn_member(bootstrap: str, group: str, topics: list[str]) -> Iterator[Member]:
    """In the group while the block lasts."""
    command = [sys.executable, "-m", "tests.support.stubborn_member", bootstrap, group, *topics]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Member(process)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_join(sys.argv[1], sys.argv[2], sys.argv[3:]))
