"""Whether the first record of a CSV file names the columns."""

from __future__ import annotations

import re

_TYPED = re.compile(
    r"\s*(?:[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?%?"
    r"|[0-9]{1,4}[-/.][0-9A-Za-z]{1,9}[-/.][0-9]{1,4}(?:[ T].*)?"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9.]+)?|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\s*\Z"
)
_YEAR = re.compile(r"(?:1[5-9]|20)[0-9]{2}\Z")
_NAME = re.compile(r"[^\W\d][\w .()/%#&+*$€?':-]*\Z")
_SAMPLE = 200


def has_header(values: list[list[str]]) -> tuple[bool, str]:
    """Whether the first of the records (values of equal length) is a header, and why, for a comment."""
    if not values:
        return True, "no records"
    first, rest = values[0], values[1 : _SAMPLE + 1]
    if not any(cell.strip() for cell in first):
        return False, "the first record is blank"
    if _are_years([cell for cell in first if _TYPED.match(cell)], first):
        return True, "the first record names columns, some of them by a year"
    if any(_TYPED.match(cell) for cell in first):
        return False, "the first record has numbers or dates itself"
    if all(first.count(cell) > 1 for cell in first):
        return False, "no value of the first record stands there once only"
    if not rest:
        return True, "there is but one record: taken as the header"
    columns = list(zip(*rest, strict=True))
    if any(_is_typed(column) for column in columns):
        return True, "the first record is text where numbers or dates follow"
    if any(cell in column for cell, column in zip(first, columns, strict=True) if cell):
        return False, "values of the first record come again below it"
    if len(set(first)) == len(first) and all(_NAME.match(cell.strip()) for cell in first):
        return True, "a guess: the first record looks like names, but everything is text"
    return False, "a guess: the first record does not look like names"


def _is_typed(column: tuple[str, ...]) -> bool:
    filled = [value for value in column if value.strip()]
    return bool(filled) and sum(bool(_TYPED.match(value)) for value in filled) > 0.5 * len(filled)


def _are_years(typed: list[str], first: list[str]) -> bool:
    """`country, 1990, 1991`: distinct years in order, beside at least one name."""
    return (
        len(typed) > 1
        and len(typed) < len(first)
        and all(_YEAR.match(cell.strip()) for cell in typed)
        and sorted(set(typed)) in (typed, typed[::-1])
    )
