"""The token of a sealed value, and the data key that makes and opens it.

    1 byte   version (1)
    16 bytes the data subject's UUID
    12 bytes nonce: the first bytes of HMAC-SHA256(nonce key, text)
    n bytes  AES-256-GCM ciphertext and its tag of 16 bytes; associated data: version and subject

Encryption key and nonce key come from the data key by HKDF-SHA256. The nonce is made from the text, so that sealing is
deterministic; a nonce returns only with the same text, which is the case that GCM allows. A token that ends after a nonce of
zeros is *blank*: it was made for an erased subject and holds nothing. ``docs/decisions/0003-personal-data.md`` has the reasons.
"""

from __future__ import annotations

import hmac
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.errors import Unusable

VERSION: Final = 1
KEY_BYTES: Final = 32

_HEAD_BYTES = 17
_NONCE_BYTES = 12
_TAG_BYTES = 16
_BODY_AT = _HEAD_BYTES + _NONCE_BYTES
_NO_NONCE = bytes(_NONCE_BYTES)


def derive(key: bytes, purpose: str, length: int = KEY_BYTES) -> bytes:
    """``length`` bytes from a random key for one purpose only (HKDF-SHA256); keys of two purposes tell nothing of each other."""
    return HKDF(SHA256(), length, salt=None, info=f"lms-hub vault v1 {purpose}".encode()).derive(key)


def subject_of(token: bytes) -> str:
    """The subject whose key opens this token, as a UUID string.

    Raises:
        Unusable: the bytes have not the form of a token.
    """
    if len(token) >= _BODY_AT and token[0] == VERSION and (len(token) >= _BODY_AT + _TAG_BYTES or is_blank(token)):
        text = token[1:_HEAD_BYTES].hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    raise Unusable(
        f"A sealed value must be a token of version {VERSION} and at least {_BODY_AT + _TAG_BYTES} bytes; these {len(token)} bytes are not.",
        field="sealed value",
        rule="form of a token",
        expected=f"version {VERSION}, subject, nonce, ciphertext",
    )


def blank(subject: str) -> bytes:
    """The token that stands for any text of an erased subject."""
    return bytes([VERSION]) + UUID(subject).bytes + _NO_NONCE


def is_blank(token: bytes) -> bool:
    """Whether this token was made for an erased subject."""
    return len(token) == _BODY_AT and token.endswith(_NO_NONCE)


def encoded(text: str, field: str) -> bytes:
    """The UTF-8 bytes of a text.

    Raises:
        Unusable: it holds a lone surrogate; the message names the field and does not repeat the text.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass  # raised below, outside the handler: the cause would carry the text into a traceback's context
    raise Unusable(
        f"The {field} holds a lone surrogate; Unicode text was expected.",
        field=field,
        rule="UTF-8",
        expected="Unicode text",
    )


class DataKey:
    """The opened key of one subject or company: seals and opens its values. Immutable, thread-safe, shows no key."""

    # A cipher object takes 2.4 KB outside of Python's own memory, and 2 µs to make: many keys are kept, few are used at a time.
    __slots__ = ("_cipher_key", "_head", "_nonce_key", "subject")

    def __init__(self, subject: str, key: bytes) -> None:
        both = derive(key, "values", 2 * KEY_BYTES)
        self.subject = subject
        self._head = bytes([VERSION]) + UUID(subject).bytes
        self._cipher_key, self._nonce_key = both[:KEY_BYTES], both[KEY_BYTES:]

    def __repr__(self) -> str:
        return f"DataKey(subject={self.subject!r})"

    def seal(self, text: str) -> bytes:
        """The token of a text; equal for equal texts.

        Raises:
            Unusable: the text holds a lone surrogate.
        """
        plain = encoded(text, "text to seal")
        nonce = hmac.digest(self._nonce_key, plain, "sha256")[:_NONCE_BYTES]
        return self._head + nonce + AESGCM(self._cipher_key).encrypt(nonce, plain, self._head)

    def open(self, token: bytes) -> str:
        """The text of a token that ``subject_of`` says is this subject's.

        Raises:
            Unusable: the token was altered, or was sealed with another key.
        """
        cipher = AESGCM(self._cipher_key)
        try:
            return cipher.decrypt(token[_HEAD_BYTES:_BODY_AT], token[_BODY_AT:], token[:_HEAD_BYTES]).decode()
        except InvalidTag:
            raise Unusable(
                f"The sealed value of subject {self.subject} does not open: its bytes were altered, or it was sealed with another key.",
                field="sealed value",
                rule="authentication tag",
                expected="the bytes as they were sealed",
            ) from None
