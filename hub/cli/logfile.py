"""A command's own log: ``hub.log`` in ``HUB_HOME``, so that stdout and stderr are for people and scripts."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.settings import Settings

LOG_NAME = "hub.log"


def log_file() -> Path:
    """Where this command's log is written."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            return Path(handler.baseFilename)
    return Path("stderr")


def log_to_file(found: Settings) -> None:
    """Write what is logged from now on to the file, where its folder can be made."""
    root = logging.getLogger()
    path = found.home / LOG_NAME
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return  # a home that cannot be written is refused by who needs it; until then stderr will do
    handler = _PrivateFile(path, delay=True)
    handler.setFormatter(root.handlers[0].formatter)
    root.handlers[:] = [handler]
    if found.log_level == "info":
        root.setLevel(logging.WARNING)


class _PrivateFile(logging.FileHandler):
    """A log that only its owner may read. What it has no room for is left out: a command does not fail for its log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        with suppress(OSError):  # of opening; what writing raises comes to handleError
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name of the standard library
        """Leave a record out that could not be written; other errors are told on stderr."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def _open(self) -> TextIOWrapper:
        fd = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        # Nothing is kept back that would have to be written when the command ends.
        return TextIOWrapper(os.fdopen(fd, "ab", buffering=0), encoding="utf-8", write_through=True)
