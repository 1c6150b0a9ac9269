"""Typed values to reasons: the column rules, vectorised in Arrow so that both engines agree by construction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Context, Decimal
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cast import strict_cast
from pipeline.cast.attempt import lists_with
from pipeline.contract.dataset import Column, Rules
from pipeline.reasons import Reasons, quoted

Mark = tuple[str, pa.Array, str]
# Digits that a quotient may have: a double reaches from 1e308 down to 5e-324, a decimal has 38 digits.
_EXACT = Context(prec=1000)


def check_column(column: Column, values: pa.Array, refused: pa.Array | None, reasons: Reasons) -> None:
    """Add a reason for every value of `values` (typed) that breaks a rule of `column`.

    `refused` marks values that a cast already refused: they are NULL now, but not missing.
    """
    _required(column, values, refused, reasons)
    if values.null_count == len(values):
        return
    for rule, mark, wanted in _broken(column, values):
        reasons.add(mark, column.name, rule, _message(column, values, wanted))


def _required(column: Column, values: pa.Array, refused: pa.Array | None, reasons: Reasons) -> None:
    if not column.required or values.null_count == 0:
        return
    absent = pc.is_null(values)
    if refused is not None:
        absent = pc.and_(absent, pc.invert(refused))
    reasons.add(absent, column.name, "required", lambda row: f"{column.name} is required, and missing")


def _message(column: Column, values: pa.Array, wanted: str) -> Callable[[int], str]:
    return lambda row: f"{quoted(values, row, column.restricted)} {wanted}"


def _broken(column: Column, values: pa.Array) -> Iterator[Mark]:
    rules, kind = column.rules, column.type.kind
    if kind in ("string", "json"):
        yield from _storable(values)
        yield from _length(column, values)
    if column.type.item is not None and column.type.item.kind == "string":
        yield from _in_items(replace(column, type=column.type.item, rules=Rules()), values)
    if rules.enum:
        allowed = _bound_values(column, rules.enum)
        yield "enum", pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, allowed))), f"is none of {_listed(rules)}"
    if rules.pattern is not None:
        text = values if kind in ("string", "uuid", "json") else pc.cast(values, pa.string())
        yield (
            "pattern",
            pc.invert(pc.match_substring_regex(text, rules.pattern)),
            f"does not match the pattern {rules.pattern}",
        )
    yield from _range(column, values)
    yield from _items(rules, values)


def _storable(values: pa.Array) -> Iterator[Mark]:
    """PostgreSQL's text cannot hold U+0000."""
    data = values.buffers()[-1]
    if data is not None and b"\0" in memoryview(data).tobytes():
        nul = pc.match_substring(values, "\0")
        yield "not_storable", nul, "holds the character U+0000, which PostgreSQL cannot store"


def _length(column: Column, values: pa.Array) -> Iterator[Mark]:
    rules, longest = column.rules, column.type.length
    limits = [limit for limit in (rules.max_length, longest) if limit is not None]
    if not limits and rules.min_length is None:
        return
    lengths = pc.utf8_length(values)
    if limits:
        yield "length", pc.greater(lengths, min(limits)), f"is longer than {min(limits)} characters"
    if rules.min_length is not None:
        yield "length", pc.less(lengths, rules.min_length), f"is shorter than {rules.min_length} characters"


def _in_items(item: Column, lists: pa.Array) -> Iterator[Mark]:
    """What the lists' items break of what their type asks. `item`: the column, were it of its items' type."""
    items = pc.list_flatten(lists)
    for rule, mark, wanted in chain(_storable(items), _length(item, items)):
        yield rule, lists_with(mark, lists), f"has an item that {wanted}"


def _range(column: Column, values: pa.Array) -> Iterator[Mark]:
    rules = column.rules
    for bound, breaks, wanted in (
        (rules.minimum, pc.less, "is less than"),
        (rules.maximum, pc.greater, "is greater than"),
        (rules.exclusive_minimum, pc.less_equal, "is not greater than"),
        (rules.exclusive_maximum, pc.greater_equal, "is not less than"),
    ):
        if bound is not None:
            yield "range", _compared(breaks, values, _bound(column, bound)), f"{wanted} {bound}"
    if rules.multiple_of is not None:
        yield "range", _not_multiple(values, Decimal(rules.multiple_of)), f"is not a multiple of {rules.multiple_of}"


def _compared(breaks: Callable[[pa.Array, pa.Scalar], pa.Array], values: pa.Array, bound: pa.Scalar) -> pa.Array:
    try:
        return breaks(values, bound)
    except pa.ArrowInvalid:  # decimals that have together more digits than 128 bits
        wider = (pa.decimal256(each.type.precision, each.type.scale) for each in (values, bound))
        return breaks(values.cast(next(wider)), bound.cast(next(wider)))


def _not_multiple(values: pa.Array, step: Decimal) -> pa.Array:
    """Exact decimal arithmetic on the distinct values: Arrow has no remainder for decimals."""
    distinct = pc.unique(pc.drop_null(values))
    odd = [value for value in distinct.to_pylist() if not _is_multiple(Decimal(str(value)), step)]
    return pc.is_in(values, pa.array(odd, values.type))


def _is_multiple(value: Decimal, step: Decimal) -> bool:
    return value.is_finite() and not _EXACT.remainder(value, step)


def _items(rules: Rules, values: pa.Array) -> Iterator[Mark]:
    if rules.min_items is not None:
        yield (
            "length",
            pc.less(pc.list_value_length(values), rules.min_items),
            f"has fewer than {rules.min_items} items",
        )
    if rules.max_items is not None:
        yield (
            "length",
            pc.greater(pc.list_value_length(values), rules.max_items),
            f"has more than {rules.max_items} items",
        )


def _bound(column: Column, text: str) -> pa.Scalar:
    """A bound as the nearest type that holds it exactly beside the column's values."""
    if column.type.kind not in ("integer", "decimal"):
        return _bound_values(column, (text,))[0]
    number = Decimal(text)
    if column.type.kind == "integer" and number == int(number) and abs(number) < 2**63:
        return pa.scalar(int(number), pa.int64())
    return pa.scalar(number)


def _bound_values(column: Column, texts: tuple[str, ...]) -> pa.Array:
    """Texts of the contract, in the standard's own notation whatever format the file has."""
    values, refused = strict_cast(pa.array(texts, pa.string()), replace(column.type, format=None))
    return values if refused is None else pc.drop_null(values)


def _listed(rules: Rules) -> str:
    shown = ", ".join(rules.enum[:10])
    return shown if len(rules.enum) <= 10 else f"{shown}, … ({len(rules.enum)} values)"
