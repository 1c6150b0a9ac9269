"""A contract's text, checked and compiled: every mistake with its place, or the dataset."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from pipeline.contract.checks import columns, custom, expressions, load_plan, rules, servers, structure
from pipeline.contract.checks.facts import gather
from pipeline.contract.checks.pruned import prune
from pipeline.contract.compile import compile_contract
from pipeline.contract.dataset import Dataset
from pipeline.contract.document import Document, parse
from pipeline.contract.model import Contract
from pipeline.contract.problem import Finding, Problem
from pipeline.errors import ContractError

# sqlglot, which is imported where a contract has SQL, warns about syntax that it passes through unread.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

SUFFIXES = (".odcs.yaml", ".odcs.yml")
_EMPTY = "the contract is empty"


def check(text: str, path: str, environment: Mapping[str, str]) -> list[Problem]:
    """Every mistake of a contract, in the order of the file; none for a valid one.

    `path` names the file in the problems; `environment` resolves `${NAME:-default}`.
    """
    return _problems(parse(text, path, environment))


def load(text: str, path: str, environment: Mapping[str, str]) -> Dataset:
    """The dataset of a contract. Raises ContractError that lists every mistake."""
    document = parse(text, path, environment)
    problems = _problems(document)
    if problems:
        raise ContractError("\n".join(str(problem) for problem in problems))
    contract = Contract.model_validate(document.data)
    return compile_contract(contract, path, hashlib.sha256(text.encode()).hexdigest())


def load_contracts(files: Iterable[tuple[str | Path, str]], environment: Mapping[str, str]) -> tuple[Dataset, ...]:
    """The datasets of `(path, text)` pairs. Raises ContractError: every mistake of all files, or an id twice."""
    datasets, mistakes = [], []
    for path, text in files:
        try:
            datasets.append(load(text, str(path), environment))
        except ContractError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ContractError("\n".join(mistakes))
    _distinct_ids(datasets)
    return tuple(datasets)


def read_files(path: Path) -> Iterator[tuple[str, str]]:
    """`(path, text)` of a contract file, or of every `*.odcs.yaml` under a directory. Raises ContractError."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.name.endswith(SUFFIXES) and file.is_file())
        if not files:
            raise ContractError(f"{path}: no contracts here; they are files named *.odcs.yaml")
    elif path.is_file():
        files = [path]
    else:
        raise ContractError(f"{path}: no such file or directory; name a contract or a directory of *.odcs.yaml")
    for file in files:
        yield str(file), _text(file)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ContractError(f"{file}: not UTF-8; save the contract as UTF-8") from None
    except OSError as error:
        raise ContractError(f"{file}: cannot be read: {error.strerror}") from error


def _problems(document: Document) -> list[Problem]:
    found = list(document.problems)
    if document.data is not None:
        found += [document.place(finding) for finding in _findings(document)]
    elif not found:
        found = [Problem(document.path, 1, 1, _EMPTY, "write apiVersion, kind, id, version, servers and schema")]
    return sorted(set(found), key=lambda problem: (problem.line, problem.column, problem.message))


def _findings(document: Document) -> Iterator[Finding]:
    try:
        Contract.model_validate(document.data)
    except ValidationError as error:
        yield from structure.findings(error, {place: spot.text for place, spot in document.spots.items()})
    pruned = prune(document.data)
    if pruned.contract is None:
        return
    facts = gather(pruned.contract, pruned, document.data)
    checks = (
        servers.check(facts),
        columns.check(facts),
        expressions.check(facts),
        load_plan.check(facts),
        rules.check(facts),
        custom.check(facts),
    )
    for findings in checks:
        for finding in findings:
            place = pruned.original(finding.location)
            yield Finding(place, finding.message, finding.suggestion, finding.at_key, finding.offset)


def _distinct_ids(datasets: list[Dataset]) -> None:
    first: dict[str, Dataset] = {}
    for dataset in datasets:
        other = first.setdefault(dataset.id, dataset)
        if other is not dataset:
            raise ContractError(
                f"{dataset.path}: the id {dataset.id} is also that of {other.path}; give each dataset its own id"
            )
