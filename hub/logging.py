"""Logging: structured records on stderr, one JSON object a line, without secrets and personal data.

A record is an event with keys. Values under a name that tells a secret or a person are masked, whoever logs them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

MASK = "••••"
HIDDEN = frozenset({
    "password", "secret", "token", "authorization", "credentials", "authentication_config", "master_key", "api_key", "key",
    "database_url", "email", "name", "display_name", "given_name", "family_name", "login", "login_name", "employee_number",
    "native_id", "hr_number", "mbox", "actor", "statement", "record",
})  # fmt: skip
"""Names whose values are never shown."""
NOISY = ("alembic", "aiokafka", "kafka", "faust", "mode", "httpx", "httpcore")


def mask(_: Any, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what is secret or personal."""
    for name in record:
        if name in HIDDEN and record[name] is not None:
            record[name] = MASK
    return record


SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    mask,
)


def configure(level: str = "info", *, pretty: bool = False) -> None:
    """Send all logs (ours and those of libraries) to stderr as JSON lines, or readable where ``pretty``."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(SHARED),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for a module."""
    found: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return found
