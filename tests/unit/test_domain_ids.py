"""Ids are functions of natural keys; these values stand in logs and tables for ever."""

from __future__ import annotations

import uuid

import pytest

from hub.domain import ids
from hub.domain.events.learning import RANK, STRENGTH, ordered, type_of

COMPANY = ids.company_id("ACME")
INTEGRATION = ids.integration_id(COMPANY, "Moodle")
STREAM = ids.enrollment_stream(INTEGRATION, "account", "course")


def test_ids_are_uuid5_of_their_parts() -> None:
    """design rule 2: UUIDv5 of natural keys; the standard library gives the same."""
    assert ids.derived(ids.ROOT, "a", "ü") == str(uuid.uuid5(ids.NAMESPACE, "a\x1fü"))
    assert uuid.UUID(STREAM).version == 5


def test_ids_never_change() -> None:
    """Golden values: a rebuilt row has the id that it had."""
    assert {
        "company": COMPANY,
        "integration": INTEGRATION,
        "stream": STREAM,
        "cycle": ids.enrollment_row(STREAM, 1),
        "lesson": ids.lesson_row(ids.enrollment_row(STREAM, 1), "l"),
        "number": ids.enrollment_number(ids.enrollment_row(STREAM, 1)),
        "alias": ids.short_key("k" * 51, 50),
    } == GOLDEN


def test_codes_are_compared_without_case_keys_of_an_lms_with() -> None:
    """A code is a person's word; a native id is the LMS's own."""
    assert ids.company_id(" acme ") == COMPANY
    assert ids.integration_id(COMPANY, "MOODLE") == INTEGRATION
    assert ids.department_id(COMPANY, "Hr ") == ids.department_id(COMPANY, "hr") != ids.team_id(COMPANY, "hr")
    assert ids.course_stream(INTEGRATION, "C1") != ids.course_stream(INTEGRATION, "c1")


def test_kinds_of_ids_do_not_meet() -> None:
    """The same words below the same parent are another id for each kind."""
    made = [
        ids.course_stream(INTEGRATION, "x"), ids.statement_row(INTEGRATION, "x"), ids.enrollment_stream(INTEGRATION, "x", "x"),
        ids.settings_stream(COMPANY), ids.department_id(COMPANY, "x"), ids.team_id(COMPANY, "x"), ids.integration_id(COMPANY, "x"),
        ids.run_id(COMPANY, INTEGRATION, 1, "x"), ids.event_id(STREAM, "", "x"), ids.event_id(STREAM, "x"),
    ]  # fmt: skip
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("length", "limit", "aliased"), [(50, 50, False), (51, 50, True), (100, 100, False), (101, 100, True)]
)
def test_a_key_that_is_too_long_has_an_alias(length: int, limit: int, aliased: bool) -> None:
    """design 4: the first 24 base-32 letters of the SHA-256 of the full key."""
    short = ids.short_key("k" * length, limit)
    assert (len(short) == 24 and short.isalnum() and short.isupper()) if aliased else short == "k" * length
    assert not aliased or short != ids.short_key("k" * (length + 1), limit)


def test_an_enrollment_number() -> None:
    """figures 9.2: E- and 12 base-32 letters."""
    number = ids.enrollment_number(STREAM)
    assert number.startswith("E-")
    assert len(number) == 14


def test_transitions_are_ordered_by_strength() -> None:
    """design rule 3: named after the strongest; every transition is the name of an event type."""
    assert ordered({"enrollment.completed", "enrollment.registered"}) == (
        "enrollment.registered",
        "enrollment.completed",
    )
    assert sorted(RANK.values()) == list(range(len(STRENGTH)))
    assert type_of("lesson.failed") == "lms.lesson.failed.v1"


GOLDEN = {
    "company": "81dfb7e6-43de-5978-aa30-32d30b7f9c79",
    "integration": "936a6ec7-3df9-50be-8415-9b82567f1c06",
    "stream": "b14f7014-c3d3-579c-8aa5-1dfc719f6d7c",
    "cycle": "0aa5dee6-69ac-53c4-bc60-f8e1149b3a6f",
    "lesson": "18f290b2-3f81-5596-8527-3886c58047c7",
    "number": "E-PIEH22H2DXAF",
    "alias": "J45VA33BZTMJOG7GK6KQRTMA",
}
