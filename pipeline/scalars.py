"""Single values of Arrow as Python's, those included that Python does not have."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

# Of `as_py`: bytes that are no text, nanoseconds, a year after 9999, a zone that this machine does not know.
NOT_PYTHONS = (ValueError, OverflowError, ImportError, KeyError)


def as_python(value: pa.Scalar) -> object:
    r"""The value; where Python has none such, as text. Bytes that are no UTF-8 are shown as `\xNN`, maps as pairs."""
    try:
        return value.as_py()
    except NOT_PYTHONS:
        return _by_parts(value)


def _by_parts(value: pa.Scalar) -> object:
    match value:
        case pa.MapScalar():
            keys, items = value.values.flatten()
            return [(as_python(key), as_python(item)) for key, item in zip(keys, items, strict=True)]
        case pa.ListScalar() | pa.LargeListScalar() | pa.FixedSizeListScalar():
            return [as_python(item) for item in value.values]
        case pa.StructScalar():
            return {name: as_python(item) for name, item in value.items()}
        case pa.StringScalar() | pa.LargeStringScalar() | pa.StringViewScalar():
            return value.as_buffer().to_pybytes().decode("utf-8", "backslashreplace")
        case pa.TimestampScalar():
            return str(np.datetime64(value.value, value.type.unit))  # Arrow's own text ends with the year 32767
    return str(value.cast(pa.string()))
