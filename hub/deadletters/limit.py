"""A park that grows stops its source rather than the hub: scheduled runs stop at a limit, and go on below it.

The limit is a setting of the integration (``dead_letter_limit``). Whether it is reached is asked of the tables, so a missed
look does no harm; stopping and going on are events of the company's settings. A person may still run it by hand.
"""

from __future__ import annotations

import json

from hub.bootstrap import Hub
from hub.errors import Refused, Retriable
from hub.integrations.commands import source_stopped
from hub.integrations.settings import own
from hub.integrations.telling import tell
from hub.logging import logger

OPEN = """
SELECT c.id::text, c.company_id::text, c.lms_code, c.fold_state->'connector_settings', c.fold_state ? 'stopped_at',
       (SELECT count(*) FROM hub.dead_letter d WHERE d.lms_integration_id = c.id AND d.resolved_at IS NULL)
FROM hub.lms_integration_config c ORDER BY c.id
"""

log = logger(__name__)


def react(hub: Hub) -> int:
    """Stop the sources whose open dead letters are more than their limit, let those go on that have fewer; returns how many.

    Raises Retriable where something is away.
    """
    with hub.connection() as connection:
        found = connection.execute(OPEN).fetchall()
    count = 0
    for config_id, company_id, code, told, is_stopped, open_letters in found:
        try:
            limit = own((json.loads(told) if isinstance(told, str) else told) or {}).dead_letter_limit
        except Refused:
            continue  # its settings cannot be used, so it has no scheduled run either
        if (open_letters > limit) == is_stopped:
            continue
        try:
            tell(hub.commands, source_stopped(company_id, config_id, stops=not is_stopped))
        except Retriable as problem:  # its company's settings may themselves be parked
            log.warning("a source is neither stopped nor resumed", integration=code, problem=str(problem))
            continue
        log.warning("source resumed" if is_stopped else "source stopped", integration=code, open_letters=open_letters)
        count += 1
    return count
