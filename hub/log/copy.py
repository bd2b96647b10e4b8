"""Copying a log to another adapter: the same records in the same partitions at the same offsets.

So stored offsets, positions that somebody noted and the chain over the records stay right. The copy may be interrupted and
run again: it goes on behind what the target has. Nothing else may append to the target meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hub.errors import Refused
from hub.log.port import EventLog, NewRecord, Record
from hub.log.topics import TOPIC_NAMES

BATCH = 2000
PLACEHOLDER = NewRecord(b"", b"")
"""Fills the offsets of records that retention took from the source; removed at once."""

Progress = Callable[[str, int, int], None]
"""Called with topic, records copied so far and records to copy in all."""


def copy(
    source: EventLog,
    target: EventLog,
    topics: Iterable[str] = TOPIC_NAMES,
    progress: Progress = lambda _topic, _done, _total: None,
) -> dict[str, int]:
    """Copy what the source holds at the start of the call; returns how many records were copied now, by topic.

    Raises:
        Refused: the partition counts differ, or the target holds something else than a beginning of the source.
        LogUnavailable: one of the logs cannot be reached; what was copied stays, and the copy can be run again.
    """
    if source.partitions != target.partitions:
        raise Refused(
            f"The source has {source.partitions} partitions, the target {target.partitions}; expected the same number.",
            field="partitions",
            rule="source and target have the same partition count",
            expected=str(source.partitions),
        )
    wanted = list(topics)
    for topic in wanted:
        _demand_beginning(source, target, topic)
    return {topic: _copy_topic(source, target, topic, progress) for topic in wanted}


def _copy_topic(source: EventLog, target: EventLog, topic: str, progress: Progress) -> int:
    ends, begins, starts = source.ends(topic), source.begins(topic), target.ends(topic)
    total = sum(end - max(starts[part], begins[part]) for part, end in ends.items())
    done = 0
    progress(topic, done, total)
    for part, end in ends.items():
        start = _fill(target, topic, part, starts[part], begins[part])
        while start < end:
            records = source.read({(topic, part): start}, min(BATCH, end - start))
            positions = target.append(
                topic, [NewRecord(record.key, record.value) for record in records], partition=part
            )
            if positions[0].offset != start:
                raise Refused(
                    f"{topic}/{part} of the target grew while it was copied to: a record of offset {start} came to lie at "
                    f"{positions[0].offset}. The target is to be thrown away.",
                    field=topic,
                    rule="nobody else appends to the target",
                )
            start += len(records)
            done += len(records)
            progress(topic, done, total)
    return done


def _fill(target: EventLog, topic: str, part: int, start: int, begin: int) -> int:
    """Bring a target that ends before the source begins to that offset."""
    while start < begin:
        count = min(BATCH, begin - start)
        target.append(topic, [PLACEHOLDER] * count, partition=part)
        start += count
    if begin > 0:
        target.trim(topic, part, begin)
    return start


def _demand_beginning(source: EventLog, target: EventLog, topic: str) -> None:
    """Refuse a target whose records are not the first ones of the source, as far as the last record of each tells."""
    source_ends, source_begins = source.ends(topic), source.begins(topic)
    for part, end in target.ends(topic).items():
        if end > source_ends[part]:
            raise _other(topic, part, f"has {end} records, the source {source_ends[part]}")
        last = end - 1
        if end == 0 or last < source_begins[part]:
            continue
        mine, theirs = (_at(log, topic, part, last) for log in (target, source))
        if mine != theirs:
            raise _other(topic, part, f"has another record at offset {last}")


def _at(log: EventLog, topic: str, part: int, offset: int) -> Record | None:
    if offset < log.begins(topic)[part]:
        return None
    found = log.read({(topic, part): offset}, 1)
    return found[0] if found else None


def _other(topic: str, part: int, found: str) -> Refused:
    return Refused(
        f"{topic}/{part} of the target {found}; expected an empty log or a beginning of the source.",
        field=topic,
        rule="target is empty or a beginning of the source",
        expected="the same records at the same offsets",
    )
