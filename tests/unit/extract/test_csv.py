"""CSV, case by case: what each trait of a file leads to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import ContractError, SourceError
from pipeline.extract import PartArea, blocks, open_source
from tests.unit.extract.reading import dataset, read, read_bytes

AB = ("a", "b")


def test_text_stays_as_it_was_written(tmp_path: Path) -> None:
    content = b'a,b\n007, +1 \n"",NULL\n1e5,"say ""hi"",\r\nthere"\n'
    outcome = read_bytes(tmp_path, content, dataset(AB))
    assert outcome.rows == [("007", " +1 "), ("", "NULL"), ("1e5", 'say "hi",\r\nthere')]
    assert outcome.lines == [2, 3, 4]
    assert outcome.raw(2, 4) == [b"007, +1 ", b'1e5,"say ""hi"",\r\nthere"']


@pytest.mark.parametrize(
    ("record", "rule", "column"),
    [
        (b"1", "structure", None),
        (b"1,2,3", "structure", None),
        (b'"1"x,2', "structure", "a"),
        (b'1,2"', "structure", "b"),
        (b'1,"2', "structure", None),
        (b"1,\xff", "encoding", "b"),
        (b"\xc0\xaf,2", "encoding", "a"),
        (b"1,\xed\xa0\x80", "encoding", "b"),
        (b"1,\xf4\x90\x80\x80", "encoding", "b"),
        (b"1,\xe2\x82", "encoding", "b"),
        (b"1,\x80", "encoding", "b"),
        (b"1,a\x00b", "not_storable", "b"),
        (b"a,b", "structure", None),
    ],
)
def test_a_violation_costs_its_record_and_no_other(
    tmp_path: Path, record: bytes, rule: str, column: str | None
) -> None:
    outcome = read_bytes(tmp_path, b"a,b\nx,y\n" + record + b"\nz,w\n", dataset(AB))
    assert outcome.rows == [("x", "y"), ("z", "w")]
    assert [(r.line, r.raw, r.rule, r.column) for r in outcome.rejects] == [(3, record, rule, column)]


def test_invalid_bytes_in_a_column_that_nobody_wants_are_invalid_all_the_same(tmp_path: Path) -> None:
    outcome = read_bytes(tmp_path, b"a,x\n1,\xff\n2,y\n", dataset(("a",)))
    assert outcome.table.column_names == ["a", "_line"]
    assert outcome.rows == [("2",)]
    assert outcome.rules == [(2, "encoding")]


def test_columns_that_the_contract_does_not_use_are_named_and_carried_only_if_it_adopts_them(tmp_path: Path) -> None:
    content = b"b,Extra Column,a\n1,2,3\n"
    ignored = read_bytes(tmp_path, content, dataset(AB))
    assert [column.name for column in ignored.extraction.columns] == ["b", "extra_column", "a"]
    assert ignored.table.column_names == ["b", "a", "_line"]
    adopted = read_bytes(tmp_path, content, dataset(AB, new_columns="add"))
    assert adopted.rows == [("1", "2", "3")]


def test_an_empty_line_is_no_record_but_an_empty_field_where_there_is_one_column(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, b"a,b\n\n1,2\n\n", dataset(AB)).rows == [("1", "2")]
    assert read_bytes(tmp_path, b"a\n\n1\n", dataset(("a",))).rows == [("",), ("1",)]


def test_a_quote_that_is_never_closed_swallows_nothing(tmp_path: Path) -> None:
    content = b'a,b\n1,2\n"3,4\n' + b"5,6\n" * 1000
    outcome = read_bytes(tmp_path, content, dataset(AB), part_bytes=100)
    assert len(outcome.rows) == 1001
    assert [(r.line, r.raw) for r in outcome.rejects] == [(3, b'"3,4')]


def test_a_stray_quote_does_not_take_good_records_with_it(tmp_path: Path) -> None:
    outcome = read_bytes(tmp_path, b'a,b\n1,"2\n3,4\n5,6",7\n8,9\n', dataset(AB))
    assert outcome.rows == [("3", "4"), ("8", "9")]
    assert [(r.line, r.raw) for r in outcome.rejects] == [(2, b'1,"2'), (4, b'5,6",7')]


def test_a_wrong_record_of_several_lines_is_one_reject(tmp_path: Path) -> None:
    outcome = read_bytes(tmp_path, b'a,b\n1,"two\nlines",3\n4,5\n', dataset(AB))
    assert [(r.line, r.raw) for r in outcome.rejects] == [(2, b'1,"two\nlines",3')]
    assert outcome.rows == [("4", "5")]
    assert outcome.lines == [4]


@pytest.mark.parametrize(("bad", "rule"), [(b"\xff", "encoding"), (b"\0", "not_storable")])
def test_a_bad_byte_within_quotes_makes_no_record_of_what_stands_beside_it(
    tmp_path: Path, bad: bytes, rule: str
) -> None:
    record = b'1,"bad ' + bad + b'\n2,forged\nend"'
    outcome = read_bytes(tmp_path, b"a,b\n" + record + b"\n3,ok\n", dataset(AB))
    assert outcome.rows == [("3", "ok")]
    assert [(r.line, r.raw, r.rule) for r in outcome.rejects] == [(2, record, rule)]


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_a_file_without_its_header_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match=r"empty|no header"):
        read_bytes(tmp_path, content, dataset(AB))


def test_a_header_alone_is_a_file_of_no_records(tmp_path: Path) -> None:
    outcome = read_bytes(tmp_path, b"\xef\xbb\xbfa,b", dataset(AB))
    assert (outcome.rows, outcome.extraction.records) == ([], 0)
    assert outcome.extraction.header_raw == b"a,b"
    assert outcome.extraction.preamble == b"\xef\xbb\xbf"


def test_an_empty_file_that_has_no_header_to_miss_has_no_records(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, b"", dataset(AB, header=False)).rows == []


@pytest.mark.parametrize("header", [b'"a,b\n1,2\n', b'a,"b"x\n', b"a,\xff\n"])
def test_a_broken_header_is_an_error_that_names_its_line(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(SourceError, match="line 1: the header"):
        read_bytes(tmp_path, header, dataset(AB))


def test_preamble_comments_and_header_come_back_as_sent(tmp_path: Path) -> None:
    content = b'Report;x\r\n"unbalanced\r\n# no, header\r\nA,"B"\r\n# not, this\r\n1,2\r\n'
    outcome = read_bytes(tmp_path, content, dataset(AB, skip_lines=2, comment="#"))
    assert outcome.rows == [("1", "2")]
    assert outcome.lines == [6]
    assert outcome.extraction.header_raw == b'A,"B"'
    assert outcome.extraction.preamble == b'Report;x\r\n"unbalanced\r\n'


def test_skipped_lines_may_be_longer_than_a_block(tmp_path: Path) -> None:
    described = dataset(AB, skip_lines=3)
    preamble = b"x" * 30 + b"\n" + b"y" * 300 + b"\n" + b"z" * 31 + b"\n"
    outcome = read_bytes(tmp_path, preamble + b"a,b\n1,2\n", described, part_bytes=32)
    assert (outcome.rows, outcome.lines, outcome.extraction.preamble) == ([("1", "2")], [5], preamble)
    with pytest.raises(SourceError, match="has 2 lines, but the contract skips the first 3"):
        read_bytes(tmp_path, b"x" * 40 + b"\ny\n", described, part_bytes=32)


def test_skipped_lines_that_never_end_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONGEST_RECORD", 1 << 10)
    with pytest.raises(SourceError, match="the 2 lines before the header are too long"):
        read_bytes(tmp_path, b"x\n" + b"y" * 2000 + b"\na,b\n", dataset(AB, skip_lines=2), part_bytes=32)


def test_without_a_header_the_contract_names_the_columns_in_their_order(tmp_path: Path) -> None:
    outcome = read_bytes(tmp_path, b"1,2,3\n4,5,6\n", dataset(AB, header=False))
    assert [column.name for column in outcome.extraction.columns] == ["a", "b", "col_3"]
    positions = read_bytes(tmp_path, b"1,2,3\n4,5,6\n", dataset(("col_3", "col_1"), header=False))
    assert positions.rows == [("1", "3"), ("4", "6")]


@pytest.mark.parametrize("columns", [("col_3", "col_1"), ("a", "b", "c"), ("a", "b")])
def test_without_a_header_the_path_s_columns_stay_the_path_s(tmp_path: Path, columns: tuple[str, ...]) -> None:
    described = dataset((*columns, "dt"), location="dt=*/f*.csv", header=False)
    outcome = read_bytes(tmp_path, b"one,two,three\n", described, name="s3://x/dt=2024/f.csv")
    found = outcome.table.to_pylist()[0]
    content = {"col_3": "three", "col_1": "one", "a": "one", "b": "two", "c": "three"}
    assert [found[name] for name in (*columns, "dt")] == [*(content[name] for name in columns), "2024"]


def test_values_of_the_path_join_the_rows(tmp_path: Path) -> None:
    described = dataset(("a", "dt", "region"))
    outcome = read_bytes(tmp_path, b"a\n1\n", described, name="s3://x/dt=2024-01-01/region=a%20b/other=1/f.csv")
    assert outcome.table.to_pylist() == [{"a": "1", "_line": 2, "dt": "2024-01-01", "region": "a b"}]
    assert [column.name for column in outcome.extraction.columns if column.path] == ["dt", "region"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "cp1252", "shift_jis", "iso-8859-1", "gb18030"])
def test_raw_bytes_are_those_of_the_encoding(tmp_path: Path, encoding: str) -> None:
    text = 'a,b\nx,"y\r\nz"\n1,2,3\nq,w\n'
    outcome = read_bytes(tmp_path, text.encode(encoding), dataset(AB, encoding=encoding), part_bytes=11)
    codec = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
    assert outcome.rows == [("x", "y\r\nz"), ("q", "w")]
    assert outcome.rejects[0].raw == "1,2,3".encode(codec)
    assert outcome.raw(2, 5) == ['x,"y\r\nz"'.encode(codec), "q,w".encode(codec)]


def test_bytes_outside_a_declared_encoding_reject_their_record(tmp_path: Path) -> None:
    outcome = read_bytes(tmp_path, b"a,b\n\x93x\x94,1\nx\x81,2\n3,4\n", dataset(AB, encoding="cp1252"))
    assert outcome.rows == [("“x”", "1"), ("3", "4")]
    assert [(r.line, r.raw, r.rule) for r in outcome.rejects] == [(3, b"x\x81,2", "encoding")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("bad", [b"\x8f", b"\x81", b"\x810"])
@pytest.mark.parametrize("encoding", ["euc_jp", "euc_jisx0213", "euc_jis_2004", "gb18030"])
def test_bytes_outside_an_encoding_never_pass_a_line_end_or_a_quote(
    tmp_path: Path, encoding: str, bad: bytes, end: bytes
) -> None:
    lines = [b"a,b", b"1,2", b"3," + bad, b"4,5", b'"' + bad + b'",6', b"7,8", b'9,"x"', b"wrong"]
    outcome = read_bytes(tmp_path, end.join([*lines, b""]), dataset(AB, encoding=encoding), part_bytes=9)
    assert outcome.rows == [("1", "2"), ("4", "5"), ("7", "8"), ("9", "x")]
    assert [(r.line, r.raw, r.rule) for r in outcome.rejects] == [
        (3, lines[2], "encoding"),
        (5, lines[4], "encoding"),
        (8, b"wrong", "structure"),
    ]


@pytest.mark.parametrize("encoding", ["shift_jis_2004", "shift_jisx0213", "cp864"])
def test_a_byte_is_read_alike_whatever_stands_beside_it(tmp_path: Path, encoding: str) -> None:
    ascii_alone = b"a,b\n\\,~%\n"
    alone = read_bytes(tmp_path, ascii_alone, dataset(AB, encoding=encoding)).rows
    letter = "\uff71" if encoding != "cp864" else "\ufe8d"
    beside = read_bytes(tmp_path, ascii_alone + f"{letter},1\n".encode(encoding), dataset(AB, encoding=encoding)).rows
    assert beside == [*alone, (letter, "1")]


def test_half_a_surrogate_in_utf16_rejects_its_record(tmp_path: Path) -> None:
    content = "a,b\n".encode("utf-16-le") + b"\x00\xd8" + ",1\n2,3\n".encode("utf-16-le")
    outcome = read_bytes(tmp_path, content, dataset(AB, encoding="utf-16-le"))
    assert outcome.rows == [("2", "3")]
    assert outcome.rules == [(2, "encoding")]


@pytest.mark.parametrize(("mark", "declared"), [(b"\xff\xfea\0", "UTF-8"), (b"\xef\xbb\xbfa", "ISO-8859-1")])
def test_a_byte_order_mark_that_contradicts_the_contract_is_an_error(
    tmp_path: Path, mark: bytes, declared: str
) -> None:
    with pytest.raises(SourceError, match="byte order mark"):
        read_bytes(tmp_path, mark, dataset(AB, encoding=declared))


@pytest.mark.parametrize("encoding", ["no-such", "utf-7", "rot13", "base64", "cp037", "iso2022_jp", "hz"])
def test_an_encoding_that_is_none_of_text_files_is_an_error(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(SourceError, match="encoding"):
        read_bytes(tmp_path, b"a,b\n", dataset(AB, encoding=encoding))


def test_a_dialect_whose_characters_are_the_same_is_an_error_of_the_contract(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="different"):
        read_bytes(tmp_path, b"a,b\n", dataset(AB, quote=","))


def test_two_thousand_columns(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(2000)]
    rows = [[f"{i}.{j}" for j in range(2000)] for i in range(20)]
    content = "\n".join(",".join(row) for row in [names, *rows]).encode()
    outcome = read_bytes(tmp_path, content + b"\nshort,row\n", dataset(names))
    assert outcome.rows == [tuple(row) for row in rows]
    assert outcome.rules == [(22, "structure")]


def test_an_endless_line_is_one_reject_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONGEST_RECORD", 1 << 20)
    content = b"a,b\n1,2\n3," + b"x" * (3 << 20) + b"\r\n4,5\n6," + b"y" * (2 << 20)
    outcome = read_bytes(tmp_path, content, dataset(AB), part_bytes=1 << 16)
    assert outcome.rows == [("1", "2"), ("4", "5")]
    assert outcome.lines == [2, 4]
    assert [(r.line, len(r.raw), r.rule) for r in outcome.rejects] == [
        (3, 65_536, "structure"),
        (5, 65_536, "structure"),
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("part_bytes", [1 << 8, 333])
def test_an_endless_line_of_wide_characters_is_one_reject_wherever_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, part_bytes: int
) -> None:
    monkeypatch.setattr(blocks, "LONGEST_RECORD", 1 << 12)
    for before in range(40, 80):
        content = "a,b\n" + "1,2\n" * before + "3," + "x" * 9_000 + "\r\n" + "4,5\n" * 300
        outcome = read_bytes(tmp_path, content.encode(encoding), dataset(AB, encoding=encoding), part_bytes=part_bytes)
        assert outcome.rows == [("1", "2")] * before + [("4", "5")] * 300
        assert outcome.rules == [(before + 2, "structure")]


def test_an_open_quote_before_more_than_a_record_may_hold_costs_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LONGEST_RECORD", 1 << 16)
    content = b'a,b\n1,"2\n' + b"3,4\n" * 50_000
    outcome = read_bytes(tmp_path, content, dataset(AB), part_bytes=1 << 12)
    assert len(outcome.rows) == 50_000
    assert outcome.rules == [(2, "structure")]


def test_a_good_record_at_the_end_of_what_an_open_quote_may_hold_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LONGEST_RECORD", 1 << 10)
    for size in range(960, 1010):
        filling = b"3," + b"x" * (size - len(b'1,"2\n3,\n')) + b"\n"
        content = b'a,b\n1,"2\n' + filling + b'4,"two\nlines, 5\n6,forged\nend"\n7,8\n' + b"9,9\n" * 500
        outcome = read_bytes(tmp_path, content, dataset(AB), part_bytes=300)
        assert outcome.rules == [(2, "structure")]
        assert outcome.rows[1:4] == [("4", "two\nlines, 5\n6,forged\nend"), ("7", "8"), ("9", "9")]


def test_every_kind_of_text_comes_back_byte_for_byte(tmp_path: Path) -> None:
    controls = "".join(map(chr, range(1, 32)))
    cells = [
        controls,
        "\u202eright to left\u202c",
        "e\u0301 combining",
        "👩‍👩‍👧 family",
        "\U0010ffff",
        "\ufeffmark",
        "\x7f\x85\u2028",
    ]
    cells += [
        "'; DROP TABLE x; --",
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "\\N",
        "\\.",
    ]
    cells += [chr(plane << 16 | 0x41) for plane in range(17) if plane not in (0,)]
    content = "a,b\n" + "".join('"' + cell.replace('"', '""') + f'",{i}\n' for i, cell in enumerate(cells))
    outcome = read_bytes(tmp_path, content.encode(), dataset(AB), part_bytes=64)
    assert [row[0] for row in outcome.rows] == cells
    assert outcome.rejects == []


def test_lines_before_and_after_are_found_again_however_the_file_was_cut(tmp_path: Path) -> None:
    lines = [f'{i},"{os.urandom(4).hex()}{chr(10) * (i % 3)}"' for i in range(500)]
    content = "a,b\n" + "\n".join(lines) + "\n"
    for size in (1, 50, 1000, 1 << 20):
        outcome = read_bytes(tmp_path, content.encode(), dataset(AB), part_bytes=size)
        wanted = outcome.lines[3::7]
        assert outcome.raw(*wanted) == [line.encode() for line in lines[3::7]]


def test_parts_are_cut_by_input_bytes_and_written_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(b"a,b\n" + b"12345,67890\n" * 10_000)
    work = tmp_path / "work"
    work.mkdir()
    extraction = open_source(path, "f.csv", dataset(AB), PartArea(work, 30_000))
    parts = extraction.parts()
    first = next(parts)
    assert extraction.bytes_read < 90_000
    assert first.path.parent == work
    assert 2_000 < first.rows < 8_000
    assert first.rows + sum(part.rows for part in parts) == 10_000
    assert read(path, dataset(AB)).extraction.bytes_read == path.stat().st_size
