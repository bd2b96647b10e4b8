"""The page of an evidence pack that a person reads, as PDF/A-2a and PDF/UA-1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

import typst

STANDARDS: list[Literal["a-2a", "ua-1"]] = ["a-2a", "ua-1"]
"""For archives, and for readers who cannot see."""


def render(told: Mapping[str, Any]) -> bytes:
    """The page. ``told``: what ``evidence.typ`` shows, all of it text."""
    template = resources.files("hub.audit").joinpath("evidence.typ").read_bytes()
    given = {"told": json.dumps(told, ensure_ascii=False)}
    made = typst.compile(template, sys_inputs=given, pdf_standards=[*STANDARDS], ignore_system_fonts=True)
    if not isinstance(made, bytes):
        raise TypeError("a page was expected as one file")
    return made
