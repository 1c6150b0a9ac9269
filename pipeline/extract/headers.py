"""From the sender's headers to unique column names."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.contract.dataset import Dataset
from pipeline.contract.names import path_columns, shorten, snake_case
from pipeline.extract.extraction import LINE, SourceColumn


def name_columns(headers: Sequence[str]) -> tuple[SourceColumn, ...]:
    """Columns of a header: snake_case, unique and at most 63 bytes, depending on nothing but the header itself.

    A blank header at position 3 is called `col_3`. Of equal names the first keeps it, later ones get `_2`, `_3`.
    """
    wanted = [snake_case(header) or f"col_{position}" for position, header in enumerate(headers, 1)]
    taken = {LINE, *wanted}
    seen = {LINE}
    columns = []
    for header, name in zip(headers, wanted, strict=True):
        unique = name if name not in seen else _next_free(name, taken)
        columns.append(SourceColumn(unique, header, duplicate=unique != name and name != LINE))
        seen.add(unique)
        taken.add(unique)
    return tuple(columns)


def in_content(dataset: Dataset) -> tuple[str, ...]:
    """The contract's source columns without those that its location takes from the path: what a file holds itself."""
    inside = path_columns(dataset.location)
    return tuple(name for name in dataset.source_columns if name not in inside)


def name_positions(count: int, declared: Sequence[str]) -> tuple[SourceColumn, ...]:
    """Columns of a file without header: the `declared` ones in their order, and `col_N` beyond them.

    A contract whose columns are themselves called `col_N` means positions, in any order.
    """
    positions = [f"col_{position}" for position in range(1, count + 1)]
    by_position = set(declared) <= set(positions)
    names = positions if by_position else [*declared[:count], *positions[len(declared) :]]
    return tuple(SourceColumn(name, name) for name in names)


def _next_free(name: str, taken: set[str]) -> str:
    number = 2
    while (candidate := shorten(f"{name}_{number}")) in taken:
        number += 1
    return candidate
