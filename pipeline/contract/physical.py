"""The PostgreSQL types that Landfall loads, by logicalType; each name that a contract may write for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.contract.dataset import Kind
from pipeline.contract.problem import Location, did_you_mean


class TypeMistake(ValueError):  # noqa: N818 - names the situation
    """The type of a column cannot be. `location`: the key at fault, within the property."""

    def __init__(self, location: Location, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.location = location
        self.suggestion = suggestion


@dataclass(frozen=True)
class Physical:
    """A PostgreSQL type: its names (canonical first), what it is here, and how many parameters it may have."""

    names: tuple[str, ...]
    kind: Kind
    parameters: tuple[int, int] = (0, 0)
    bits: int = 64

    @property
    def name(self) -> str:
        """The canonical name."""
        return self.names[0]


_NUMERIC = Physical(("numeric", "decimal"), "decimal", parameters=(1, 2))
_JSONB = Physical(("jsonb",), "json")
_JSON = Physical(("json",), "json")

# The first type of each row is the default; `number` has none.
PHYSICAL: Mapping[str, tuple[Physical, ...]] = {
    "string": (
        Physical(("text",), "string"),
        Physical(("varchar", "character varying"), "string", parameters=(0, 1)),
        Physical(("char", "character"), "string", parameters=(1, 1)),
        Physical(("uuid",), "uuid"),
        _JSONB,
        _JSON,
        Physical(("bytea",), "bytes"),
    ),
    "integer": (
        Physical(("bigint", "int8"), "integer"),
        Physical(("integer", "int", "int4"), "integer", bits=32),
        Physical(("smallint", "int2"), "integer", bits=16),
        _NUMERIC,
    ),
    "number": (
        _NUMERIC,
        Physical(("double precision", "float8", "float"), "double"),
        Physical(("real", "float4"), "double", bits=32),
    ),
    "boolean": (Physical(("boolean", "bool"), "boolean"),),
    "date": (Physical(("date",), "date"),),
    "timestamp": (
        Physical(("timestamptz", "timestamp with time zone"), "timestamptz"),
        Physical(("timestamp", "timestamp without time zone"), "timestamp"),
    ),
    "time": (Physical(("time", "time without time zone"), "time"),),
    "object": (_JSONB, _JSON),
    "map": (_JSONB, _JSON),
}
# What other databases call it, and what to write instead.
_FOREIGN = {
    "bigserial": "BIGINT", "binary": "BYTEA", "bit": "BOOLEAN", "blob": "BYTEA", "byteint": "SMALLINT", "clob": "TEXT",
    "datetime": "TIMESTAMP", "double": "DOUBLE PRECISION", "long": "BIGINT", "money": "NUMERIC(12,2)",
    "number": "NUMERIC(p,s)", "nvarchar": "VARCHAR", "serial": "INTEGER", "string": "TEXT", "struct": "JSONB",
    "timetz": "TIME", "tinyint": "SMALLINT", "uniqueidentifier": "UUID", "varbinary": "BYTEA", "varchar2": "VARCHAR",
    "variant": "JSONB",
}  # fmt: skip
_WRITTEN = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*(?:\s+[A-Za-z]+)*)\s*(?:\(\s*([0-9]+)\s*(?:,\s*([0-9]+)\s*)?\))?\s*\Z")
# PostgreSQL's limit of varchar(n) and char(n); decimal128 has 38 digits.
_LONGEST_TEXT, _MOST_DIGITS = 10_485_760, 38


def physical_type(logical: str, physical: str | None) -> tuple[Physical, tuple[int, ...]]:
    if physical is None:
        if logical == "number":
            hint = "write physicalType: NUMERIC(12,2), DOUBLE PRECISION or REAL"
            raise TypeMistake(
                ("logicalType",), "a number needs a physicalType: how exact it is cannot be guessed", hint
            )
        return PHYSICAL[logical][0], ()
    written = _WRITTEN.match(physical)
    name = " ".join(written.group(1).lower().split()) if written else physical.lower()
    for known in PHYSICAL[logical]:
        if written and name in known.names:
            parameters = tuple(int(text) for text in written.groups()[1:] if text)
            _check_parameters(known, parameters, physical)
            return known, parameters
    raise TypeMistake(
        ("physicalType",), f"physicalType {physical} does not fit logicalType {logical}", _hint(logical, name)
    )


def _hint(logical: str, name: str) -> str:
    fitting = [logic for logic, types in PHYSICAL.items() if any(name in known.names for known in types)]
    if fitting:
        return f"{name.upper()} goes with logicalType {' or '.join(fitting)}"
    names = [known.name.upper() for known in PHYSICAL[logical]]
    foreign = _FOREIGN.get(name.split("(")[0].split()[0] if name else "")
    if name.startswith("timestamp"):
        return "PostgreSQL's timestamps keep microseconds: write TIMESTAMP or TIMESTAMPTZ without a precision"
    return f"PostgreSQL has {foreign}" if foreign else did_you_mean(name.upper(), names) or ""


def _check_parameters(known: Physical, parameters: tuple[int, ...], physical: str) -> None:
    fewest, most = known.parameters
    name = known.name.upper()
    if len(parameters) > most:
        raise TypeMistake(
            ("physicalType",), f"physicalType {physical}: {name} takes {most or 'no'} number(s)", f"write {name}"
        )
    if len(parameters) < fewest:
        hint = f"write {name}(12,2)" if known.kind == "decimal" else f"write {name}(n), or TEXT"
        raise TypeMistake(("physicalType",), f"physicalType {physical}: {name} needs its size", hint)
    limit = _MOST_DIGITS if known.kind == "decimal" else _LONGEST_TEXT
    if parameters and not 1 <= parameters[0] <= limit:
        raise TypeMistake(("physicalType",), f"physicalType {physical}: the size must be from 1 to {limit:,}")
    if len(parameters) == 2 and parameters[1] > parameters[0]:
        raise TypeMistake(
            ("physicalType",), f"physicalType {physical}: more digits after the point than there are in all"
        )
