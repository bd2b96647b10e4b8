"""Natural values to plain ones and back, exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.events.learning import EnrollmentProgressed
from hub.domain.observations import EnrollmentFacts, EnrollmentObserved
from hub.errors import Unusable
from hub.log import codec
from hub.log.avro_schema import declared, schema_of
from hub.log.golden import example
from hub.log.plain import from_plain, to_plain

ID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1800, 1, 1), datetime(2300, 1, 1), timezones=ZONES)  # noqa: DTZ001 - the zone is drawn


def observed(**facts: Any) -> EnrollmentObserved:
    return EnrollmentObserved(
        company_id=ID,
        integration_id=ID,
        stream_kind="enrollment",
        stream_id=ID,
        observed_at=datetime(2024, 5, 3, 12, 0, 0, 1, tzinfo=UTC),
        account_id=ID,
        course_key="c",
        facts=EnrollmentFacts(**facts),
    )


@settings(max_examples=200, deadline=None)
@given(
    score=st.decimals(Decimal("-9999999999.9999"), Decimal("9999999999.9999"), places=4),
    completed_at=MOMENTS,
    valid_from=st.dates(),
    courses=st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=3),
)
def test_natural_values_survive_the_log(
    score: Decimal, completed_at: datetime, valid_from: date, courses: list[str]
) -> None:
    """Negative and large decimals, microseconds, days far away: equal after plain values and after bytes."""
    event = observed(score=score, completed_at=completed_at, valid_from=valid_from, prerequisite_courses=tuple(courses))
    plain = to_plain(event)
    assert plain["facts"]["score"] == int(score * 10_000)
    assert from_plain(plain) == event
    assert codec.decode(codec.encode(plain)) == plain


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_type_goes_both_ways(name: str) -> None:
    """Plain to natural to plain is the same for a filled event of every type, and the event is of that type."""
    plain = {"type": name, **example(schema_of(declared()[name]))}
    event = from_plain(plain)
    assert type(event) is declared()[name]
    assert to_plain(event) == plain


def test_defaults_are_plain() -> None:
    """An enumeration's default is text, and the empty tuple a list, as a reader gives them."""
    plain = {"type": EnrollmentProgressed.type, **example(schema_of(EnrollmentProgressed))}
    del plain["actor_kind"], plain["transitions"], plain["reason"]
    again = to_plain(from_plain(plain))
    assert (type(again["actor_kind"]), again["actor_kind"], again["transitions"], again["reason"]) == (
        str,
        "system",
        [],
        None,
    )


def test_nothing_is_rounded() -> None:
    """A decimal with more places than its field, made past validation, is refused instead of rounded."""
    event = observed().model_copy(update={"facts": EnrollmentFacts.model_construct(score=Decimal("1.00001"))})
    with pytest.raises(Unusable, match="decimal places"):
        to_plain(event)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "lms.unheard.of.v1"}, "type"),
        ({"company_id": "x"}, "company_id"),
        ({"observed_at": "yesterday"}, "observed_at"),
        ({"facts": {"progress": 10_001}}, "facts.progress"),
        ({"facts": {"instructor_name": "Ada"}}, "facts.instructor_name"),
        ({"more": 1}, "more"),
    ],
)
def test_values_that_break_the_declaration_are_named(change: dict[str, Any], field: str) -> None:
    """The border holds plain values against the declaration, and its error repeats no value."""
    with pytest.raises(Unusable) as caught:
        from_plain({**to_plain(observed()), **change})
    assert caught.value.field == field
    assert "Ada" not in str(caught.value)
