"""How a sender writes, kept with the receipt, so that rejects can be sent back as the sender's own file."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import IO, Any

from pipeline.contract.dataset import ReadOptions
from pipeline.extract import LINE, Extraction
from pipeline.extract.encoding import resolve
from pipeline.formulas import harmless
from pipeline.reread import FORMATS, schema_text

_LINE_ENDS = re.compile(r"[\r\n]+")
_OURS: dict[str, Any] = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "escape": None}


def dialect_of(extraction: Extraction, read: ReadOptions) -> dict[str, Any]:
    """JSON: of a CSV its `encoding` (byte order resolved), delimiter, quote, escape, how many `fields` a record has,
    whether it has a `header`, and its `beginning`, the bytes up to the end of the header record in base64. Of JSON its
    name and `encoding`, of a format with types of its own its name and the `schema` of its columns (Arrow's
    serialisation in base64)."""
    if read.format in FORMATS:
        path = [column.name for column in extraction.columns if column.path]
        return {"format": read.format, "schema": schema_text(extraction.schema, [LINE, *path])}
    encoding, _ = resolve(read.encoding, extraction.preamble, "")
    if read.format == "json":
        return {"format": read.format, "encoding": encoding.name}
    return {
        "format": read.format,
        "encoding": encoding.name,
        "delimiter": read.delimiter,
        "quote": read.quote,
        "escape": read.escape,
        "fields": sum(not column.path for column in extraction.columns),
        "header": extraction.header_raw is not None,
        "beginning": base64.b64encode(extraction.preamble + (extraction.header_raw or b"")).decode(),
    }


def send_back(
    out: IO[bytes], rejects: Iterable[Mapping[str, Any]], dialect: Mapping[str, Any], exact: bool = False
) -> None:
    """Write rejects (rows of landfall.reject) as the sender wrote them, with one more column `reason`.

    Records of formats other than CSV go into a CSV of ours, with the columns `record` and `reason`. Cells that a
    spreadsheet would run as formulas get an apostrophe, unless `exact`: then every byte is the sender's.
    """
    as_sent = dialect.get("format") == "csv"
    style = dialect if as_sent else _OURS
    safe = (lambda text: text) if exact else partial(_harmless, style=style)
    out.write(safe(_beginning(dialect)) if as_sent else b"record,reason\n")
    for reject in rejects:
        raw = reject["raw"] or b""
        record = safe(raw if as_sent else cell(text_of(raw, dialect, "backslashreplace"), style).encode())
        end = f"{style['delimiter']}{cell(reasons(reject), style)}\n"
        out.write(record + end.encode(style["encoding"], "replace"))


def text_of(raw: bytes, dialect: Mapping[str, Any], errors: str = "strict") -> str:
    """A record as the sender meant it; `errors` as in `bytes.decode`, whose UnicodeError this raises."""
    return raw.decode(dialect.get("encoding", "utf-8"), errors).removeprefix("\ufeff")


def reasons(reject: Mapping[str, Any]) -> str:
    """All reasons of a reject on one line: `rule: message; rule: message`."""
    every = reject["reasons"] or [
        {"column": reject["column_name"], "rule": reject["rule"], "message": reject["message"]}
    ]
    return "; ".join(f"{reason['rule']}: {_placed(reason)}" for reason in every)


def cell(text: str, style: Mapping[str, Any]) -> str:
    """`text` as one field of a CSV; where the dialect cannot write a character in a field, another takes its place."""
    quote: str | None = style["quote"]
    delimiter, escape = str(style["delimiter"]), style["escape"]
    text = text if style is _OURS else _LINE_ENDS.sub(" ", text)
    if quote is None:
        return text.replace(delimiter, " ")
    if not any(special in text for special in (quote, delimiter, "\n", "\r")):
        return text
    if escape is not None:
        return quote + text.replace(escape, "/").replace(quote, "´") + quote
    return quote + text.replace(quote, quote * 2) + quote


def _harmless(raw: bytes, style: Mapping[str, Any]) -> bytes:
    """Bytes that are no text of the encoding are kept: of UTF-16 halves of characters, of others each byte as it is."""
    encoding = style["encoding"]
    if encoding.startswith("utf-16"):
        even = len(raw) // 2 * 2
        text = raw[:even].decode(encoding, "surrogatepass")
        return harmless(text, style).encode(encoding, "surrogatepass") + raw[even:]
    try:
        return harmless(raw.decode(encoding), style).encode(encoding)
    except UnicodeError:
        return harmless(raw.decode("latin-1"), style).encode("latin-1")


def _beginning(dialect: Mapping[str, Any]) -> bytes:
    beginning = base64.b64decode(dialect.get("beginning") or "")
    if not dialect.get("header"):
        return beginning
    return beginning + f"{dialect['delimiter']}reason\n".encode(dialect["encoding"])


def _placed(reason: Mapping[str, Any]) -> str:
    column, message = reason["column"], str(reason["message"])
    return message if not column or message.startswith(column) else f"{column} {message}"
