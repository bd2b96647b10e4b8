"""The error tree: families are named after what the caller does about an error.

HubError
├── Retriable   try again later; nothing is wrong with the input
├── Unusable    this record can never be processed as it is: keep it with its reason and go on
├── Refused     a rule says no to a command or a configuration: tell the person, change nothing
└── Fatal       stop this process; the stored positions stay where they are

Messages are one plain sentence; ``field``, ``rule`` and ``expected`` carry the same as data.
"""

from __future__ import annotations


class HubError(Exception):
    """Root of all errors the hub raises on purpose."""


class Retriable(HubError):
    """Something outside was not available; the same call may succeed later."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the other side asked to wait, when it said so."""


class RuleBroken(HubError):
    """Base of the two families that name a field, a rule and what was expected."""

    def __init__(self, message: str, *, field: str = "", rule: str = "", expected: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.rule = rule
        self.expected = expected


class Unusable(RuleBroken):
    """A record that cannot be processed as it is; it is kept in the dead letters."""


class Refused(RuleBroken):
    """A command or configuration that a rule does not allow; nothing was changed."""

    by_credentials = False
    """Whether the other side does not accept the credentials: only a person can mend that."""


class Fatal(HubError):
    """A state in which going on could do harm (lost ownership, a gap in the log, a wrong database)."""
