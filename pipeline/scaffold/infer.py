"""From the text of a column to its type. Whatever is guessed was tried on every value with the casts of a load."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pyarrow.compute as pc

from pipeline.contract.dataset import ColumnType
from pipeline.scaffold.distinct import Distinct, shown
from pipeline.scaffold.fits import cast_all, plain
from pipeline.scaffold.guess import Guess
from pipeline.scaffold.moments import compact_date, moment
from pipeline.scaffold.numbers import number, zero_padded

# Words of one pair must both be there: a column of nothing but "Y" says too little. "true" says enough alone.
_BOOLEANS = ({"true"}, {"false"}, {"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"}, {"on", "off"})
_EMAIL = r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"
_COMMA_NUMBER = r"^[+-]?[0-9]{1,3}(\.[0-9]{3})*,[0-9]+$|^[+-]?[0-9]+(,[0-9]+)?$"
_THOUSANDS_COMMA = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$|^[+-]?[0-9]{1,3}(\.[0-9]+)?$"
_CERTAIN = r",.*[,.]"
_NOT_THREE = r",([0-9]{1,2}|[0-9]{4,})$"
_FEW = 12
_MOST_OFFENDERS = 3
_RARE = 0.1
_ALIKE = (
    ("numbers", r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"),
    ("dates", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    ("timestamps", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}"),
)


def infer(column: Distinct, name: str) -> Guess:
    """The type of a text column (its missing values already taken out); `name`: the source column's, for SQL."""
    if not len(column.values):
        return Guess("string", "no values at all", notes=("nothing is known of this column",))
    found = _typed(column) or _repaired(column, name)
    return found or _text(column)


def _typed(column: Distinct) -> Guess | None:
    for attempt in _ATTEMPTS:
        if found := attempt(column):
            return found
    return None


def _boolean(column: Distinct) -> Guess | None:
    words = set(pc.unique(pc.utf8_lower(column.values)).to_pylist()) if len(column.values) <= 6 else set()
    if words not in _BOOLEANS:
        return None
    said = ", ".join(f"{value} {count:,}" for value, count in column.having(pc.is_valid(column.values)))
    return Guess("boolean", f"all booleans: {said}")


def _uuid(column: Distinct) -> Guess | None:
    if cast_all(column.values, plain("uuid")) is None:
        return None
    return Guess("string", "all UUIDs", options={"format": "uuid"})


def _nested(column: Distinct) -> Guess | None:
    """Objects or lists as JSON text; lists of scalars of one type become an array."""
    if not _all(column, r"^\s*[\[{]"):
        return None
    try:
        documents = [json.loads(text) for text in column.values.to_pylist()]
    except (ValueError, RecursionError):
        return None
    if cast_all(column.values, plain("json")) is None:
        return None
    lists = [document for document in documents if isinstance(document, list)]
    if len(lists) == len(documents):
        return _array(column, [item for document in lists for item in document])
    if lists:
        return Guess("object", "JSON objects and lists")
    return Guess("object", "all JSON objects")


def _array(column: Distinct, items: list[object]) -> Guess:
    scalars = [item for item in items if item is not None]
    kinds = {type(item) for item in scalars}
    types: dict[frozenset[type], tuple[dict[str, object], ColumnType]] = {
        frozenset({int}): ({"logicalType": "integer"}, ColumnType("integer", "bigint")),
        frozenset({bool}): ({"logicalType": "boolean"}, ColumnType("boolean", "boolean")),
        frozenset({str}): ({"logicalType": "string"}, ColumnType("string", "text")),
    }
    double: tuple[dict[str, object], ColumnType] = (
        {"logicalType": "number", "physicalType": "DOUBLE PRECISION"},
        ColumnType("double", "double precision"),
    )
    known = types.get(frozenset(kinds)) or (double if kinds and kinds <= {int, float} else None)
    if known:
        whole = ColumnType("array", f"{known[1].sql}[]", item=known[1])
        if cast_all(column.values, whole) is not None:
            return Guess("array", f"all lists of {known[0]['logicalType']}s", items=known[0])
    return Guess("array", "all JSON lists", items={"logicalType": "object"})


_ATTEMPTS: tuple[Callable[[Distinct], Guess | None], ...] = (
    _boolean,
    compact_date,
    number,
    moment,
    _uuid,
    _nested,
)


def _repaired(column: Distinct, name: str) -> Guess | None:
    """Text that is typed once blanks around it, or the commas of its numbers, are dealt with."""
    if trimmed := _trimmed(column, name):
        return trimmed
    if zero_padded(column):
        return None
    return _decimal_comma(column, name) or _thousands_comma(column, name)


def _decimal_comma(column: Distinct, name: str) -> Guess | None:
    """`1.234,5`. Where every comma has three digits behind it, it may stand between thousands as well."""
    if not _all(column, _COMMA_NUMBER) or not pc.any(pc.match_substring_regex(column.values, _NOT_THREE)).as_py():
        return None
    values = pc.replace_substring(pc.replace_substring(column.values, ".", ""), ",", ".")
    found = number(replace(column, values=values))
    sql = f"replace(replace(`{name}`, '.', ''), ',', '.')"
    return found and replace(found, transform=sql, said=f"{found.said}, written with a decimal comma")


def _thousands_comma(column: Distinct, name: str) -> Guess | None:
    """`1,234.5`. A value with two commas, or a comma and a point, tells that it is not a decimal comma."""
    if not _all(column, _THOUSANDS_COMMA) or not pc.any(pc.match_substring_regex(column.values, _CERTAIN)).as_py():
        return None
    found = number(replace(column, values=pc.replace_substring(column.values, ",", "")))
    sql = f"replace(`{name}`, ',', '')"
    return found and replace(found, transform=sql, said=f"{found.said}, written with commas between thousands")


def _all(column: Distinct, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(column.values, pattern)).as_py())


def _trimmed(column: Distinct, name: str) -> Guess | None:
    values = pc.utf8_trim(column.values, " ")  # what trim() takes away: no tabs, no blanks beyond ASCII
    if values.equals(column.values):
        return None
    empty = pc.equal(values, "")
    kept = replace(column, values=values.filter(pc.invert(empty)), counts=column.counts.filter(pc.invert(empty)))
    found = _typed(kept) if len(kept.values) else None
    if found is None or found.logical in ("array", "object"):
        return None
    return replace(found, transform=f"nullif(trim(`{name}`), '')", said=f"{found.said}, with blanks around them")


def _text(column: Distinct) -> Guess:
    lengths = pc.min_max(pc.utf8_length(column.values)).as_py()
    size = f"{lengths['min']} to {lengths['max']}" if lengths["min"] != lengths["max"] else f"each {lengths['max']}"
    if _all(column, _EMAIL):
        note = "e-mail addresses: tagged pii, so that messages never show them"
        return Guess("string", f"{len(column.values):,} distinct, {size} long", notes=(note,), personal=True)
    said = f"{_few(column)}, {size} long"
    notes = []
    if zero_padded(column):
        digits = _all(column, r"^[+]?[0-9]+$")
        notes.append("zero-padded digits stay text" if digits else "some values are zero-padded: they stay text")
    elif offenders := _offenders(column):
        notes.append(offenders)
    return Guess("string", said, notes=tuple(notes))


def _few(column: Distinct) -> str:
    count = len(column.values)
    if count > _FEW:
        return f"{count:,} distinct values"
    listed = ", ".join(shown(value) for value, _ in column.having(pc.is_valid(column.values)))
    return f"{count} distinct: {listed}" if len(listed) < 90 else f"{count} distinct values"


def _offenders(column: Distinct) -> str | None:
    """The few words that keep a column from being numbers or dates, if nearly all of its values are such."""
    for what, pattern in _ALIKE:
        bad = pc.invert(pc.match_substring_regex(column.values, pattern))
        if pc.sum(bad).as_py() > _MOST_OFFENDERS:
            continue
        found = list(column.having(bad))
        if 0 < sum(count for _, count in found) < _RARE * column.present:
            words = ", ".join(f"{shown(value)} ({count:,})" for value, count in found)
            return f"all {what} but for {words}: if that means missing, add it to missingValues"
    return None
