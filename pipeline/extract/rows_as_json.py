"""A row of a typed file as JSON text: what stands in for the sender's bytes where a row has none of its own."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Iterable

import pyarrow as pa

from pipeline.scalars import as_python


def first_as_json(batch: pa.RecordBatch) -> bytes:
    """The first row of a batch as one JSON object in UTF-8."""
    return as_json(batch.schema.names, (as_python(batch.column(i)[0]) for i in range(batch.num_columns)))


def as_json(headers: Iterable[str], values: Iterable[object]) -> bytes:
    """A row as one JSON object in UTF-8; `headers` are the sender's names of its columns."""
    pairs = (f"{_text(header)}:{_rendered(value)}" for header, value in zip(headers, values, strict=True))
    return f"{{{','.join(pairs)}}}".encode("utf-8", "surrogatepass")


def _rendered(value: object) -> str:
    match value:
        case dict():
            return f"{{{','.join(f'{_text(str(key))}:{_rendered(item)}' for key, item in value.items())}}}"
        case list() | tuple():
            return f"[{','.join(_rendered(item) for item in value)}]"
        case float() if not math.isfinite(value):
            return _text(str(value))
        case decimal.Decimal():
            return format(value, "f")
        case bytes():
            return _text("\\x" + value.hex())
        case datetime.datetime() | datetime.date() | datetime.time():
            return _text(value.isoformat())
        case None | bool() | int() | float():
            return json.dumps(value)
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
