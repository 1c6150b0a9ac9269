"""The contract as YAML, in the order in which a person reads it, each guess below its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.contract.dataset import ReadOptions
from pipeline.scaffold.candidates import said_of_keys
from pipeline.scaffold.form import bare_name
from pipeline.scaffold.names import location
from pipeline.scaffold.properties import Described, Property
from pipeline.scaffold.sample import Sample
from pipeline.scaffold.yaml_text import comment, flow, scalar

_TARGET = (
    '  - {{server: target, type: postgres, host: "${{PGHOST:-localhost}}", port: "${{PGPORT:-5432}}", '
    'database: "${{PGDATABASE:-landfall}}", schema: {schema}}}'
)


@dataclass(frozen=True)
class Names:
    """The dataset's id, the target's schema and table."""

    id: str
    schema: str
    table: str


def contract_text(sample: Sample, described: Described, names: Names, uri: str) -> str:
    """The whole file, ending with a line end."""
    lines = [
        *_top(sample, names, uri),
        *_source(sample, described, names, uri),
        _TARGET.format(schema=scalar(names.schema)),
        *_table(sample, described, names),
        *_properties(described),
    ]
    return "\n".join(lines) + "\n"


def _top(sample: Sample, names: Names, uri: str) -> Iterator[str]:
    rows = sample.table.num_rows
    name = bare_name(uri)
    read = f"all of its {rows:,} records" if sample.complete else f"its first {rows:,} records, not the whole file"
    yield from comment(f"Written by `landfall new` from {name}: types and numbers below are those of {read}.", 0)
    if not sample.complete:
        yield from comment("A type may be too narrow for the rest: such rows will be rejects, not errors.", 0)
    yield from comment("Correct what is wrong, say what is required, choose a key; then `landfall check` this file.", 0)
    yield "apiVersion: v3.2.0"
    yield "kind: DataContract"
    yield f"id: {scalar(names.id)}"
    yield "version: 1.0.0"
    yield "status: draft"


def _source(sample: Sample, described: Described, names: Names, uri: str) -> Iterator[str]:
    read, said = sample.layout.read, sample.layout.said
    yield "servers:"
    yield "  - server: source"
    yield "    type: s3"
    if not uri.startswith("s3://"):
        yield from comment("Where the files will arrive; a local file needs only a name that fits the last level.", 4)
    yield f"    location: {scalar(location(uri, names.table))}"
    if sample.rejected:
        first = sample.rejects[0]
        text = f"records that are no rows, and will be rejects: {sample.rejected:,}"
        yield from comment(f"{text}; the first, line {first.line}: {first.message}", 4)
    yield f"    format: {read.format}"
    if read.format == "csv":
        yield from comment(said["delimiter"], 4)
        yield f"    delimiter: {scalar(read.delimiter)}"
    if read.format in ("csv", "json"):
        yield from comment(said["encoding"], 4)
        yield f"    encoding: {scalar(read.encoding)}"
    yield from _custom(read, said, described)


def _custom(read: ReadOptions, said: dict[str, str], described: Described) -> Iterator[str]:
    options = _options(read)
    usual = ("",) if read.format in ("csv", "xlsx") else ()
    if not options and described.missing == usual and "header" not in said:
        return
    if not options and described.missing == usual:
        yield from comment(f"header: {said['header']}", 4)
        return
    yield "    customProperties:"
    if options or "header" in said:
        if "header" in said:
            yield from comment(f"header: {said['header']}", 6)
        if options:
            yield f"      - {flow({'property': 'readOptions', 'value': options})}"
    if described.missing != usual:
        yield from comment("these texts occur, and are taken for missing values in every column", 6)
        yield f"      - {flow({'property': 'missingValues', 'value': list(described.missing)})}"


def _options(read: ReadOptions) -> dict[str, object]:
    """The read options that are not the default."""
    default = ReadOptions(read.format)
    names = {
        "header": "header",
        "quote": "quote",
        "escape": "escape",
        "skip_lines": "skipLines",
        "comment": "comment",
        "sheet": "sheet",
    }
    found = {key: getattr(read, name) for name, key in names.items() if getattr(read, name) != getattr(default, name)}
    return {key: _Null() if value is None else value for key, value in found.items()}


class _Null:
    """YAML's null."""

    def __str__(self) -> str:
        return "null"


def _table(sample: Sample, described: Described, names: Names) -> Iterator[str]:
    yield "schema:"
    yield f"  - name: {scalar(names.table)}"
    yield "    physicalType: table"
    yield "    customProperties:"
    yield "      - property: load"
    yield from comment(said_of_keys(list(described.keys), sample.complete), 8)
    yield from comment(
        "With a key (primaryKey: true on its columns) mode: upsert merges by it; see also replace and scd2.", 8
    )
    if sample.layout.read.format == "json" and sample.table.num_rows == 1:
        text = "The sample is one JSON object, so one row; load.explode makes a row of each item of a list."
        yield from comment(text, 8)
    yield "        value: {mode: append}"


def _properties(described: Described) -> Iterator[str]:
    yield "    properties:"
    for item in described.properties:
        yield from _property(item)
    for text in described.left_out:
        yield from comment(f"left out: {text}", 6)


def _property(item: Property) -> Iterator[str]:
    for text in item.comment:
        yield from comment(text, 6)
    yield f"      - {flow(item.facts)}"
