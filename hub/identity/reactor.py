"""The identity reactor: accounts are linked when an employee arrives, enrollments follow their account.

Level-triggered: it asks for what differs from what it should be and gives commands whose ids follow from what was seen,
so a missed or doubled trigger does no harm. It never writes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from hub.deciding.commands import Command, Commands
from hub.domain import ids
from hub.domain.directory import UNLINKED_BY_HAND, match
from hub.identity.commands import link_account, relink_enrollment

BATCH = 1000


class _Stale(Protocol):
    @property
    def stream(self) -> str: ...

    @property
    def company_id(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    @property
    def version(self) -> int: ...


class _Matchable(Protocol):
    @property
    def account_id(self) -> str: ...

    @property
    def company_id(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def candidates(self) -> Mapping[str, Sequence[str]]: ...


class IdentityReactor:
    """Makes links true. ``matchable`` and ``stale`` ask the tables."""

    def __init__(
        self,
        commands: Commands,
        matchable: Callable[[str], Sequence[_Matchable]],
        stale: Callable[[int], Sequence[_Stale]],
    ) -> None:
        self._commands = commands
        self._matchable = matchable
        self._stale = stale

    def react(self) -> int:
        """Do what is to be done now; returns how many links were made or changed."""
        made = self._link_accounts()
        while True:
            stale = self._stale(BATCH)
            changed = self._execute([relink_enrollment(s.company_id, s.stream, s.account_id, s.version) for s in stale])
            made += changed
            if len(stale) < BATCH or not changed:
                return made

    def _link_accounts(self) -> int:
        commands = []
        for account in self._matchable(UNLINKED_BY_HAND):
            found = match(account.candidates)
            if found.employee_id is not None and found.matched_by is not None:
                command_id = ids.derived(account.account_id, "match", found.employee_id, str(account.version))
                commands.append(
                    link_account(
                        account.company_id,
                        account.account_id,
                        found.employee_id,
                        matched_by=found.matched_by,
                        command_id=command_id,
                    )
                )
        return self._execute(commands)

    def _execute(self, commands: Sequence[Command]) -> int:
        answers = self._commands.execute_all(commands) if commands else []
        return sum(1 for answer in answers if not isinstance(answer, Exception) and answer.changed)
