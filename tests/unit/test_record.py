"""The hub record: who it names, what it tells, and the item that is made of it."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Item
from connectors.observe import Seen
from connectors.parse import Reading
from connectors.record import Told, read, to_item
from connectors.record_fields import COURSE, ENROLLMENT, ENROLLMENT_STATUS, FIELDS, LESSON, LESSON_STATUS, OWN_NAMES
from hub.domain.events.directory import CourseChange
from hub.domain.observations import EnrollmentFacts, LessonFacts
from hub.domain.sealing import from_text
from hub.domain.status import EnrollmentSigns, LessonSigns, enrollment_meaning, lesson_meaning
from hub.domain.units import days
from hub.domain.values import EnrollmentStatus, LessonStatus
from hub.errors import Unusable
from hub.log import codec
from tests.support.sealing import file_config, make_observer

SPECIFICATION = Path(__file__).parents[2] / "docs" / "specification.md"
BASE = {"lms_user_id": "17", "course_id": "SAFE-101"}
LESSON_BASE = BASE | {"lesson_id": "L1"}


def told(record: dict[str, Any] | None = None, reading: Reading = Reading(), **fields: Any) -> Told:  # noqa: B008
    return read((record or BASE) | fields, reading)


def item(record: dict[str, Any], reading: Reading = Reading(), **columns: Any) -> Item:  # noqa: B008
    observer = make_observer(file_config(**columns))
    return to_item(record, observer, Seen(1_000_000, position="line 2"), b"the row", reading)


def test_every_field_fills_a_declared_fact() -> None:
    """No field tells a fact that the observations do not have."""
    assert {fact for fact, _ in ENROLLMENT.values()} <= set(EnrollmentFacts.model_fields)
    assert {fact for fact, _ in LESSON.values()} <= set(LessonFacts.model_fields)
    assert {fact for fact, _ in COURSE.values()} <= set(CourseChange.model_fields)


@pytest.mark.parametrize("table", ["lms_course_enrollment", "lms_learning_progress"])
def test_the_specifications_columns_are_understood(table: str) -> None:
    """Every column that a source can tell is a field by its own name; the hub makes the others itself."""
    made_here = {"id", "company_id", "lms_integration_id", "enrollment_id", "created_by_user_id", "updated_by_user_id"}
    text = SPECIFICATION.read_text("utf-8").split(f"Table: {table}\n")[1].split("Indexes:")[0]
    columns = set(re.findall(r"^- (\w+):", text, re.MULTILINE)) - made_here - {"created_at"}
    assert len(columns) > 15
    assert columns <= OWN_NAMES


@pytest.mark.parametrize("status", list(EnrollmentStatus))
def test_an_enrollment_status_means_itself(status: EnrollmentStatus) -> None:
    """The facts of each status give that status again by the rules of precedence."""
    facts = told(enrollment_status=status.value.upper()).facts
    assert enrollment_meaning(EnrollmentSigns(today=0, **facts)) == status
    assert set(ENROLLMENT_STATUS) == set(EnrollmentStatus)


@pytest.mark.parametrize("status", list(LessonStatus))
def test_a_lesson_status_means_itself(status: LessonStatus) -> None:
    """The same for lessons."""
    assert lesson_meaning(LessonSigns(**told(LESSON_BASE, progress_status=status.value).facts)) == status
    assert set(LESSON_STATUS) == set(LessonStatus)


def test_in_progress_ends_a_hold() -> None:
    """In Progress says that nothing is suspended, and of work without saying how much."""
    assert told(enrollment_status="In Progress").facts == {"worked": True, "suspended": False}


def test_a_fact_stands_above_the_status() -> None:
    """What is said in so many words counts more than what a status implies."""
    facts = told(enrollment_status="Completed", passed="no").facts
    assert (facts["completed"], facts["passed"]) == (True, False)


def test_a_completion_date_alone_means_completed() -> None:
    """A list of completions has no status; a date beside a status adds nothing to it."""
    assert told(completion_date="2024-03-13").facts == {"completed_on": days(date(2024, 3, 13)), "completed": True}
    assert "completed" not in told(completion_date="2024-03-13", enrollment_status="Dropped").facts


def test_expired_with_a_completion_date_is_a_lapsed_certificate() -> None:
    """Expired alone: access ran out. With a completion date: it was completed, and the certificate lapsed."""
    assert "completed" not in told(enrollment_status="Expired").facts
    lapsed = told(completion_date="2024-03-13", enrollment_status="Expired").facts
    assert (lapsed["completed"], lapsed["certified"], lapsed["expired"]) == (True, True, True)


def test_a_status_before_completion_says_not_completed_only_with_its_own_time() -> None:
    """An old file must not look like a reset."""
    assert "completed" not in told(enrollment_status="In Progress").facts
    assert told(enrollment_status="In Progress", changed_at="2024-03-13T10:00:00Z").facts["completed"] is False


def test_a_certificate_means_certified() -> None:
    """A certificate's id is enough; a certificate that was taken back stays so."""
    assert told(certificate_id="C-1", enrollment_status="Completed").facts["certified"] is True
    assert told(certificate_id="C-1", certified="false").facts["certified"] is False


@pytest.mark.parametrize(
    ("fields", "native_id"),
    [
        ({"lms_user_id": 17, "email": "ada@example.org"}, "lms_user_id:17"),
        ({"lms_user_id": " ", "employee_number": "E1", "email": "ada@example.org"}, "hr_number:E1"),
        ({"lms_user_id": "N/A", "employee_id": 1001.0}, "hr_number:1001"),
        ({"email": "ada@example.org", "login_name": "ada"}, "email:ada@example.org"),
        ({"login_name": "ada"}, "login_name:ada"),
    ],
)
def test_the_first_key_names_the_account(fields: dict[str, Any], native_id: str) -> None:
    """LMS id, HR number, e-mail, login, in this order; what stands for nothing is no key."""
    assert read({"course_id": "C", **fields}).learner.native_id == native_id


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"course_id": "C", "display_name": "Ada"}, "learner"),
        ({"course_id": "C", "email": "none"}, "learner"),
        ({"course_id": "C", "email": "ada"}, "email"),
        ({"lms_user_id": "17"}, "course_id"),
        (BASE | {"progress_status": "Completed"}, "lesson_id"),
        (BASE | {"enrollment_status": "Bestanden"}, "enrollment_status"),
        (BASE | {"display_name": "A\x00da"}, "display_name"),
        (LESSON_BASE | {"assessment_results": [{"number": "one"}]}, "assessment_results"),
        (LESSON_BASE | {"interaction_data": [1]}, "interaction_data"),
    ],
)
def test_rejected_with_its_field(record: dict[str, Any], field: str) -> None:
    """A record without its keys or with a wrong value is one rejected item that keeps the record."""
    made = item(record)
    assert made.problem is not None
    assert made.problem.field == field
    assert made.problem.rule
    assert made.problem.expected
    assert (made.kept, made.size, made.position) == (b"the row", 7, "line 2")
    assert not made.observations


def test_numbers_become_plain_values() -> None:
    """Percent in hundredths and clamped, scores raw in ten-thousandths, minutes in seconds, money in hundredths."""
    facts = told(
        progress_percentage="104.2",
        score_achieved=1450,
        max_score="1500",
        time_spent_minutes="1.5",
        cost_amount="99,90",
    ).facts
    assert facts == {
        "progress": 10_000,
        "score": 14_500_000,
        "score_max": 15_000_000,
        "seconds_total": 90,
        "cost": 9990,
    }


def test_a_completion_moment_is_kept_exact() -> None:
    """A completion date with its time is a moment, whose day the hub finds in the company's zone."""
    facts = told(completion_date="2024-03-13T23:30:00Z").facts
    assert "completed_at" in facts
    assert "completed_on" not in facts


def test_an_enrollment_becomes_three_observations() -> None:
    """Course and account first and not counted, then the enrollment; all are events that the log can hold."""
    record = BASE | {
        "display_name": "Ada Lovelace",
        "email": "ada@example.org",
        "course_name": "Safety",
        "course_type": "elearning",
        "enrollment_number": "ada@example.org/SAFE-101",
        "instructor_name": "Grace",
        "instructor_id": "grace@example.org",
        "prerequisite_courses": "A;B",
        "enrollment_status": "Completed",
        "updated_at": "2024-03-13T10:00:00Z",
    }
    made = item(record)
    assert [told["type"].split(".")[2] for told in made.observations] == ["course", "account", "enrollment"]
    assert [told["counted"] for told in made.observations] == [False, False, True]
    assert {told["source_time"] for told in made.observations} == {1_710_324_000_000_000}
    assert made.observations[0]["facts"]["course_type"] == "eLearning"
    written = b"".join(codec.encode(told) for told in made.observations)
    for name in (b"Ada", b"ada@example.org", b"Grace", b"grace@"):
        assert name not in written


def test_the_enrollments_key_is_the_same_again_and_another_for_another() -> None:
    """The pseudonym of a cycle's key depends on the key alone."""
    observer = make_observer()

    def key_of(key: str, mail: str | None) -> str:
        made = to_item(BASE | {"enrollment_key": key, "email": mail}, observer, Seen(1), b"row")
        return str(made.observations[-1]["facts"]["enrollment_key"])

    assert key_of("E1", "ada@example.org") == key_of("E1", None)
    assert key_of("E1", None) != key_of("E2", None)


def test_a_lesson_tells_every_attempt() -> None:
    """The newest attempt goes with the counted observation; earlier ones are facts of their own, not counted."""
    attempts = [{"number": 1, "score": 40, "passed": False}, {"number": 2, "score": 80, "passed": True}]
    record = LESSON_BASE | {
        "progress_status": "Completed",
        "assessment_results": json.dumps(attempts),
        "feedback_data": '[{"text": "Well done, Ada"}]',
        "course_name": "Safety",
    }
    observer = make_observer()
    made = to_item(record, observer, Seen(1, position="line 2"), b"row")
    earlier, last = made.observations[2:]
    assert [json.loads(told["facts"]["attempt"])["number"] for told in (earlier, last)] == [1, 2]
    assert (earlier["counted"], last["counted"]) == (False, True)
    assert earlier["content_id"]
    assert last["content_id"] is None
    assert last["course_name"] == "Safety"
    opened = observer.sealer.open(from_text(last["facts"]["feedback"]))
    assert opened is not None
    assert "Well done" in opened
    assert all(codec.decode(codec.encode(told)) for told in made.observations)


def test_a_course_type_that_is_not_taken_in_is_stored() -> None:
    """Courses of other types count as stored and say why; Virtual means Virtual Classroom; no list means all."""
    record = BASE | {"course_type": "Webinar"}
    left_out = item(record, supported_course_types=("eLearning", "Virtual"))
    assert left_out.stored
    assert "Webinar" in left_out.note
    assert not item(BASE | {"course_type": "Virtual Classroom"}, supported_course_types=("Virtual",)).stored
    assert not item(record).stored
    assert not item(BASE, supported_course_types=("eLearning",)).stored


def test_unknown_keys_are_left_out() -> None:
    """A record may carry more than the hub knows."""
    assert told(shoe_size="44").facts == {}
    assert "shoe_size" not in FIELDS


def test_a_problem_is_an_unusable() -> None:
    """Reading raises what an item holds."""
    with pytest.raises(Unusable):
        read({"lms_user_id": "17"})
