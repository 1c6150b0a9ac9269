"""Rejects as a file that can be read again: as the ledger keeps them, or as the sender returned them, corrected."""

from __future__ import annotations

import base64
import csv
import io
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import reread
from pipeline.dialect import text_of
from pipeline.errors import SourceError
from pipeline.extract.encoding import resolve
from pipeline.formulas import as_meant

# What `landfall rejects --csv` writes into its last column.
_REASON = re.compile(
    r"(encoding|structure|type|required|enum|pattern|range|length|row_rule|duplicate_key|not_storable|unique): "
)
_NAME = "reason"
# How `landfall rejects --csv` writes records of formats other than CSV.
_OURS: Mapping[str, Any] = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "escape": None}


def as_sent(path: Path, rejects: Sequence[Mapping[str, Any]], dialect: Mapping[str, Any]) -> None:
    """Write the rejects' records: of a CSV as the sender wrote them, below the sender's header, of JSON in UTF-8."""
    if dialect.get("format") == "json":
        records = [_as_utf8(reject["raw"] or b"", dialect) for reject in rejects]
        path.write_bytes(_json_lines(records))
        return
    end = "\n".encode(dialect["encoding"])
    beginning = base64.b64decode(dialect.get("beginning") or "")
    head = beginning + end if dialect.get("header") else beginning
    path.write_bytes(head + b"".join((reject["raw"] or b"") + end for reject in rejects))


def corrected(path: Path, returned: Path, dialect: Mapping[str, Any], skip_lines: int) -> None:
    """Write the corrected CSV file `returned` without the column `reason` that `landfall rejects --csv` gave it.

    The `skip_lines` before the header stay as they are: they need not be CSV.
    """
    content = _content(returned)
    if dialect.get("format") != "csv":
        records = [row[0] for row in _rows(content, _OURS, returned)[1:] if row]
        if dialect.get("format") in reread.FORMATS:
            reread.from_records(path, records, dialect, returned)
            return
        path.write_bytes(_json_lines([record.encode() for record in records]))
        return
    encoding, mark = resolve(dialect["encoding"], content, str(returned))
    lines = encoding.line_starts(content)
    below = max(len(mark), int(lines[: skip_lines + 1][-1]))
    rows = _rows(content[below:], dialect, returned)
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", **_form(dialect)).writerows(_without_reason(rows, bool(dialect.get("header"))))
    path.write_bytes(content[:below] + out.getvalue().encode(dialect["encoding"]))


def _content(returned: Path) -> bytes:
    try:
        return returned.read_bytes()
    except OSError as error:
        raise SourceError(f"{returned}: cannot be read: {error.strerror}") from error


def _rows(content: bytes, style: Mapping[str, Any], returned: Path) -> list[list[str]]:
    csv.field_size_limit(sys.maxsize)
    try:
        text = content.decode(style["encoding"])
        records = csv.reader(io.StringIO(text, newline=""), strict=True, **_form(style))
        return [list(map(as_meant, record)) for record in records]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(
            f"{returned}: cannot be read as the sender's own CSV ({style['encoding']}, delimiter "
            f"{style['delimiter']!r}): {error}"
        ) from error


def _without_reason(rows: list[list[str]], header: bool) -> Iterable[list[str]]:
    """Below a header that ends with `reason` the last field goes; without a header, one that looks like a reason."""
    inside = False
    for row in rows:
        inside = inside or (header and bool(row) and row[-1].strip().lower() == _NAME)
        reason = inside if header else bool(row) and _REASON.match(row[-1]) is not None
        yield row[:-1] if reason else row


def _form(style: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in quotes: a field may begin like a comment, and Python 3.11 forgets the quotes that a CR needs."""
    quote, escape = style["quote"], style["escape"]
    return {
        "delimiter": style["delimiter"],
        "quotechar": quote,
        "quoting": csv.QUOTE_ALL if quote else csv.QUOTE_NONE,
        "escapechar": escape,
        "doublequote": escape is None,
    }


def _as_utf8(raw: bytes, dialect: Mapping[str, Any]) -> bytes:
    """The text; bytes that are none stay what they are, to be rejected again."""
    try:
        return text_of(raw, dialect).encode()
    except UnicodeError:
        return raw


def _json_lines(records: list[bytes]) -> bytes:
    """One record a line: outside of JSON strings a line end is mere space, and inside there is none."""
    return b"".join(record.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n" for record in records)
