"""The parts of a contract that Landfall acts on, each with its location in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.contract.model import Contract
from pipeline.contract.model.contract import LocalServer, PostgresServer, S3Server, SourceServer
from pipeline.contract.model.custom import (
    Load,
    LoadProperty,
    MissingValuesProperty,
    PlainProperty,
    ReadOptions,
    ReadOptionsProperty,
    ReadSchemaProperty,
)
from pipeline.contract.names import path_columns
from pipeline.contract.problem import Location

T = TypeVar("T")
TABLE: Location = ("schema", 0)


@dataclass(frozen=True)
class At(Generic[T]):
    """A part and where it is."""

    location: Location
    value: T


def sources(contract: Contract) -> list[At[SourceServer]]:
    """The servers that files come from; a valid contract has one."""
    return [At(("servers", i), s) for i, s in enumerate(contract.servers) if isinstance(s, SourceServer)]


def targets(contract: Contract) -> list[At[PostgresServer]]:
    """The servers that tables are on; a valid contract has one."""
    return [At(("servers", i), s) for i, s in enumerate(contract.servers) if isinstance(s, PostgresServer)]


def source(contract: Contract) -> At[SourceServer] | None:
    """The first source server."""
    return next(iter(sources(contract)), None)


def location(server: SourceServer) -> str:
    """Where the files are: an S3 location or a local path, with wildcards."""
    if isinstance(server, S3Server):
        return server.location
    return server.path if isinstance(server, LocalServer) else ""


def partitions(server: SourceServer) -> tuple[str, ...]:
    """The source columns that the location's `name=*` levels give, in order."""
    return path_columns(location(server))


def read_options(contract: Contract) -> At[ReadOptions]:
    """The custom property readOptions, or its defaults."""
    for found in _custom(contract):
        if isinstance(found.value, ReadOptionsProperty):
            return At(found.location, found.value.value)
    return At(("servers",), ReadOptions())


def missing_values(contract: Contract) -> At[list[str]] | None:
    """The custom property missingValues, if there is one."""
    for found in _custom(contract):
        if isinstance(found.value, MissingValuesProperty):
            return At(found.location, found.value.value)
    return None


def read_schema(contract: Contract) -> At[str] | None:
    """The custom property readSchema, if there is one."""
    for found in _custom(contract):
        if isinstance(found.value, ReadSchemaProperty):
            return At(found.location, found.value.value)
    return None


def load(contract: Contract) -> At[Load]:
    """The custom property load, or its defaults."""
    for index, item in enumerate(contract.table.custom_properties or []):
        if isinstance(item, LoadProperty):
            return At((*TABLE, "customProperties", index, "value"), item.value)
    return At(TABLE, Load())


def _custom(contract: Contract) -> list[At[PlainProperty]]:
    """The source server's custom properties, each located at its value."""
    found = source(contract)
    properties = (found.value.custom_properties if found else None) or []
    at = (*found.location, "customProperties") if found else ()
    return [At((*at, index, "value"), item) for index, item in enumerate(properties)]
