"""enum: values of the column's type, each once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pipeline.contract.checks.bounds import bound
from pipeline.contract.dataset import ColumnType
from pipeline.contract.model.properties import Column
from pipeline.contract.problem import Finding, Location

_WITHOUT = ("json", "bytes", "array", "double")


def check(column: Column, kind: ColumnType, at: Location) -> Iterator[Finding]:
    """The findings of a column's enum."""
    if column.enum and kind.kind in _WITHOUT:
        yield Finding(at, f"a column of type {kind.sql.upper()} has no enum", "say it with a row rule", at_key=True)
        return
    seen: set[str] = set()
    for index, item in enumerate(column.enum or []):
        place = (*at, index, "value")
        if reason := _mistake(item.value, kind):
            yield Finding(place, f"the enum value {_shown(item.value)} {reason[0]}", reason[1])
        elif text(item.value) in seen:
            yield Finding(place, f"the enum value {_shown(item.value)} is there twice", "remove one of them")
        seen.add(text(item.value))


def text(value: Any) -> str:
    """A value as the compiled dataset keeps it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _mistake(value: Any, kind: ColumnType) -> tuple[str, str | None] | None:
    if kind.kind in ("string", "uuid"):
        return _text_mistake(value, kind)
    if kind.kind == "boolean":
        return None if isinstance(value, bool) else ("is not true or false", None)
    if kind.kind in ("integer", "decimal") and (isinstance(value, bool) or not isinstance(value, int | Decimal)):
        return ("is not a number", "write it without quotes" if isinstance(value, str) else None)
    try:
        bound(value, kind)
    except (ValueError, ArithmeticError) as error:
        return (f"does not fit: {error}", None)
    return None


def _text_mistake(value: Any, kind: ColumnType) -> tuple[str, str | None] | None:
    if not isinstance(value, str):
        return ("is not text", f'write it in quotes: "{text(value)}"')
    if kind.length is not None and len(value) > kind.length:
        return (f"is longer than {kind.sql.upper()}", None)
    if kind.kind == "uuid":
        try:
            uuid.UUID(value)
        except ValueError:
            return ("is not a UUID", None)
    return None


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else text(value)
