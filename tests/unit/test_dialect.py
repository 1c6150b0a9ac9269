"""Rejects go back as the sender writes; what a dialect cannot write is exchanged, never misread."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import pytest

from pipeline.dialect import cell, send_back


def style(delimiter: str = ",", quote: str | None = '"', escape: str | None = None) -> dict[str, Any]:
    return {"delimiter": delimiter, "quote": quote, "escape": escape}


NASTY = 'a "quoted", text;\nwith\r\nlines \\ and\ttabs'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("quote", "escape"), [('"', None), ("'", None), ('"', "\\"), ("'", "\\"), (None, None)])
def test_a_reason_is_always_one_field(delimiter: str, quote: str | None, escape: str | None) -> None:
    text = cell(NASTY, style(delimiter, quote, escape))
    rules: dict[str, Any] = {"delimiter": delimiter, "strict": True}
    rules |= {"quoting": csv.QUOTE_NONE} if quote is None else {"quotechar": quote, "escapechar": escape}
    rules |= {"doublequote": escape is None}
    (record,) = csv.reader(io.StringIO(f"x{delimiter}{text}\n", newline=""), **rules)
    assert len(record) == 2
    if quote and not escape:
        assert record[1] == 'a "quoted", text; with lines \\ and\ttabs'


def test_a_delimiter_of_several_characters() -> None:
    assert cell("a||b", style("||")) == '"a||b"'
    assert cell("a||b", style("||", None)) == "a b"


def test_plain_text_is_not_quoted() -> None:
    assert cell("type: id 'x' is not a bigint", style()) == "type: id 'x' is not a bigint"


def reject(raw: bytes | None, **facts: object) -> dict[str, Any]:
    return {"raw": raw, "reasons": None, "column_name": "id", "rule": "type", "message": "'x' is not a bigint", **facts}


def test_a_file_without_header_gets_none() -> None:
    out = io.BytesIO()
    dialect = {"format": "csv", "encoding": "utf-8", **style(), "header": False, "beginning": ""}
    send_back(out, [reject(b"x,1")], dialect)
    assert out.getvalue() == b"x,1,type: id 'x' is not a bigint\n"


def test_characters_that_the_encoding_lacks_and_bytes_that_are_no_text() -> None:
    out = io.BytesIO()
    beginning = base64.b64encode(b"id;n\xff").decode()
    dialect = {"format": "csv", "encoding": "iso8859-1", **style(";"), "header": True, "beginning": beginning}
    send_back(out, [reject(b"\xe9;\x00", message="'…' is no é")], dialect)
    assert out.getvalue() == b"id;n\xff;reason\n\xe9;\x00;type: id '?' is no \xe9\n"


def test_all_reasons_are_given() -> None:
    several = [
        {"column": "id", "rule": "type", "message": "'x' is not a bigint"},
        {"column": None, "rule": "row_rule", "message": "r: a > b does not hold"},
    ]
    out = io.BytesIO()
    send_back(out, [reject(b'{"id": "x"}', reasons=several)], {"format": "json"})
    assert out.getvalue().decode() == (
        'record,reason\n"{""id"": ""x""}",type: id \'x\' is not a bigint; row_rule: r: a > b does not hold\n'
    )
