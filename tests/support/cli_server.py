"""Starts ``hub`` commands as processes of their own without the seconds of imports: each is a fork of this one.

``python -m tests.support.cli_server`` reads a JSON object a line (arguments, environment, files for stdin, stdout and
stderr) and answers with the status of the command. It has no threads and no state but imported modules.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

import connectors.files
import hub.cli.output
import hub.cli.standing
import hub.intake.service
from hub.cli import main
from tests.support.forked import finish

WARM = (connectors.files, hub.cli.output, hub.cli.standing, hub.intake.service)
"""What most commands import."""


def serve() -> None:
    """Answer requests until stdin ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(asked: dict[str, Any]) -> NoReturn:
    for number, name in enumerate(asked["files"]):
        file = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, encoding="utf-8") for number, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["hub", *asked["arguments"]]
    finish(main)


if __name__ == "__main__":
    serve()
