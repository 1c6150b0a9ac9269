"""The columns that a contract wants of its files."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.contract import parts
from pipeline.contract.model import Contract
from pipeline.contract.names import snake_case


def source_columns(contract: Contract) -> tuple[str, ...]:
    """Each source column that is read, snake_case, in order of first use; those of the path come last.

    So the others are in the order that a file without header has. Raises SqlMistake for an expression that is none.
    """
    found = dict.fromkeys(_used(contract))
    inside = [name for source in parts.sources(contract)[:1] for name in parts.partitions(source.value)]
    return (*(name for name in found if name not in inside), *(name for name in found if name in inside))


def _used(contract: Contract) -> Iterator[str]:
    load = parts.load(contract).value
    reads, made = _exploded(load.explode) if load.explode else ((), ())
    for column in contract.table.properties:
        if column.transform_logic is None:
            yield from (name for name in (snake_case(column.name),) if name not in made)
        else:
            yield from _heads(_references(column.transform_logic), made)
    yield from _heads(_references(load.where) if load.where else (), ())
    yield from _heads(reads, ())


def _exploded(text: str) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """The columns that it reads, and the names of those that it makes."""
    from pipeline.contract.spark_sql import explode

    found = explode(text)
    return found.references, found.names


def _references(text: str) -> tuple[tuple[str, ...], ...]:
    from pipeline.contract.spark_sql import references

    return references(text)


def _heads(found: tuple[tuple[str, ...], ...], made: tuple[str, ...]) -> Iterator[str]:
    return (name[0] for name in found if name[0] not in made and name[0] != "_metadata")
