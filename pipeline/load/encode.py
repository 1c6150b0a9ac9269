"""Arrow to the CSV that COPY reads, exactly: NULL is an empty cell, an empty text is "", every text comes back byte for
byte."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

OPTIONS = csv.WriteOptions(include_header=False, quoting_style="needed", batch_size=16_384)

# pyarrow writes years 0001 to 9999 as PostgreSQL reads them, others not; the limits are per unit, from the epoch.
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
DAY_MICROSECONDS = 86_400_000_000

NOTHING = ""
BEFORE_CHRIST = " BC"

HEX = np.frombuffer(
    bytes.fromhex("".join(f"{ord(h):02x}" for n in range(256) for h in f"{n:02x}")), dtype=np.uint8
).reshape(256, 2)


def encode(batch: pa.RecordBatch, last: int | UUID) -> bytes:
    """The batch's rows as CSV without a header, with an added last column that is `last` in each of them."""
    columns = [text_of(column) for column in batch.columns]
    columns.append(_repeated(last, batch.num_rows))
    sink = pa.BufferOutputStream()
    csv.write_csv(pa.RecordBatch.from_arrays(columns, names=[str(n) for n in range(len(columns))]), sink, OPTIONS)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def _repeated(value: int | UUID, rows: int) -> pa.Array:
    if isinstance(value, int):
        return pa.array(np.full(rows, value, dtype=np.int32))
    text = str(value).encode()
    offsets = np.arange(rows + 1, dtype=np.int32) * len(text)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text * rows))


def text_of(column: pa.Array) -> pa.Array:
    """The column as something that pyarrow's CSV writer renders as PostgreSQL reads it. Raises TypeError for a type
    that no contract has."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return text_of(column.storage)
    if pa.types.is_dictionary(kind):
        return text_of(column.dictionary_decode())
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _moments(column)
    if _is_binary(kind):
        return _hexadecimal(column)
    if _is_list(kind):
        return _array_literals(column)
    if pa.types.is_nested(kind):
        raise TypeError(f"no column can hold {kind}")
    return column


def _is_binary(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary))


def _is_list(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def _moments(column: pa.Array) -> pa.Array:
    """Dates and timestamps: as they are, or as text when one of them is before the year 1 or after 9999.

    Instants are written in UTC without saying so, as the session's TimeZone is UTC: pyarrow renders a zone ten times
    slower.
    """
    days = pa.types.is_date(column.type)
    numbers = column.cast(pa.date32()).view(pa.int32()) if days else _microseconds(column)
    unit = 1 if days else DAY_MICROSECONDS
    first, last = FIRST_DAY * unit, (LAST_DAY + 1) * unit - 1
    found = pc.min_max(numbers)
    if not found["min"].is_valid or (found["min"].as_py() >= first and found["max"].as_py() <= last):
        return numbers.view(pa.date32() if days else pa.timestamp("us"))
    return _far_moments(numbers, "D" if days else "us")


def _microseconds(column: pa.Array) -> pa.Array:
    return column.cast(pa.timestamp("us", column.type.tz)).view(pa.int64())


def _far_moments(numbers: pa.Array, unit: str) -> pa.Array:
    """numpy counts years astronomically (0 is 1 BC), PostgreSQL wants `0044-03-15 BC`."""
    moments = numbers.fill_null(0).to_numpy(zero_copy_only=False).astype(f"datetime64[{unit}]")
    years = moments.astype("datetime64[Y]").astype(np.int64) + 1970
    past = pa.array(years <= 0)
    rest = pa.array(np.char.replace(np.datetime_as_string(moments), "T", " ")).cast(pa.large_string())
    rest = pc.replace_substring_regex(rest, r"^-?\d+", "")
    shown = pc.utf8_lpad(pa.array(np.where(years <= 0, 1 - years, years)).cast(pa.string()), 4, "0")
    texts = _joined(shown.cast(pa.large_string()), rest, pc.if_else(past, _large(BEFORE_CHRIST), _large(NOTHING)))
    return pc.if_else(numbers.is_valid(), texts, None)


def _hexadecimal(column: pa.Array) -> pa.Array:
    r"""Bytes as `\x` and hexadecimal digits, by a table look-up over the whole buffer."""
    values = column.cast(pa.large_binary())
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int64)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    digits = pa.py_buffer(HEX[data].tobytes())
    doubled = pa.py_buffer(((offsets - offsets[0]) * 2).tobytes())
    texts = pa.LargeStringArray.from_buffers(len(values), doubled, digits)
    return pc.if_else(values.is_valid(), _joined("\\x", texts), None)


def _array_literals(column: pa.Array) -> pa.Array:
    """Lists as PostgreSQL array literals: `{"a","b\\"c",NULL}`."""
    lists = column.cast(pa.list_(column.type.value_type))
    first, last = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
    items = pc.fill_null(_quoted(lists.values.slice(first, last - first)), pa.scalar("NULL", pa.large_string()))
    offsets = pc.subtract(lists.offsets, lists.offsets[0])
    texts = pa.ListArray.from_arrays(offsets, items, mask=lists.is_null())
    return _joined("{", pc.binary_join(texts, pa.scalar(",", pa.large_string())), "}")


def _quoted(items: pa.Array) -> pa.Array:
    texts = text_of(items).cast(pa.large_string())
    for find, replacement in (("\\", "\\\\"), ('"', '\\"')):
        texts = pc.replace_substring(texts, find, replacement)
    return _joined('"', texts, '"')


def _joined(*parts: pa.Array | str) -> pa.Array:
    """Texts put together row by row; NULL if a part is."""
    texts = [_large(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*texts, _large(NOTHING))


def _large(text: str) -> pa.Scalar:
    """Made when used: the first scalar makes pyarrow import pandas, which a load with nothing to do need not pay."""
    return pa.scalar(text, pa.large_string())
