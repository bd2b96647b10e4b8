"""The settings of files: declared once, checked before a file is opened."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.contract import Setting
from connectors.parse import Reading
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Refused

FORMATS: Final = ("csv", "xlsx", "json")

SETTINGS: Final = (
    Setting("format", "Format", help="csv, xlsx or json (also JSON lines); without it, told from the first bytes"),
    Setting("encoding", "Encoding", help="Such as cp1252; without it, detected"),
    Setting("delimiter", "Delimiter", help="One character, or 'tab'; without it, detected among , ; tab |"),
    Setting("sheet", "Sheet", help="Name of the sheet; without it, the first visible one"),
    Setting(
        "header_row", "Header row", int, help="Line or row of the headers, from 1; without it, the first not empty"
    ),
    Setting("date_format", "Form of dates", help="Such as %d.%m.%Y; ISO 8601 is always understood"),
    Setting("time_zone", "Time zone", help="IANA zone of times without an offset, such as Europe/Vienna"),
    Setting("decimal_mark", "Decimal mark", help="'.' or ','; needed only where numbers may be read in two ways"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one file; None: told from the file."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    date_format: str | None = None
    time_zone: str | None = None
    decimal_mark: str | None = None

    def reading(self, zone: str) -> Reading:
        """How values of the file are read, for a company in ``zone``."""
        return Reading(self.date_format, self.time_zone, self.decimal_mark, zone)


def options_of(given: Mapping[str, Any], config: IntegrationConfig | None = None) -> Options:
    """The options given, else those of the integration.

    Raises:
        Refused: an option is unknown or has a value that it cannot have.
    """
    names = {setting.name for setting in SETTINGS}
    for name in given:
        if name not in names:
            raise _refused(name, "known option", "one of " + ", ".join(sorted(names)))
    chosen: dict[str, Any] = {}
    if config is not None:
        if config.encoding_format.upper() != "UTF-8":
            chosen["encoding"] = config.encoding_format
        chosen |= {name: value for name, value in config.settings.items() if name in names and value is not None}
    chosen |= {name: value for name, value in given.items() if value is not None}
    checked: dict[str, Any] = {name: _CHECKS[name](name, value) for name, value in chosen.items()}
    return Options(**checked)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _refused(name, "text", "a text")
    return value


def _format(name: str, value: Any) -> str:
    found = "json" if value == "jsonl" else value
    if found not in FORMATS:
        raise _refused(name, "known format", "one of csv, xlsx, json, jsonl")
    return str(found)


def _encoding(name: str, value: Any) -> str:
    expected = "an encoding such as utf-8, cp1252 or utf-16"
    try:
        "a".encode(_text(name, value))  # refuses codecs that are no encodings of text, such as base64
        b"a".decode(value, "backslashreplace")  # and those that cannot go on behind damage, such as idna
        return codecs.lookup(value).name
    except (LookupError, ValueError) as error:
        raise _refused(name, "known encoding", expected) from error


def _delimiter(name: str, value: Any) -> str:
    found = {"tab": "\t", "\\t": "\t"}.get(value, value)
    if not isinstance(found, str) or len(found) != 1 or found in '"\r\n\x00' or found.isalnum():
        raise _refused(name, "delimiter", "one character that is no letter, digit or quote, or 'tab'")
    return found


def _row(name: str, value: Any) -> int:
    found = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise _refused(name, "row number", "a whole number from 1")
    return found


def _date_format(name: str, value: Any) -> str:
    """A form that tells year, month and day, and that can be read back."""
    sample = datetime(2001, 12, 23, 16, 5, 6)  # noqa: DTZ001  forms of dates are without a zone
    try:
        back = datetime.strptime(sample.strftime(_text(name, value)), value)  # noqa: DTZ007
    except (ValueError, TypeError) as error:
        raise _refused(name, "form of a date", "a form such as %d.%m.%Y") from error
    if back.date() != sample.date():
        raise _refused(name, "form of a date", "a form with year, month and day, such as %d.%m.%Y")
    return str(value)


def _time_zone(name: str, value: Any) -> str:
    try:
        return ZoneInfo(_text(name, value)).key
    except (LookupError, ValueError, OSError) as error:
        raise _refused(name, "known time zone", "an IANA time zone such as Europe/Vienna") from error


def _decimal_mark(name: str, value: Any) -> str:
    if value not in (".", ","):
        raise _refused(name, "decimal mark", "'.' or ','")
    return str(value)


def _refused(name: str, rule: str, expected: str) -> Refused:
    return Refused(
        f"The option {name} breaks the rule '{rule}': expected {expected}.", field=name, rule=rule, expected=expected
    )


_CHECKS: Final = {
    "format": _format,
    "encoding": _encoding,
    "delimiter": _delimiter,
    "sheet": _text,
    "header_row": _row,
    "date_format": _date_format,
    "time_zone": _time_zone,
    "decimal_mark": _decimal_mark,
}
