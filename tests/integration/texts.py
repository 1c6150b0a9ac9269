"""Awkward texts, and files of three formats that hold them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[int, str]

# Injections of SQL, of COPY, of shells, of spreadsheets, of templates, of HTML, of log viewers, of paths, of JSON.
INJECTIONS = (
    "'; DROP TABLE target; --", '"; DROP SCHEMA landfall CASCADE; --', "' OR '1'='1", "\\'; SELECT pg_sleep(9); --",
    "$$; SELECT 1; $$", "$1", "%s", "%(name)s", "%%", "%", "{}", "{0.__class__}", "{rows}", "${HOME}", "$(reboot)", "`id`",
    "; rm -rf / #", "| cat /etc/passwd", "\\.", "\\N", "\\n", "\\", "\\\\", "\\copy x to y", "NULL", "null", "\\x00", "\\u0000",
    "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://x\")", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", "{{7*7}}", "${jndi:ldap://x/a}", "../../etc/passwd", "C:\\windows", "file:///etc/passwd",
    "\x1b[31mred\x1b[0m", "\r\nSet-Cookie: a=b", '","', '""', '"', "'", ",", "a,b", "a\nb", "a\r\nb", "a\rb", "{\"a\":1}", "[1]",
    " leading and trailing ", "\t", "true", "NaN", "1e400", "0x10", "007", "1_000", "١٢٣",
)  # fmt: skip
SPECIAL = (
    "e\u0301 is not \u00e9", "\u0301alone", "a" + "\u0300\u0301\u0302" * 30, "Z\u0351\u036b\u0343a\u0363lgo",
    "\u202eright to left\u202c", "שלום עולם", "مرحبا بالعالم", "mixed עברית and عربى", "\u2066isolated\u2069", "\u200f\u200e",
    "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇳🇱", "#️⃣", "\ufeffmark", "a\ufeffb", "zero\u200bwidth", "soft\u00adhyphen", "\u00a0", "\u2028\u2029\x85",
    "\ufdd0\ufffe\uffff", "\ue000\uf8ff", "\U000f0000\U0010ffff", "ß ẞ ŉ ǰ ı İ ſ", "\ufb01 ligature", "\u1e9b\u0323", "ﷺ", "\x7f\x80\x9f", "\ufffd",
)  # fmt: skip
CONTROLS = tuple(chr(code) for code in range(1, 32))


def every_character() -> list[str]:
    """All 1,112,063 characters but NUL, plane by plane, 4,096 in a text."""
    codes = [code for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    return ["".join(map(chr, codes[start : start + 4096])) for start in range(0, len(codes), 4096)]


def as_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """Every text in quotes, so that a text of line ends or of nothing but blanks is one."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([header, *rows])
    return path


def as_json(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """One document a line; every second one in \\u escapes."""
    documents = (dict(zip(header, row, strict=True)) for row in rows)
    lines = (json.dumps(document, ensure_ascii=bool(n % 2)) for n, document in enumerate(documents))
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


def as_parquet(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """Columns of the types that Arrow finds."""
    pq.write_table(pa.table(dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))), path)
    return path


Writer = Callable[[Path, Sequence[str], Sequence[Sequence[object]]], Path]
WRITERS: dict[str, Writer] = {"csv": as_csv, "json": as_json, "parquet": as_parquet}

# Every kind of bytes that is no UTF-8 (Unicode Standard, table 3-7).
INVALID = {
    "lone continuation": b"\x80", "last lone continuation": b"\xbf", "overlong slash, 2 bytes": b"\xc0\xaf",
    "overlong NUL": b"\xc0\x80", "overlong, 2 bytes": b"\xc1\xbf", "overlong, 3 bytes": b"\xe0\x80\xaf",
    "largest overlong, 3 bytes": b"\xe0\x9f\xbf", "overlong, 4 bytes": b"\xf0\x80\x80\xaf",
    "largest overlong, 4 bytes": b"\xf0\x8f\xbf\xbf", "overlong, 5 bytes": b"\xf8\x80\x80\x80\xaf",
    "overlong, 6 bytes": b"\xfc\x80\x80\x80\x80\xaf", "first high surrogate": b"\xed\xa0\x80",
    "last low surrogate": b"\xed\xbf\xbf", "pair of surrogates (CESU-8)": b"\xed\xa0\xbd\xed\xb8\x80",
    "truncated, 2 bytes": b"\xc3", "truncated, 3 bytes": b"\xe2\x82", "truncated, 4 bytes": b"\xf0\x9f\x98",
    "two truncated": b"\xe2\x82\xe2\x82\xac", "beyond U+10FFFF": b"\xf4\x90\x80\x80", "F5": b"\xf5\x80\x80\x80", "FE": b"\xfe", "FF": b"\xff",
    "Latin-1": "café".encode("latin-1"), "windows-1252": "“x”".encode("cp1252"),
}  # fmt: skip
