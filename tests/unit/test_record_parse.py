"""Parsing of values: every form that sources write, and nothing but Unusable for what cannot be read."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import parse, parse_dates
from connectors.parse import ISO, Reading
from connectors.record_fields import COURSE, ENROLLMENT, LESSON, STATUS
from hub.domain.units import days, micros
from hub.domain.values import EnrollmentStatus
from hub.errors import Unusable

VIENNA = Reading(time_zone="Europe/Vienna")
WRITTEN = datetime.fromisoformat("2024-03-13T14:58:26")
PARSERS = {parser for table in (COURSE, ENROLLMENT, LESSON) for _, parser in table.values()} | set(STATUS.values())


def at(*parts: int) -> int:
    return micros(datetime(*parts, tzinfo=UTC))  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("value", "hundredths"),
    [
        ("85", 8500),
        ("85%", 8500),
        ("85,00 %", 8500),
        ("85.125\u00a0%", 8513),
        ("66,667", 6667),
        (37, 3700),
        (0.5, 50),
        ("104.2", 10000),
        (-3, 0),
        ("0", 0),
        ("", None),
        (" - ", None),
        (None, None),
    ],
)
def test_percent(value: object, hundredths: int | None) -> None:
    """A percentage comes with and without its sign, is held to 0..100, and an empty one is not said."""
    assert parse.percent(value, "progress_percentage", ISO) == hundredths


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1234.5", "1234.5"),
        ("1234,5", "1234.5"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1'234.5", "1234.5"),
        ("1\u202f234,5", "1234.5"),
        ("1,234,567", "1234567"),
        ("-7", "-7"),
        (".5", "0.5"),
        ("0,125", "0.125"),
        ("12345.678", "12345.678"),
        (1e-7, "0.0000001"),
        (Decimal("1.10"), "1.10"),
    ],
)
def test_number(value: object, number: str) -> None:
    """Point and comma, and the separators of thousands of several countries, are exact."""
    assert parse.number(value, "score_achieved") == Decimal(number)


@pytest.mark.parametrize("value", ["1,234", "1.234", "999.000"])
def test_an_ambiguous_number_is_refused_until_its_mark_is_declared(value: str) -> None:
    """1,234 may be a thousand or one and a bit: the error says what to set, and the setting decides."""
    with pytest.raises(Unusable) as caught:
        parse.number(value, "score_achieved")
    assert caught.value.rule == "unambiguous number"
    assert "decimal_mark" in caught.value.expected
    point = parse.number(value, "score_achieved", Reading(decimal_mark="."))
    comma = parse.number(value, "score_achieved", Reading(decimal_mark=","))
    assert {point, comma} == {Decimal(value.replace(",", ".")), Decimal(value.translate({44: None, 46: None}))}


@pytest.mark.parametrize(
    "value", ["1,23,4", "12,34,567", "1.2.3", "1e5", "8 5", "85 points", "٣", "1" * 41, float("nan"), 10**40, True, []]
)
def test_what_is_no_number_is_refused(value: object) -> None:
    """Wrong groups, exponents, words, digits of other scripts, numbers out of all measure, other types."""
    with pytest.raises(Unusable) as caught:
        parse.number(value, "score_achieved")
    assert caught.value.field == "score_achieved"
    assert str(value) not in str(caught.value)


@given(st.decimals(-9_999_999_999, 9_999_999_999, places=4))
def test_a_score_is_exact_in_every_spelling(score: Decimal) -> None:
    """A number written with point, with comma, or with separators of thousands is the same number, in ten-thousandths."""
    read = parse.decimal(4, None, 9_999_999_999)
    german = f"{score:,.4f}".translate({44: ".", 46: ","})
    assert {read(text, "score", ISO) for text in (f"{score:.4f}", f"{score:,.4f}", german)} == {int(score * 10_000)}


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2018-11-05 05:38:00 -0800", at(2018, 11, 5, 13, 38)),
        ("2024-03-13T14:58:26.125+01:00", at(2024, 3, 13, 13, 58, 26, 125_000)),
        ("2024-03-13T14:58:26.1234567Z", at(2024, 3, 13, 14, 58, 26, 123_456)),
        ("2024-03-13t14:58z", at(2024, 3, 13, 14, 58)),
        (1710341906, at(2024, 3, 13, 14, 58, 26)),
        ("1710341906", at(2024, 3, 13, 14, 58, 26)),
        (1710341906125, at(2024, 3, 13, 14, 58, 26, 125_000)),
        (datetime(2024, 3, 13, 15, tzinfo=timezone(timedelta(hours=1))), at(2024, 3, 13, 14)),
        (0, None),
        ("0", None),
        ("0000-00-00 00:00:00", None),
        ("-", None),
    ],
)
def test_moment(value: object, moment: int | None) -> None:
    """ISO 8601 and what is nearly so, epoch seconds and milliseconds; 0 means never."""
    assert parse_dates.moment(value, "last_access_date", ISO) == moment


@pytest.mark.parametrize("value", ["2024-03-13 14:58:26", "2024-03-13", WRITTEN, date(2024, 3, 13)])
def test_a_time_without_offset_needs_the_zone(value: object) -> None:
    """Without a declared zone the offset is required, and the error names the setting."""
    with pytest.raises(Unusable, match="time_zone"):
        parse_dates.moment(value, "last_access_date", ISO)
    midnight = at(2024, 3, 12, 23)
    assert parse_dates.moment(value, "last_access_date", VIENNA) in (midnight, at(2024, 3, 13, 13, 58, 26))


@pytest.mark.parametrize(
    "value",
    [
        "13.03.2024",
        "2024-02-30",
        "2024-13-01",
        "24-03-13",
        "2024-03-13T25:00:00Z",
        20240313,
        45364,
        "1234567890123456",
        "0001-01-01",
        "soon",
        True,
    ],
)
def test_no_date_is_guessed(value: object) -> None:
    """Undeclared forms, days that are none, spreadsheet serials and numbers that are no likely epoch are refused."""
    with pytest.raises(Unusable):
        parse_dates.day(value, "completion_date", ISO)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024-03-13", date(2024, 3, 13)),
        ("13.03.2024", date(2024, 3, 13)),
        ("13.03.2024 14:58", date(2024, 3, 13)),
        ("2024-03-13 00:00:00", date(2024, 3, 13)),
        (WRITTEN.replace(hour=0, minute=0, second=0), date(2024, 3, 13)),
        ("9999-12-31", date(9999, 12, 31)),
        ("2024-03-13T23:30:00Z", date(2024, 3, 14)),
        (1710372600, date(2024, 3, 14)),
    ],
)
def test_day(value: object, day: date) -> None:
    """The declared form and ISO; a moment becomes the day in the company's zone (Tokyo is a day ahead at 23:30 UTC)."""
    reading = Reading(date_format="%d.%m.%Y", time_zone="Asia/Tokyo", zone="Asia/Tokyo")
    assert parse_dates.day(value, "completion_date", reading) == days(day)


def test_a_declared_form_of_digits_goes_before_an_epoch() -> None:
    """20240313 is a day where that form is declared."""
    reading = Reading(date_format="%Y%m%d")
    assert {parse_dates.day(value, "due_date", reading) for value in (20240313, "20240313")} == {
        days(date(2024, 3, 13))
    }


@pytest.mark.parametrize("text", ["1", "TRUE", " yes ", "on", "Ja", True, 1])
def test_true(text: object) -> None:
    """The spellings of true."""
    assert parse.boolean()(text, "is_mandatory", ISO) is True


@pytest.mark.parametrize(
    ("value", "table"), [("Disabled", parse.TRUE_FALSE), ("yes", {"1": True}), (2, parse.TRUE_FALSE)]
)
def test_an_unknown_boolean_is_an_error_not_false(value: object, table: dict[str, bool]) -> None:
    """What the table does not have is refused with what it has."""
    with pytest.raises(Unusable) as caught:
        parse.boolean(table)(value, "is_mandatory", ISO)
    assert "1" in caught.value.expected


def test_an_enumerated_value_is_named_with_what_is_allowed() -> None:
    """Case and surrounding blanks do not matter; another value is refused, naming the field and all allowed ones."""
    read = parse.one_of(EnrollmentStatus)
    assert read("  in PROGRESS ", "enrollment_status", ISO) == "In Progress"
    with pytest.raises(Unusable) as caught:
        read("Finished", "enrollment_status", ISO)
    assert caught.value.field == "enrollment_status"
    assert all(status.value in caught.value.expected for status in EnrollmentStatus)


@pytest.mark.parametrize(
    ("parser", "value", "rule"),
    [
        (parse.text(), "a\x00b", "no NUL"),
        (parse.text(), "\ud800", "encoding"),
        (parse.text(), "#N/A", "no spreadsheet error"),
        (parse.text(3), "four", "length"),
        (parse.whole, "1.5", "whole number"),
        (parse.whole, -1, "whole number"),
        (parse.decimal(2, 0, 100), "100.01", "range"),
        (parse.json_value, '{"a": NaN}', "JSON"),
        (parse.json_value, '{"a": "\\u0000"}', "no NUL"),
        (parse.json_value, "[" * 100_000, "length"),
        (parse.json_value, "[" * 60_000, "JSON"),
        (parse.json_list, '"text"', "JSON list"),
        (parse.https_link, "http://lms.example/c/1", "https link"),
        (parse.currency, "Euro", "currency"),
    ],
)
def test_refused_with_its_rule(parser: parse.Parser, value: object, rule: str) -> None:
    """Each check names its rule."""
    with pytest.raises(Unusable) as caught:
        parser(value, "field", ISO)
    assert (caught.value.field, caught.value.rule) == ("field", rule)
    assert caught.value.expected


def test_lists_of_ids() -> None:
    """Ids stand in a JSON list or between separators; numbers are ids too."""
    for value in ('["A", 7]', "A; 7", "A|7,", ["A", 7]):
        assert parse.names(value, "next_courses", ISO) == ("A", "7")
    assert parse.names("", "next_courses", ISO) is None


ODD = st.one_of(
    st.text(),
    st.text(string.digits + "+-.,: %TZ'/[]{}\"\\", max_size=30),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.booleans(),
    st.none(),
    st.binary(max_size=5),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.dates(),
    st.recursive(
        st.one_of(st.text(), st.floats(), st.none()), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
)
READINGS = st.builds(
    Reading,
    date_format=st.sampled_from([None, "%d.%m.%Y", "%m/%d/%y", "%Y%m%d"]),
    time_zone=st.sampled_from([None, "UTC", "Europe/Vienna", "Pacific/Apia"]),
    decimal_mark=st.sampled_from([None, ".", ","]),
    zone=st.sampled_from(["UTC", "Asia/Tokyo"]),
)


@given(ODD, READINGS)
def test_nothing_but_unusable_is_raised(value: Any, reading: Reading) -> None:
    """Whatever a source writes, a parser gives a value or an Unusable that names field, rule and expectation."""
    for parser in PARSERS | {parse_dates.moment_of_day}:
        problem = None
        try:
            parser(value, "a field", reading)
        except Unusable as error:
            problem = error
        assert problem is None or (problem.field == "a field" and problem.rule and problem.expected)
