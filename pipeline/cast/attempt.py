"""One way to try an Arrow cast on many rows at once and still learn exactly which rows refuse it."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

Convert = Callable[[pa.Array], pa.Array]


def cast_where_possible(array: pa.Array, convert: Convert) -> tuple[pa.Array, pa.Array | None]:
    """`convert(array)`; rows that make it raise `pa.ArrowInvalid` are NULL, and marked true in the second value.

    Clean input costs one call. Otherwise the input is halved until each refusing row stands alone.
    """
    try:
        return convert(array), None
    except pa.ArrowInvalid:
        pass
    chunks: list[pa.Array] = []
    marks: list[bool] = []
    _halve(array, convert, chunks, marks)
    values = pa.concat_arrays(_same_type(chunks))
    return values, pa.array(marks, pa.bool_())


def _halve(array: pa.Array, convert: Convert, chunks: list[pa.Array], marks: list[bool]) -> None:
    try:
        chunks.append(convert(array))
        marks.extend([False] * len(array))
    except pa.ArrowInvalid:
        if len(array) == 1:
            chunks.append(convert(pa.nulls(1, array.type)))
            marks.append(True)
            return
        middle = len(array) // 2
        _halve(array[:middle], convert, chunks, marks)
        _halve(array[middle:], convert, chunks, marks)


def _same_type(chunks: list[pa.Array]) -> list[pa.Array]:
    return [chunk.combine_chunks() if isinstance(chunk, pa.ChunkedArray) else chunk for chunk in chunks]


def blank_out(array: pa.Array, bad: pa.Array) -> pa.Array:
    """`array` with NULL where `bad` is true."""
    return pc.if_else(bad, pa.scalar(None, array.type), array)


def either(first: pa.Array | None, second: pa.Array | None) -> pa.Array | None:
    """Rows marked by either; None marks nothing."""
    if first is None or second is None:
        return second if first is None else first
    return pc.or_(first, second)


def lists_with(marked: pa.Array, lists: pa.Array) -> pa.Array:
    """Marks the lists that have a marked item. `marked`: of all items one after the other; NULL is not marked."""
    places = pc.filter(pc.list_parent_indices(lists), marked)
    return pc.is_in(pa.array(range(len(lists)), pa.int64()), places.cast(pa.int64()))


def mismatch(array: pa.Array, pattern: str) -> pa.Array:
    """Marks the rows of text that do not match `pattern` (RE2); NULL is not marked."""
    return pc.fill_null(pc.invert(pc.match_substring_regex(array, pattern)), False)


def is_text(array: pa.Array) -> bool:
    """Whether the values are text, of any Arrow text type."""
    return bool(
        pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type)
    )


def has_byte(array: pa.Array, byte: bytes) -> bool:
    """Whether `byte` or its upper case occurs in the text of `array`; may say yes for bytes beside a slice."""
    data = array.buffers()[-1]
    if data is None or pa.types.is_string_view(array.type):
        return data is not None
    text = memoryview(data).tobytes()
    return byte in text or byte.upper() in text
