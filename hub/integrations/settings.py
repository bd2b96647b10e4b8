"""The hub's own settings of every integration: how it is scheduled, and what a full pass may drop.

They lie beside the connector's settings (``--setting NAME=VALUE``), and no connector sees them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Setting
from hub.errors import Refused
from hub.integrations.windows import DAYS, Window

WINDOW_HELP = (
    '[{"from": "22:00", "to": "02:00", "days": ["Sat"]}] in the company\'s zone, each of these days (none: daily), or '
    '[{"from": "2026-12-24T18:00", "to": "2026-12-27T06:00"}] once'
)
SETTINGS: Final = (
    Setting(
        "full_pass_hours", "Hours between full passes", int, 24, help="A full pass finds what is gone from the LMS."
    ),
    Setting("poll_seconds", "Seconds between syncs where sync_frequency is Real-time", int, 60),
    Setting(
        "probe_seconds",
        "Seconds between probes while connection_status is Error",
        int,
        300,
        help="A probe that succeeds closes the breaker, and a run follows.",
    ),
    Setting(
        "guard_share_percent",
        "Share of the existing records that a full pass may drop",
        int,
        5,
        help="What would drop more is held until somebody accepts it.",
    ),
    Setting("guard_least", "So few drops are never held", int, 20),
    Setting(
        "dead_letter_limit",
        "Open dead letters from which on scheduled runs stop",
        int,
        10_000,
        help="They go on once fewer are open; the hub itself never stops.",
    ),
    Setting("maintenance", "Planned windows without runs", list, help=f"JSON: {WINDOW_HELP}."),
)
NAMES: Final = frozenset(setting.name for setting in SETTINGS)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_ONCE = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d")
_LEAST = {
    "full_pass_hours": 1,
    "poll_seconds": 1,
    "probe_seconds": 1,
    "guard_share_percent": 0,
    "guard_least": 0,
    "dead_letter_limit": 1,
}


@dataclass(frozen=True, slots=True)
class Own:
    """The hub's own settings of one integration, defaults filled in."""

    full_pass_hours: int = 24
    poll_seconds: int = 60
    probe_seconds: int = 300
    guard_share_percent: int = 5
    guard_least: int = 20
    dead_letter_limit: int = 10_000
    maintenance: tuple[Window, ...] = ()


def own(told: Mapping[str, Any]) -> Own:
    """The hub's own among the settings of an integration. Raises Refused naming the one that cannot be used."""
    values: dict[str, Any] = {}
    for name, least in _LEAST.items():
        value = told.get(name)
        if value is None:
            continue
        if type(value) is not int or value < least:
            raise _wrong(name, f"a whole number from {least}")
        values[name] = value
    windows = told.get("maintenance")
    windows = [] if windows is None else windows
    if not isinstance(windows, list):
        raise _wrong("maintenance", f"a list: {WINDOW_HELP}")
    return Own(**values, maintenance=tuple(_window(one) for one in windows))


def of_connector(told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are the connector's."""
    return {name: value for name, value in told.items() if name not in NAMES}


def _window(told: Any) -> Window:
    expected = f"windows such as {WINDOW_HELP}"
    if not isinstance(told, dict) or not told.keys() <= {"from", "to", "days"}:
        raise _wrong("maintenance", expected)
    begin, end, days = str(told.get("from", "")), str(told.get("to", "")), told.get("days") or []
    if not isinstance(days, list) or not set(days) <= set(DAYS):
        raise _wrong("maintenance", f"days of {', '.join(DAYS)}")
    is_daily = bool(_CLOCK.fullmatch(begin) and _CLOCK.fullmatch(end))
    is_once = bool(_ONCE.fullmatch(begin) and _ONCE.fullmatch(end)) and not days and begin < end
    if begin == end or not (is_daily or is_once):
        raise _wrong("maintenance", expected)
    try:
        return Window(begin, end, tuple(days))
    except ValueError:
        raise _wrong("maintenance", expected) from None


def _wrong(name: str, expected: str) -> Refused:
    return Refused(
        f"setting {name}: has no such value; expected {expected}", field=name, rule="kind of value", expected=expected
    )
