"""Appending to Kafka so that an interrupted append leaves a prefix.

What the idempotent producer gives: the broker stores a batch of records whole or not at all, never twice however often the
producer sends it, and in the order of sending while the producer lives. What it does not give: when it gives up on a batch
(its time is over, its sequence broke), it goes on with the next batch of the same partition, and there is the hole.

So there is at most one batch of a partition under way. An append is cut into chunks that each fit one batch; a wave holds one
chunk of every partition; the next wave is sent when every record of the wave is confirmed. The batch is not sent while it
is being filled (``linger_ms`` is longer than that takes), but at once when it is full (``flush``). After a failure the
producer is thrown away with what it still holds, so that nothing of a failed append is sent afterwards.

A wave also bounds the memory, which the producer itself does not. Appends of several threads take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from hub.log.kafka_client import MAX_MESSAGE_BYTES, client_options, translated
from hub.log.port import LogClosedError, LogUnavailable, NewRecord

CHUNK_BYTES = 1024 * 1024
RECORD_OVERHEAD = 32
"""At least what a record takes in a batch beside key and value."""


class Writer:
    """One idempotent producer, made when needed and made anew after a failure."""

    def __init__(self, bootstrap_servers: str, timeout: float) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._timeout = timeout
        self._producer: Any = None
        self._turn = Lock()
        self._closed = False

    def append(self, topic: str, records: Sequence[NewRecord], parts: dict[int, list[int]]) -> dict[int, int]:
        """Store the records, given as partition → indexes; returns index → offset. Takes at most about ``timeout`` per wave.

        Raises:
            LogUnavailable: not everything was confirmed; the message says how much was.
        """
        if not self._turn.acquire(timeout=self._timeout):
            raise LogUnavailable("Kafka is not available: earlier appends still wait for it. Nothing was sent.")
        try:
            offsets: dict[int, int] = {}
            rest = {part: chunks(records, indexes) for part, indexes in parts.items()}
            while rest:
                wave = {part: cut.pop() for part, cut in rest.items()}
                rest = {part: cut for part, cut in rest.items() if cut}
                self._send(topic, records, wave, offsets)
            return offsets
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close the producer once the append under way is done."""
        with self._turn:
            self._closed = True
            self._discard()

    def _send(
        self, topic: str, records: Sequence[NewRecord], wave: dict[int, list[int]], offsets: dict[int, int]
    ) -> None:
        producer = self._open(len(offsets))
        futures: dict[int, Any] = {}
        try:
            with translated(_known(len(offsets))):
                for part, indexes in wave.items():
                    for index in indexes:
                        futures[index] = producer.send(
                            topic, key=records[index].key, value=records[index].value, partition=part
                        )
                with suppress(KafkaError):  # each future is asked below, which says more
                    producer.flush(self._timeout * 1.2)
        except BaseException:
            self._discard()
            raise
        stored = {index: future.value.offset for index, future in futures.items() if future.succeeded()}
        offsets.update(stored)
        if len(stored) < len(futures):
            failed = next(future for future in futures.values() if not future.succeeded())
            self._discard()
            with translated(_known(len(offsets))):
                raise failed.exception or KafkaError("not confirmed in time")

    def _open(self, stored: int) -> Any:
        if self._closed:
            raise LogClosedError("The log was closed.")
        if self._producer is None:
            with translated(_known(stored)):
                self._producer = KafkaProducer(
                    **client_options(self._bootstrap_servers, self._timeout),
                    acks="all",
                    enable_idempotence=True,
                    compression_type="lz4",
                    linger_ms=int(self._timeout * 1000 / 3),
                    batch_size=CHUNK_BYTES + 4096,
                    max_request_size=MAX_MESSAGE_BYTES,
                    delivery_timeout_ms=int(self._timeout * 1000),
                    max_block_ms=int(self._timeout * 1000),
                    allow_auto_create_topics=False,
                    metrics_enabled=False,
                )
        return self._producer

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=self._timeout if self._closed else 0)
        except KafkaError:
            # close() gives up while batches are under way and leaves them to be sent later, which must not happen.
            producer._sender.force_close()


def chunks(records: Sequence[NewRecord], indexes: Sequence[int]) -> list[list[int]]:
    """The indexes of one partition in pieces that each fit one batch, the first piece last."""
    cut: list[list[int]] = []
    room = 0
    for index in indexes:
        size = len(records[index].key) + len(records[index].value) + RECORD_OVERHEAD
        if size > room:
            cut.append([])
            room = CHUNK_BYTES
        cut[-1].append(index)
        room -= size
    return cut[::-1]


def _known(stored: int) -> str:
    return f"{stored} records of the append are confirmed, others may be stored; appending again may repeat records."
