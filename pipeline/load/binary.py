"""Arrow to COPY's binary format, a batch at a time: PostgreSQL takes two thirds of the CPU that CSV costs it.

The format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT. What a type looks like in it
is what its `..._send` function in PostgreSQL's sources writes. A row is a count of fields, then for each its length in
bytes (-1: NULL) and its bytes, big-endian. Neighbouring fields of fixed width are filled in at once, as one structured
numpy array; between them stand the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract.dataset import ColumnType
from pipeline.load.binary_numeric import numeric_fields, raw, suits

HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL = b"\xff\xff"

Values = npt.NDArray[Any]
Fields = list[tuple[str, Values | int | bytes]]
"""Parts of a row: the numpy type, and a value for each row or one for all."""

_TEXTS = ("string", "json", "bytes")
_NULL = np.frombuffer(b"\xff\xff\xff\xff", np.uint8)
_EPOCH_DAYS, _EPOCH_MICROSECONDS = 10_957, 946_684_800_000_000  # 2000-01-01, since 1970


def carries(types: Sequence[ColumnType]) -> bool:
    """Whether columns of all these types can be encoded here; others go as CSV."""
    return all(each.kind in _TEXTS or each.kind in _FIXED or suits(each) for each in types)


def encode(batch: pa.RecordBatch, types: Sequence[ColumnType], last: int | UUID) -> bytes:
    """The batch's rows, without HEAD. The batch: columns of `types`, of the Arrow types of `cast.arrow_type`, then
    bigints; every row gets an added last field, the integer or uuid `last`."""
    row = _Row(batch.num_rows)
    row.add([(">i2", batch.num_columns + 1)])
    for column, column_type in zip(batch.columns, types, strict=False):
        _add(row, column, column_type)
    for column in batch.columns[len(types) :]:
        row.add(_sized(">i8", raw(column, "i8")))
    row.add(_sized(">i4", last) if isinstance(last, int) else _sized("S16", last.bytes))
    return row.joined()


class _Row:
    """The rows of a batch, from left to right."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._fields: Fields = []
        self._parts: list[pa.Array] = []

    def add(self, fields: Fields) -> None:
        """Parts that every row has."""
        self._fields += fields

    def add_unless_null(self, fields: Fields, null: Values) -> None:
        """One field with its length, or NULL."""
        self._flush()
        cells = self._filled(fields)
        cells[null, :4] = _NULL
        wanted = np.ones(cells.shape, np.bool_)
        wanted[null, 4:] = False
        self._append(np.where(null, 4, cells.shape[1]), cells[wanted])

    def add_texts(self, texts: pa.Array) -> None:
        """Bytes as they are, none for NULL."""
        self._flush()
        self._parts.append(texts)

    def joined(self) -> bytes:
        """All rows."""
        self._flush()
        rows = pc.binary_join_element_wise(*self._parts, pa.scalar(b"", pa.binary()))
        offsets = np.frombuffer(rows.buffers()[1], np.int32)[: self._rows + 1]
        whole: bytes = rows.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0])).to_pybytes()
        return whole

    def _flush(self) -> None:
        if self._fields:
            cells = self._filled(self._fields)
            self._append(np.full(self._rows, cells.shape[1]), cells)
        self._fields = []

    def _filled(self, fields: Fields) -> npt.NDArray[np.uint8]:
        cells = np.empty(self._rows, [(str(n), kind) for n, (kind, _) in enumerate(fields)])
        for n, (_, values) in enumerate(fields):
            cells[str(n)] = values
        return cells.view(np.uint8).reshape(self._rows, cells.dtype.itemsize)

    def _append(self, lengths: Values, data: Values) -> None:
        offsets = np.zeros(self._rows + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
        self._parts.append(pa.Array.from_buffers(pa.binary(), self._rows, buffers))


def _add(row: _Row, column: pa.Array, column_type: ColumnType) -> None:
    if column_type.kind in _TEXTS:
        _add_text(row, column, b"\x01" if column_type.sql.lower() == "jsonb" else b"")
        return
    if not column.null_count:
        row.add(_fixed(column, column_type))
        return
    row.add_unless_null(_fixed(column, column_type), _bits(column.is_null()))


def _fixed(column: pa.Array, column_type: ColumnType) -> Fields:
    if column_type.kind == "decimal":
        return numeric_fields(column)
    return _FIXED[column_type.kind](column)


def _add_text(row: _Row, column: pa.Array, before: bytes) -> None:
    texts = column.cast(pa.binary())
    filled = texts.fill_null(b"") if texts.null_count else texts
    offsets = np.frombuffer(filled.buffers()[1], np.int32)[filled.offset : filled.offset + len(filled) + 1]
    fields: Fields = [(">i4", np.diff(offsets) + len(before))]
    if before:
        fields.append((f"S{len(before)}", before))
    if texts.null_count:
        row.add_unless_null(fields, _bits(texts.is_null()))
    else:
        row.add(fields)
    row.add_texts(filled)


def _sized(kind: str, values: Values | int | bytes) -> Fields:
    return [(">i4", np.dtype(kind).itemsize), (kind, values)]


def _bits(column: pa.Array) -> Values:
    values: Values = column.to_numpy(zero_copy_only=False)
    return values


def _integer(column: pa.Array) -> Fields:
    size = column.type.bit_width // 8
    return _sized(f">i{size}", raw(column, f"i{size}"))


def _double(column: pa.Array) -> Fields:
    size = column.type.bit_width // 8
    return _sized(f">f{size}", raw(column, f"f{size}"))


_FIXED: dict[str, Callable[[pa.Array], Fields]] = {
    "integer": _integer,
    "double": _double,
    "boolean": lambda column: _sized("u1", _bits(column.fill_null(False))),
    "date": lambda column: _sized(">i4", raw(column, "i4") - _EPOCH_DAYS),
    "timestamp": lambda column: _sized(">i8", raw(column, "i8") - _EPOCH_MICROSECONDS),
    "timestamptz": lambda column: _sized(">i8", raw(column, "i8") - _EPOCH_MICROSECONDS),
    "time": lambda column: _sized(">i8", raw(column, "i8")),
}
