"""The kept record of a rejected letter, opened, and what it becomes under today's code and mapping: an item.

Rows of files and xAPI statements are kept as they were read, so they can be mapped again; an observation that was rejected
when it was decided is told again as it is. What is kept only in part is read from its file again, where that is unchanged.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.contract import Item
from connectors.files.options import options_of
from connectors.files.reader import canonical, rejected
from connectors.mapping import compile_mapping
from connectors.observe import Observer, Seen
from connectors.record import to_item
from connectors.refine import Rules
from connectors.xapi import settings as xapi_settings
from connectors.xapi.mapping import Source, StatementMapper
from connectors.xapi.read_file import read_statements
from hub.deadletters.letters import Letter
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import from_text, is_sealed
from hub.errors import HubError, Refused, Unusable
from hub.log import codec

Opener = Callable[[bytes], str | None]
"""A sealed token → its text; None where its key was destroyed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a record. ``observation``: it was rejected when it was decided."""

    text: str | None = None
    observation: dict[str, Any] | None = None
    is_whole: bool = True


def kept(letter: Letter, opener: Opener) -> Kept:
    """Open the kept record. Raises Refused where nothing usable is kept of it, or its key was destroyed."""
    if letter.record is None:
        raise _not_again(letter, "nothing of it is kept")
    text = letter.record.decode("utf-8", "replace")
    if not is_sealed(text):
        if letter.size != len(letter.record):
            raise _not_again(letter, "only a part of its observation is kept")
        try:
            return Kept(observation=codec.decode(letter.record))
        except HubError:
            raise _not_again(letter, "it cannot be read as an observation") from None
    clear = opener(from_text(text))
    if clear is None:
        raise _not_again(letter, "its key was destroyed")
    digest = hashlib.sha256(clear.encode(errors="surrogatepass")).digest()
    return Kept(clear, is_whole=digest == letter.sha256)


def item_of(
    letter: Letter,
    found: Kept,
    config: IntegrationConfig,
    observer: Observer,
    ports: registry.Ports,
    now: Callable[[], int],
    file: Path | None = None,
) -> Item:
    """The record as a source record of today. ``file``: the file that it came from, needed where not all of it is kept.

    Raises Refused where the record cannot be taken in by itself.
    """
    if found.observation is not None:
        return _told_again(letter, found.observation, observer)
    if not found.is_whole or found.text is None:
        return _from_file(letter, config, observer, ports, now, file)
    if is_statement(config, letter):
        return _statement(letter, found.text, config, observer, ports, now)
    source = row_of(found.text)
    if source is None:
        return _from_file(letter, config, observer, ports, now, file)
    return _row(letter, source, config, observer, now)


def row_of(text: str) -> dict[str, Any] | None:
    """The kept text as a source record; None where it could not be read as one."""
    try:
        source = json.loads(text)
    except ValueError:
        return None
    return source if isinstance(source, dict) else None


def is_statement(config: IntegrationConfig, letter: Letter) -> bool:
    """Whether the record is an xAPI statement."""
    if came_by_file(config, letter):
        return registry.holds_statements(config)
    return not registry.shows_gone(config.lms_type, config.integration_method)


def came_by_file(config: IntegrationConfig, letter: Letter) -> bool:
    """Whether the record came with a file, not with a sync."""
    return letter.source_name not in (config.api_endpoint_url, config.lms_code)


def _told_again(letter: Letter, observation: Mapping[str, Any], observer: Observer) -> Item:
    told = {**observation, "run_id": observer.run_id, "backfill": True}
    return Item(letter.source_position or "", [told], native_id=told["native_id"], size=letter.size or 0)


def _row(
    letter: Letter, source: Mapping[str, Any], config: IntegrationConfig, observer: Observer, now: Callable[[], int]
) -> Item:
    raw, position = canonical(source), letter.source_position or ""
    try:
        record = compile_mapping(config, flat=True).apply(source)
    except Unusable as problem:
        return rejected(position, problem, raw)
    reading = options_of({}, config).reading(config.zone)
    return to_item(record, observer, Seen(now(), position=position), raw, reading)


def _statement(
    letter: Letter,
    text: str,
    config: IntegrationConfig,
    observer: Observer,
    ports: registry.Ports,
    now: Callable[[], int],
) -> Item:
    from connectors.xapi.ledger import NothingStored  # noqa: PLC0415  only where there are statements

    index = ports.index or NothingStored()
    mapper = StatementMapper(observer, xapi_settings.options_of(config), Rules(config), index, "2.0.0")
    one = f"[{text}]" if text.lstrip().startswith("[") else text  # a list in a statement's place is no list of them
    read = next(iter(read_statements(io.BytesIO(one.encode(errors="surrogatepass")))))
    (item,) = mapper.items([Source(*read)._replace(position=letter.source_position or "")], now)
    return item


def _from_file(
    letter: Letter,
    config: IntegrationConfig,
    observer: Observer,
    ports: registry.Ports,
    now: Callable[[], int],
    file: Path | None,
) -> Item:
    """The record, read again from its file where that is the one it was read from."""
    named = file or Path(letter.source_name or "")
    if letter.source_sha256 is None or not named.is_file():
        raise _not_again(letter, f"not all of it is kept; expected --file with {letter.source_name}")
    with named.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != letter.source_sha256:
        raise _not_again(letter, f"not all of it is kept, and {named.name} is not the file that it was read from")
    for item in registry.read_file(str(named), config, observer, {}, now, ports):
        if item.position == letter.source_position:
            return item
    raise _not_again(letter, f"{named.name} has no {letter.source_position}")


def _not_again(letter: Letter, why: str) -> Refused:
    return Refused(
        f"record: {letter.id[:8]} cannot be replayed, {why}", field="record", rule="kept whole", expected=why
    )
