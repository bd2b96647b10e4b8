"""Formats of xAPI values: what is taken, what is refused, and what it is worth."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.xapi import formats
from hub.errors import Unusable

TAKEN = {
    formats.is_uuid: [
        "8f87ccde-bb56-4c2e-ab83-44982ef22df0",
        "8F87CCDE-BB56-4C2E-AB83-44982EF22DF0",
        "00000000-0000-0000-0000-000000000000",
        "12345678-1234-9234-1234-567812345678",
    ],
    formats.is_duration: [
        *("PT4H35M59.14S", "PT16559.14S", "P3Y1M29DT4H35M59.14S", "P3Y", "P4W", "PT0S", "P1.5D", "PT0.5H", "P0.5W"),
        *("P1M", "PT1M", "P1Y2DT3S", "PT1.123456789S", "P0Y0M0DT0H1M2S"),
    ],
    formats.is_language_tag: [
        *("de", "de-DE", "zh-Hant", "sr-Latn-RS", "cmn", "es-419", "zh-cmn-Hans-CN", "de-CH-1901", "sl-rozaj-biske"),
        *("en-US-u-islamcal", "x-whatever", "de-x-hub", "i-klingon", "EN-us", "en-GB-oed", "und"),
    ],
    formats.is_iri: [
        *("http://adlnet.gov/expapi/verbs/completed", "urn:uuid:x", "mailto:a@b", "tag:x,2020:y", "act:1"),
        *("http://example.com/فعل/خواندن", "http://x/?a=1&b=[2]#c", "x+y.z-1:a"),
    ],
    formats.is_mailto: ["mailto:ada@example.org", "mailto:o'hara+x@EXAMPLE.org", "mailto:ü@example.org"],
    formats.is_sha1: ["ebd31e95054c018b10727ccffd2ef2ec3a016ee9", "EBD31E95054C018B10727CCFFD2EF2EC3A016EE9"],
    formats.is_sha2: ["a" * 64, "B" * 96, "0" * 128],
    formats.is_media_type: ["text/plain", "application/vnd.a+json", "text/plain; charset=UTF-8", "multipart/mixed"],
}
REFUSED = {
    formats.is_uuid: [
        *("", "{8f87ccde-bb56-4c2e-ab83-44982ef22df0}", "urn:uuid:8f87ccde-bb56-4c2e-ab83-44982ef22df0"),
        *("8f87ccdebb564c2eab8344982ef22df0", "8f87ccde-bb56-4c2e-ab83-44982ef22df0a"),
        *("8f87ccde-bb56-4c2e-ab83-44982ef22dg0", "8f87ccde-bb56-4c2e-ab83-44982ef22df0\n"),
    ],
    formats.is_duration: [
        *("", "P", "PT", "P1DT", "P4W1D", "-PT1H", "+PT1H", "PT1,5S", "P0003-06-04T12:30:05", "PT1.5H2M", "P1.5Y1M"),
        *("P1S", "PT1D", "PT1S1M", "pt1h", "PT1", "1H", "PT1.S", "PT.5S", "PT1S\n", "PT\u0661S", "P1Y\n"),
    ],
    formats.is_language_tag: [
        *("", "a12345678", "en-", "-en", "en_US", "e", "en--US", "de-DE-abcdefghi", "en US", "x-", "en\n", "i-nothing"),
    ],
    formats.is_iri: [
        *("", "completed", "/course/1", "ab=c://x", "http://a b", "http:", "://x", "1http://x", "x y:z", "http://x\n"),
        *("../a", "http://a\u00a0b", "http://a\u0000b"),
    ],
    formats.is_mailto: [
        *("", "mailto:should.fail.com", "ada@example.org", "mailto:", "mailto:@x", "mailto:a@", "mailto:a@b,c@d"),
        *("mailto:a@b@c", "MAILTO:a@b", "mailto:a b@c", "mailto:<a@b>", "mailto:a@b?subject=x"),
    ],
    formats.is_sha1: ["", "e" * 39, "e" * 41, "g" * 40],
    formats.is_sha2: ["", "a" * 40, "a" * 63, "a" * 65, "g" * 64],
    formats.is_media_type: ["", "text", "text/", "/plain", "text/plain/x", "text plain"],
}


@pytest.mark.parametrize(("holds", "text"), [(f, text) for f, texts in TAKEN.items() for text in texts])
def test_taken(holds, text):
    """Every form that the standards allow is taken."""
    assert holds(text)


@pytest.mark.parametrize(("holds", "text"), [(f, text) for f, texts in REFUSED.items() for text in texts])
def test_refused(holds, text):
    """What libraries take and xAPI does not is refused."""
    assert not holds(text)


SECOND = 1_000_000
NEW_YEAR_2017 = 1_483_228_800 * SECOND


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2017-01-01T00:00:00+00:00", NEW_YEAR_2017),
        ("2017-01-01T01:30:00+01:30", NEW_YEAR_2017),
        ("2016-12-31T19:00:00-05:00", NEW_YEAR_2017),
        ("2017-01-01T00:00:00.1Z", NEW_YEAR_2017 + 100_000),
        ("2017-01-01T00:00:00.1234569Z", NEW_YEAR_2017 + 123_456),
        ("2016-12-31T23:59:60Z", NEW_YEAR_2017),
        ("2017-01-01T00:59:60.5+01:00", NEW_YEAR_2017 + 500_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_800 * SECOND - 1),
    ],
)
def test_timestamp(text, micros):
    """A timestamp is a moment in UTC; digits past the microsecond are cut, a leap second belongs to the next day."""
    assert formats.parse_timestamp(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        *("", "2015-11-18", "2015-W47-3T12:17:00Z", "2015-11-18 12:17:00Z", "2015-11-18T12:17:00"),
        *("2015-11-18T12:17:00-00", "2015-11-18T12:17:00-0000", "2015-11-18T12:17:00-00:00", "01/011/2015"),
        *("2015-02-29T00:00:00Z", "2015-13-01T00:00:00Z", "2015-11-18T24:00:00Z", "2015-11-18T12:60:00Z"),
        *("2015-11-18T12:17:60Z", "2015-11-18T12:17:00+24:00", "2015-11-18T12:17:00z", "2015-11-18T12:17Z"),
        *("2015-11-18T12:17:00.Z", "2015-11-18T12:17:00,5Z", "2015-11-18T12:17:00Z\n", "0000-01-01T00:00:00Z"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:60Z", "20151118T121700Z"),
        "2015-11-1\u0668T12:17:00Z",
    ],
)
def test_no_timestamp(text):
    """A time without a date, a zone or a place in the calendar of years 1 to 9999 is none."""
    assert formats.parse_timestamp(text) is None


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(-(10**15), 10**15), st.integers(-23 * 60 - 59, 23 * 60 + 59).filter(bool))
def test_timestamp_agrees_with_the_calendar(micros, minutes):
    """Any moment, written in any zone, is read back to the microsecond."""
    zone = timezone(timedelta(minutes=minutes))
    assert formats.parse_timestamp((EPOCH + timedelta(microseconds=micros)).astimezone(zone).isoformat()) == micros


@given(st.uuids())
def test_every_uuid_is_one(value: uuid.UUID):
    """Any UUID in its standard form is taken, in any other form that Python writes it is not."""
    assert formats.is_uuid(str(value))
    assert formats.is_uuid(str(value).upper())
    assert not formats.is_uuid(value.hex)
    assert not formats.is_uuid(value.urn)


_COUNT = st.none() | st.integers(0, 5000)


@given(_COUNT, _COUNT, _COUNT, st.none() | st.decimals(0, 10_000, places=2))
def test_duration_is_the_sum_of_its_parts(days, hours, minutes, seconds):
    """Days, hours, minutes and seconds add up exactly, whichever of them are there."""
    date_part = "" if days is None else f"{days}D"
    time_part = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n is not None)
    text = f"P{date_part}" + (f"T{time_part}" if time_part else "")
    assert formats.is_duration(text) == (text != "P")
    if text != "P":
        total = (days or 0) * 86_400 + (hours or 0) * 3_600 + (minutes or 0) * 60 + (seconds or Decimal(0))
        assert formats.duration_length(text) == (total, "")


@given(st.text(alphabet="PTYMWDHS0123456789.,-+ :\n", max_size=12))
def test_durations_never_surprise(text):
    """What is taken as a duration has a length or a reason; nothing else breaks."""
    if formats.is_duration(text):
        length = formats.duration_length(text)
        assert (length.seconds is None) == bool(length.reason)
    else:
        with pytest.raises(Unusable):
            formats.duration_length(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("P4W", "2419200"),
        ("PT1.239S", "1.23"),
        ("PT0.5H", "1800"),
        ("PT0.3333H", "1199.88"),
        ("P0Y0M0DT0H1M2S", "62"),
        ("P0.0Y", "0"),
        ("PT100000000000S", "100000000000"),
    ],
)
def test_length_of_a_duration(text, seconds):
    """A length is cut, not rounded, to hundredths; zero years and months do no harm."""
    assert formats.duration_length(text) == (Decimal(seconds), "")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("P1Y", "years"),
        ("P1M", "months"),
        ("P0Y1MT5M", "months"),
        ("P0.1Y", "years"),
        ("PT100000000001S", "longer"),
        (f"PT{'9' * 5000}S", "longer"),
        (f"P{'9' * 50}W", "longer"),
    ],
)
def test_duration_without_a_length(text, word):
    """Years and months have no fixed length: no seconds are guessed, and the reason is named."""
    length = formats.duration_length(text)
    assert length.seconds is None
    assert word in length.reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(_JSON, st.booleans())
def test_json_round_trip(value, ascii_only):
    """Every JSON value of whole characters is read back as it was, escaped or not."""
    assert formats.load_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b'{"a":1,"b":2,"a":3}', "'a' twice"),
        (b'[{"b":{"c":1,"c":1}}]', "'c' twice"),
        (b"[NaN]", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e400]", "overflows"),
        (b"[-1e400]", "overflows"),
        (b"1" * 400, "overflows"),
        (b"1" * 5000, "overflows"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        ('{"a":"ü"}'.encode("latin-1"), "not UTF-8"),
        (b'{"a":\0}', "NUL byte at character 5"),
        ('{"a":1}'.encode("utf-16-le"), "NUL byte"),
        (b'{"a":1', "at character 6"),
        (b'{"a":1} x', "at character 8"),
        (b"", "at character 0"),
        (b'{"a":"\n"}', "malformed"),
        (b'["\\ud83d"]', "surrogate"),
        (b'{"a":{"\\uDE00":1}}', "surrogate"),
        (b"[" * 201 + b"]" * 201, "levels"),
        (b"[" * 100_000, "levels"),
    ],
)
def test_json_refused(raw, named):
    """What a lenient reader lets pass is refused, and the message says what it is."""
    with pytest.raises(Unusable, match=named) as caught:
        formats.load_json(raw)
    assert caught.value.rule
    assert caught.value.expected


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'["\\ud83d\\ude00"]', ["\N{GRINNING FACE}"]),
        (b"[" * 200 + b"]" * 200, None),
        (b"[1e-400, 1E2, -0]", [0.0, 100.0, 0]),
        (b"[" + b"[]," * 300 + b"[]]", [[]] * 301),
    ],
)
def test_json_taken(raw, value):
    """A byte order mark, whole surrogate pairs, and nesting up to the limit are fine."""
    found = formats.load_json(raw)
    assert value is None or found == value
