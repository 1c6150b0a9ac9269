"""From logicalType, physicalType and format to the column's type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import available_timezones

from pipeline.contract.dataset import ColumnType
from pipeline.contract.formats import FORMATTED, FormatMistake, check_format
from pipeline.contract.physical import PHYSICAL, Physical, TypeMistake, physical_type
from pipeline.contract.problem import Location, nearest

_UUID_CHARACTERS = 36


def column_type(logical: str, physical: str | None, options: Mapping[str, Any], items: Any = None) -> ColumnType:
    """The type of a property. `options`: its logicalTypeOptions. `items`: an array's. Raises TypeMistake."""
    if logical == "array":
        return _array(physical, items)
    found, parameters = physical_type(logical, physical)
    if logical == "string" and options.get("format") == "uuid":
        return _uuid(found, parameters, explicit=physical is not None)
    if logical == "timestamp":
        found = _timestamp(found, physical, options)
    _check_format(logical, options)
    built = _built(found, parameters, logical)
    zone = _zone(options, found)
    return replace(built, format=options.get("format"), zone=zone)


def _check_format(logical: str, options: Mapping[str, Any]) -> None:
    if options.get("format") is None or logical == "string":
        return
    at: Location = ("logicalTypeOptions", "format")
    if logical not in FORMATTED:
        raise TypeMistake(at, f"a {logical} has no format", "remove it")
    try:
        check_format(options["format"], logical)
    except FormatMistake as mistake:
        raise TypeMistake(at, str(mistake), mistake.suggestion) from None


def _built(found: Physical, parameters: tuple[int, ...], logical: str) -> ColumnType:
    if found.kind == "decimal":
        precision, scale = parameters[0], parameters[1] if len(parameters) > 1 else 0
        if logical == "integer" and scale:
            hint = "write logicalType: number, or a scale of 0"
            raise TypeMistake(("physicalType",), "an integer has no digits after the point", hint)
        return ColumnType("decimal", f"numeric({precision},{scale})", precision=precision, scale=scale)
    length = parameters[0] if parameters else None
    sql = f"{found.name}({length})" if length else found.name
    return ColumnType(found.kind, sql, bits=found.bits, length=length, fixed=found.name == "char")


def _uuid(found: Physical, parameters: tuple[int, ...], *, explicit: bool) -> ColumnType:
    """`format: uuid`: the column is UUID, unless the contract wants the text."""
    if found.kind == "uuid" or not explicit:
        return ColumnType("uuid", "uuid")
    length = parameters[0] if parameters else None
    if found.kind != "string" or (length is not None and length < _UUID_CHARACTERS):
        hint = "write physicalType: UUID or TEXT"
        raise TypeMistake(
            ("physicalType",), f"a UUID has {_UUID_CHARACTERS} characters: {found.name.upper()} cannot hold it", hint
        )
    return replace(_built(found, parameters, "string"), kind="uuid")


def _timestamp(found: Physical, physical: str | None, options: Mapping[str, Any]) -> Physical:
    """With or without zone: physicalType and `timezone` must say the same; with zone by default."""
    zoned = options.get("timezone")
    if physical is None:
        return PHYSICAL["timestamp"][0 if zoned is not False else 1]
    if zoned is not None and zoned != (found.kind == "timestamptz"):
        hint = f"write timezone: {'false' if zoned else 'true'}, or leave one of the two out"
        message = f"physicalType {physical} and timezone: {'true' if zoned else 'false'} contradict each other"
        raise TypeMistake(("logicalTypeOptions", "timezone"), message, hint)
    return found


def _zone(options: Mapping[str, Any], found: Physical) -> str:
    zone = options.get("defaultTimezone")
    if zone is None:
        return "UTC"
    at: Location = ("logicalTypeOptions", "defaultTimezone")
    if found.kind != "timestamptz":
        raise TypeMistake(
            at, "a timestamp without time zone has no defaultTimezone", "remove it, or write timezone: true"
        )
    if zone not in available_timezones():
        near = nearest(zone, available_timezones())
        hint = f"did you mean {near}?" if near else "write an IANA name such as Europe/Berlin"
        raise TypeMistake(at, f"{zone} is no time zone", hint)
    return str(zone)


def _array(physical: str | None, items: Any) -> ColumnType:
    logical = items.logical_type if items is not None else None
    if logical is None:
        hint = "write items: {logicalType: string}, or another type"
        raise TypeMistake(("items",), "an array needs the type of its items", hint)
    wanted = (physical or "").strip().lower()
    if logical in ("array", "object", "map") or wanted in ("json", "jsonb"):
        if wanted not in ("", "json", "jsonb"):
            raise TypeMistake(
                ("physicalType",), f"an array of {logical}s is kept as JSONB", "write physicalType: JSONB"
            )
        return ColumnType("json", wanted or "jsonb")
    item = _item(items)
    if wanted and wanted.replace(" ", "") != f"{item.sql}[]".replace(" ", "") and not _same(wanted, item, logical):
        raise TypeMistake(
            ("physicalType",), f"physicalType {physical} is not an array of its items", f"write {item.sql.upper()}[]"
        )
    return ColumnType("array", f"{item.sql}[]", item=item)


def _same(wanted: str, item: ColumnType, logical: str) -> bool:
    """Whether `wanted` is another spelling of the array type (`int4[]` for `integer[]`)."""
    if not wanted.endswith("[]"):
        return False
    try:
        return column_type(logical, wanted.removesuffix("[]"), {}).sql == item.sql
    except TypeMistake:
        return False


def _item(items: Any) -> ColumnType:
    options = (
        items.logical_type_options.model_dump(by_alias=True, exclude_none=True) if items.logical_type_options else {}
    )
    if items.logical_type == "string" and options.get("format") not in (None, "uuid"):
        at = ("items", "logicalTypeOptions", "format")
        raise TypeMistake(at, f"format {options['format']} is not checked by Landfall", "write uuid, or leave it out")
    try:
        item = column_type(items.logical_type, items.physical_type, options)
    except TypeMistake as mistake:
        raise TypeMistake(("items", *mistake.location), str(mistake), mistake.suggestion) from None
    if item.kind in ("json", "bytes"):
        raise TypeMistake(
            ("items", "physicalType"), "an array holds scalars only", "write physicalType: JSONB on the array itself"
        )
    return item
