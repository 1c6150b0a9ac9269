"""Strict casts to text, uuid and bytes."""

from __future__ import annotations

import base64
import binascii

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cast.attempt import blank_out, is_text, mismatch
from pipeline.contract.dataset import ColumnType

_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"


def to_string(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """Text as it is; numbers, dates and booleans in their plain form."""
    del column_type
    return (array if array.type == pa.string() else pc.cast(array, pa.string())), None


def is_binary(data_type: pa.DataType) -> bool:
    """Whether the values are bytes, which may be text that nobody has called so."""
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(is_kind(data_type) for is_kind in kinds)


def decode(array: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Bytes as the UTF-8 that they are; others are bad."""
    try:
        return pc.cast(array, pa.string()), None
    except pa.ArrowInvalid:
        return _each(array, lambda value: value.decode("utf-8"), pa.string())


def to_uuid(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """The canonical 8-4-4-4-12 form (RFC 9562), kept in lower case."""
    del column_type
    text = array if is_text(array) else pc.cast(array, pa.string())
    bad = mismatch(text, _UUID)
    return pc.utf8_lower(blank_out(text, bad)), bad


def to_bytes(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    r"""Bytes as they are; text as `\x` and hexadecimal digits (PostgreSQL's form), else as base64 (RFC 4648)."""
    del column_type
    if not is_text(array):
        return pc.cast(array, pa.binary()), None
    return _each(array, _bytes_of, pa.binary())


def _bytes_of(text: str) -> bytes:
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    return base64.b64decode(text, validate=True)


def _each(array: pa.Array, convert: object, wanted: pa.DataType) -> tuple[pa.Array, pa.Array | None]:
    """Row by row, for forms without a vectorised kernel; `ValueError` marks the row."""
    values: list[object] = []
    bad: list[bool] = []
    for value in array.to_pylist():
        try:
            values.append(None if value is None else convert(value))  # type: ignore[operator]
            bad.append(False)
        except (ValueError, binascii.Error):
            values.append(None)
            bad.append(True)
    return pa.array(values, wanted), pa.array(bad, pa.bool_())
