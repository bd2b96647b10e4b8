"""What Moodle's errors mean. They come with status 200, and only their ``errorcode`` can be relied on.

Neither ``message`` nor ``debuginfo`` is told further: they may hold names, and on debug sites SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from hub.errors import HubError, Refused, Retriable

BARRED: Final[Mapping[str, str]] = {
    "invalidtoken": "Site administration > Server > Web services > Manage tokens: make a token that has not expired.",
    "accessexception": "Site administration > Server > Web services > External services: add the function to the "
    "token's service, and allow the hub's address where the token is restricted to addresses.",
    "servicenotavailable": "Site administration > Server > Web services > External services: enable the service.",
    "enablewsdescription": "Site administration > Advanced features: enable web services.",
    "wsaccessusersuspended": "Activate the account of the token's user.",
    "wsaccessuserdeleted": "Make a token for an account that exists.",
    "wsaccessuserexpired": "Set a new password for the account of the token's user.",
    "wsaccessuserunconfirmed": "Confirm the account of the token's user.",
    "wsaccessusernologin": "Give the account of the token's user an authentication method other than nologin.",
    "forcepasswordchangenotice": "Set the password of the token's user once by hand.",
}
"""Codes by which nothing can be read: code → remedy."""

NOTHING: Final = frozenset({
    "nocriteriaset", "usernotenroled", "usernotenrolled", "notenroled", "cannotviewreport", "completionnotenabled",
    "invaliduser", "invaliduserid", "userdeleted",
})  # fmt: skip
"""Codes that are answers: of this learner, or in this course, there is nothing to tell."""

PASSING: Final = frozenset(
    {"sitemaintenance", "upgraderunning", "maintenance", "cannotconnecttodb", "dbconnectionfailed"}
)
"""Codes of a fault that passes; those of the database besides."""

_CODE = re.compile(r"[A-Za-z0-9_:/.-]{1,60}")


class MoodleError(Refused):
    """Moodle answered with an error; ``errorcode`` says which."""

    def __init__(self, errorcode: str, function: str, expected: str) -> None:
        super().__init__(
            f"Moodle answered {function} with the error {errorcode}: expected {expected}",
            field=function,
            rule=errorcode,
            expected=expected,
        )
        self.errorcode = errorcode
        self.function = function


class Barred(MoodleError):
    """The token, the service or a function of it is not accepted: nothing else that is asked can succeed."""

    def __init__(self, errorcode: str, function: str, expected: str) -> None:
        super().__init__(errorcode, function, expected)
        self.by_credentials = errorcode == "invalidtoken" or errorcode.startswith("wsaccessuser")


class Denied(MoodleError):
    """This course, or this part of it, cannot be read; others may be."""


class NothingThere(MoodleError):
    """A normal answer: there is nothing of that kind here."""


def error_of(told: Mapping[str, Any], function: str) -> HubError:
    """The error that an answer tells. An unknown code concerns what was asked for, and not the site as a whole."""
    code = told.get("errorcode")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return Retriable(f"Moodle answered {function} with an error that has no code.")
    if code in BARRED:
        return Barred(code, function, BARRED[code])
    if code in NOTHING:
        return NothingThere(code, function, "an answer about the learner")
    if code in PASSING or code.startswith("dml") or code.startswith("ddl"):
        return Retriable(f"Moodle answered {function} with the error {code}.")
    return Denied(code, function, "that the token's user may read it: grant the role its capabilities there.")
