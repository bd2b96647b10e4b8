"""The released schemas, as every process has them at hand: by id for reading, by type for writing.

The contract lies in ``schemas/``; what is needed at run time is packed into ``hub/log/released.json`` by the same export,
so that an installed package needs no folder beside it. An id stands for one shape of one type for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

import orjson

from hub.errors import Unusable

PACKED = "released.json"


@dataclass(frozen=True)
class Released:
    """One released shape of a type. ``schema_text`` is JSON: all that a reader depends on, without documentation."""

    type: str
    topic: str
    version: int
    id: int
    fingerprint: str
    schema_text: str

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The schema, parsed when it is first needed."""
        parsed: dict[str, Any] = orjson.loads(self.schema_text)
        return parsed


class Registry:
    """Released schemas by id and by type. Read only and safe to share between threads."""

    def __init__(self, released: Iterable[Released]) -> None:
        self._by_id: dict[int, Released] = {}
        self._newest: dict[str, Released] = {}
        for one in released:
            if one.id in self._by_id:
                raise ValueError(
                    f"schema id {one.id} stands for both {self._by_id[one.id].type} and {one.type}; an id is assigned once"
                )
            self._by_id[one.id] = one
            known = self._newest.get(one.type)
            if known is None or known.version < one.version:
                self._newest[one.type] = one

    def by_id(self, schema_id: int) -> Released:
        """The shape that an id stands for.

        Raises:
            Unusable: no such id was ever assigned.
        """
        found = self._by_id.get(schema_id)
        if found is None:
            raise Unusable(
                f"The record names schema id {schema_id}, which this hub has never assigned; it was written by something else or by a newer version.",
                field="schema id",
                rule="an id listed in schemas/ids.json",
                expected=f"one of {len(self._by_id)} known ids",
            )
        return found

    def newest(self, type_name: str) -> Released:
        """The newest released shape of a type.

        Raises:
            Unusable: no type of this name was released.
        """
        found = self._newest.get(type_name)
        if found is None:
            raise Unusable(
                f"There is no released event type {type_name!r}.",
                field="type",
                rule="the name of a declared and exported type",
                expected="one of the types below schemas/",
            )
        return found

    def types(self) -> tuple[str, ...]:
        """The names of all released types, sorted."""
        return tuple(sorted(self._newest))


def unpack(packed: bytes) -> list[Released]:
    """The released schemas of a packed file."""
    return [Released(**one) for one in orjson.loads(packed)]


@cache
def packaged() -> Registry:
    """The registry of the installed package; read once per process."""
    return Registry(unpack(resources.files("hub.log").joinpath(PACKED).read_bytes()))
