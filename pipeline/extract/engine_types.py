"""Arrow types that both engines read from Parquet, and the exact way there for those that they do not."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_WIDER = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
    pa.null(): pa.string(),
    pa.date64(): pa.date32(),
}


def engine_type(data_type: pa.DataType) -> pa.DataType:
    """The type that a column of this type has in a part. Times become text; nanoseconds become microseconds."""
    if isinstance(data_type, pa.DictionaryType):
        return engine_type(data_type.value_type)
    if pa.types.is_struct(data_type):
        return pa.struct([pa.field(field.name, engine_type(field.type)) for field in data_type])
    if pa.types.is_map(data_type):
        return pa.map_(engine_type(data_type.key_type), engine_type(data_type.item_type))
    if pa.types.is_list(data_type) or pa.types.is_large_list(data_type) or pa.types.is_fixed_size_list(data_type):
        return pa.list_(engine_type(data_type.value_type))
    return _scalar(data_type)


def to_engine(array: pa.Array) -> pa.Array:
    """The array in its engine type. Raises ArrowInvalid if a value would change on the way."""
    target = engine_type(array.type)
    if array.type == target:
        return array
    if isinstance(array, pa.ExtensionArray):
        return _uuid_text(array) if str(array.type).endswith("uuid>") else to_engine(array.storage)
    return pc.cast(array, target, safe=True)


def _scalar(data_type: pa.DataType) -> pa.DataType:
    if isinstance(data_type, pa.BaseExtensionType):
        return pa.string() if str(data_type).endswith("uuid>") else engine_type(data_type.storage_type)
    if pa.types.is_timestamp(data_type):
        return pa.timestamp("us", data_type.tz and "UTC")  # the same moment; engines would show it in its own zone
    if pa.types.is_duration(data_type):
        return pa.int64()  # which is what it is in Parquet
    if pa.types.is_time(data_type):
        return pa.string()
    if pa.types.is_fixed_size_binary(data_type):
        return pa.binary()
    if pa.types.is_decimal(data_type):
        return pa.decimal128(data_type.precision, data_type.scale) if data_type.precision <= 38 else pa.string()
    return _WIDER.get(data_type, data_type)


def _uuid_text(array: pa.ExtensionArray) -> pa.Array:
    return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())
