"""Rejected records of an LMS that gives its records only together with others: asked for again, course by course.

What such a record means follows from its course as well (its lessons, who learns in it, how far they are), so the kept bytes
alone cannot be mapped. The courses of the letters are read again, nothing else, and of what they give only the records of
the letters are taken. Which records these are is told by the letter's id: it was derived from the native id of its record.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from connectors import registry
from connectors.contract import Item, RequestLog
from connectors.observe import Observer
from hub.deadletters.letters import Letter
from hub.deadletters.records import came_by_file, is_statement
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import is_sealed
from hub.errors import Refused
from hub.intake.publish import rejection_id, storable
from hub.intake.pulling import Pulling

COURSE = re.compile(r"course ([^,]+)(?:,|$)")
"""How connectors that read course by course begin the position of what stands in one."""


@dataclass(slots=True)
class Fetched:
    """What was asked for again: records with their letters, letters without a record, and what the requests took."""

    items: list[tuple[Letter, Item]] = field(default_factory=list)
    left: list[tuple[Letter, str]] = field(default_factory=list)
    requests: RequestLog | None = None


def must_be_asked(letter: Letter, config: IntegrationConfig) -> bool:
    """Whether the record of a letter can only be had from its LMS."""
    if came_by_file(config, letter) or is_statement(config, letter):
        return False
    return letter.record is None or is_sealed(letter.record.decode("utf-8", "replace"))


def fetch(letters: Sequence[Letter], config: IntegrationConfig, observer: Observer, ports: registry.Ports) -> Fetched:
    """The records of these letters as the LMS gives them today, under today's code and mapping.

    Raises Retriable where the LMS cannot be read now.
    """
    found = Fetched()
    waiting: defaultdict[str, list[Letter]] = defaultdict(list)
    courses = set()
    for letter in letters:
        course = COURSE.match(letter.source_position or "")
        if course is None:
            found.left.append((letter, _only_in_a_pass(letter, config)))
        else:
            courses.add(course[1])
            waiting[letter.source_position or ""].append(letter)
    if waiting:
        with Pulling(config, observer, ports, None, True, frozenset(courses)) as pulling:
            try:
                _match(pulling.items(), waiting, config, found)
            except Refused as problem:
                found.left += [(letter, str(problem)) for rest in waiting.values() for letter in rest]
                waiting.clear()
            found.requests = pulling.requests()
    found.left += [(letter, _not_shown(letter, config)) for rest in waiting.values() for letter in rest]
    return found


def _match(
    items: Iterable[Item], waiting: defaultdict[str, list[Letter]], config: IntegrationConfig, found: Fetched
) -> None:
    """Move each letter whose record comes by from those that wait to those that are found."""
    for item in items:
        place = storable(item.position)
        of_item = [letter for letter in waiting.get(place, ()) if _is_of(letter, item, config)]
        if of_item:
            found.items += [(letter, item) for letter in of_item]
            taken = {letter.id for letter in of_item}
            waiting[place] = [letter for letter in waiting[place] if letter.id not in taken]


def _is_of(letter: Letter, item: Item, config: IntegrationConfig) -> bool:
    """Whether a letter is about the record of an item; one without a native id is known by its content alone."""
    if letter.sha256 is None or (item.native_id is None and item.sha256 != letter.sha256):
        return False
    place = () if letter.record is not None else (letter.source_name or "", letter.source_position or "")
    return letter.id == rejection_id(
        config, item.native_id, letter.sha256, letter.field or "", letter.rule or "", place
    )


def _only_in_a_pass(letter: Letter, config: IntegrationConfig) -> str:
    return (
        f"{letter.source_name} gives {letter.source_position or 'it'} only in a whole pass; "
        f"expected `hub sync {config.lms_code} --full`, then a discard"
    )


def _not_shown(letter: Letter, config: IntegrationConfig) -> str:
    return (
        f"{letter.source_name} no longer shows this record in {letter.source_position}; "
        f"expected `hub sync {config.lms_code}`, which takes in what it shows, then a discard"
    )
