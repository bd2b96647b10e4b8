"""The process through which a scene's input comes in: ``python -m tests.support.fault_feeder``.

Reads one part as a JSON object a line, takes it in with the hub's own code and answers with its accounting, one line. It
folds and decides nothing. Whatever goes wrong ends it, and who started it gives the same part to the next one.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from hub import settings
from hub.bootstrap import Hub, open_hub
from hub.directory.commands import upsert
from hub.domain.sealing import to_text
from hub.intake.service import Intake
from hub.logging import configure
from tests.support.site import COMPANY


def take(hub: Hub, part: dict[str, Any]) -> dict[str, int]:
    """Rename the people of a part, then import its file; returns the accounting. Doing it again changes nothing."""
    wishes = []
    for number, name in part["renamed"]:
        who = hub.keyring.pseudonym(COMPANY, "employee", number)
        facts = {"given_name": to_text(hub.keyring.seal(who, name, COMPANY))}
        wishes.append(upsert("employee", who, COMPANY, facts, effective_from=part["day"]))
    for answer in hub.commands.execute_all(wishes):
        if isinstance(answer, Exception):
            raise answer
    return Intake(hub).import_file(COMPANY, part["integration"], part["file"], {}).plain()


def main() -> None:
    """Answer until stdin ends."""
    chosen = settings.load()
    configure(chosen.log_level)
    with open_hub(chosen, runners=False) as hub:
        for line in sys.stdin:
            print(json.dumps(take(hub, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
