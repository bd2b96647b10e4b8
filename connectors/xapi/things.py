"""The rules for those and that of which statements speak: agents, groups, activities and their definitions."""

from __future__ import annotations

from typing import Final

from connectors.xapi import checks
from connectors.xapi.checks import Json, broken, inside

IDENTIFIERS: Final = ("mbox", "mbox_sha1sum", "openid", "account")
"""The four inverse functional identifiers: the same one means the same person."""

_COMPONENT_LISTS: Final[dict[str, tuple[str, ...]]] = {
    "true-false": (),
    "choice": ("choices",),
    "fill-in": (),
    "long-fill-in": (),
    "matching": ("source", "target"),
    "performance": ("steps",),
    "sequencing": ("choices",),
    "likert": ("scale",),
    "numeric": (),
    "other": (),
}
_DEFINITION: Final = ("name", "description", "type", "moreInfo", "extensions")
_INTERACTION: Final = ("interactionType", "correctResponsesPattern", "choices", "scale", "source", "target", "steps")


def account(value: object, field: str) -> None:
    """A user account: the system's address and a name that is unique there."""
    thing = checks.an_object(value, field)
    checks.known_keys(thing, ("homePage", "name"), field)
    checks.required(thing, ("homePage", "name"), field)
    checks.each(thing, {"homePage": checks.iri, "name": checks.text}, field)


_IDENTITY: Final = {
    "name": checks.text,
    "mbox": checks.mailto,
    "mbox_sha1sum": checks.sha1,
    "openid": checks.iri,
    "account": account,
}


def _identified(thing: Json, field: str) -> bool:
    """Whether the agent or group names who it is; it may do so in one way only."""
    found = [key for key in IDENTIFIERS if key in thing]
    if len(found) > 1:
        raise broken(inside(field, found[1]), "one identifier", f"only one of {', '.join(IDENTIFIERS)}")
    return bool(found)


def agent(value: object, field: str) -> None:
    """One person or system, identified in exactly one way."""
    thing = checks.an_object(value, field)
    if "objectType" in thing:
        checks.one_of(thing["objectType"], ("Agent",), inside(field, "objectType"))
    elif "member" in thing:
        raise broken(inside(field, "objectType"), "required", "Group where there are members")
    checks.known_keys(thing, ("objectType", "name", *IDENTIFIERS), field)
    if not _identified(thing, field):
        raise broken(field, "one identifier", f"one of {', '.join(IDENTIFIERS)}")
    checks.each(thing, _IDENTITY, field)


def group(value: object, field: str) -> None:
    """A group: anonymous with its members, or identified with or without; members are agents."""
    thing = checks.an_object(value, field)
    checks.required(thing, ("objectType",), field)
    checks.one_of(thing["objectType"], ("Group",), inside(field, "objectType"))
    checks.known_keys(thing, ("objectType", "name", "member", *IDENTIFIERS), field)
    if not _identified(thing, field):
        checks.required(thing, ("member",), field)
    checks.each(thing, _IDENTITY, field)
    if "member" in thing:
        members = inside(field, "member")
        for index, member in enumerate(checks.an_array(thing["member"], members)):
            agent(member, f"{members}[{index}]")


def agent_or_group(value: object, field: str) -> None:
    """An agent, or a group where the object type says so."""
    thing = checks.an_object(value, field)
    (group if thing.get("objectType") == "Group" else agent)(thing, field)


def authority(value: object, field: str) -> None:
    """Who vouches: an agent, or an anonymous group of exactly two (application and user)."""
    agent_or_group(value, field)
    thing = checks.an_object(value, field)
    if thing.get("objectType") == "Group" and (_identified(thing, field) or len(thing["member"]) != 2):
        raise broken(field, "authority", "an agent, or an anonymous group of exactly two agents")


def activity(value: object, field: str) -> None:
    """Something done: an IRI, with a definition where the sender gives one."""
    thing = checks.an_object(value, field)
    checks.known_keys(thing, ("objectType", "id", "definition"), field)
    if "objectType" in thing:
        checks.one_of(thing["objectType"], ("Activity",), inside(field, "objectType"))
    checks.required(thing, ("id",), field)
    checks.iri(thing["id"], inside(field, "id"))
    if "definition" in thing:
        _definition(thing["definition"], inside(field, "definition"))


def activities(value: object, field: str) -> None:
    """One activity or an array of them."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            activity(item, f"{field}[{index}]")
    else:
        activity(value, field)


def _definition(value: object, field: str) -> None:
    thing = checks.an_object(value, field)
    allowed: tuple[str, ...] = (*_DEFINITION, *_INTERACTION)
    if "interactionType" in thing:
        kind = checks.one_of(thing["interactionType"], _COMPONENT_LISTS, inside(field, "interactionType"))
        allowed = (*_DEFINITION, "interactionType", "correctResponsesPattern", *_COMPONENT_LISTS[kind])
    checks.known_keys(thing, allowed, field)
    for key in _INTERACTION[1:]:
        if key in thing:
            checks.required(thing, ("interactionType",), field)
            (_patterns if key == "correctResponsesPattern" else _components)(thing[key], inside(field, key))
    plain = {
        "name": checks.language_map,
        "description": checks.language_map,
        "type": checks.iri,
        "moreInfo": checks.iri,
        "extensions": checks.extensions,
    }
    checks.each(thing, plain, field)


def _patterns(value: object, field: str) -> None:
    for index, pattern in enumerate(checks.an_array(value, field)):
        checks.text(pattern, f"{field}[{index}]")


def _components(value: object, field: str) -> None:
    seen: set[str] = set()
    for index, item in enumerate(checks.an_array(value, field)):
        at = f"{field}[{index}]"
        thing = checks.an_object(item, at)
        checks.known_keys(thing, ("id", "description"), at)
        checks.required(thing, ("id",), at)
        name = checks.text(thing["id"], inside(at, "id"))
        if name in seen:
            raise broken(inside(at, "id"), "unique in its list", "an id that no other component of the list has")
        seen.add(name)
        checks.each(thing, {"description": checks.language_map}, at)
