"""What the parts of the Kafka log share: client options, and what Kafka's errors mean for the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import errors

from hub.errors import Fatal, Refused
from hub.log.port import MAX_RECORD_BYTES, LogUnavailable

MAX_MESSAGE_BYTES = MAX_RECORD_BYTES + 64 * 1024
"""``max.message.bytes`` of every topic: a record of the largest size and the frame around it."""


CONNECT_SECONDS = 10.0


def client_options(bootstrap_servers: str, timeout: float) -> dict[str, Any]:
    """Options of every client: comes back within a second after the broker does; gives up where none of the brokers can be
    reached for :data:`CONNECT_SECONDS` at its beginning."""
    return {
        "bootstrap_servers": bootstrap_servers.split(","),
        "client_id": "hub-log",
        "bootstrap_timeout_ms": int(min(timeout, CONNECT_SECONDS) * 1000),
        "request_timeout_ms": int(timeout * 1000 / 3),
        "reconnect_backoff_max_ms": 1000,
    }


@contextmanager
def translated(known: str) -> Iterator[None]:
    """Turn Kafka's errors into errors of the log; ``known`` says what is known of the outcome.

    Raises:
        LogUnavailable: the broker is away, electing, short of replicas or slow.
        Refused: the credentials do not allow it.
        Fatal: an offset that the log does not have, or a history that was cut.
    """
    try:
        yield
    except errors.AuthorizationError as error:
        raise Refused(f"Kafka does not allow this hub to use the log ({error}).", rule="Kafka authorization") from error
    except (errors.OffsetOutOfRangeError, errors.LogTruncationError, errors.NoOffsetForPartitionError) as error:
        raise Fatal(
            f"The topic no longer holds what was read from it before ({error}); was it made anew or cut?"
        ) from error
    except errors.KafkaError as error:
        raise LogUnavailable(f"Kafka is not available ({_said(error)}). {known}") from error


def _said(error: errors.KafkaError) -> str:
    return str(error) if error.args or not isinstance(error, errors.KafkaTimeoutError) else "no broker answered in time"
