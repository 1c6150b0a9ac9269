"""Rejects sent back as the sender's file, corrected and read again: every field as it was."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from pipeline import returned
from pipeline.dialect import dialect_of, send_back
from tests.unit.extract.reading import dataset, read_bytes

PREAMBLE = 'Report\n"for: you\n'
# Rejects have a field `extra`, which the correction takes away.
CASES: dict[str, tuple[str, dict[str, Any], list[tuple[str, str]]]] = {
    "a preamble with a stray quote": (PREAMBLE + "id,n\n1,a,extra\n", {"skip_lines": 2}, [("1", "a")]),
    "a preamble, no header": (PREAMBLE + "0,0\n1,a,extra\n", {"skip_lines": 2, "header": False}, [("1", "a")]),
    "a comment's sign in quotes": ('id,n\n"#1",a,extra\n2,b,extra\n', {"comment": "#"}, [("#1", "a"), ("2", "b")]),
    "line ends in quotes": ('id,n\n1,"a\rb",extra\n2,"a\r\nb",extra\n', {}, [("1", "a\rb"), ("2", "a\r\nb")]),
    "line ends of the sender": ('id,n\r1,"a\nb",extra\r', {}, [("1", "a\nb")]),
    "quotes in quotes": ('id,n\n1,"a ""b"", c",extra\n', {}, [("1", 'a "b", c')]),
    "an escape": ('id,n\n1,"a\\\\ \\"b\\"",extra\n2,c\\,d,extra\n', {"escape": "\\"}, [("1", 'a\\ "b"'), ("2", "c,d")]),
    "no quotes": ('id,n\n1,a"b,extra\n', {"quote": None}, [("1", 'a"b')]),
}
ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16", "gb18030": "gb18030"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("case", CASES)
def test_a_corrected_file_says_what_its_sender_said(tmp_path: Path, case: str, encoding: str) -> None:
    text, options, rows = CASES[case]
    described = dataset(["id", "n"], encoding=ENCODINGS[encoding], **options)
    first = read_bytes(tmp_path, text.encode(encoding), described)
    dialect = dialect_of(first.extraction, described.read)
    rejects = [
        {"raw": r.raw, "reasons": None, "column_name": None, "rule": r.rule, "message": r.message}
        for r in first.rejects
    ]
    sent_back = io.BytesIO()
    send_back(sent_back, rejects, dialect)
    back = tmp_path / "back.csv"
    back.write_bytes(sent_back.getvalue().replace(",extra".encode(dialect["encoding"]), b""))
    returned.corrected(tmp_path / "corrected", back, dialect, described.read.skip_lines)
    again = read_bytes(tmp_path, (tmp_path / "corrected").read_bytes(), described)
    assert (again.rows, again.rejects) == (rows, [])
