"""Who a statement is about: the one identifier of its actor, written so that equal persons compare equal.

The same identifier means the same person; different identifiers prove nothing. Linking to an employee is not done
here: this part only says by which key it could be done.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote

from connectors.xapi import checks, things
from connectors.xapi.checks import Json, broken, inside

IdentityKind = Literal["mbox", "mbox_sha1sum", "openid", "account"]

NAME_LENGTH: Final = 400
"""Characters of a name that an account holds."""

_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")


class Identity(NamedTuple):
    """A person as the statement identifies them."""

    kind: IdentityKind
    home_page: str | None
    """The system whose account it is, exactly as sent; None unless kind is account."""
    value: str
    """The identifier: the mailto IRI with its domain in lower case, the hash in lower case, the OpenID or the
    account's name as sent."""
    name: str | None
    """The person's name, where the sender gives one."""
    email: str | None
    """An address, where the identifier is one or an account's name looks like one; domain in lower case."""

    @property
    def login(self) -> str | None:
        """The name used to log in, which only an account has."""
        return self.value if self.kind == "account" else None


def lower_domain(address: str) -> str:
    """A mail address or mailto IRI with its domain, where case means nothing, in lower case."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def identify(actor: object, field: str = "actor") -> Identity:
    """The identity of a learner.

    Raises:
        Unusable: The actor is a group (an anonymous one identifies nobody, an identified one is no single learner),
            breaks the rules of an agent, or is an account without a name.
    """
    thing = checks.an_object(actor, field)
    if thing.get("objectType") == "Group":
        things.group(thing, field)
        if any(key in thing for key in things.IDENTIFIERS):
            raise broken(field, "one learner", "an agent, since an identified group is no learner")
        raise broken(field, "one learner", "an agent, since an anonymous group identifies nobody")
    things.agent(thing, field)
    name = _shown(thing.get("name"))
    if "account" in thing:
        return _of_account(thing["account"], name, inside(field, "account"))
    if "mbox" in thing:
        value = lower_domain(thing["mbox"])
        email = unquote(value.removeprefix("mailto:"))
        _without_nul(email, inside(field, "mbox"))
        return Identity("mbox", None, value, name, email)
    if "mbox_sha1sum" in thing:
        return Identity("mbox_sha1sum", None, thing["mbox_sha1sum"].lower(), name, None)
    return Identity("openid", None, thing["openid"], name, None)


def _of_account(account: Json, name: str | None, field: str) -> Identity:
    login: str = account["name"]
    if not login.strip():
        raise broken(inside(field, "name"), "not empty", "the name of an account")
    _without_nul(login, inside(field, "name"))
    email = lower_domain(login) if _EMAIL.fullmatch(login) else None
    return Identity("account", account["homePage"], login, name, email)


def _shown(name: str | None) -> str | None:
    """A person's name as an account can hold it: without NUL, at most 400 characters. It identifies nobody."""
    text = (name or "").replace("\0", "").strip()
    return (text if len(text) <= NAME_LENGTH else text[: NAME_LENGTH - 1] + "…") or None


def _without_nul(identifier: str, field: str) -> None:
    """An identifier is refused and not mended: without its NUL it might be somebody else's."""
    if "\0" in identifier:
        raise broken(field, "no NUL", "text without the character U+0000")
