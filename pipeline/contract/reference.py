"""The contract reference `docs/contract.md`, generated from the model and from the prose of `reference.md`.

`python -m pipeline.contract.reference` writes it. In the prose, `<!-- keys: Load -->` stands for the table of a model's
keys, `<!-- types -->` for the table of types, `<!-- refused -->` for the ODCS keys that are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline.contract.dataset import Kind
from pipeline.contract.model import contract, custom, options, properties, quality
from pipeline.contract.model.base import Free, Part
from pipeline.contract.physical import PHYSICAL, Physical

PROSE = Path(__file__).with_name("reference.md")
FILE = Path(__file__).parents[2] / "docs" / "contract.md"
_MODELS: dict[str, type[Part]] = {
    name: kind
    for module in (contract, custom, options, properties, quality)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Part)
}
_FREE = get_args(Free)[1].description
# What the engine and Arrow call a kind.
_ENGINE: dict[Kind, str] = {
    "string": "string",
    "uuid": "string",
    "json": "string",
    "bytes": "binary",
    "decimal": "decimal(p,s)",
    "boolean": "boolean",
    "date": "date",
    "timestamptz": "timestamp",
    "timestamp": "timestamp_ntz",
    "time": "string",
}
_INTEGERS = {16: "smallint", 32: "int", 64: "bigint"}


def reference_text() -> str:
    """The page as the file holds it."""
    prose = PROSE.read_text(encoding="utf-8")
    text = re.sub(r"<!-- keys: (\w+) -->", lambda found: _keys(_MODELS[found.group(1)]), prose)
    return text.replace("<!-- types -->", _types()).replace("<!-- refused -->", _refused())


def _keys(part: type[Part]) -> str:
    """The honoured keys of a mapping as a table; the documentary ones in a sentence below."""
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    documentary = []
    for name, field in part.model_fields.items():
        key = field.alias or name
        if field.description == _FREE:
            documentary.append(f"`{key}`")
            continue
        cells = (f"`{key}`", _value(field.annotation), _default(field), field.description or "")
        rows.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    table = "\n".join(rows)
    return f"{table}\n\nDocumentation, without effect on a load: {', '.join(documentary)}." if documentary else table


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _value(annotation: Any) -> str:
    """What a key's value may be, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _value(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in (Union, UnionType):
        kinds = [kind for kind in arguments if kind is not type(None)]
        return " or ".join(dict.fromkeys(_value(kind) for kind in kinds))
    if origin is list:
        return f"list of {_value(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return "mapping"
    names = {"str": "text", "bool": "`true`, `false`", "int": "whole number", "Decimal": "number"}
    return names.get(getattr(annotation, "__name__", ""), "text or whole number")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value is PydanticUndefined or isinstance(value, Part):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _types() -> str:
    rows = ["| logicalType | physicalType | also written | engine | PostgreSQL |", "|---|---|---|---|---|"]
    for logical, types in PHYSICAL.items():
        for index, physical in enumerate(types):
            default = " (default)" if index == 0 and logical != "number" else ""
            others = ", ".join(f"`{name.upper()}`" for name in physical.names[1:])
            sql = f"`{physical.name}{_parameters(physical)}`"
            written = f"`{physical.name.upper()}{_parameters(physical)}`{default}"
            rows.append(f"| `{logical}` | {written} | {others} | `{_engine(physical)}` | {sql} |")
    rows.append(
        "| `array` of a scalar type | none, or `TEXT[]` and the like | | `array<...>` | `text[]` and the like |"
    )
    rows.append("| `array` of anything else | `JSONB` (default), `JSON` | | `string` | `jsonb`, `json` |")
    return "\n".join(rows)


def _parameters(physical: Physical) -> str:
    fewest, most = physical.parameters
    if most == 0:
        return ""
    return "(p,s)" if most == 2 else "(n)" if fewest else "[(n)]"


def _engine(physical: Physical) -> str:
    if physical.kind == "integer":
        return _INTEGERS[physical.bits]
    if physical.kind == "double":
        return "float" if physical.bits == 32 else "double"
    return _ENGINE[physical.kind]


def _refused() -> str:
    rows = ["| where | key | instead |", "|---|---|---|"]
    rows += [f"| {where} | `{key}` | {_cell(reason)} |" for where, key, reason in _refused_keys()]
    return "\n".join(rows)


def _refused_keys() -> Iterator[tuple[str, str, str]]:
    places: dict[str, type[Part]] = {
        "the contract": contract.Contract,
        "source server": contract.SourceServer,
        "schema object": contract.SchemaObject,
        "property": properties.Column,
        "integer, number": options.NumericOptions,
        "date, time": options.TemporalOptions,
        "array": options.ArrayOptions,
        "object, map": options.ObjectOptions,
        "quality rule": quality.Rule,
        "readOptions": custom.ReadOptions,
    }
    for where, part in places.items():
        for key, reason in part.refused.items():
            yield where, key, reason


def main() -> None:
    """Write the page."""
    FILE.write_text(reference_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
