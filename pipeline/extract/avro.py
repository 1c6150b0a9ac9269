"""Avro object container files: the writer's schema as Arrow types, block by block."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.extract.typed import TypedExtraction

_PRIMITIVE = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "fixed": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
}
_LOGICAL = {
    "date": pa.date32(),
    "time-millis": pa.time32("ms"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("ms", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
    "uuid": pa.string(),
}
# Days and moments stay numbers: fastavro would make them Python's, which end with the year 9999
# (https://fastavro.readthedocs.io/en/latest/logical_types.html).
for _logical in ("date", "timestamp-millis", "timestamp-micros", "local-timestamp-millis", "local-timestamp-micros"):
    fastavro.read.LOGICAL_READERS.pop(f"{'int' if _logical == 'date' else 'long'}-{_logical}", None)


class AvroExtraction(TypedExtraction):
    """An Avro file. A block is what its writer put together, some 16 kB to a few MB."""

    format = "Avro"

    def _open(self, path: Path) -> pa.Schema:
        with _Bounded(path) as file:
            written = fastavro.block_reader(file).writer_schema
        named: dict[str, pa.DataType] = {}
        self._schema = _arrow_type(written, named, self._name)
        if not pa.types.is_struct(self._schema):
            raise SourceError(f"{self._name}: its Avro schema is not a record, so it has no columns")
        return pa.schema(list(self._schema))

    def _read(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        size = self._path.stat().st_size
        with _Bounded(self._path) as file:
            for block in fastavro.block_reader(file):
                rows = [_storable(row, self._schema) for row in block]
                yield pa.RecordBatch.from_struct_array(pa.array(rows, self._schema)), file.tell() / size


class _Bounded(io.FileIO):
    """A file that sets no memory aside for a damaged length: no read is larger than the file."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            raise ValueError("a negative length")
        return super().read(min(size, os.fstat(self.fileno()).st_size)) or b""


def _arrow_type(written: Any, named: dict[str, pa.DataType], name: str) -> pa.DataType:
    """The Arrow type of an Avro schema. Raises SourceError for unions of several types and recursive records."""
    if isinstance(written, list):
        others = [one for one in written if one != "null"]
        if len(others) > 1:
            raise SourceError(f"{name}: its Avro schema has a union of several types ({others}); send one type a field")
        return _arrow_type(others[0], named, name) if others else pa.null()
    if isinstance(written, str):
        if written not in _PRIMITIVE and written not in named:
            raise SourceError(f"{name}: its Avro schema is recursive or broken at {written!r}")
        return named[written] if written in named else _PRIMITIVE[written]
    found = _complex(written, named, name)
    if "name" in written:
        named[written["name"]] = found
    return found


def _complex(written: dict[str, Any], named: dict[str, pa.DataType], name: str) -> pa.DataType:
    match written["type"]:
        case "record":
            return pa.struct([(field["name"], _arrow_type(field["type"], named, name)) for field in written["fields"]])
        case "array":
            return pa.list_(_arrow_type(written["items"], named, name))
        case "map":
            return pa.map_(pa.string(), _arrow_type(written["values"], named, name))
        case _ if written.get("logicalType") == "decimal":
            return pa.decimal128(written["precision"], written.get("scale", 0))
        case other:
            return _LOGICAL.get(written.get("logicalType", ""), _arrow_type(other, named, name))


def _storable(value: Any, data_type: pa.DataType) -> Any:
    """The value as Arrow takes it: maps are lists of pairs, UUIDs are text."""
    if value is None:
        return None
    if pa.types.is_struct(data_type):
        return {field.name: _storable(value[field.name], field.type) for field in data_type}
    if pa.types.is_list(data_type):
        return [_storable(item, data_type.value_type) for item in value]
    if pa.types.is_map(data_type):
        return [(key, _storable(item, data_type.item_type)) for key, item in value.items()]
    return str(value) if pa.types.is_string(data_type) else value
