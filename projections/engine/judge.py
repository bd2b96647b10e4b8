"""The rule by which every reader of the log agrees: does a record count?

A record counts if it follows the last applied event of its stream *and* makes the next version. If not, it is a repeat
where its event was applied already, else void. Judged before all else, so a void record is neither folded nor parked.
"""

from __future__ import annotations

from enum import StrEnum

from hub.domain.heads import Head


class Verdict(StrEnum):
    """What a record is."""

    COUNTS = "counts"
    REPEAT = "repeat"
    VOID = "void"


def follows(head: Head, event_follows: str | None, version: int) -> bool:
    """Whether an event continues its stream: both the event it follows and its version must be right."""
    return head.last_event_id == event_follows and head.version + 1 == version


def verdict(head: Head, event_follows: str | None, version: int, *, applied: bool) -> Verdict:
    """Judge a record. ``applied``: its event id is in the audit trail (or earlier in the same batch)."""
    if follows(head, event_follows, version):
        return Verdict.COUNTS
    return Verdict.REPEAT if applied else Verdict.VOID
