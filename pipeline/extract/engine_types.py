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
        return _uuid_text(array) if _is_uuid(array.type) else to_engine(array.storage)
    if _holds_uuids(array.type):
        return _by_parts(array, target)
    return pc.cast(array, target, safe=True)


def _by_parts(array: pa.Array, target: pa.DataType) -> pa.Array:
    """A nested array, its children converted: a cast would take the bytes of a UUID for text."""
    if isinstance(array, pa.DictionaryArray):
        return to_engine(array.dictionary_decode())
    absent = array.is_null()
    if isinstance(array, pa.StructArray):
        return pa.StructArray.from_arrays(list(map(to_engine, array.flatten())), fields=list(target), mask=absent)
    if isinstance(array, pa.MapArray):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        keys, items = (to_engine(part[first:last]) for part in (array.keys, array.items))
        return pa.MapArray.from_arrays(pc.subtract(array.offsets, first), keys, items, target, mask=absent)
    lengths = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    return pa.ListArray.from_arrays(offsets, to_engine(pc.list_flatten(array)), target, mask=absent)


def _is_uuid(data_type: pa.DataType) -> bool:
    return isinstance(data_type, pa.BaseExtensionType) and str(data_type).endswith("uuid>")


def _holds_uuids(data_type: pa.DataType) -> bool:
    if isinstance(data_type, pa.DictionaryType):
        return _holds_uuids(data_type.value_type)
    return _is_uuid(data_type) or any(_holds_uuids(data_type.field(i).type) for i in range(data_type.num_fields))


def _scalar(data_type: pa.DataType) -> pa.DataType:
    if isinstance(data_type, pa.BaseExtensionType):
        return pa.string() if _is_uuid(data_type) else engine_type(data_type.storage_type)
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
