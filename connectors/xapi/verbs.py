"""Verbs: which IRIs mean the same to the hub, and which one it emits.

A verb is its IRI, compared as a whole; ``display`` never decides. ActivityStreams IRIs exist in two spellings, and
Moodle sends both. A verb that is not listed is valid xAPI and of the kind ``other``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

OTHER: Final = "other"

_ADL = "http://adlnet.gov/expapi/verbs/"
_ADL_W3ID = "https://w3id.org/xapi/adl/verbs/"
_TLA = "https://w3id.org/xapi/tla/verbs/"
_TINCAN = "http://id.tincanapi.com/verb/"
_STREAMS = "http://activitystrea.ms/"
_STREAMS_1 = "http://activitystrea.ms/schema/1.0/"
_EDLM = "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/"
_VIDEO = "https://w3id.org/xapi/video/verbs/"
_ACROSSX = "https://w3id.org/xapi/acrossx/verbs/"


class Verb(NamedTuple):
    """One kind of event as verbs tell it."""

    emit: str
    """The IRI that the hub sends."""
    aliases: tuple[str, ...] = ()
    """Further IRIs that the hub reads as the same."""


VERBS: Final[dict[str, Verb]] = {
    "registered": Verb(_ADL + "registered", (_TLA + "registered",)),
    # ADL has no verb for it: sent as registered, which is also how it would be read back.
    "enrolled": Verb(
        _ADL + "registered",
        (
            _EDLM + "enrolled",
            _STREAMS + "join",
            _STREAMS_1 + "join",
            "http://www.tincanapi.co.uk/verbs/enrolled_onto_learning_plan",
        ),
    ),
    "unenrolled": Verb(_TINCAN + "unregistered", (_STREAMS + "leave", _STREAMS_1 + "leave")),
    "launched": Verb(_ADL + "launched"),
    "initialized": Verb(_ADL + "initialized", (_STREAMS + "start", _STREAMS_1 + "start")),
    "progressed": Verb(_ADL + "progressed"),
    "completed": Verb(_ADL + "completed", (_STREAMS + "complete", _STREAMS_1 + "complete")),
    # Moodle takes a completion back with this one.
    "uncompleted": Verb(_EDLM + "uncompleted"),
    "passed": Verb(_ADL + "passed"),
    "failed": Verb(_ADL + "failed"),
    "terminated": Verb(_ADL + "terminated", (_ADL + "exited",)),
    "abandoned": Verb(_ADL_W3ID + "abandoned", (_ADL + "abandoned",)),
    "waived": Verb(_ADL_W3ID + "waived", (_ADL + "waived",)),
    "satisfied": Verb(_ADL_W3ID + "satisfied", (_ADL + "satisfied",)),
    "voided": Verb(_ADL + "voided"),
    "experienced": Verb(_ADL + "experienced", (_TLA + "experienced", _TINCAN + "viewed")),
    "answered": Verb(_ADL + "answered", (_ADL + "responded",)),
    "attempted": Verb(_ADL + "attempted"),
    "interacted": Verb(_ADL + "interacted", (_VIDEO + "played", _VIDEO + "paused", _VIDEO + "seeked")),
    "scored": Verb(_ADL + "scored", (_TLA + "scored", _ACROSSX + "evaluated")),
    "earned": Verb(
        _TINCAN + "earned",
        (
            "http://specification.openbadges.org/xapi/verbs/earned",
            _TLA + "achieved",
            _TLA + "certified",
            _TLA + "conferred",
        ),
    ),
    "suspended": Verb(_ADL + "suspended", (_TLA + "suspended",)),
    "resumed": Verb(_ADL + "resumed", (_TLA + "resumed",)),
    "mastered": Verb(_ADL + "mastered", (_TLA + "mastered",)),
    "skipped": Verb(_TINCAN + "skipped"),
    "expired": Verb(_TINCAN + "expired", (_TLA + "expired",)),
    "forfeited": Verb(_TLA + "forfeited"),
    "submitted": Verb(_STREAMS + "submit", (_STREAMS_1 + "submit",)),
    # Moodle: the time of a quiz attempt is over.
    "exceeded": Verb(_EDLM + "exceeded"),
    "attended": Verb(_ADL + "attended", (_TLA + "attended",)),
    "commented": Verb(_ADL + "commented", (_ACROSSX + "posted", _TINCAN + "replied")),
    "logged_in": Verb(_ADL_W3ID + "logged-in", (_EDLM + "login",)),
    "logged_out": Verb(_ADL_W3ID + "logged-out", (_EDLM + "logout",)),
}
"""Kind of event to its verb. Only ``registered`` and ``enrolled`` share the IRI to emit."""


def _by_iri() -> dict[str, str]:
    kinds: dict[str, str] = {}
    for kind, verb in VERBS.items():
        for iri in (verb.emit, *verb.aliases):
            kinds.setdefault(iri, kind)  # the first kind that emits an IRI is the one it is read as
    return kinds


_KINDS: Final = _by_iri()


def kind_of(verb_id: str) -> str:
    """The kind of event that a verb IRI tells, by exact string; ``other`` where it is not listed."""
    return _KINDS.get(verb_id, OTHER)
