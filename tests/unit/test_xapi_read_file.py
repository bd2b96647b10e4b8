"""Files of statements: every form is read, what is broken costs only itself, and memory stays small."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.xapi.read_file import HEAD, MAX_ITEM, Item, TooLarge, read_statements
from hub.errors import Unusable

SHARED = Path(__file__).parents[3] / "shared" / "data" / "xapi"
BOMS = {"utf-8": b"", "utf-8-sig": b"", "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
THREE: list[dict[str, Any]] = [{"n": 1, "t": 'a"]}\\,'}, {"n": 2, "t": "ü [{", "x": [{}, []]}, {"n": 3}]


def read(data: bytes) -> list[Item]:
    """All items of a file."""
    return list(read_statements(io.BytesIO(data)))


def outline(items: Iterable[Item]) -> list[tuple[str, Any]]:
    """Position with the statement, or with the rule that it broke."""
    return [(i.position, i.statement.rule if isinstance(i.statement, Unusable) else i.statement) for i in items]


def at(kind: str, values: list[Any], first: int = 1) -> list[tuple[str, Any]]:
    """The outline of whole statements."""
    return [(f"{kind} {number}", value) for number, value in enumerate(values, first)]


def dumped(indent: int | None = None) -> list[str]:
    """The three statements as text."""
    return [json.dumps(value, ensure_ascii=False, indent=indent) for value in THREE]


FORMS = {
    "lines": ("\n".join(dumped()), "line"),
    "lines that end": ("\n".join(dumped()) + "\n", "line"),
    "lines of Windows": ("\r\n".join(dumped()) + "\r\n", "line"),
    "array": (json.dumps(THREE), "item"),
    "array on lines": ("[\n" + ",\n".join(dumped()) + "\n]\n", "item"),
    "pretty array": (json.dumps(THREE, indent=4), "item"),
    "result": (json.dumps({"statements": THREE, "more": ""}), "item"),
    "result, more first": (json.dumps({"more": '/x"?a=[1]', "n": 1, "statements": THREE}, indent=1), "item"),
    "result on one line": (json.dumps({"statements": THREE}) + "\n", "item"),
    "objects on many lines": ("\n".join(dumped(indent=2)), "item"),
}


@pytest.mark.parametrize(("text", "kind"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("encoding", BOMS)
@pytest.mark.parametrize("packed", [False, True])
def test_forms(text, kind, encoding, packed):
    """Every form, in every encoding, packed or not, gives the same statements with their positions."""
    data = BOMS[encoding] + text.encode(encoding)
    items = read(gzip.compress(data) if packed else data)
    assert outline(items) == at(kind, THREE)
    assert [json.loads(item.raw) for item in items] == THREE


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b" \n\t\n", []),
        (b"\xef\xbb\xbf", []),
        (gzip.compress(b""), []),
        (b"[]", []),
        (b" [ ] \n", []),
        (b'{"statements": [], "more": ""}', []),
        (b'{"n": 1}', [("line 1", {"n": 1})]),
        (b'{\n"n": 1\n}\n', [("item 1", {"n": 1})]),
        (b'\n\n{"n": 1}\n \n{"n": 2}\n', [("line 3", {"n": 1}), ("line 5", {"n": 2})]),
        (b'{\n"n": [\n{"m": 1}]}', [("item 1", {"n": [{"m": 1}]})]),
        (gzip.compress(b'{"n": 1}\n') + gzip.compress(b'{"n": 2}\n'), at("line", [{"n": 1}, {"n": 2}])),
    ],
)
def test_small_files(data, expected):
    """Empty files have no statements; blank lines count as lines; packed files may be joined."""
    assert outline(read(data)) == expected


def flipped(packed: bytes) -> bytes:
    """With one bit of the packed text changed."""
    middle = 12
    return packed[:middle] + bytes([packed[middle] ^ 1]) + packed[middle + 1 :]


BROKEN = {
    "a line cut off": (b'{"n": 1}\n{"n": \n{"n": 3}', ["line 1", "!line 2", "line 3"], "character"),
    "the first line cut in a string": (b'{"n": "a\n{"n": 2}\n', ["!line 1", "line 2"], "character"),
    "the first line cut after a member": (b'{"n": {"a": 1}\n{"n": 2}\n', ["!line 1", "line 2"], "character"),
    "no JSON at all": (b'n,m\n{"n": 2}\n', ["!line 1", "line 2"], "character"),
    "a line that is a number": (b'{"n": 1}\n5\n', ["line 1", "!line 2"], "JSON object"),
    "a line that is an array": (b'{"n": 1}\n[{"n": 2}]\n', ["line 1", "!line 2"], "JSON object"),
    "a key twice": (b'{"n": 1}\n{"n": 2, "n": 3}\n', ["line 1", "!line 2"], "twice"),
    "a NUL byte": (b'{"n": 1}\n\0{"n": 2}\n{"n": 3}\n', ["line 1", "!line 2", "line 3"], "NUL byte"),
    "Latin-1": (b'{"n": "\xfc"}\n{"n": 2}\n', ["!line 1", "line 2"], "not UTF-8 at byte 7"),
    "Latin-1 in an array": (b'[{"n": "\xfc"}, {"n": 2}]', ["!item 1", "item 2"], "not UTF-8"),
    "UTF-16 without a mark": ('{"n": 1}'.encode("utf-16-le"), ["!line 1"], "NUL byte"),
    "UTF-32": (codecs.BOM_UTF32_LE + '{"n": 1}'.encode("utf-32-le"), ["!end of file"], "UTF-32"),
    "a broken item": (b'[{"n": 1}, {"n" 2}, {"n": 3}]', ["item 1", "!item 2", "item 3"], "character"),
    "an item that is none": (b'[{"n": 1}, null, {"n": 3}]', ["item 1", "!item 2", "item 3"], "JSON object"),
    "a comma too many": (b'[{"n": 1},]', ["item 1", "!item 2"], "character"),
    "a broken object among several": (b'{\n"n": 1}\n{\n"n" 2}\n{"n": 3}', ["item 1", "!item 2", "item 3"], "character"),
    "an array cut in an item": (b'[{"n": 1}, {"n": ', ["item 1", "!item 2"], "ends inside"),
    "an array cut after an item": (b'[{"n": 1}, {"n": 2}', ["item 1", "item 2", "!end of file"], "ends inside"),
    "an array cut after a comma": (b'[{"n": 1}, ', ["item 1", "!end of file"], "ends inside"),
    "an array cut at once": (b"[", ["!end of file"], "ends inside"),
    "an object cut": (b'{\n"n": 1,\n"m": {', ["!item 1"], "ends inside"),
    "a result cut after its array": (b'{"statements": [{"n": 1}], "mo', ["item 1", "!end of file"], "does not end"),
    "something after the array": (b'[{"n": 1}] {"n": 2}', ["item 1", "!end of file"], "does not end"),
    "the wrong bracket": (b'[{"n": 1}}', ["item 1", "!end of file"], "does not end"),
    "half a UTF-16 character": (
        codecs.BOM_UTF16_LE + '{"n": 1}\n{"n": 2}'.encode("utf-16-le") + b"x",
        ["line 1", "line 2", "!end of file"],
        "UTF-16",
    ),
    "half a surrogate in UTF-16": (
        codecs.BOM_UTF16_LE + '{"n": 1}\n"'.encode("utf-16-le") + b"\x00\xd8x\x00",
        ["line 1", "!line 2"],
        "UTF-16",
    ),
    "gzip cut": (gzip.compress(b'{"n": 1}\n{"n": 2}\n')[:-9], ["line 1", "line 2", "!end of file"], "gzip"),
    "gzip with a wrong checksum": (
        gzip.compress(b'[{"n": 1}]')[:-8] + b"\0" * 8,
        ["!end of file"],
        "checksum",
    ),
    "gzip with a changed byte": (flipped(gzip.compress(b'{"n": 1}\n{"n": 2}\n')), ["!end of file"], "checksum"),
    "gzip with something behind": (gzip.compress(b'{"n": 1}\n') + b"x", ["line 1", "!end of file"], "gzip"),
    "only the start of gzip": (b"\x1f\x8b", ["!end of file"], "gzip"),
}


@pytest.mark.parametrize(("data", "positions", "named"), BROKEN.values(), ids=BROKEN)
def test_broken(data, positions, named):
    """What is broken is one Unusable in its place that names the fault; the rest is read."""
    items = read(data)
    assert [("!" if isinstance(i.statement, Unusable) else "") + i.position for i in items] == positions
    faults = [str(i.statement) for i in items if isinstance(i.statement, Unusable)]
    assert len(faults) == 1
    assert named in faults[0]
    for item in items:
        if isinstance(item.statement, dict):
            assert item.statement == {"n": int(item.position.split()[1])}


def test_gzip_cut_in_the_middle_of_a_long_file():
    """Of a cut file, everything up to the cut is read, then the cut is told once."""
    lines = b"".join(
        b'{"n": %d, "t": "%s"}\n' % (n, hashlib.sha256(b"%d" % n).hexdigest().encode()) for n in range(9999)
    )
    packed = gzip.compress(lines)
    items = read(packed[: len(packed) // 2])
    whole = [item for item in items if isinstance(item.statement, dict)]
    assert [cast(dict[str, Any], i.statement)["n"] for i in whole] == list(range(len(whole)))
    assert 4000 < len(whole) < 6000
    assert len(items) == len(whole) + 1
    assert "gzip" in str(items[-1].statement)


class Made(io.RawIOBase):
    """A file that is made while it is read; the sizes of the pieces vary, or are fixed."""

    def __init__(self, pieces: Iterable[bytes], size: int | None = None) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._rest = b""
        self._size = size

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        limit = min(size, self._size or size)
        taken, self._rest = self._rest[:limit], self._rest[limit:]
        return taken


def made(pieces: Iterable[bytes], size: int | None = None) -> list[Item]:
    """All items of a file in pieces."""
    return list(read_statements(cast(Any, Made(pieces, size))))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(("text", "kind"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le"])
def test_pieces_make_no_difference(text, kind, size, encoding):
    """Wherever a piece of the file ends, inside a string, an escape or a character, the items are the same."""
    assert outline(made([BOMS[encoding] + text.encode(encoding)], size)) == at(kind, THREE)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(['"', "\\", "]}", "[{", ",", "\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
_STATEMENTS = st.lists(st.dictionaries(st.sampled_from("abc"), _JSON, min_size=1), max_size=5)


@given(_STATEMENTS, st.none() | st.integers(0, 2), st.integers(1, 50), st.booleans())
def test_any_array_is_split_where_its_items_end(values, indent, size, ascii_only):
    """Whatever the statements hold and wherever pieces end, an array gives exactly its items."""
    data = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    assert outline(made([data], size)) == at("item", values)


@given(_STATEMENTS, st.integers(1, 50))
def test_any_lines_are_read(values, size):
    """Whatever the statements hold, lines give exactly one each."""
    data = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()
    assert outline(made([data], size)) == at("line", values)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ \n1a', max_size=40).map(str.encode))
def test_no_file_breaks_the_reader(data):
    """Any bytes at all are items or Unusable, and every fault has a rule."""
    for item in read(data):
        assert isinstance(item.statement, dict) or item.statement.rule


# -- size -------------------------------------------------------------------------------------------------


def item_of(size: int) -> bytes:
    """A statement of exactly this many bytes."""
    return b'{"t": "' + b"x" * (size - 9) + b'"}'


@pytest.mark.parametrize(
    ("before", "between", "after", "kind"),
    [(b"", b"\n", b"\n", "line"), (b"[", b",", b"]", "item"), (b'{"statements":[', b",", b"]}", "item")],
)
@pytest.mark.parametrize("packed", [False, True])
def test_too_large(before, between, after, kind, packed):
    """4 MiB is read; a byte more is described by size, digest and head, and the next statement is read again."""
    large = item_of(MAX_ITEM + 1)
    data = before + between.join([item_of(MAX_ITEM), large, b'{"n": 3}']) + after
    first, second, third = read(gzip.compress(data, 1) if packed else data)
    assert isinstance(first.statement, dict)
    assert isinstance(second.statement, TooLarge)
    assert second.statement.size == MAX_ITEM + 1
    assert second.statement.sha256 == hashlib.sha256(large).hexdigest()
    assert second.raw == large[:HEAD]
    assert (second.position, third.position, third.statement) == (f"{kind} 2", f"{kind} 3", {"n": 3})


@pytest.mark.parametrize(
    ("before", "between", "after"),
    [(b"", b"\n", b"\n"), (b"[", b",", b"]"), (b'{"statements":[', b",", b'],"more":""}'), (b"{}\n", b"\n", b"")],
)
def test_memory_stays_small(before, between, after):
    """A statement of 100 MB among others is passed over in a few times 4 MiB."""
    block = b"x" * 65_536
    count = 100 * 1024 * 1024 // len(block)

    def pieces() -> Iterator[bytes]:
        yield before + b'{"n": 1}' + between + b'{"t": "'
        for _ in range(count):
            yield block
        yield b'"}' + between + b'{"n": 3}' + after

    tracemalloc.start()
    try:
        items = [item for item in made(pieces()) if item.statement != {}]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [type(item.statement) for item in items] == [dict, TooLarge, dict]
    assert cast(TooLarge, items[1].statement).size == count * len(block) + 9
    assert peak < 6 * MAX_ITEM


@pytest.mark.parametrize(("before", "between", "after"), [(b"", b"\n", b""), (b"[", b",", b"]")])
def test_many_statements_are_read_in_constant_memory(before, between, after):
    """A long file is read as it comes: what was read is let go."""

    def pieces() -> Iterator[bytes]:
        yield before + b'{"n": 0}'
        for _ in range(300):
            yield b"".join(between + b'{"n": 1, "t": "%s"}' % (b"x" * 1000) for _ in range(60))
        yield after

    tracemalloc.start()
    try:
        count = sum(1 for _ in read_statements(cast(Any, Made(pieces()))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 18_001
    assert peak < 2 * 1024 * 1024


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder with samples is absent")
def test_real_files():
    """Every sample of Moodle and Open edX is read whole, as a file holds one statement or an array."""
    for path in SHARED.glob("*/*.json"):
        value = json.loads(path.read_bytes())
        with path.open("rb") as file:
            found = [item.statement for item in read_statements(file)]
        assert found == (value if isinstance(value, list) else [value]), path.name
