"""Which contract describes a source object: its location against the object's URI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from pipeline.contract.dataset import Dataset
from pipeline.errors import ContractError

_S3 = "s3://"
_WILDCARD = re.compile(r"(\*\*/|\*\*|\*|\?)")
_MEANING = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def match(datasets: Sequence[Dataset], uri: str, *, only: bool = False) -> Dataset:
    """The dataset whose location matches `uri`: an `s3://` URI without version, a `file://` URI, or a local path.

    S3 objects match by bucket and key. Local files match by the end of their path against the location's key, else by
    their name against the location's last level; if `only`, the single dataset describes every local file.
    Raises ContractError when no dataset matches, or more than one.
    """
    if not uri.startswith(_S3) and only and len(datasets) == 1:
        return datasets[0]
    found = _matching(datasets, uri)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ContractError(_none(datasets, uri))
    paths = " and ".join(dataset.path for dataset in found)
    raise ContractError(
        f"{uri}: more than one contract describes it: {paths}; "
        "make their locations differ, or name one of them with --contracts"
    )


def _matching(datasets: Iterable[Dataset], uri: str) -> list[Dataset]:
    if uri.startswith(_S3):
        return [d for d in datasets if d.location.startswith(_S3) and _fits(d.location, uri)]
    path = uri.removeprefix("file://").replace("\\", "/")
    by_path = [d for d in datasets if _fits(f"**/{_key(d)}", path.lstrip("/")) or _fits(_key(d), path)]
    if by_path:
        # The same tree may hold a/orders.csv and orders.csv: the location with more levels says more.
        levels = max(_key(d).count("/") for d in by_path)
        return [d for d in by_path if _key(d).count("/") == levels]
    name = path.rsplit("/", 1)[-1]
    return [d for d in datasets if _fits(_key(d).rsplit("/", 1)[-1], name)]


def _key(dataset: Dataset) -> str:
    """The location without the bucket: what a local copy of the bucket's tree looks like."""
    location = dataset.location
    return location.removeprefix(_S3).partition("/")[2] if location.startswith(_S3) else location.removeprefix("./")


def _fits(pattern: str, text: str) -> bool:
    return _expression(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4_096)
def _expression(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stay within a level, `**` crosses levels; everything else is meant literally."""
    return re.compile("".join(_MEANING.get(part) or re.escape(part) for part in _WILDCARD.split(pattern)), re.DOTALL)


def _none(datasets: Sequence[Dataset], uri: str) -> str:
    if not datasets:
        return f"{uri}: there are no contracts; pass a file or a directory of *.odcs.yaml with --contracts"
    known = ", ".join(f"{dataset.location} ({dataset.path})" for dataset in datasets)
    return f"{uri}: no contract describes it; there are {known}. Correct a location, or add a contract"
