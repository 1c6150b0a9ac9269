"""The columns that a contract wants of its files."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.contract import parts
from pipeline.contract.model import Contract
from pipeline.contract.names import snake_case
from pipeline.contract.spark_sql import explode, references


def source_columns(contract: Contract) -> tuple[str, ...]:
    """Each source column that is read, snake_case, in order of first use; those of the path come last.

    So the others are in the order that a file without header has. Raises SqlMistake for an expression that is none.
    """
    found = dict.fromkeys(_used(contract))
    inside = [name for source in parts.sources(contract)[:1] for name in parts.partitions(source.value)]
    return (*(name for name in found if name not in inside), *(name for name in found if name in inside))


def _used(contract: Contract) -> Iterator[str]:
    load = parts.load(contract).value
    exploded = explode(load.explode) if load.explode else None
    made = exploded.names if exploded else ()
    for column in contract.table.properties:
        if column.transform_logic is None:
            yield from (name for name in (snake_case(column.name),) if name not in made)
        else:
            yield from _heads(references(column.transform_logic), made)
    yield from _heads(references(load.where) if load.where else (), ())
    yield from _heads(exploded.references if exploded else (), ())


def _heads(found: tuple[tuple[str, ...], ...], made: tuple[str, ...]) -> Iterator[str]:
    return (name[0] for name in found if name[0] not in made and name[0] != "_metadata")
