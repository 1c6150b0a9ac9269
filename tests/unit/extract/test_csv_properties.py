"""The fast path, the strict path and every way of cutting a file into blocks agree with a second reader."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from tests.unit.extract.oracle import expect
from tests.unit.extract.reading import dataset, read_bytes

FORMATS = ("csv", "json", "parquet", "xlsx")
_PIECES = [
    b"a",
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\r\n",
    b'""',
    b'"a',
    b'a"',
    b'","',
    b"\0",
    b"\xff",
    b"\xc3",
    "é".encode(),
    b"\\",
]
_RECORDS = [b"a,b,c\n", b'"a","b\nb",c\r\n', b'a,"b""b",\r', b"\n", b'"","",""\n', b",,\n", b'a,"b\n', b"a,b\n"]
pieces = st.lists(st.sampled_from(_PIECES), max_size=24).map(b"".join)
files = st.lists(st.one_of(st.sampled_from(_RECORDS), pieces), max_size=8).map(b"".join)
block_bytes = st.sampled_from([1, 2, 7, 16, 1 << 20])
options = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def agree(content: bytes, size: int, fields: int = 3, **read: str | None) -> None:
    """The extraction of a header and this content equals what the second reader makes of it, raw bytes included."""
    header = ["x", "y", "z"][:fields]
    dialect = {name: (value or "").encode() for name, value in read.items()}
    expected = expect(content, fields, **dialect)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as directory:
        file = ",".join(header).encode() + b"\n" + content
        outcome = read_bytes(Path(directory), file, dataset(header, **read), part_bytes=size)
        raw = outcome.raw(*outcome.lines)
    assert list(zip(outcome.lines, outcome.rows, strict=True)) == [(r.line + 1, tuple(r.values)) for r in expected.rows]
    assert raw == [row.raw for row in expected.rows]
    assert [(r.line, r.raw, r.rule) for r in outcome.rejects] == [(r.line + 1, r.raw, r.rule) for r in expected.rejects]


@options
@given(files, block_bytes)
@example(b'a,b,"c\nd,e,f\ng,h,"i\n', 1 << 20)
@example(b'"a\nb",c\n', 1)
@example(b"\xef\xbb\xbfa,b,c\n", 4)
def test_rows_and_rejects_are_those_of_the_grammar(content: bytes, size: int) -> None:
    agree(content, size)


@options
@given(files, block_bytes)
def test_with_a_backslash_as_escape_too(content: bytes, size: int) -> None:
    agree(content, size, escape="\\")


@options
@given(files, block_bytes)
def test_without_quotes_too(content: bytes, size: int) -> None:
    agree(content, size, quote=None)


@options
@given(files, block_bytes)
@example(b"\ra,b,c\n\n", 1)
@example(b'a,b,c\n"\0\n"\n"', 1 << 20)
@example(b"a,b,c\n\r\r", 1)
def test_with_a_single_column_too(content: bytes, size: int) -> None:
    agree(content, size, fields=1)


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
tables = st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(text, min_size=n, max_size=n), min_size=1, max_size=12))


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, object]:
    """Options of csv.writer and of a contract that mean the same."""
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", ":", " ", "§"]))
    quote = draw(st.sampled_from(['"', "'"]))
    escape = draw(st.sampled_from([None, "\\"]))
    return {
        "delimiter": delimiter,
        "quotechar": quote,
        "escapechar": escape,
        "doublequote": escape is None,
        "quoting": draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n", "\r"])),
    }


@options
@given(tables, dialects(), block_bytes, st.sampled_from(["utf-8", "utf-16", "utf-32-be"]))
def test_what_a_correct_writer_wrote_comes_back_equal(
    table: list[list[str]], dialect: dict[str, object], size: int, encoding: str
) -> None:
    if any(set(cell) & set("\r\n") for row in table for cell in row):
        dialect["quoting"] = csv.QUOTE_ALL  # the writer of Python 3.11 quotes line ends of its own kind only
    written = io.StringIO()
    header = [f"c{i}" for i in range(len(table[0]))]
    csv.writer(written, **dialect).writerows([header, *table])  # type: ignore[arg-type]
    content = written.getvalue().encode(encoding)
    described = dataset(
        header,
        delimiter=dialect["delimiter"],
        quote=dialect["quotechar"],
        escape=dialect["escapechar"],
        encoding=encoding,
    )
    with tempfile.TemporaryDirectory() as directory:
        if dialect["delimiter"] == "§" and "\x1f" in written.getvalue():
            with pytest.raises(SourceError, match="U\\+001F"):
                read_bytes(Path(directory), content, described, part_bytes=size)
            return
        outcome = read_bytes(Path(directory), content, described, part_bytes=size)
    assert outcome.rows == [tuple(row) for row in table]
    assert outcome.rejects == []


@settings(max_examples=200, deadline=20_000)
@given(st.binary(max_size=200), st.sampled_from(FORMATS), st.sampled_from(["UTF-8", "UTF-16", "cp1252", "shift_jis"]))
def test_random_bytes_never_crash_and_never_hang(content: bytes, form: str, encoding: str) -> None:
    described = dataset(["a", "b"], format=form, encoding=encoding)
    with tempfile.TemporaryDirectory() as directory:
        try:
            outcome = read_bytes(Path(directory), content, described, part_bytes=16)
            outcome.raw(*outcome.lines)
        except SourceError as error:
            assert str(error).startswith("source")
