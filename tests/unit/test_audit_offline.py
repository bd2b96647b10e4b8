"""The verifier's rules: the chain, what a single altered record is called, seals, and that it stands alone."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hub.audit import offline
from hub.audit.offline import NO_SEAL, START, Finding, Mark, Seal, check_seals, digest, key_id, locate, statement, walk

BEGIN = Mark(0, START, "the beginning")
Values = list[bytes]


def heads_of(values: Values) -> dict[int, bytes]:
    head, heads = START, {}
    for offset, value in enumerate(values):
        head = hashlib.sha256(head + value).digest()
        heads[offset] = head
    return heads


def found(values: Values, now: dict[int, bytes], heads: dict[int, bytes] | None = None) -> Finding | None:
    """What is said of a log that held ``values`` once and holds ``now``."""
    told = heads_of(values)
    mark = Mark(len(values), told[len(values) - 1], "seal 2")
    first = walk("t/0", iter(sorted(now.items())), BEGIN, [mark]).finding
    if first is None:
        return None
    return locate("t/0", now, BEGIN, len(values), told if heads is None else heads) or first


def dense(values: Values) -> dict[int, bytes]:
    return dict(enumerate(values))


ALTERED: dict[str, Callable[[Values, int], dict[int, bytes]]] = {
    "changed": lambda v, at: dense([*v[:at], v[at] + b"!", *v[at + 1 :]]),
    "removed": lambda v, at: dense([*v[:at], *v[at + 1 :]]) if at + 1 < len(v) else {},
    "inserted": lambda v, at: dense([*v[:at], b"made up", *v[at:]]),
    "reordered": lambda v, at: dense([*v[:at], v[at + 1], v[at], *v[at + 2 :]]),
    "cut off": lambda v, at: dense(v[:at]),
}


@given(
    st.lists(st.binary(min_size=1, max_size=8), min_size=4, max_size=30, unique=True),
    st.integers(0, 27),
    st.sampled_from(sorted(ALTERED)),
)
def test_each_kind_of_tampering_is_named_at_its_offset(values: Values, at: int, kind: str) -> None:
    """Wherever it is done, with all heads known: kind and offset are exact; an untouched log has no finding."""
    at %= len(values) - 2
    assert found(values, dense(values)) is None
    one = found(values, ALTERED[kind](values, at))
    assert one is not None
    assert (one.kind, one.offset) == (kind, at)


VALUES = [b"a", b"b", b"c", b"d", b"e"]


def test_a_hole_is_a_removal() -> None:
    """A record that is gone and left its offset empty."""
    one = found(VALUES, {offset: value for offset, value in enumerate(VALUES) if offset != 2})
    assert one is not None
    assert (one.kind, one.offset) == ("removed", 2)


def test_a_record_overwritten_with_another_one_is_a_change() -> None:
    """The other one is still where it belongs, so nothing was moved."""
    one = found(VALUES, dense([b"a", b"d", b"c", b"d", b"e"]))
    assert one is not None
    assert (one.kind, one.offset) == ("changed", 1)


def test_an_inserted_copy_is_an_insertion() -> None:
    """A copy of a later record before its time is no change of places."""
    one = found(VALUES, dense([b"a", b"d", b"b", b"c", b"d", b"e"]))
    assert one is not None
    assert (one.kind, one.offset) == ("inserted", 1)


def test_without_heads_only_the_stretch_is_named() -> None:
    """Between two seals, where no head is known, it says so and guesses nothing."""
    one = found(VALUES, dense([b"a", b"x", b"c", b"d", b"e"]), heads={})
    assert one is not None
    assert one.kind == "altered"
    assert "offsets 0 to 4" in one.text


def test_with_some_heads_the_records_between_are_named() -> None:
    """Void and raw records have no audit row: the finding names the few that it can be."""
    told = heads_of(VALUES)
    one = found(VALUES, dense([b"a", b"b", b"x", b"d", b"e"]), heads={offset: told[offset] for offset in (1, 4)})
    assert one is not None
    assert (one.kind, one.text) == ("altered", "one of the records at offsets 2 to 4 was altered")


class Signer:
    """Writes lines as the hub does."""

    def __init__(self) -> None:
        self.lines: list[Seal] = []
        self.rotate()

    def rotate(self) -> None:
        new = Ed25519PrivateKey.generate()
        public = new.public_key().public_bytes_raw()
        signer = self.key if self.lines else new
        self._add("key", signer, public_key=public.hex())
        self.key = new

    def seal(self, records: int) -> None:
        self._add("seal", self.key, topic="t", partition=0, records=records, head="00" * 32)

    def _add(self, kind: str, key: Ed25519PrivateKey, **told: object) -> None:
        previous = digest(self.lines[-1]) if self.lines else NO_SEAL
        name = key_id(key.public_key().public_bytes_raw())
        line = Seal(len(self.lines) + 1, kind, "2026-01-01T00:00:00.000000Z", previous, name, **told)  # type: ignore[arg-type]
        self.lines.append(line._replace(signature=key.sign(statement(line)).hex()))


@pytest.fixture
def signer() -> Signer:
    made = Signer()
    made.seal(1)
    made.rotate()
    made.seal(2)
    made.seal(3)
    return made


def test_seals_of_two_keys_hold(signer: Signer) -> None:
    """The second key is signed by the first; the first key can be demanded."""
    assert check_seals(signer.lines) == []
    assert check_seals(signer.lines, trusted=signer.lines[0].key) == []
    assert len(check_seals(signer.lines, trusted="another")) == 1


@pytest.mark.parametrize("number", range(5))
def test_an_altered_line_is_found(signer: Signer, number: int) -> None:
    """Whichever line says something else than was signed, its signature tells."""
    signer.lines[number] = signer.lines[number]._replace(sealed_at="2020-01-01T00:00:00.000000Z")
    assert f"seal {number + 1}" in {one.where for one in check_seals(signer.lines)}


def test_a_missing_line_is_found(signer: Signer) -> None:
    """Numbers have no gap, unless the lines are a selection, and then those that are there must hold."""
    del signer.lines[3]
    assert "seal 4 is missing" in check_seals(signer.lines)[0].text
    assert check_seals(signer.lines, complete=False) == []


def test_a_retired_key_seals_no_more(signer: Signer) -> None:
    """A line that the first key signs after it was replaced does not hold, however well it is signed."""
    old = Signer()
    old.rotate()
    first = old.lines[0]
    retired = old.lines[-1]._replace(
        number=3, kind="seal", key=first.key, public_key=None, previous=digest(old.lines[-1])
    )
    assert any("was not in force" in one.text for one in check_seals([*old.lines, retired]))


def test_a_key_that_the_one_before_did_not_sign_is_found(signer: Signer) -> None:
    """Whoever puts a key of their own into the sequence must have signed with the one in force."""
    forger = Signer()
    forger.seal(1)
    stolen = forger.lines[0]._replace(number=6, previous=digest(signer.lines[-1]))
    found_ = check_seals([*signer.lines, stolen])
    assert [one.where for one in found_] == ["seal 6"]


def test_the_verifier_stands_alone() -> None:
    """One file that imports the standard library and ``cryptography`` only."""
    tree = ast.parse(Path(offline.__file__).read_text(encoding="utf-8"))
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert names - set(sys.stdlib_module_names) == {"cryptography"}


def test_a_manifest_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A folder from elsewhere names files in itself only."""
    with pytest.raises(ValueError, match="leads out of the folder"):
        offline.inside(tmp_path, "../secret")
