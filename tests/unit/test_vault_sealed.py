"""The token of a sealed value, its text form, and the form in which identifiers are compared."""

from __future__ import annotations

import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.sealing import from_text, is_sealed, normalise_identifier, to_text
from hub.errors import Unusable
from hub.vault.sealed import DataKey, blank, derive, is_blank, subject_of

ADA = "11111111-1111-5111-8111-111111111111"
BOB = "22222222-2222-5222-8222-222222222222"
KEY = bytes(range(32))

texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.binary(min_size=32, max_size=32)
uuids = st.uuids().map(str)


@given(keys, uuids, texts)
def test_a_sealed_text_opens_to_itself(key: bytes, subject: str, text: str) -> None:
    """Whatever the text (empty, NUL, beyond the BMP), it comes back exactly, from another object with the same key too."""
    token = DataKey(subject, key).seal(text)
    assert DataKey(subject, key).open(token) == text
    assert subject_of(token) == subject
    assert from_text(to_text(token)) == token
    assert is_sealed(to_text(token))


@given(texts, texts)
def test_tokens_are_equal_exactly_where_texts_are(one: str, other: str) -> None:
    """Deterministic per subject and text: this is how "unchanged" is seen without opening."""
    assert (DataKey(ADA, KEY).seal(one) == DataKey(ADA, KEY).seal(other)) == (one == other)


def test_equal_texts_of_two_subjects_share_nothing() -> None:
    """Nobody can see that two people have the same name: neither nonce nor ciphertext agree."""
    one, other = DataKey(ADA, KEY).seal("Smith"), DataKey(BOB, KEY[::-1]).seal("Smith")
    assert one[17:29] != other[17:29]
    assert one[29:] != other[29:]


def test_the_form_of_a_token_is_fixed() -> None:
    """Golden bytes: tokens lie in the log for ever, so neither layout nor derivation may change under version 1."""
    token = DataKey(ADA, KEY).seal("Ada")
    assert token[:17] == b"\x01" + UUID(ADA).bytes
    assert len(token) == 1 + 16 + 12 + len("Ada") + 16
    assert token[17:].hex() == "d6e8494d7065ed698f31f3095f2b1bb2b44686f3809655109618ddeb21cf87"
    assert derive(KEY, "company secret").hex() == "bc64f46cae5e0913abee2fc9d0cc2a25362be9fb20ac8564b304a7abd0bee84f"


@given(st.integers(0, 47), st.integers(1, 255))
def test_an_altered_token_never_opens(position: int, flip: int) -> None:
    """Each byte is guarded: version by the form; subject, nonce, ciphertext and tag by the authentication."""
    token = bytearray(DataKey(ADA, KEY).seal("Ada"))
    token[position] ^= flip
    if position == 0:
        with pytest.raises(Unusable, match="version 1"):
            subject_of(bytes(token))
    with pytest.raises(Unusable, match="altered"):
        DataKey(ADA, KEY).open(bytes(token))


@pytest.mark.parametrize(
    "token", [b"", b"\x01", DataKey(ADA, KEY).seal("")[:-1], b"\x02" + DataKey(ADA, KEY).seal("")[1:]]
)
def test_bytes_that_are_no_token_are_unusable(token: bytes) -> None:
    """Cut short or of another version: named as such, not taken for an erased person."""
    with pytest.raises(Unusable, match="version 1"):
        subject_of(token)


def test_a_blank_token_holds_only_its_subject() -> None:
    """What stands for an erased person's text has no byte of the text, and has a form of its own."""
    assert subject_of(blank(ADA)) == ADA
    assert is_blank(blank(ADA))
    assert not is_blank(DataKey(ADA, KEY).seal(""))
    assert is_sealed(to_text(blank(ADA)))


def test_a_lone_surrogate_is_unusable_and_not_repeated() -> None:
    """A text that has no bytes is refused before it is sealed, without the text in the message or behind it."""
    with pytest.raises(Unusable, match="lone surrogate") as caught:
        DataKey(ADA, KEY).seal("Ada \ud800 Lovelace")
    assert "Lovelace" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ada",
        "sealed:",
        "sealed:" + "!" * 60,
        to_text(blank(ADA)) + "=",
        to_text(blank(ADA))[:-1] + "B",
        "sealed:" + "A" * 41,
    ],
)
def test_text_that_is_not_the_one_form_of_a_token_is_unusable(text: str) -> None:
    """One token has one text: padding, stray bits and half groups are not silently forgiven."""
    with pytest.raises(Unusable, match="sealed:"):
        from_text(text)


@pytest.mark.parametrize("value", [None, 7, b"sealed:", "sealed: envelope", "Sealed:" + "A" * 60])
def test_ordinary_values_are_not_taken_for_sealed(value: object) -> None:
    """``is_sealed`` is asked about any audit value."""
    assert not is_sealed(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ADA@x.org ", "ada@x.org"),
        ("\u00a0Ada@X.ORG\t", "ada@x.org"),
        ("ｊｏｓé", "José"),
        ("Jose\u0301", "JOSÉ"),
        ("Straße", "STRASSE"),
        ("ﬁona", "FIONA"),
    ],
)
def test_two_ways_to_write_an_identifier_are_one(one: str, other: str) -> None:
    """Case, width, composition and white space around do not make another person."""
    assert normalise_identifier(one) == normalise_identifier(other)


def test_different_identifiers_stay_different() -> None:
    """White space inside, dots and accents are part of the identifier."""
    names = ["ada", "a da", "a.da", "àda", "ada1"]
    assert len({normalise_identifier(name) for name in names}) == len(names)


@given(st.text())
def test_normalising_is_idempotent(identifier: str) -> None:
    """A pseudonym may be made from an identifier that was normalised before."""
    once = normalise_identifier(identifier)
    assert normalise_identifier(once) == once
    assert unicodedata.is_normalized("NFKC", once)
