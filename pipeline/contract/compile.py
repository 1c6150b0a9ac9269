"""From the checked model to the frozen `Dataset` that every stage knows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pipeline.contract import parts
from pipeline.contract.checks.enums import text as value_text
from pipeline.contract.checks.load_plan import dedupe_terms
from pipeline.contract.compile_rules import dataset_rules, row_rules
from pipeline.contract.dataset import Budget, Column, Dataset, Evolution, LoadPlan, ReadOptions, Rules
from pipeline.contract.model import Contract
from pipeline.contract.model.contract import SourceServer
from pipeline.contract.model.custom import Load
from pipeline.contract.model.properties import Column as Property
from pipeline.contract.names import snake_case
from pipeline.contract.source_columns import source_columns
from pipeline.contract.types import column_type

_LAYOUTS = {"new_line": "lines", "array": "array"}
_WITH_EMPTY_TEXT = ("csv", "xlsx")
_RESTRICTED = ("restricted", "confidential", "secret")


def compile_contract(contract: Contract, path: str, sha256: str) -> Dataset:
    """The dataset of a contract in which `lint.check` found nothing. `sha256`: of the contract's text, hexadecimal."""
    server = parts.sources(contract)[0].value
    load = parts.load(contract).value
    return Dataset(
        id=contract.id,
        version=contract.version,
        path=path,
        sha256=sha256,
        location=parts.location(server),
        read=_read(contract, server),
        schema=parts.targets(contract)[0].value.schema_,
        table=contract.table.physical_name or contract.table.name,
        columns=tuple(_columns(contract)),
        source_columns=source_columns(contract),
        load=_load(load),
        row_rules=row_rules(contract),
        dataset_rules=dataset_rules(contract),
        description=_description(contract),
    )


def _read(contract: Contract, server: SourceServer) -> ReadOptions:
    options = parts.read_options(contract).value
    missing, schema = parts.missing_values(contract), parts.read_schema(contract)
    default = ("",) if server.format in _WITH_EMPTY_TEXT else ()
    layout: Any = _LAYOUTS.get(server.delimiter or "", "auto") if server.format == "json" else "auto"
    return ReadOptions(
        format=server.format,
        delimiter=server.delimiter or "," if server.format == "csv" else ",",
        encoding=server.encoding or "UTF-8",
        header=options.header,
        quote=options.quote,
        escape=options.escape,
        skip_lines=options.skip_lines,
        comment=options.comment,
        sheet=options.sheet,
        json_layout=layout,
        missing_values=tuple(missing.value) if missing else default,
        read_schema=" ".join(schema.value.split()) if schema else None,
    )


def _columns(contract: Contract) -> Iterator[Column]:
    positions = _key_positions(contract)
    for column in contract.table.properties:
        logical: str = getattr(column, "logical_type", "")
        name = column.column_name
        yield Column(
            name=name,
            type=column_type(logical, column.physical_type, column.options, getattr(column, "items", None)),
            source="" if column.transform_logic else snake_case(column.name),
            expression=column.transform_logic,
            required=column.required or column.primary_key,
            unique=column.unique,
            key_position=positions.get(name),
            restricted=_restricted(column),
            rules=_rules(column),
            description=column.description,
        )


def _key_positions(contract: Contract) -> dict[str, int]:
    keyed = [column for column in contract.table.properties if column.primary_key]
    ordered = sorted(keyed, key=lambda column: column.primary_key_position or 0)
    return {column.column_name: position for position, column in enumerate(ordered, 1)}


def _restricted(column: Property) -> bool:
    tags = [tag.lower() for tag in column.tags or []]
    return (column.classification or "").lower() in _RESTRICTED or "pii" in tags


def _rules(column: Property) -> Rules:
    options = column.options
    bounds = {
        "minimum": "minimum",
        "maximum": "maximum",
        "exclusive_minimum": "exclusiveMinimum",
        "exclusive_maximum": "exclusiveMaximum",
        "multiple_of": "multipleOf",
    }
    return Rules(
        enum=tuple(value_text(item.value) for item in column.enum or []),
        pattern=options.get("pattern"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        min_items=options.get("minItems"),
        max_items=options.get("maxItems"),
        **{name: _bound(options.get(key)) for name, key in bounds.items()},
    )


def _bound(value: str | Decimal | None) -> str | None:
    return None if value is None else value_text(value)


def _load(load: Load) -> LoadPlan:
    evolution = load.evolution
    terms = dedupe_terms(load.dedupe) if load.dedupe else []
    return LoadPlan(
        mode=load.mode,
        where=load.where,
        explode=load.explode,
        dedupe=", ".join(f"{name} {direction}".strip() for name, direction in terms) or None,
        replace_by=tuple(load.replace_by or ()),
        track_columns=tuple(load.track_columns or ()),
        same_content=load.same_content,
        valid_from=load.valid_from,
        undo_days=load.undo.keep_days,
        budget=Budget(float(load.rejects.max), load.rejects.unit) if load.rejects else Budget(),
        evolution=Evolution(evolution.new_columns, evolution.missing_columns, evolution.type_change),
    )


def _description(contract: Contract) -> str | None:
    """The table's own description, else the contract's purpose."""
    said = contract.description
    purpose = said.get("purpose") if isinstance(said, dict) else said
    return contract.table.description or (purpose if isinstance(purpose, str) else None)
