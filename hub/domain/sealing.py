"""The port through which the hub seals personal values, and the two forms that a sealed value has.

A sealed value is a *token* (bytes): version, data subject, nonce, ciphertext. It says itself which key opens it, so whoever
holds it needs no other column to find the key. In JSON and in text columns it stands as ``sealed:`` and base64url.
How tokens are made is the matter of ``hub.vault``; why they are made so stands in ``docs/decisions/0003-personal-data.md``.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Collection
from typing import Protocol, TypeGuard

from hub.errors import Unusable

PREFIX = "sealed:"

# The shortest token has 29 bytes (version, subject, nonce), which are 39 letters: ordinary text is hardly ever taken for one.
_TEXT_FORM = re.compile(r"sealed:[A-Za-z0-9_-]{39,}")


class Sealer(Protocol):
    """Seals texts under a key per data subject (employee, user or LMS account); all ids are lower-case UUID strings.

    Sealing is deterministic per (subject, text): the same text of the same person gives the same bytes in every process,
    so an event decided again is byte for byte the same, and "unchanged" is seen without opening. Thread-safe.
    """

    def prepare(self, company_id: str, subjects: Collection[str]) -> None:
        """Make and cache the keys of these subjects, in one round trip where all keys exist; to be called once per batch.

        Idempotent; processes that prepare one subject at the same time agree on one key, which is durable on return.
        A subject that was erased stays erased.

        Raises:
            Refused: one of the subjects belongs to another company.
            Retriable: the key store was not available.
        """

    def seal(self, subject: str, text: str, company_id: str | None = None) -> bytes:
        """The token of this text. An unprepared subject is prepared first, for which its company must be given.

        For an erased subject the token holds nothing of the text and opens to None.

        Raises:
            Refused: the subject has no key yet and no company was given, or belongs to another company than the one given.
            Unusable: the text is not Unicode that can be encoded.
            Retriable: the key store was not available.
        """

    def open(self, token: bytes) -> str | None:
        """The sealed text; None where the subject's key was destroyed or never known (an erased person).

        Raises:
            Unusable: this is no token, or its bytes were altered.
            Retriable: the key store was not available.
        """

    def pseudonym(self, company_id: str, namespace: str, identifier: str) -> str:
        """The UUID that stands for an identifier of a person within a company and a namespace (such as an integration's id).

        Equal for identifiers that are equal after ``normalise_identifier``; without the company's key nobody can tell which
        identifier it stands for, nor whether those of two companies are the same.

        Raises:
            Unusable: nothing is left of the identifier after trimming, or it cannot be encoded.
            Refused: the company's key was destroyed.
            Retriable: the key store was not available.
        """


def normalise_identifier(identifier: str) -> str:
    """NFKC, case-folded and trimmed: two ways to write one e-mail address or login name become equal. Idempotent."""
    folded = unicodedata.normalize("NFKC", identifier).casefold()
    # Folding can leave letters that compose differently, and composing can leave a letter that folds: one more pass settles it.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold()).strip()


def to_text(token: bytes) -> str:
    """The form of a token in JSON, audit values and text columns: ``sealed:`` and base64url without padding."""
    return PREFIX + base64.urlsafe_b64encode(token).rstrip(b"=").decode("ascii")


def from_text(text: str) -> bytes:
    """The token of which ``to_text`` made this text; every token has exactly one text.

    Raises:
        Unusable: the text is not in that form. The message does not repeat the text.
    """
    if is_sealed(text):
        body = text[len(PREFIX) :]
        try:
            token = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            token = b""
        if to_text(token) == text:
            return token
    raise Unusable(
        "A sealed value must be 'sealed:' followed by base64url without padding, and this text is not.",
        field="sealed value",
        rule="text form of a token",
        expected="sealed:<base64url>",
    )


def is_sealed(value: object) -> TypeGuard[str]:
    """Whether a value has the text form of a token (it may still fail to open)."""
    return isinstance(value, str) and _TEXT_FORM.fullmatch(value) is not None
