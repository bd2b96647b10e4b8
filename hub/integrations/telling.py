"""Commands about integrations from many threads: one at a time for each company.

All settings and runs of a company share one stream, so that commands given at once only lose races to each other. Those of
other processes still may be faster; what then is not decided is asked again, with the same id.
"""

from __future__ import annotations

import threading
from collections import defaultdict

from hub.deciding.commands import Answer, Command, Commands
from hub.deciding.decider import Interrupted
from hub.errors import Retriable

TRIES = 5

_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def tell(commands: Commands, command: Command) -> Answer:
    """Execute a command when it is its turn in this process. Raises as :meth:`Commands.execute`."""
    with _turns[command.company_id]:
        for _ in range(TRIES - 1):
            try:
                return commands.execute(command)
            except Interrupted:
                raise
            except Retriable:
                continue
        return commands.execute(command)
