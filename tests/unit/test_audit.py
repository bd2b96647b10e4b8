"""The audit trail's words: the table of figures.md section 7, for the topics that are decided so far."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain import ids
from hub.domain.events import all_types
from hub.domain.units import DAY
from projections import audit
from projections.auditvalues import MASK, differences
from projections.rowcheck import checker
from projections.tables import TABLES
from tests.support.told import ACCOUNT, COMPANY, INTEGRATION, NOON

FIGURES = """
enrollment.registered          | Course Enrollment    | Enroll     | Course Enrollment | Low    | Learning Data | R
enrollment.withdrawn           | Course Enrollment    | Unenroll   | Course Enrollment | Medium | Learning Data | R
enrollment.started             | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.progressed          | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.held                | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.resumed             | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.waived              | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.due_date_changed    | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.became_overdue      | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.certificate_expiring| Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.certificate_lapsed  | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.details_changed     | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.completed           | Progress Update      | Complete   | Course Enrollment | Low    | Learning Data | R
enrollment.certified           | Progress Update      | Complete   | Course Enrollment | Low    | Learning Data | R
enrollment.failed              | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.expired             | Progress Update      | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.corrected           | Progress Update      | Update     | Course Enrollment | High   | Learning Data | R
enrollment.retracted           | Progress Update      | Delete     | Course Enrollment | High   | Learning Data | R
enrollment.certificate_revoked | Progress Update      | Update     | Course Enrollment | High   | Learning Data | R
enrollment.linked              | Course Enrollment    | Update     | Course Enrollment | Low    | Learning Data | R
enrollment.unlinked            | Course Enrollment    | Update     | Course Enrollment | High   | PII           | GDPR
lesson.started                 | Progress Update      | Update     | Learning Progress | Low    | Learning Data | R
lesson.progressed              | Progress Update      | Update     | Learning Progress | Low    | Learning Data | R
lesson.completed               | Progress Update      | Complete   | Learning Progress | Low    | Learning Data | R
lesson.failed                  | Progress Update      | Update     | Learning Progress | Low    | Learning Data | R
lesson.skipped                 | Progress Update      | Update     | Learning Progress | Low    | Learning Data | R
lesson.details_changed         | Progress Update      | Update     | Learning Progress | Low    | Learning Data | R
course.seen                    | Content Management   | Create     | Content Data      | Low    | Internal      | None
course.changed                 | Content Management   | Update     | Content Data      | Low    | Internal      | None
course.retired                 | Content Management   | Deactivate | Content Data      | Low    | Internal      | None
integration.configured         | Configuration Change | Create     | LMS Config        | Medium | Confidential  | Company Policy
integration.changed            | Configuration Change | Update     | LMS Config        | Medium | Confidential  | Company Policy
integration.activated          | Configuration Change | Activate   | LMS Config        | Medium | Internal      | Company Policy
integration.deactivated        | Configuration Change | Deactivate | LMS Config        | Medium | Internal      | Company Policy
sync.started                   | Data Sync            | Sync       | LMS Config        | Low    | Learning Data | None
sync.completed                 | Data Sync            | Sync       | LMS Config        | Low    | Learning Data | None
sync.failed                    | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
connection.lost                | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
source.stopped                 | Performance Issue    | Sync       | LMS Config        | High   | Internal      | None
source.resumed                 | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
connection.restored            | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
connection.testing             | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
connection.tested              | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
connection.checked             | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
connection.maintenance_began   | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
connection.maintenance_ended   | Performance Issue    | Sync       | LMS Config        | Medium | Internal      | None
run.held                       | Data Sync            | Reject     | LMS Config        | High   | Learning Data | Company Policy
run.released                   | Data Sync            | Approve    | LMS Config        | High   | Learning Data | Company Policy
command.refused                | Access Control       | Reject     | LMS Config        | Low    | Internal      | None
employee.hired                 | Data Sync            | Create     | Employee Data     | Low    | PII           | None
employee.changed               | Data Sync            | Update     | Employee Data     | Low    | PII           | None
employee.transferred           | Data Sync            | Update     | Employee Data     | Low    | PII           | None
employee.on_leave              | Data Sync            | Update     | Employee Data     | Low    | PII           | None
employee.rehired               | Data Sync            | Update     | Employee Data     | Low    | PII           | None
employee.terminated            | Data Sync            | Deactivate | Employee Data     | Medium | PII           | Company Policy
user.registered                | Data Sync            | Create     | Employee Data     | Low    | PII           | None
user.changed                   | Data Sync            | Update     | Employee Data     | Low    | PII           | None
account.seen                   | Data Sync            | Create     | Employee Data     | Low    | PII           | None
account.linked                 | Data Sync            | Update     | Employee Data     | Low    | PII           | None
account.unlinked               | Data Sync            | Update     | Employee Data     | High   | PII           | GDPR
company.registered             | Data Sync            | Create     | Employee Data     | Low    | Internal      | None
company.changed                | Data Sync            | Update     | Employee Data     | Low    | Internal      | None
department.registered          | Data Sync            | Create     | Employee Data     | Low    | Internal      | None
department.changed             | Data Sync            | Update     | Employee Data     | Low    | Internal      | None
team.registered                | Data Sync            | Create     | Employee Data     | Low    | Internal      | None
team.changed                   | Data Sync            | Update     | Employee Data     | Low    | Internal      | None
"""
"""Section 7 of the reference, one line per event type; ``R``: the regulation of the learning fact."""

LINES = {
    cells[0]: cells[1:]
    for line in FIGURES.strip().splitlines()
    if (cells := [cell.strip() for cell in line.split("|")])
}
TOKEN = "sealed:" + "A" * 120
COLUMNS = ("audit_type", "action", "entity_type", "risk_level", "data_sensitivity_level", "regulatory_impact")
KINDS = {
    "lesson": "enrollment",
    "integration": "settings",
    "sync": "settings",
    "run": "settings",
    "connection": "settings",
    "command": "settings",
}
NOTHING = dict.fromkeys(("actor_id", "native_id", "payload_sha256", "causation_id", "correlation_id", "reason", "justification", "follows",
                         "impact", "compliance_impact", "performed_by", "ip_address", "user_agent", "session_id"))  # fmt: skip


def event(name: str, **values: Any) -> dict[str, Any]:
    subject = name.split(".", maxsplit=1)[0]
    kind = KINDS.get(subject, subject)
    body: dict[str, Any] = {"change": {}, "cleared": ()}
    if kind == "settings":
        body = {"config_id": INTEGRATION, "config": None, "config_cleared": (), "run": None}
    if kind == "enrollment":
        body = {"enrollment_row_id": ACCOUNT, "existing_enrollment_id": ACCOUNT, "enrollment": None, "enrollment_cleared": (),
                "lesson_row_id": INTEGRATION if subject == "lesson" else None, "compliance_training": False, "late": False}  # fmt: skip
    envelope = {"event_id": ids.derived(COMPANY, name), "type": f"lms.{name}.v1", "company_id": COMPANY, "integration_id": INTEGRATION,
                "stream_kind": kind, "stream_id": COMPANY, "version": 1, "occurred_at": NOON, "recorded_at": NOON, "backfill": False,
                "actor_kind": "integration", "affected_employees": 1, "regulation": "None", "transitions": (name,)}  # fmt: skip
    return {**NOTHING, **envelope, **body, **values}


def row(name: str, *, relinked: bool = False, **values: Any) -> dict[str, Any]:
    made = audit.row(event(name, **values), ("lms.learning", 3, 7), b"\x01" * 32, (None, None, None), relinked=relinked)
    checker(TABLES["lms_audit_trail"])(
        {**dict.fromkeys(TABLES["lms_audit_trail"].columns.keys()), "fold_state": {}, **made}, None
    )
    return made


def test_every_type_has_its_line() -> None:
    """No event without words, no words without an event."""
    topics = {"lms.learning", "lms.directory", "lms.integration"}
    assert set(LINES) == {name[4:-3] for name, model in all_types().items() if model.topic in topics}


@pytest.mark.parametrize("name", list(LINES))
def test_the_words_of_a_type(name: str) -> None:
    """figures 7: type, action, entity, risk, sensitivity and regulation of the family."""
    for regulation in ("None", "Industry Standards", "Educational Compliance"):
        made = row(name, regulation=regulation)
        expected = list(LINES[name])
        if expected[-1] == "R" or name == "enrollment.unlinked":
            expected[-1] = expected[-1] if regulation == "None" and expected[-1] != "R" else regulation
        assert [made[column] for column in COLUMNS] == expected


@pytest.mark.parametrize(
    ("name", "values", "risk"),
    [
        ("course.changed", {"change": {"validity_days": 5}}, "Medium"),
        ("course.changed", {"cleared": ("version",)}, "Medium"),
        ("course.changed", {"change": {"course_name": "x"}}, "Low"),
        ("course.changed", {"change": {"version": "2"}, "affected_employees": 101}, "High"),
        ("integration.changed", {"config": {"authentication_config": "sealed:x"}}, "High"),
        ("integration.changed", {"config": {"field_mappings": "{}"}}, "High"),
        ("integration.changed", {"config_cleared": ("validation_rules",)}, "High"),
        ("integration.changed", {"config": {"transformation_rules": "{}"}, "affected_employees": 500}, "Critical"),
        ("integration.changed", {"config": {"lms_name": "x"}, "affected_employees": 100}, "Medium"),
        ("sync.completed", {"run": {"rejected": 1}}, "Medium"),
        ("sync.completed", {"run": {"rejected": 0}}, "Low"),
        ("sync.completed", {"run": {"rejected": 1}, "affected_employees": 101}, "High"),
        ("enrollment.corrected", {"actor_kind": "user", "compliance_training": True}, "Critical"),
        ("enrollment.corrected", {"actor_kind": "user", "compliance_training": True, "affected_employees": 101,
                                  "occurred_at": NOON - 31 * DAY}, "Critical"),
        ("enrollment.waived", {"actor_kind": "user", "compliance_training": True, "affected_employees": 101,
                               "occurred_at": NOON - 31 * DAY}, "Medium"),
        ("enrollment.waived", {"actor_kind": "integration", "compliance_training": True}, "Low"),
        ("enrollment.completed", {"actor_kind": "user", "enrollment": {"certificate_id": "c"}}, "Medium"),
        ("enrollment.details_changed", {"actor_kind": "employee", "enrollment_cleared": ("valid_until",)}, "Medium"),
        ("enrollment.certificate_revoked", {"actor_kind": "user"}, "Critical"),
        ("enrollment.certificate_revoked", {"actor_kind": "system"}, "High"),
        ("enrollment.completed", {"actor_kind": "user", "occurred_at": NOON - 31 * DAY}, "Medium"),
        ("enrollment.completed", {"actor_kind": "user", "occurred_at": NOON - 30 * DAY}, "Low"),
        ("enrollment.completed", {"actor_kind": "integration", "occurred_at": NOON - 900 * DAY}, "Low"),
    ],
)  # fmt: skip
def test_risk_is_raised_once_at_most(name: str, values: dict[str, Any], risk: str) -> None:
    """figures 7: raised by what it touches; by one level, once, by a person's act on compliance or a certificate, by more
    than 100 affected, or by being backdated over 30 days (an old fact of an LMS is no backdating). Never lowered."""
    assert row(name, **values)["risk_level"] == risk


@pytest.mark.parametrize(("name", "regulation"), [("enrollment.linked", "GDPR"), ("account.linked", "GDPR")])
def test_moving_to_another_employee(name: str, regulation: str) -> None:
    """figures 7: linked to an employee, moved to another: High, PII, GDPR; the first link is Low."""
    made = row(name, relinked=True)
    assert (made["risk_level"], made["data_sensitivity_level"], made["regulatory_impact"]) == (
        "High",
        "PII",
        regulation,
    )
    assert (
        row("enrollment.linked", relinked=True, regulation="Industry Standards")["regulatory_impact"]
        == "Industry Standards"
    )


def test_actions_that_depend_on_the_event() -> None:
    """A file taken in is an import; a failed one stays a sync; an account is made by its first event only."""
    assert row("sync.completed", run={"kind": "import"})["action"] == "Import"
    assert row("sync.completed", run={"kind": "sync"})["action"] == "Sync"
    assert row("sync.failed", run={"kind": "import"})["action"] == "Sync"
    assert row("account.seen", version=2)["action"] == "Update"


@pytest.mark.parametrize(
    ("kind", "entity"),
    [
        ("settings", "LMS Config"),
        ("enrollment", "Course Enrollment"),
        ("course", "Content Data"),
        ("employee", "Employee Data"),
    ],
)
def test_a_refusal_names_what_was_asked_for(kind: str, entity: str) -> None:
    """figures 7, refused: entity_type is what was asked for."""
    assert row("command.refused", stream_kind=kind)["entity_type"] == entity


def test_who_and_where() -> None:
    """performed_by is the person; context names position, chain, actor, cause and the exact type; what is not known is left out."""
    made = row(
        "enrollment.completed",
        performed_by=ACCOUNT,
        reason="why",
        justification="because",
        impact="a → b",
        late=True,
        backfill=True,
    )
    assert (made["performed_by_user_id"], made["action_reason"], made["business_justification"]) == (
        ACCOUNT,
        "why",
        "because",
    )
    assert (made["impact_assessment"], made["timestamp"], made["entity_id"], made["enrollment_id"]) == (
        "a → b",
        NOON,
        ACCOUNT,
        ACCOUNT,
    )
    context = made["additional_context"]
    assert {name: context[name] for name in ("event_type", "topic", "partition", "offset", "chain", "actor", "late", "backfill")} == {
        "event_type": "lms.enrollment.completed.v1", "topic": "lms.learning", "partition": 3, "offset": 7, "chain": "01" * 32,
        "actor": "integration/hub", "late": True, "backfill": True,
    }  # fmt: skip
    assert context["occurred_at"] == "2024-03-01T12:00:00Z"
    assert "native_id" not in context
    assert row("lesson.completed")["entity_id"] == INTEGRATION
    assert row("course.seen", stream_id=ACCOUNT)["entity_id"] == ACCOUNT


def test_only_rows_that_existed_are_referred_to() -> None:
    """design 6: enrollment_id only where the row existed when it was decided, else named in the context."""
    made = row("enrollment.registered", existing_enrollment_id=None)
    assert (made["enrollment_id"], made["additional_context"]["enrollment_id"]) == (None, ACCOUNT)
    first = row("integration.configured")
    assert (first["lms_integration_id"], first["additional_context"]["integration_id"]) == (None, INTEGRATION)
    assert row("integration.changed")["lms_integration_id"] == INTEGRATION


def test_what_changed_is_shown_and_secrets_are_not() -> None:
    """figures 7: old_values is NULL for a first row; field_changes = {field: [old, new]} of what differs; secrets are masked,
    personal fields stay sealed."""
    config = TABLES["lms_integration_config"]
    old = {"lms_name": "M", "authentication_config": {"sealed": "one"}, "timeout_seconds": 30, "fold_state": {}}
    new = old | {"authentication_config": {"sealed": "two"}, "timeout_seconds": 5}
    told = str(differences(config, old, {"authentication_config", "timeout_seconds"}, new))
    assert MASK in told
    assert "[30, 5]" in told
    assert not [word for word in ("'one'", "'two'", "'M'") if word in told]
    first = differences(config, None, (), new)
    assert first[0] is None
    people = TABLES["employee"]
    sealed = differences(
        people, {"email": TOKEN, "fold_state": {}}, {"email"}, {"email": "ada@acme.example", "fold_state": {}}
    )
    assert TOKEN in str(sealed)
    assert "ada@" not in str(sealed)
