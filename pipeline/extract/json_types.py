"""JSON values as typed Arrow columns, column by column at every depth; a value of another type is told by its row."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.extract.blocks import Positions
from pipeline.extract.json_text import NULL, Cell, Cells

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw] | None).decode
_BOOLEANS = ("true", "false", None)
Refuse = Callable[[int, str], None]


def typed(cells: Sequence[Cell], owners: Positions, data_type: pa.DataType, refuse: Refuse) -> pa.Array:
    """The values as `data_type`. `refuse(owner, message)` is called for the owner of a value that is of another type.

    Strings take any scalar as it was written. Missing fields are NULL, fields beyond the type are left out.
    """
    if pa.types.is_string(data_type):
        return Cells(cells).text()
    if pa.types.is_struct(data_type):
        return _structs(cells, owners, data_type, refuse)
    if pa.types.is_list(data_type):
        return _lists(cells, owners, data_type, refuse)
    if pa.types.is_map(data_type):
        return _maps(cells, owners, data_type, refuse)
    return _scalars(cells, owners, data_type, refuse)


def _structs(cells: Sequence[Cell], owners: Positions, data_type: pa.StructType, refuse: Refuse) -> pa.Array:
    objects = _decoded(cells, owners, _decode_object, "an object", refuse)
    children = []
    for field in data_type:
        values = [NULL if found is None else found.get(field.name, NULL) for found in objects]
        children.append(typed(values, owners, field.type, refuse))
    missing = pa.array([found is None for found in objects], pa.bool_())
    return pa.StructArray.from_arrays(children, fields=list(data_type), mask=missing)


def _lists(cells: Sequence[Cell], owners: Positions, data_type: pa.ListType, refuse: Refuse) -> pa.Array:
    lists = _decoded(cells, owners, _decode_list, "a list", refuse)
    lengths = _lengths(lists)
    items = list(chain.from_iterable(found for found in lists if found))
    values = typed(items, np.repeat(owners, lengths), data_type.value_type, refuse)
    return pa.ListArray.from_arrays(_offsets(lists, lengths), values, type=data_type)


def _maps(cells: Sequence[Cell], owners: Positions, data_type: pa.MapType, refuse: Refuse) -> pa.Array:
    objects = _decoded(cells, owners, _decode_object, "an object", refuse)
    lengths = _lengths(objects)
    owners = np.repeat(owners, lengths)
    keys = pa.array(chain.from_iterable(found for found in objects if found), pa.string())
    values = list(chain.from_iterable(found.values() for found in objects if found))
    if not pa.types.is_string(data_type.key_type):
        keys = _no_nulls(_cast(keys, owners, data_type.key_type, refuse))
    items = typed(values, owners, data_type.item_type, refuse)
    return pa.MapArray.from_arrays(_offsets(objects, lengths), keys, items, type=data_type)


def _no_nulls(keys: pa.Array) -> pa.Array:
    """Any key in place of those that are none: Arrow allows no NULL among keys, and their rows are refused anyway."""
    if not keys.null_count:
        return keys
    is_binary, is_boolean = pa.types.is_binary(keys.type), pa.types.is_boolean(keys.type)
    return keys.fill_null(pa.scalar(b"" if is_binary else False if is_boolean else 0, keys.type))


def _decoded(
    cells: Sequence[Cell], owners: Positions, decode: Callable[[Any], Any], wanted: str, refuse: Refuse
) -> list[Any]:
    try:
        return [decode(cell) for cell in cells]
    except msgspec.ValidationError:
        return [
            _decoded_one(cell, int(owner), decode, wanted, refuse) for cell, owner in zip(cells, owners, strict=True)
        ]


def _decoded_one(cell: Cell, owner: int, decode: Callable[[Any], Any], wanted: str, refuse: Refuse) -> Any:
    try:
        return decode(cell)
    except msgspec.ValidationError:
        refuse(owner, f"the value is not {wanted}")
        return None


def _lengths(found: Sequence[Any]) -> Positions:
    return np.array([len(one) if one else 0 for one in found], np.int64)


def _offsets(found: Sequence[Any], lengths: Positions) -> pa.Array:
    """Where each list begins; NULL marks a list that is NULL itself."""
    ends = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    return pa.array(ends, pa.int32(), mask=np.array([*(one is None for one in found), False], np.bool_))


def _scalars(cells: Sequence[Cell], owners: Positions, data_type: pa.DataType, refuse: Refuse) -> pa.Array:
    """Numbers and booleans are written bare in JSON, dates, timestamps and bytes (base64) as strings."""
    found = Cells(cells)
    as_strings = pa.types.is_temporal(data_type) or pa.types.is_binary(data_type)
    wrong = ~found.nulls & (found.nested | (found.strings != as_strings))
    for owner in owners[wrong]:
        refuse(
            int(owner), f"the value is not a JSON {'string' if as_strings else 'number or boolean'} of type {data_type}"
        )
    text = pc.if_else(pa.array(wrong), pa.scalar(None, pa.string()), found.text())
    return _cast(text, owners, data_type, refuse)


def _cast(text: pa.Array, owners: Positions, data_type: pa.DataType, refuse: Refuse) -> pa.Array:
    try:
        return _converted(text, data_type)
    except ValueError:  # Arrow's, or of what is no base64
        return pa.concat_arrays(
            [_cast_one(text.slice(i, 1), int(owner), data_type, refuse) for i, owner in enumerate(owners)]
        )


def _cast_one(text: pa.Array, owner: int, data_type: pa.DataType, refuse: Refuse) -> pa.Array:
    try:
        return _converted(text, data_type)
    except ValueError:  # Arrow's, or of what is no base64
        refuse(owner, f"the value is not of type {data_type}")
        return pa.nulls(1, data_type)


def _converted(text: pa.Array, data_type: pa.DataType) -> pa.Array:
    if pa.types.is_binary(data_type):
        values = text.to_pylist()
        return pa.array([None if v is None else base64.b64decode(v, validate=True) for v in values], data_type)
    if pa.types.is_timestamp(data_type) and data_type.tz:
        local = pc.invert(pc.match_substring_regex(text, r"(Z|[+-]\d\d(:?\d\d)?)$"))
        text = pc.if_else(local, pc.binary_join_element_wise(text, "Z", ""), text)
    if pa.types.is_boolean(data_type) and not pc.all(pc.is_in(text, pa.array(_BOOLEANS)), skip_nulls=False).as_py():
        raise pa.ArrowInvalid("neither true nor false")
    values = pc.cast(text, data_type, safe=True)
    if pa.types.is_floating(data_type) and pc.any(pc.is_inf(values)).as_py():
        raise pa.ArrowInvalid("too large")  # JSON has no infinity, so it was a number beyond the type
    return values
