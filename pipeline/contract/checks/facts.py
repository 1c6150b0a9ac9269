"""What the checks of one contract share."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.contract import parts
from pipeline.contract.document import Value
from pipeline.contract.model import Contract
from pipeline.contract.names import snake_case
from pipeline.contract.spark_sql import SqlMistake, ddl_names, explode


@dataclass(frozen=True)
class Facts:
    """The contract as far as it is well-formed, and the names in it.

    `columns`: the target columns' names, those of malformed properties too, so that one mistake is not told twice.
    `keyed`: whether any property is (meant as) part of a primary key. `exploded`: the columns that `explode` makes.
    `declared`: the source columns that the contract says there are (readSchema and the path), None if it does not say.
    """

    contract: Contract
    columns: tuple[str, ...]
    keyed: bool
    exploded: tuple[str, ...] = ()
    declared: tuple[str, ...] | None = None


def gather(contract: Contract, data: Value) -> Facts:
    """The facts of a contract; `data`: the file's values, malformed ones too."""
    properties = _properties(data)
    names = [p.get("physicalName") or p.get("name") for p in properties]
    return Facts(
        contract,
        columns=tuple(dict.fromkeys(name for name in names if isinstance(name, str))),
        keyed=any("primaryKey" in p and p["primaryKey"] is not False for p in properties),
        exploded=_exploded(contract),
        declared=_declared(contract),
    )


def _properties(data: Value) -> list[dict[str, Value]]:
    """The properties of the first schema object, as far as they are mappings."""
    schema = data.get("schema") if isinstance(data, dict) else None
    table = schema[0] if isinstance(schema, list) and schema else None
    found = table.get("properties") if isinstance(table, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _exploded(contract: Contract) -> tuple[str, ...]:
    text = parts.load(contract).value.explode
    try:
        return explode(text).names if text else ()
    except SqlMistake:
        return ()


def _declared(contract: Contract) -> tuple[str, ...] | None:
    source, schema = parts.source(contract), parts.read_schema(contract)
    if source is None or schema is None or source.value.format != "json":
        return None
    try:
        names = ddl_names(schema.value)
    except SqlMistake:
        return None
    return (*(snake_case(name) for name in names), *parts.partitions(source.value))
