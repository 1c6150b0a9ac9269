"""No cell of a file of rejects is a formula, and each is found again as it was meant."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dialect import send_back
from pipeline.formulas import as_meant, harmless

SIGNS = "=+-@\t\r\n＝＋－＠"
STYLE: dict[str, Any] = {"delimiter": ",", "quote": '"', "escape": None}


@pytest.mark.parametrize(
    ("record", "safe"),
    [
        ("1,=1+1,x", "1,'=1+1,x"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ('a,"=HYPERLINK(""http://x"",""y"")"', 'a,"\'=HYPERLINK(""http://x"",""y"")"'),
        ("+1-1,@SUM(A1),-2+3", "'+1-1,'@SUM(A1),'-2+3"),
        ('"\t=1","\r=1","\n=1"', '"\'\t=1","\'\r=1","\'\n=1"'),
        ("＝1,＋1,－1,＠a", "'＝1,'＋1,'－1,'＠a"),
        ("  =1,'=1,''=1", "  '=1,''=1,'''=1"),
        ("-12.50,+3,-1.5e-3,+49 30 123", "-12.50,+3,-1.5e-3,'+49 30 123"),
        ('"a,=1",b', '"a,=1",b'),
        ('"never closed,=1,x', "\"never closed,'=1,x"),
        ('"x"y,"=1', '"x"y,"\'=1'),
        ("a\n=1,b", "a\n'=1,b"),
        ("'plain,a=b,-,x@y", "'plain,a=b,'-,x@y"),
        ("\ufeff=1,a", "\ufeff'=1,a"),
        ("", ""),
    ],
)
def test_only_formulas_get_an_apostrophe(record: str, safe: str) -> None:
    assert harmless(record, STYLE) == safe


cells = st.text(st.sampled_from([*SIGNS, "'", '"', ",", ";", "\\", " ", "1", "a", "é"]), max_size=6)


@given(
    st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=3),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(['"', "'"]),
    st.sampled_from([None, "\\"]),
)
def test_a_reader_finds_no_formula_and_takes_nothing_else_away(
    rows: list[list[str]], delimiter: str, quote: str, escape: str | None
) -> None:
    form: dict[str, Any] = {"delimiter": delimiter, "quotechar": quote, "escapechar": escape, "doublequote": not escape}
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n", **form).writerows(rows)
    safe = harmless(out.getvalue(), {"delimiter": delimiter, "quote": quote, "escape": escape})
    read = list(csv.reader(io.StringIO(safe, newline=""), **form))
    assert [[as_meant(cell) for cell in row] for row in read] == rows
    assert not [cell for row in read for cell in row if cell.lstrip(" ")[:1] in tuple(SIGNS) and not _number(cell)]


def _number(cell: str) -> bool:
    return cell[1:].replace(".", "").replace(",", "").isdigit()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "cp1252"])
def test_bytes_that_are_no_text_stay(encoding: str) -> None:
    sign, broken = ",=1".encode(encoding), {"utf-8": b"\xff", "cp1252": b"\x81"}.get(encoding, b"\x00\xd8")
    broken = b"\xd8\x00" if encoding == "utf-16-be" else broken
    dialect = {**STYLE, "format": "csv", "encoding": encoding, "header": True}
    dialect["beginning"] = base64.b64encode("=id,n".encode(encoding)).decode()
    reject = {"raw": broken + sign, "reasons": None, "column_name": "n", "rule": "type", "message": "m"}
    safe, exact = io.BytesIO(), io.BytesIO()
    send_back(safe, [reject], dialect)
    send_back(exact, [reject], dialect, exact=True)
    ends = (",reason\n".encode(encoding), ",type: n m\n".encode(encoding))
    assert exact.getvalue() == "=id,n".encode(encoding) + ends[0] + broken + sign + ends[1]
    assert safe.getvalue() == "'=id,n".encode(encoding) + ends[0] + broken + ",'=1".encode(encoding) + ends[1]
