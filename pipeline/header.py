"""The columns that arrived against the columns that the contract wants, by name, under its evolution policy."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.contract.dataset import Column, ColumnType, Dataset
from pipeline.contract.names import snake_case
from pipeline.errors import RefusedError


class Arrived(Protocol):
    """A column of the file: `header` as sent, `name` in snake_case."""

    @property
    def name(self) -> str: ...
    @property
    def header(self) -> str: ...


class MissingColumnsError(RefusedError):
    """Columns that the contract uses are not in the file. `missing`, `new`: their names and the unknown ones', in
    snake_case."""

    def __init__(self, message: str, missing: Sequence[str], new: Sequence[str]) -> None:
        super().__init__(message)
        self.missing, self.new = tuple(missing), tuple(new)


@dataclass(frozen=True)
class Header:
    """`dataset` with the columns that `newColumns: add` brings; the columns ignored, filled with NULL, and added."""

    dataset: Dataset
    ignored: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def check_header(dataset: Dataset, arrived: Sequence[Arrived], uri: str) -> Header:
    """Apply the evolution policy. Raises `RefusedError`, of the kind `MissingColumnsError` if columns are missing: it
    names them and the likely renames."""
    names = [column.name for column in arrived]
    _no_doubles(dataset, arrived, uri)
    missing = [name for name in dataset.source_columns if name not in names]
    new = [name for name in names if name not in dataset.source_columns]
    policy = dataset.load.evolution
    if missing and policy.missing_columns == "fail":
        raise MissingColumnsError(_missing(missing, new, uri, dataset), missing, new)
    if new and policy.new_columns == "fail":
        raise RefusedError(
            f"{uri}: columns that the contract does not know: {', '.join(new)}. Add them to {dataset.path}, "
            "or set evolution.newColumns to ignore or add"
        )
    if policy.new_columns != "add":
        return Header(dataset, ignored=tuple(new), filled=tuple(missing))
    taken = {column.name for column in dataset.columns}
    added = tuple(name for name in new if name not in taken)
    columns = tuple(Column(name, ColumnType("string", "text"), source=name) for name in added)
    return Header(replace(dataset, columns=dataset.columns + columns), filled=tuple(missing), added=added)


def _no_doubles(dataset: Dataset, arrived: Sequence[Arrived], uri: str) -> None:
    alike: dict[str, list[Arrived]] = defaultdict(list)
    for column in arrived:
        alike[snake_case(column.header) or column.name].append(column)
    for name, columns in alike.items():
        if len(columns) > 1 and any(column.name in dataset.source_columns for column in columns):
            headers = ", ".join(repr(column.header) for column in columns)
            raise RefusedError(
                f"{uri}: the column {name!r} stands more than once in the header ({headers}), and the contract uses "
                "it: which one is meant cannot be known. Ask the sender for a file with distinct names"
            )


def _missing(missing: list[str], new: list[str], uri: str, dataset: Dataset) -> str:
    renamed = []
    for name in missing:
        similar = difflib.get_close_matches(name, new, n=1, cutoff=0.6)
        if similar:
            renamed.append(f"{name} may have become {similar[0]}")
    hint = f" ({'; '.join(renamed)})" if renamed else ""
    return (
        f"{uri}: columns are missing: {', '.join(missing)}{hint}. "
        f"Unknown columns in the file: {', '.join(new) or 'none'}. "
        f"Correct {dataset.path}, ask the sender, or set evolution.missingColumns to fill"
    )
