"""The types of files that have types of their own (Parquet, Avro, ORC): each column's, in the contract's words."""

from __future__ import annotations

import pyarrow as pa

from pipeline.scaffold.guess import Guess

_SIMPLE = (
    (pa.types.is_boolean, Guess("boolean", "")),
    (pa.types.is_int8, Guess("integer", "", "SMALLINT")),
    (pa.types.is_int16, Guess("integer", "", "SMALLINT")),
    (pa.types.is_int32, Guess("integer", "", "INTEGER")),
    (pa.types.is_int64, Guess("integer", "", "BIGINT")),
    (pa.types.is_float32, Guess("number", "", "REAL")),
    (pa.types.is_float64, Guess("number", "", "DOUBLE PRECISION")),
    (pa.types.is_date, Guess("date", "")),
    (pa.types.is_string, Guess("string", "")),
    (pa.types.is_binary, Guess("string", "", "BYTEA")),
    (pa.types.is_struct, Guess("object", "", "JSONB")),
)


def guess_of(data_type: pa.DataType) -> Guess:
    """The property for a column that arrives with this Arrow type: no value of the type can be refused."""
    said = f"{data_type} in the file"
    if pa.types.is_decimal(data_type):
        logical = "number" if data_type.scale else "integer"
        return Guess(logical, said, f"NUMERIC({data_type.precision},{data_type.scale})")
    if pa.types.is_timestamp(data_type):
        return Guess("timestamp", said, options={} if data_type.tz else {"timezone": False})
    if pa.types.is_list(data_type):
        return Guess("array", said, items=_items(data_type.value_type))
    if pa.types.is_map(data_type):
        sides = {"key": data_type.key_type, "value": data_type.item_type}
        types = {side: {"logicalType": guess_of(kind).logical} for side, kind in sides.items()}
        return Guess("map", said, "JSONB", sides=types)
    for is_type, guess in _SIMPLE:
        if is_type(data_type):
            return Guess(guess.logical, said, guess.physical)
    return Guess("string", said)


def _items(data_type: pa.DataType) -> dict[str, object]:
    item = guess_of(data_type)
    if item.items is not None or item.logical in ("object", "map") or item.physical == "BYTEA":
        return {"logicalType": "object"}
    found: dict[str, object] = {"logicalType": item.logical}
    if item.physical:
        found["physicalType"] = item.physical
    if item.options:
        found["logicalTypeOptions"] = dict(item.options)
    return found
