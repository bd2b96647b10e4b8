"""What a check of the log found, in the form that ``hub doctor`` prints."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that was looked at, whether it is as it must be, and in plain words what was found."""

    name: str
    ok: bool
    text: str
