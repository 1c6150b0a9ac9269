"""Strict casts to JSON and to arrays of scalars."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cast.attempt import either, is_text, lists_with
from pipeline.contract.dataset import ColumnType
from pipeline.scalars import NOT_PYTHONS

Number = Callable[[str], str]
ScalarCast = Callable[[pa.Array, ColumnType], "tuple[pa.Array, pa.Array | None]"]
# PostgreSQL and Python both bound recursion; documents nested deeper than this are refused, not crashed on.
_MAXIMUM_DEPTH = 200
# Digits of a NUMERIC before and after the point (https://www.postgresql.org/docs/current/datatype-numeric.html).
_MOST_WHOLE, _MOST_FRACTION = 131_072, 16_383


def to_json(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """Text that is one JSON document (RFC 8259), kept as written; nested values rendered as JSON."""
    number = _numeric if column_type.sql.lower() == "jsonb" else str
    values: list[str | None] = []
    bad: list[bool] = []
    render = _checked if is_text(array) else _rendered
    for value in _pythons(array):
        try:
            if isinstance(value, Exception):
                raise value
            values.append(None if value is None else render(value, number))
            bad.append(False)
        except (*NOT_PYTHONS, RecursionError):
            values.append(None)
            bad.append(True)
    return pa.array(values, pa.string()), pa.array(bad, pa.bool_())


def _pythons(array: pa.Array) -> Sequence[Any]:
    try:
        values: list[Any] = array.to_pylist(maps_as_pydicts="strict")
    except NOT_PYTHONS:
        return [_python(value) for value in array]
    return values


def _python(value: pa.Scalar) -> Any:
    """The value, or in its place why it is none: a map with a key twice, a year after 9999."""
    try:
        return value.as_py(maps_as_pydicts="strict")
    except NOT_PYTHONS as error:
        return error


def _checked(text: str, number: Number) -> str:
    document = json.loads(text, parse_constant=_refuse, parse_float=number, parse_int=number)
    for string in _strings(document):
        if "\0" in string:
            raise ValueError("jsonb cannot hold the character U+0000")
        string.encode("utf-8")  # raises on a lone surrogate
    return text


def _rendered(value: Any, number: Number) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except TypeError:  # `default` is not asked for keys
        text = json.dumps(_with_text_keys(value), ensure_ascii=False, allow_nan=False, default=_plain)
    return _checked(text, number)


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        plain = (str, int, float)
        return {key if isinstance(key, plain) else _plain(key): _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> str:
    """What JSON has no form for; bytes as in a reject's record."""
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)


def _numeric(digits: str) -> str:
    """A number of jsonb, which holds it as a NUMERIC. Raises ValueError if that has no room for it."""
    if len(digits) <= _MOST_FRACTION and "e" not in digits and "E" not in digits:
        return digits
    try:
        number = Decimal(digits)
    except InvalidOperation as error:
        raise ValueError("an exponent beyond all bounds") from error
    exponent = number.as_tuple().exponent
    if (number and number.adjusted() >= _MOST_WHOLE) or (isinstance(exponent, int) and -exponent > _MOST_FRACTION):
        raise ValueError("a number that NUMERIC cannot hold")
    return digits


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _strings(document: Any) -> Iterator[str]:
    """Every string in a document, keys included, level by level. Raises `ValueError` past the maximum depth."""
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > _MAXIMUM_DEPTH:
            raise ValueError("nested too deeply")
        yield from (node for node in level if isinstance(node, str))
        level = [child for node in level for child in _children(node)]


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        return itertools.chain(node.keys(), node.values())
    return iter(node if isinstance(node, list) else ())


def to_array(
    array: pa.Array, column_type: ColumnType, cast: ScalarCast, arrow_type: Callable[[ColumnType], pa.DataType]
) -> tuple[pa.Array, pa.Array | None]:
    """A list of scalars, or text that is a JSON array of scalars; one bad element makes the row bad."""
    item = column_type.item
    assert item is not None  # noqa: S101 - the contract room guarantees it  # nosec B101
    unreadable = None
    if is_text(array):
        array, unreadable = _lists(array)
    if len(array) == array.null_count:
        return pa.nulls(len(array), pa.list_(arrow_type(item))), unreadable
    if not pa.types.is_list(array.type) and not pa.types.is_large_list(array.type):
        return pa.nulls(len(array), pa.list_(arrow_type(item))), pc.is_valid(array)
    array = pc.cast(array, pa.list_(array.type.value_type))
    flat, bad_items = cast(pc.list_flatten(array), item)
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_pylist()
    offsets = [0]
    for length in lengths:
        offsets.append(offsets[-1] + length)
    values = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat, mask=pc.is_null(array))
    return values, either(unreadable, None if bad_items is None else lists_with(bad_items, array))


def _lists(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    values: list[list[str | None] | None] = []
    bad: list[bool] = []
    for text in array.to_pylist():
        try:
            values.append(None if text is None else _scalars(text))
            bad.append(False)
        except (ValueError, RecursionError):
            values.append(None)
            bad.append(True)
    return pa.array(values, pa.list_(pa.string())), pa.array(bad, pa.bool_())


def _scalars(text: str) -> list[str | None]:
    document = json.loads(text, parse_constant=_refuse, parse_float=str, parse_int=str)
    if not isinstance(document, list) or any(isinstance(item, dict | list) for item in document):
        raise ValueError("not an array of scalars")
    for item in document:
        str(item).encode("utf-8")  # raises on a lone surrogate
    return [item if item is None or isinstance(item, str) else str(item).lower() for item in document]
