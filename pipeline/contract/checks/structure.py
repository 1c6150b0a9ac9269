"""The mistakes of structure: keys, values and their kinds, from pydantic's errors in words that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from pipeline.contract.model import Contract
from pipeline.contract.model.base import Part
from pipeline.contract.problem import Finding, Location, did_you_mean

_WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
# Words that are near in meaning, not in spelling.
_MEANT = {
    **dict.fromkeys((("logicalType", word) for word in ("text", "varchar", "char", "str", "binary")), "write string"),
    **dict.fromkeys((("logicalType", word) for word in ("float", "double", "decimal", "numeric")), "write number"),
    **dict.fromkeys((("logicalType", word) for word in ("bigint", "long", "smallint", "int")), "write integer"),
    **dict.fromkeys((("logicalType", word) for word in ("datetime", "timestamptz")), "write timestamp"),
    **dict.fromkeys((("logicalType", word) for word in ("json", "jsonb", "struct", "variant")), "write object or map"),
    **dict.fromkeys((("logicalType", word) for word in ("list", "vector")), "write array"),
    ("logicalType", "uuid"): "write string, with logicalTypeOptions: {format: uuid}",
    **dict.fromkeys((("format", word) for word in ("jsonl", "ndjson")), "write json, with delimiter: new_line"),
    **dict.fromkeys((("format", word) for word in ("tsv", "txt")), 'write csv, with the delimiter ("\\t" is a tab)'),
    **dict.fromkeys((("format", word) for word in ("excel", "xls")), "write xlsx"),
    **dict.fromkeys((("severity", word) for word in ("critical", "high", "fatal")), "write error"),
    **dict.fromkeys((("severity", word) for word in ("low", "minor", "warn", "medium")), "write warning"),
    **dict.fromkeys((("unit", word) for word in ("%", "percentage")), "write percent"),
    **dict.fromkeys((("type", word) for word in ("gcs", "azure", "sftp")), "Landfall reads s3 and local files"),
    **dict.fromkeys((("mode", word) for word in ("merge", "update")), "write upsert"),
    **dict.fromkeys((("mode", word) for word in ("overwrite", "full", "truncate")), "write replace"),
    ("mode", "insert"): "write append",
}
_TRUE_WORDS, _FALSE_WORDS = {"yes", "y", "on", "1"}, {"no", "n", "off", "0"}


def findings(error: ValidationError, written: Mapping[Location, str | None]) -> Iterator[Finding]:
    """One finding for each of pydantic's errors. `written`: the scalars as the file writes them, by location."""
    for detail in error.errors():
        yield _finding(detail, written)


def where(detail: ErrorDetails) -> Location:
    """The error's place in the data: pydantic's location without the names of union kinds."""
    return tuple(part for part in detail["loc"] if not _is_tag(part))


def _finding(detail: ErrorDetails, written: Mapping[Location, str | None]) -> Finding:
    location, kind = where(detail), detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(detail, location)
    if kind == "missing":
        return _missing_key(detail, location)
    if kind == "union_tag_invalid":
        return _unknown_kind(detail, location)
    name = _name(location)
    text = written.get(location)
    shown = f", not {text}" if text else ""
    if kind == "literal_error":
        allowed = detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        hint = _MEANT.get((name, (text or "").lower())) or (did_you_mean(text, allowed) if text else None)
        return Finding(
            location,
            f"{name} must be {_alternatives(allowed)}{shown}",
            hint if hint and hint != f"known here: {allowed[0]}" else None,
        )
    if kind in _WANTED:
        message = f"{name} must be {_WANTED[kind]}{shown or _kind_shown(detail)}"
        return Finding(location, message, _quoting(kind, text), at_key=detail["input"] is None)
    return Finding(location, f"{name} {_bound(detail)}{shown}")


def _unknown_key(detail: ErrorDetails, location: Location) -> Finding:
    key, part = str(location[-1]), _part_at(detail["loc"][:-1])
    if part is None:
        return Finding(location, f"unknown key {key}", at_key=True)
    if reason := part.refused.get(key):
        return Finding(location, f"{key} is not honoured here", reason, at_key=True)
    return Finding(location, f"unknown key {key}", did_you_mean(key, part.key_names()), at_key=True)


def _missing_key(detail: ErrorDetails, location: Location) -> Finding:
    key = str(location[-1])
    part = _part_at(detail["loc"][:-1])
    fields = {field.alias or name: field for name, field in part.model_fields.items()} if part else {}
    said = fields[key].description if key in fields else None
    return Finding(location[:-1], f"the key {key} is missing", said.rstrip(".") if said else None)


def _unknown_kind(detail: ErrorDetails, location: Location) -> Finding:
    key, _, value = detail["ctx"]["tag"].strip("<>").partition("=")
    known = [word.strip("'<>").partition("=")[2] for word in detail["ctx"]["expected_tags"].split(", ")]
    if not value and not isinstance(detail["input"], dict):
        return Finding(location, f"{_name(location)} must be a mapping{_kind_shown(detail)}")
    if not value:
        return Finding(location, f"the key {key} is missing", f"write one of {', '.join(known)}")
    hint = _MEANT.get((key, value.lower())) or did_you_mean(value, known)
    return Finding((*location, key), f"{key} cannot be {value}", hint)


def _bound(detail: ErrorDetails) -> str:
    """What a limit of the model says; the limits are pydantic's `Field(ge=...)` and the like."""
    context = detail.get("ctx", {})
    sentences = {
        "greater_than_equal": "must be at least {ge}",
        "greater_than": "must be above {gt}",
        "string_too_short": "must not be empty",
        "too_short": "must have {min_length} or more items",
        "too_long": "must have at most {max_length} items",
    }
    sentence = sentences.get(detail["type"])
    return sentence.format(**context) if sentence else detail["msg"]


def _quoting(kind: str, text: str | None) -> str | None:
    """How to write what was probably meant."""
    if kind == "string_type" and text:
        return f'write it in quotes: "{text}"'
    word = (text or "").lower()
    if kind == "bool_type" and word in _TRUE_WORDS | _FALSE_WORDS:
        return f"write {'true' if word in _TRUE_WORDS else 'false'}"
    if kind == "int_type" and word.isdigit():
        return f"write {text} without quotes"
    return None


def _kind_shown(detail: ErrorDetails) -> str:
    """A list or mapping where something else belongs; YAML makes null of a key with nothing after it."""
    names = {"dict": ", not a mapping", "list": ", not a list", "NoneType": ", but it is empty"}
    return names.get(type(detail["input"]).__name__, "")


def _name(location: Location) -> str:
    """`rejects.max` rather than the whole path: the line and column say the rest."""
    keys = [str(part) for part in location if isinstance(part, str)]
    if not location:
        return "the contract"
    if isinstance(location[-1], int):
        return f"item {location[-1] + 1} of {keys[-1]}" if keys else "the item"
    return keys[-1]


def _alternatives(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


def _part_at(path: tuple[str | int, ...]) -> type[Part] | None:
    """The model of the mapping at pydantic's location `path`, union kinds included."""
    annotation: Any = Contract
    for step in path:
        kinds = dict(_parts(annotation))
        if _is_tag(step):
            annotation = kinds.get(str(step))
        elif isinstance(step, str):
            part = next((kind for kind in kinds.values()), None)
            field = _field(part, step) if part else None
            annotation = field
        if annotation is None:
            return None
    return next((kind for _, kind in _parts(annotation)), None)


def _field(part: type[Part], key: str) -> Any:
    for name, field in part.model_fields.items():
        if key in (field.alias, name):
            return field.rebuild_annotation()
    return None


def _parts(annotation: Any, tag: str = "") -> Iterator[tuple[str, type[Part]]]:
    """The models inside an annotation, each with the name of its kind where it is one of a union's."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if issubclass(annotation, Part):
            yield tag, annotation
        return
    for argument in get_args(annotation):
        if isinstance(argument, Tag):
            continue
        own = next((extra.tag for extra in get_args(argument)[1:] if isinstance(extra, Tag)), tag)
        yield from _parts(argument, own)
