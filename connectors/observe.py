"""Building observations: the one place where a connector's findings get their ids, seals and times.

Connectors say what they saw in plain words (clear identifiers, facts); an :class:`Observer` turns that into plain
observations with pseudonymous ids and sealed personal fields. It reads no clock of its own and touches no network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain import ids
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import Sealer, to_text

ACCOUNT_PERSONAL = ("native_id", "display_name", "email", "login_name", "hr_number", "custom_identifier")


@dataclass(frozen=True, slots=True)
class Learner:
    """Who a record is about, in the source's own identifiers. ``native_id`` names the account in the LMS."""

    native_id: str
    display_name: str | None = None
    email: str | None = None
    login_name: str | None = None
    hr_number: str | None = None
    custom_identifier: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Where and when one source record was seen. Times are microseconds."""

    observed_at: int
    source_time: int | None = None
    native_id: str | None = None
    payload: bytes | None = None
    content_id: str | None = None
    """Identity of a single fact (a statement's content digest); None for a state."""
    position: str | None = None


class Unsealed(str):
    """A personal text that waits to be sealed together with others; it stands where its sealed form will stand.

    Its own characters are only a place holder: the clear text is an attribute, so nothing prints it by accident.
    """

    __slots__ = ("subject", "text")
    subject: str
    text: str

    def __new__(cls, subject: str, text: str) -> Unsealed:
        waiting = super().__new__(cls, "sealed:pending")
        waiting.subject = subject
        waiting.text = text
        return waiting


@dataclass(slots=True)
class Observer:
    """Makes observations for one integration and one run. ``defer``: personal texts are left :class:`Unsealed`, so
    that whoever publishes them can make the keys of many people in one round trip."""

    config: IntegrationConfig
    sealer: Sealer
    run_id: str | None = None
    source_name: str | None = None
    backfill: bool = False
    defer: bool = False
    _known: dict[str, str] = field(default_factory=dict)

    def account_id(self, native_id: str) -> str:
        """The id of an LMS account: a pseudonym of its native identifier."""
        found = self._known.get(native_id)
        if found is None:
            if len(self._known) > 20_000:
                self._known.clear()
            found = self.sealer.pseudonym(self.config.company_id, self.config.id, native_id)
            self._known[native_id] = found
        return found

    def account(self, learner: Learner, seen: Seen, **facts: Any) -> dict[str, Any]:
        """An account that was seen; never counted, it comes with the record it was found in."""
        account = self.account_id(learner.native_id)
        told = {name: self.seal(account, getattr(learner, name)) for name in ACCOUNT_PERSONAL}
        told.update(facts)
        return self._observation("account", account, seen, counted=False) | {
            "type": "lms.observation.account.v1",
            "facts": {name: value for name, value in told.items() if value is not None},
        }

    def course(
        self, course_key: str, seen: Seen, *, counted: bool = False, retired: bool = False, **facts: Any
    ) -> dict[str, Any]:
        """A course of the catalogue; counted only where the source record *is* the course."""
        told = {"course_id": ids.short_key(course_key, 100), "course_key": course_key, **facts}
        return self._observation("course", ids.course_stream(self.config.id, course_key), seen, counted=counted) | {
            "type": "lms.observation.course.v1",
            "retired": retired,
            "facts": {name: value for name, value in told.items() if value is not None},
        }

    def enrollment(self, learner: Learner, course_key: str, facts: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
        """Something told of an enrollment. ``instructor_name`` is given in the clear and sealed here."""
        account = self.account_id(learner.native_id)
        told = {name: value for name, value in facts.items() if value is not None}
        if "instructor_name" in told:
            told["instructor_name"] = self._instructor(told["instructor_name"], told.get("instructor_id"))
        return self._learning("lms.observation.enrollment.v1", account, course_key, told, seen)

    def lesson(
        self,
        learner: Learner,
        course_key: str,
        lesson_key: str,
        facts: Mapping[str, Any],
        seen: Seen,
        *,
        course_name: str | None = None,
    ) -> dict[str, Any]:
        """Something told of a lesson. ``feedback`` is given as a list of comments and sealed here."""
        account = self.account_id(learner.native_id)
        told = {name: value for name, value in facts.items() if value is not None}
        told["lesson_id"] = ids.short_key(lesson_key, 100)
        if "feedback" in told:
            told["feedback"] = self.seal(account, json.dumps(told["feedback"], ensure_ascii=False, sort_keys=True))
        return self._learning("lms.observation.lesson.v1", account, course_key, told, seen) | {
            "lesson_key": lesson_key,
            "course_name": course_name,
        }

    def voided(self, stream_id: str, native_id: str, seen: Seen) -> dict[str, Any]:
        """What the record ``native_id`` told of an enrollment's stream is void."""
        return self._observation("enrollment", stream_id, seen) | {
            "type": "lms.observation.voided.v1",
            "voided_native_id": native_id,
        }

    def seal(self, subject: str, text: str | None) -> str | None:
        """A personal text in sealed form; None stays None."""
        if text is None or not text.strip():
            return None
        if self.defer:
            return Unsealed(subject, text)
        return to_text(self.sealer.seal(subject, text, self.config.company_id))

    def _instructor(self, name: str, instructor_id: str | None) -> str | None:
        return self.seal(self.account_id(f"instructor/{instructor_id or name}"), name)

    def _learning(self, kind: str, account: str, course_key: str, told: dict[str, Any], seen: Seen) -> dict[str, Any]:
        stream = ids.enrollment_stream(self.config.id, account, course_key)
        return self._observation("enrollment", stream, seen) | {
            "type": kind,
            "account_id": account,
            "course_key": course_key,
            "facts": told,
        }

    def _observation(self, kind: str, stream: str, seen: Seen, *, counted: bool = True) -> dict[str, Any]:
        return {
            "company_id": self.config.company_id,
            "integration_id": self.config.id,
            "stream_kind": kind,
            "stream_id": stream,
            "observed_at": seen.observed_at,
            "source_time": seen.source_time,
            "native_id": seen.native_id,
            "payload_sha256": None if seen.payload is None else hashlib.sha256(seen.payload).digest(),
            "content_id": seen.content_id,
            "run_id": self.run_id,
            "source_name": self.source_name,
            "source_position": seen.position,
            "counted": counted,
            "backfill": self.backfill,
        }
