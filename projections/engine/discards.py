"""The records that people have discarded, read from the log before anything is folded from its beginning.

A record that was discarded had been parked, and what came after it in its stream was judged as if it had never been. Who
folds again must therefore know it before the record comes by. A discard that lost a race is void, here as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hub.domain.events.deadletters import LetterDiscarded
from hub.domain.heads import NOTHING, Head
from hub.errors import Unusable
from hub.log.port import EventLog
from projections.engine.batch import Discarded
from projections.engine.judge import follows

BATCH = 2_000


def discards(log: EventLog, decode: Callable[[bytes], Mapping[str, Any]]) -> Discarded:
    """Position → SHA-256 of every discarded record, as far as the log reaches now."""
    topic = LetterDiscarded.topic
    ends = log.ends(topic)
    at = {(topic, number): begin for number, begin in log.begins(topic).items() if begin < ends[number]}
    found: dict[tuple[str, int, int], bytes] = {}
    heads: dict[str, Head] = {}
    while at:
        for record in log.read(at, BATCH):
            at[topic, record.partition] = record.offset + 1
            try:
                event = decode(record.value)
            except Unusable:
                continue
            if "version" not in event:
                continue
            if not follows(heads.get(event["stream_id"], NOTHING), event["follows"], event["version"]):
                continue
            heads[event["stream_id"]] = Head(event["event_id"], event["version"])
            if event["type"] == LetterDiscarded.type and event["record_topic"] is not None:
                where = (event["record_topic"], event["record_partition"], event["record_offset"])
                found[where] = event["record_sha256"]
        at = {where: offset for where, offset in at.items() if offset < ends[where[1]]}
    return found
