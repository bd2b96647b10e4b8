"""The certificate of a cycle: what is held, what renews it, and what its issue sets.

A certificate belongs to its cycle for ever. Another one (another id, or the same source telling a later validity) is a
recertification and opens a new cycle; an older one changes nothing. Of the row's own certificate the newest told validity
counts while it is valid. A revoked certificate does not come back by being told again.
"""

from __future__ import annotations

from hub.domain.learning import Context, Draft, Facts, Told
from hub.domain.rows import Changes, Row, value_of
from hub.domain.units import day_in
from hub.domain.values import EnrollmentStatus as E


def holds(row: Row | None) -> bool:
    """Whether the cycle has a certificate that was not revoked (it may have lapsed)."""
    return value_of(row, "certificate_id") is not None and value_of(row, "revoked_on") is None


def renews(row: Row, facts: Facts) -> bool:
    """Whether another certificate than the row's is told, and none that is older."""
    known = value_of(row, "certificate_id")
    if known is None or not facts.get("certified"):
        return False
    told = facts.get("certificate_id")
    if told == known:
        return row["enrollment_status"] == E.EXPIRED and bool(_is_later(row, facts, "valid_until"))
    for name in ("valid_until", "valid_from"):
        later = _is_later(row, facts, name)
        if later is not None:
            return later
    return told is not None


def _is_later(row: Row, facts: Facts, name: str) -> bool | None:
    """Whether a day is told that is later than the known one; None where that cannot be said."""
    told, known = facts.get(name), value_of(row, name)
    return None if told is None or known is None or told == known else bool(told > known)


def is_certified(row: Row | None, facts: Facts) -> bool:
    """Whether the cycle has a certificate, by what is told and what is known."""
    said = facts.get("certified")
    if said is None or (said and value_of(row, "revoked_on") is not None):
        return holds(row)
    return bool(said)


def is_own(row: Row | None, facts: Facts) -> bool:
    """Whether the certificate that is told of is the one that the row has."""
    return holds(row) and facts.get("certificate_id") in (None, value_of(row, "certificate_id"))


def completed_day(facts: Facts, zone: str) -> int | None:
    """The day of completion, where the facts tell it (a certificate's first day stands for it)."""
    day: int | None = facts.get("completed_on")
    if day is None and facts.get("completed_at") is not None:
        day = day_in(facts["completed_at"], zone)
    return facts.get("valid_from") if day is None else day


def valid_until(row: Row | None, told: Told, facts: Facts, context: Context) -> int | None:
    """The first day on which the certificate is no longer valid; None: valid for ever."""
    if holds(row):
        said = facts.get("valid_until") if is_own(row, facts) else None
        known: int | None = value_of(row, "valid_until")
        return known if said is None else said
    return _span(row, told, facts, context)[1]


def _span(row: Row | None, told: Told, facts: Facts, context: Context) -> tuple[int, int | None]:
    """First day, and first day after, of a certificate that is issued now; else by the course's period."""
    start = facts.get("valid_from")
    if start is None:
        start = value_of(row, "completion_date")
    if start is None:
        start = completed_day(facts, context.zone)
    if start is None:
        start = day_in(told.time, context.zone)
    until = facts.get("valid_until")
    period = value_of(context.course, "validity_days")
    return start, start + period if until is None and period else until


def issue(changes: Changes, draft: Draft, told: Told, facts: Facts, context: Context) -> None:
    """The certificate is issued: its id (else one of ours), validity, issuer and link."""
    start, until = _span(changes.row, told, facts, context)
    draft.transitions.add("enrollment.certified")
    changes.put("certificate_id", facts.get("certificate_id") or f"{told.stream}/{draft.cycle}")
    changes.put("certificate_issuer", facts.get("certificate_issuer"))
    changes.put("completion_certificate_url", facts.get("certificate_url"))
    changes.put("valid_from", start)
    changes.put("valid_until", until)


def keep_up(changes: Changes, facts: Facts) -> None:
    """While it is valid: what is told newly of the row's own certificate."""
    row = changes.row
    if row is None or row["enrollment_status"] != E.CERTIFIED or not is_own(row, facts):
        return
    changes.put("valid_until", facts.get("valid_until"))
    changes.first("certificate_issuer", facts.get("certificate_issuer"))
    changes.first("completion_certificate_url", facts.get("certificate_url"))
