"""What the checks of one contract share."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.contract import parts
from pipeline.contract.checks.pruned import Pruned
from pipeline.contract.document import Value
from pipeline.contract.model import Contract
from pipeline.contract.names import snake_case
from pipeline.contract.problem import Location, SqlMistake, nearest


@dataclass(frozen=True)
class Facts:
    """The contract as far as it is well-formed, and the names in it.

    `pruned`: what it was cut out of. `columns`: the target columns' names, those of malformed properties too, so that
    one mistake is not told twice; `nameless`: one of them has no name. `keyed`: whether any property is (meant as)
    part of a primary key. `servers`: how many the file has. `exploded`: the columns that `explode` makes. `declared`:
    the source columns that there are by readSchema and the path, None if the contract does not say.
    """

    contract: Contract
    pruned: Pruned
    columns: tuple[str, ...]
    nameless: bool
    keyed: bool
    servers: int
    exploded: tuple[str, ...] = ()
    declared: tuple[str, ...] | None = None

    def is_column(self, name: str) -> bool:
        """Whether the table has the column, or may have it: one of its properties has no name."""
        return name in self.columns or self.nameless

    def malformed(self, location: Location) -> bool:
        """Whether something at or under a location of `contract` is malformed, and was cut out."""
        place = self.pruned.original(location)
        return any(dropped[: len(place)] == place for dropped in self.pruned.dropped)


def gather(contract: Contract, pruned: Pruned, data: Value) -> Facts:
    """The facts of a contract; `data`: the file's values, malformed ones too."""
    properties = _properties(data)
    names = [p.get("physicalName") or p.get("name") if isinstance(p, dict) else None for p in properties]
    return Facts(
        contract,
        pruned,
        columns=tuple(dict.fromkeys(name for name in names if isinstance(name, str))),
        nameless=any(not isinstance(name, str) for name in names),
        keyed=any(_is_key(p) for p in properties),
        servers=_count(data, "servers"),
        exploded=_exploded(contract),
        declared=_declared(contract),
    )


def _properties(data: Value) -> list[Value]:
    """The properties of the first schema object, whatever they are."""
    schema = data.get("schema") if isinstance(data, dict) else None
    table = schema[0] if isinstance(schema, list) and schema else None
    found = table.get("properties") if isinstance(table, dict) else None
    return found if isinstance(found, list) else []


def _count(data: Value, key: str) -> int:
    found = data.get(key) if isinstance(data, dict) else None
    return len(found) if isinstance(found, list) else 0


def _is_key(found: Value) -> bool:
    """Whether a property is part of the key, or may be meant so: misspelt, or no mapping at all."""
    if not isinstance(found, dict):
        return True
    return any(
        nearest(key, ["primaryKey"]) and value is not False for key, value in found.items() if "osition" not in key
    )


def _exploded(contract: Contract) -> tuple[str, ...]:
    text = parts.load(contract).value.explode
    if text is None:
        return ()
    from pipeline.contract.spark_sql import explode

    try:
        return explode(text).names
    except SqlMistake:
        return ()


def _declared(contract: Contract) -> tuple[str, ...] | None:
    source, schema = parts.source(contract), parts.read_schema(contract)
    if source is None or schema is None or source.value.format != "json":
        return None
    from pipeline.contract.spark_sql import ddl_names

    try:
        names = ddl_names(schema.value)
    except SqlMistake:
        return None
    return (*(snake_case(name) for name in names), *parts.partitions(source.value))
