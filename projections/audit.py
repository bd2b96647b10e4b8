"""The audit trail: one row per decided event, from the event alone.

The words of each family of events stand in one table below. Where the regulation is ``R`` it is the one worked out when
the event was decided (Industry Standards for compliance training, Educational Compliance, or None).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.domain.units import DAY
from projections.auditvalues import Told, iso_time

WORDS = """
enrollment.registered          | Course Enrollment    | Enroll     | Course Enrollment | Low    | Learning Data | R
enrollment.withdrawn           | Course Enrollment    | Unenroll   | Course Enrollment | Medium | Learning Data | R
enrollment.completed           | Progress Update      | Complete   | Course Enrollment | Low    | Learning Data | R
enrollment.certified           | Progress Update      | Complete   | Course Enrollment | Low    | Learning Data | R
enrollment.corrected           | Progress Update      | Update     | Course Enrollment | High   | Learning Data | R
enrollment.retracted           | Progress Update      | Delete     | Course Enrollment | High   | Learning Data | R
enrollment.certificate_revoked | Progress Update      | Update     | Course Enrollment | High   | Learning Data | R
enrollment.linked              | Course Enrollment    | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.unlinked            | Course Enrollment    | Update     | Course Enrollment | High   | PII           | R|GDPR
enrollment.*                   | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
lesson.completed               | Progress Update      | Complete   | Learning Progress | Low    | Learning Data | R
lesson.*                       | Progress Update      | Update     | Learning Progress | Low    | Learning Data | R
course.seen                    | Content Management   | Create     | Content Data      | Low    | Internal      | None
course.retired                 | Content Management   | Deactivate | Content Data      | Low    | Internal      | None
course.*                       | Content Management   | Update     | Content Data      | Low    | Internal      | None
integration.configured         | Configuration Change | Create     | LMS Config        | Medium | Confidential  | Company Policy
integration.changed            | Configuration Change | Update     | LMS Config        | Medium | Confidential  | Company Policy
integration.activated          | Configuration Change | Activate   | LMS Config        | Medium | Internal      | Company Policy
integration.deactivated        | Configuration Change | Deactivate | LMS Config        | Medium | Internal      | Company Policy
sync.started                   | Data Sync            | Sync       | LMS Config        | Low    | Learning Data | None
sync.completed                 | Data Sync            | Sync       | LMS Config        | Low    | Learning Data | None
sync.failed                    | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
run.held                       | Data Sync            | Reject     | LMS Config        | High   | Learning Data | Company Policy
run.released                   | Data Sync            | Approve    | LMS Config        | High   | Learning Data | Company Policy
source.stopped                 | Performance Issue    | Sync       | LMS Config        | High   | Internal      | None
source.*                       | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
connection.*                   | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
deadletter.parked              | Data Sync            | Reject     | LMS Config        | Low    | Learning Data | R
deadletter.replayed            | Data Sync            | Sync       | LMS Config        | Medium | Learning Data | R
deadletter.discarded           | Data Sync            | Delete     | LMS Config        | High   | Learning Data | R
command.refused                | Access Control       | Reject     | LMS Config        | Low    | Internal      | None
employee.hired                 | Data Sync            | Create     | Employee Data     | Low    | PII           | None
employee.terminated            | Data Sync            | Deactivate | Employee Data     | Medium | PII           | Company Policy
employee.*                     | Data Sync            | Update     | Employee Data     | Low    | PII           | None
user.registered                | Data Sync            | Create     | Employee Data     | Low    | PII           | None
user.*                         | Data Sync            | Update     | Employee Data     | Low    | PII           | None
account.seen                   | Data Sync            | Create     | Employee Data     | Low    | PII           | None
account.linked                 | Data Sync            | Update     | Employee Data     | Low    | PII           | None
account.unlinked               | Data Sync            | Update     | Employee Data     | High   | PII           | GDPR
company.registered             | Data Sync            | Create     | Employee Data     | Low    | Internal      | None
company.*                      | Data Sync            | Update     | Employee Data     | Low    | Internal      | None
department.registered          | Data Sync            | Create     | Employee Data     | Low    | Internal      | None
department.*                   | Data Sync            | Update     | Employee Data     | Low    | Internal      | None
team.registered                | Data Sync            | Create     | Employee Data     | Low    | Internal      | None
team.*                         | Data Sync            | Update     | Employee Data     | Low    | Internal      | None
figures.recorded               | Performance Issue    | Create     | Content Data      | Low    | Internal      | None
figures.restated               | Performance Issue    | Update     | Content Data      | High   | Internal      | None
projection.repaired            | Performance Issue    | Update     | Content Data      | High   | Internal      | None
projection.*                   | Performance Issue    | Create     | Content Data      | Low    | Internal      | None
data.given_out                 | Access Control       | Export     | Employee Data     | Medium | PII           | GDPR
chain.broken                   | Security Incident    | Reject     | Content Data      | Critical | Restricted  | GDPR
signing_key.rotated            | Access Control       | Update     | User Role         | Medium | Confidential  | Company Policy
"""

RISKS = ("Low", "Medium", "High", "Critical")
SENSITIVE_SETTINGS = frozenset({"authentication_config", "field_mappings", "validation_rules", "transformation_rules"})
PERIODS = frozenset({"validity_days", "version"})
CERTIFICATE = frozenset({"certificate_id", "completion_certificate_url", "valid_from", "valid_until", "revoked_on"})
ASKED_FOR = {
    "enrollment": "Course Enrollment",
    "course": "Content Data",
    "settings": "LMS Config",
}
"""Kind of the stream that a refused command was about → ``entity_type``; the directory's are Employee Data."""
REFUSED = "lms.command.refused.v1"
GIVEN_OUT = "lms.data.given_out.v1"
BACKDATED = 30 * DAY
MANY = 100
CROWD = 1000


@dataclass(frozen=True, slots=True)
class Words:
    """The coarse words for a family of events."""

    audit_type: str
    action: str
    entity_type: str
    risk: str
    sensitivity: str
    regulation: str


def _read(table: str) -> dict[str, Words]:
    read = {}
    for line in table.strip().splitlines():
        name, *cells = [cell.strip() for cell in line.split("|", 6)]
        read[name] = Words(*cells)
    return read


_BY_NAME = _read(WORDS)
_found: dict[str, Words] = {}


def words_of(event_type: str) -> Words:
    """The words for an event type such as ``lms.enrollment.completed.v1``."""
    words = _found.get(event_type)
    if words is None:
        _, subject, name, _ = event_type.split(".")
        words = _BY_NAME.get(f"{subject}.{name}") or _BY_NAME[f"{subject}.*"]
        _found[event_type] = words
    return words


def _risk(event: Mapping[str, Any], words: Words, *, relinked: bool) -> str:
    """The family's risk, raised by what it touches; raised once more at most by its circumstances; never lowered."""
    level = RISKS.index(words.risk)
    kind = event["type"]
    if relinked or (kind == "lms.integration.changed.v1" and _touches(event, "config", SENSITIVE_SETTINGS)):
        level = 2
    elif (kind == "lms.course.changed.v1" and _touches(event, "change", PERIODS)) or (
        kind == "lms.sync.completed.v1" and (event["run"] or {}).get("rejected")
    ):
        level = 1
    elif kind == GIVEN_OUT and (event["affected_employees"] > CROWD or event["sensitivity"] == "Restricted"):
        level = 2
    if event["affected_employees"] > MANY or (by_person(event) and _is_delicate(event)):
        level = min(level + 1, 3)
    return RISKS[level]


def _is_delicate(event: Mapping[str, Any]) -> bool:
    """Whether it is delicate that a person did it: compliance training, a certificate, or long after the fact."""
    if event.get("compliance_training") or "certif" in event["type"] or _touches(event, "enrollment", CERTIFICATE):
        return True
    return bool(event["recorded_at"] - event["occurred_at"] > BACKDATED)


def by_person(event: Mapping[str, Any]) -> bool:
    """Whether a person acted, not a system."""
    return event["actor_kind"] in ("user", "employee")


def risk_of(event: Mapping[str, Any]) -> str:
    """The risk level of an event before it is applied."""
    return _risk(event, words_of(event["type"]), relinked=False)


def _touches(event: Mapping[str, Any], part: str, names: frozenset[str]) -> bool:
    """Whether an event sets or clears one of these values of that part of its body."""
    cleared = event.get("cleared" if part == "change" else f"{part}_cleared") or ()
    return not names.isdisjoint(event.get(part) or ()) or not names.isdisjoint(cleared)


def entity(event: Mapping[str, Any]) -> str:
    """The id of the row that the event is about."""
    if event.get("lesson_row_id") and event["type"].startswith("lms.lesson."):
        return str(event["lesson_row_id"])
    for name in ("enrollment_row_id", "config_id", "about_id"):
        if event.get(name):
            return str(event[name])
    return str(event["stream_id"])


def row(
    event: Mapping[str, Any],
    position: tuple[str, int, int],
    chain: bytes,
    values: Told,
    *,
    also: Mapping[str, Any] | None = None,
    relinked: bool = False,
) -> dict[str, Any]:
    """The audit row of an applied event, as plain values.

    ``values``: what differs in the row that the event is about. ``also``: field changes of other rows of its stream.
    ``relinked``: the rows were linked to somebody else before.
    """
    words = words_of(event["type"])
    old, new, changes = values
    topic, partition, offset = position
    regulation = event["regulation"] if words.regulation.startswith("R") else words.regulation
    if regulation == "None" and (relinked or words.regulation == "R|GDPR"):
        regulation = "GDPR"
    existing = event.get("existing_enrollment_id")
    return {
        "id": event["event_id"],
        "company_id": event["company_id"],
        "lms_integration_id": _integration(event),
        "enrollment_id": existing,
        "audit_type": words.audit_type,
        "action": _action(event, words),
        "entity_type": ASKED_FOR.get(event["stream_kind"], "Employee Data")
        if event["type"] == REFUSED
        else words.entity_type,
        "entity_id": entity(event),
        "old_values": old,
        "new_values": new,
        "field_changes": changes,
        "action_reason": event["reason"],
        "business_justification": event["justification"],
        "impact_assessment": event["impact"],
        "risk_level": _risk(event, words, relinked=relinked),
        "compliance_impact": event["compliance_impact"],
        "affected_employees": event["affected_employees"],
        "data_sensitivity_level": "PII" if relinked else event.get("sensitivity") or words.sensitivity,
        "regulatory_impact": regulation,
        "performed_by_user_id": event["performed_by"],
        "ip_address": event["ip_address"],
        "user_agent": event["user_agent"],
        "session_id": event["session_id"],
        "timestamp": event["recorded_at"],
        "additional_context": _context(event, topic, partition, offset, chain, also),
    }


def _action(event: Mapping[str, Any], words: Words) -> str:
    """The family's action; a file taken in is an import, an account is made only by its first event."""
    if words.audit_type == "Data Sync" and (event.get("run") or {}).get("kind") == "import":
        return "Import"
    if event["type"] == "lms.account.seen.v1" and event["version"] > 1:
        return "Update"
    return words.action


def _integration(event: Mapping[str, Any]) -> str | None:
    """The integration, where its row existed when this was decided (the very first event of one makes it)."""
    if event["type"] == "lms.integration.configured.v1":
        return None
    found = event.get("config_id") or event["integration_id"]
    return None if found is None else str(found)


def _context(
    event: Mapping[str, Any], topic: str, partition: int, offset: int, chain: bytes, also: Mapping[str, Any] | None
) -> dict[str, Any]:
    context = {
        "event_type": event["type"],
        "occurred_at": iso_time(event["occurred_at"]),
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "chain": chain.hex(),
        "stream": f"{event['stream_kind']}/{event['stream_id']}",
        "version": event["version"],
        "transitions": event["transitions"],
        "actor": f"{event['actor_kind']}/{event['actor_id'] or 'hub'}",
    }
    for name in ("follows", "causation_id", "correlation_id", "native_id"):
        if event[name] is not None:
            context[name] = event[name]
    if event["payload_sha256"] is not None:
        context["payload_sha256"] = event["payload_sha256"].hex()
    if event.get("enrollment_row_id"):
        context["enrollment_id"] = event["enrollment_row_id"]
    if event.get("late"):
        context["late"] = True
    if event["backfill"]:
        context["backfill"] = True
    if event.get("config_id"):
        context["integration_id"] = event["config_id"]
    if also:
        context["also_changed"] = also
    return context
