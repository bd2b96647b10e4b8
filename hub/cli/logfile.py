"""A command's own log: ``hub.log`` in ``HUB_HOME``, so that stdout and stderr are for people and scripts."""

from __future__ import annotations

import logging
import os
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
    """A log that only its owner may read."""

    def _open(self) -> TextIOWrapper:
        return os.fdopen(
            os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8"
        )
