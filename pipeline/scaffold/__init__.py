"""A contract scaffolded from a sample: what a person would have to type, with the evidence beside each guess.

`scaffold` is the room's one door. The layout is found first (`sample`, `dialect`, `header`, `encoding`), the sample is
read as a load would read it, and each type is one that every value of it was tried with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.contract.lint import check
from pipeline.errors import ContractError
from pipeline.scaffold.contract_text import Names, contract_text
from pipeline.scaffold.names import dataset_name
from pipeline.scaffold.properties import describe
from pipeline.scaffold.sample import SAMPLE_BYTES, read_sample

__all__ = ["Scaffold", "Wanted", "scaffold"]


@dataclass(frozen=True)
class Wanted:
    """What the person says; None is taken from the sample's name. `schema`: of the target table."""

    id: str | None = None
    schema: str = "public"
    table: str | None = None


@dataclass(frozen=True)
class Scaffold:
    """A contract's id and its YAML."""

    id: str
    text: str


def scaffold(path: Path, uri: str, wanted: Wanted, work: Path, limit: int = SAMPLE_BYTES) -> Scaffold:
    """The contract for the local file `path`, known as `uri`; temporary files go to the existing directory `work`.

    Raises SourceError for a file that cannot be read, ContractError when what was asked for makes no valid contract.
    """
    sample = read_sample(path, uri, work, limit)
    table = wanted.table or dataset_name(uri)
    names = Names(wanted.id or table.replace("_", "-"), wanted.schema, table)
    text = contract_text(sample, describe(sample, uri), names, uri)
    problems = check(text, f"{names.id}.odcs.yaml", {})
    if problems:
        raise ContractError(f"{uri}: no valid contract came of it: {problems[0]}")
    return Scaffold(names.id, text)
