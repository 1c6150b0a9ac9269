"""Names for a new contract, made from the sample's own: the dataset's, the location's, and columns that SQL takes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.contract.names import shorten, snake_case
from pipeline.scaffold.form import bare_name

# https://www.postgresql.org/docs/current/ddl-system-columns.html
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
# A date or a counter of six digits and more says which delivery it is, not which dataset.
_CLOCK = r"(?:[T_-]?[0-9]{4,9}Z?)?"
_DELIVERY = re.compile(rf"[0-9]{{4}}[-_.][0-9]{{2}}(?:[-_.][0-9]{{2}})?{_CLOCK}|[0-9]{{6,}}{_CLOCK}")
_WILD = re.compile(r"[*?{}$\x00-\x1f\x7f]")


def dataset_name(name: str) -> str:
    """The dataset that a file called `name` belongs to: `orders` of `in/orders_2026-11-20.csv.gz`."""
    stem = bare_name(name.split("?versionId=")[0])
    stem = stem.rpartition(".")[0] or stem
    found = snake_case(_DELIVERY.sub(" ", stem)) or snake_case(stem)
    return column_name(found) if found.strip("_") else "dataset"


def location(uri: str, dataset: str) -> str:
    """The location that a contract gives: an S3 object's own, or a place to be filled in for a local file's name.

    What changes with each delivery becomes `*`; so do the values of `key=value` directories.
    """
    bare = uri.split("?versionId=")[0]
    prefix, _, name = bare.rpartition("/")
    pattern = _DELIVERY.sub("*", _WILD.sub("?", name))
    if bare.startswith("s3://"):
        levels = _levels(prefix.removeprefix("s3://").split("/")[1:])
        bucket = bare.removeprefix("s3://").split("/")[0]
        return f"s3://{'/'.join([bucket, *levels, pattern])}"
    partitions = _levels([level for level in prefix.split("/") if "=" in level])
    return "/".join(["s3://${LANDING_BUCKET:-landing}", dataset, *partitions, pattern])


def column_name(source: str) -> str:
    """The name of a target column for a source column: letters, digits and _, not one of Landfall's or PostgreSQL's."""
    name = re.sub(r"\W", "_", source).lstrip("_") or "column"
    if name[0].isdigit():
        name = f"c_{name}"
    return shorten(f"{name}_value" if name in _SYSTEM_COLUMNS else name)


def column_names(sources: Iterable[str]) -> dict[str, str]:
    """The target column of each source column, all distinct: where `column_name` is the same, `_2`, `_3` is added.

    A source column that needs no other name keeps its own.
    """
    names: dict[str, str] = {}
    for source in sorted(sources, key=lambda source: column_name(source) != source):
        name, number = column_name(source), 1
        while name in names.values():
            number += 1
            name = shorten(f"{column_name(source)}_{number}")
        names[source] = name
    return names


def path_levels(name: str) -> dict[str, tuple[str, str]]:
    """By source column the `key=value` directories of a path or URI; of equal keys the one nearest to the file."""
    levels = (level.partition("=") for level in name.split("/")[:-1])
    named = {snake_case(key): (key, value) for key, equals, value in levels if equals}
    return {column: level for column, level in named.items() if column}


def _levels(levels: Iterable[str]) -> list[str]:
    """The levels with `*` in place of what changes; a contract names each partition once."""
    seen: set[str] = set()
    found = []
    for level in levels:
        key, equals, _ = level.partition("=")
        if not equals or not key:
            found.append(_WILD.sub("?", level))
            continue
        found.append("*" if snake_case(key) in seen else f"{key}=*")
        seen.add(snake_case(key))
    return found
