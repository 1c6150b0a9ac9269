"""Format, encoding, dialect and header, each found in a file that has no name to go by."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from pipeline.contract.dataset import ReadOptions
from pipeline.errors import SourceError
from pipeline.extract.compression import open_members
from pipeline.scaffold.encoding import find_encoding
from pipeline.scaffold.form import form_of
from pipeline.scaffold.header import has_header
from pipeline.scaffold.sample import find_layout

ROWS = [["id", "name", "amount"], *([str(i), f"name {i}", f"{i}.5"] for i in range(1, 30))]


def _layout(directory: Path, content: bytes | str, name: str = "data") -> ReadOptions:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return find_layout(path, f"in/{name}").read


def _joined(delimiter: str) -> str:
    return "".join(delimiter.join(row) + "\n" for row in ROWS)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", ":", "#", "!", "\x01", "\x1f", "=", "@"])
def test_any_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    read = _layout(tmp_path, _joined(delimiter))
    assert (read.delimiter, read.header, read.quote, read.skip_lines) == (delimiter, True, '"', 0)


def test_blanks_divide_only_where_nothing_else_does(tmp_path: Path) -> None:
    assert _layout(tmp_path, "x y z\n" + "1 2 3\n" * 20).delimiter == " "
    assert _layout(tmp_path, "when\n" + "2026-01-02 05:00:00\n" * 20).delimiter == ","
    assert _layout(tmp_path, "2026-01-02 05:00:00\n" * 20).delimiter == ","
    assert _layout(tmp_path, "name\n" + "Anna Maria Lopez\n" * 20).delimiter == ","


def test_decimal_commas_do_not_pass_for_delimiters(tmp_path: Path) -> None:
    assert _layout(tmp_path, "a;b\n" + "1,5;2,5\n" * 20).delimiter == ";"


def test_times_do_not_pass_for_records(tmp_path: Path) -> None:
    assert _layout(tmp_path, "a,b\n12:30,12:30:15\n01:05,23:59:59\n").delimiter == ","


def test_quotes_apostrophes_escapes_and_none(tmp_path: Path) -> None:
    inside = "".join(f'{i},"Smith, {i}"\n' for i in range(20))
    assert _layout(tmp_path, "id,name\n" + inside).quote == '"'
    assert _layout(tmp_path, "id,name\n" + inside.replace('"', "'")).quote == "'"
    assert _layout(tmp_path, "id,name\n" + "".join(f"{i},O'Brien's {i}\n" for i in range(20))).quote == '"'
    assert _layout(tmp_path, "id,size\n" + "".join(f'{i},{i}" pipe\n' for i in range(20))).quote is None
    said = "".join(f'{i},"he said \\"hi, {i}\\""\n' for i in range(20))
    assert _layout(tmp_path, "id,text\n" + said).escape == "\\"


def test_lines_before_the_table_are_skipped(tmp_path: Path) -> None:
    assert _layout(tmp_path, "Report of March\nby Ana\n\n" + _joined(";")).skip_lines == 3
    comments = _layout(tmp_path, "# made by x\n# version 2\n" + _joined(",") + "# end\n")
    assert (comments.comment, comments.skip_lines, comments.header) == ("#", 0, True)
    assert _layout(tmp_path, "#id,name\n1,a\n2,b\n").comment is None


def test_a_blank_line_first_is_no_preamble(tmp_path: Path) -> None:
    assert _layout(tmp_path, "\n\n" + _joined(",")).skip_lines == 0


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (["id", "name"], ["1", "Anna"], True),
        (["1", "Anna"], ["2", "Ben"], False),
        (["2026-01-01", "a"], ["2026-01-02", "b"], False),
        (["", "a"], ["0", "x"], True),
        (["country", "1990", "1991"], ["DE", "1", "2"], True),
        (["DE", "1990", "3"], ["FR", "1991", "4"], False),
        (["name", "city"], ["Anna", "Rome"], True),
        (["Anna", "Rome"], ["Ben", "Rome"], False),
        (["Anna!", "Rome"], ["Ben", "Paris"], False),
        (["a", "a"], ["x", "y"], False),
    ],
)
def test_a_header_names_what_follows(first: list[str], second: list[str], wanted: bool) -> None:
    assert has_header([first, second, second])[0] is wanted


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("plain words", "ascii", "UTF-8"),
        ("Zoë, Łódź, 東京", "utf-8", "UTF-8"),
        ("Zoë", "utf-8-sig", "UTF-8"),
        ("Zoë und Jürgen", "utf-16", "UTF-16"),
        ("Zoe and Jurgen", "utf-16-le", "UTF-16LE"),
        ("Zoe and Jurgen", "utf-16-be", "UTF-16BE"),
        ("Zoë und Jürgen aus Köln", "latin-1", "windows-1252"),
        ("10 € für Jürgen", "cp1252", "windows-1252"),
        ("Königstraße, Köln", "cp850", "cp850"),
        ("Besançon, à côté", "mac-roman", "mac-roman"),
        ("Москва и Ленинград", "cp1251", "windows-1251"),
        ("Москва и Ленинград", "koi8-r", "koi8-r"),
        ("Αθήνα και Πάτρα", "cp1253", "windows-1253"),
        ("東京都千代田区", "shift_jis", "shift_jis"),
        ("北京市朝阳区", "gb18030", "gb18030"),
    ],
)
def test_encodings(tmp_path: Path, text: str, encoding: str, found: str) -> None:
    path = tmp_path / "data"
    path.write_bytes("".join(f"{i},{text}\n" for i in range(30)).encode(encoding))
    (member,) = open_members(path, "data")
    assert find_encoding(member.open(), 1 << 20).name == found


def test_an_encoding_shows_only_at_the_end_of_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"1,plain words\n" * 200_000 + "2,Jürgen aus Köln\n".encode("latin-1"))
    (member,) = open_members(path, "data")
    assert find_encoding(member.open(), 1 << 30).name == "windows-1252"


def test_a_few_broken_lines_do_not_make_utf8_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes("1,Jürgen\n".encode() * 50 + b"2,J\xfcrgen\n")
    (member,) = open_members(path, "data")
    found = find_encoding(member.open(), 1 << 20)
    assert (found.name, found.said) == ("UTF-8", "valid UTF-8, but for a few lines that will be rejects")
    path.write_bytes("1,Jürgen\n".encode() * 50)
    assert find_encoding(member.open(), 1 << 20).said == "valid UTF-8"


def _zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inner.csv", content)
    return file.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, _zipped])
def test_archives_are_seen_through(tmp_path: Path, pack: object) -> None:
    assert _layout(tmp_path, pack(_joined("|").encode())).delimiter == "|"  # type: ignore[operator]


def test_formats_by_content(tmp_path: Path) -> None:
    for content, name, form in (
        (b'[{"a": 1}]', "data", "json"),
        (b'\xef\xbb\xbf  {"a": 1}\n', "data", "json"),
        (b"[a],b\n1,2\n", "data.csv", "csv"),
        (b"PAR1....", "data.csv", "parquet"),
        (b"Obj\x01....", "data", "avro"),
        (b"ORC.....", "data", "orc"),
        (gzip.compress(b'{"a": 1}'), "data.gz", "json"),
    ):
        path = tmp_path / "data"
        path.write_bytes(content)
        assert form_of(path, f"s3://b/{name}") == form


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_makes_no_contract(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="is empty"):
        form_of(path, "data.csv")
