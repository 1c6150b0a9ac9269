"""Rejects of formats whose rows have no text of their own (Parquet, XLSX, Avro, ORC), as Parquet to be read again.

After the contract was fixed they come from the source object; corrected, from the JSON records that came back.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.contract.dataset import Dataset
from pipeline.errors import SourceError, UsageError
from pipeline.extract import LINE, PartArea, open_source
from pipeline.extract.headers import name_columns
from pipeline.source import SourceObject, fetch

FORMATS = ("parquet", "xlsx", "avro", "orc")
Reject = Mapping[str, Any]
_HOW = "Have its rejects corrected (`landfall rejects LOAD_ID --csv`), and replay with --file"


def from_source(path: Path, load: Mapping[str, Any], rejects: Sequence[Reject], dataset: Dataset) -> list[Reject]:
    """Write the rows of the rejects, as the load's source object still has them. Returns the rejects that are rows.

    Raises SourceError if the object is not there any more or holds other bytes, or none of the rejects could be a row.
    """
    with TemporaryDirectory(dir=path.parent) as area:
        rows = _rows(_original(load, Path(area)), load["uri"], dataset, Path(area), {each["line"] for each in rejects})
    place = {line: number for number, line in enumerate(rows.column(LINE).to_pylist())}
    found = [each for each in rejects if each["line"] in place]
    if not found:
        raise SourceError(
            f"load {load['load_id']}: none of its open rejects can be a row, whatever the contract says. {_HOW}"
        )
    pq.write_table(rows.take([place[each["line"]] for each in found]).drop_columns([LINE]), path)
    return found


def from_records(path: Path, records: Sequence[str], dialect: Mapping[str, Any], returned: Path) -> None:
    """Write JSON records as rows with the types that the source object had. Raises UsageError for one that is none."""
    if "schema" not in dialect:
        raise UsageError(
            f"the load is of an older Landfall, which did not keep the column types of its {dialect['format']} file: "
            "load a corrected file instead"
        )
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(dialect["schema"])))
    rows = [_row(record, schema, f"{returned}: record {number}") for number, record in enumerate(records, 1)]
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def schema_text(schema: pa.Schema, left_out: Sequence[str]) -> str:
    """The types of a source object's columns, as a receipt keeps them for `from_records`."""
    fields = [field for field in schema if field.name not in left_out]
    return base64.b64encode(pa.schema(fields).serialize().to_pybytes()).decode()


def _row(record: str, schema: pa.Schema, where: str) -> dict[str, Any]:
    try:
        found = _named(record)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{where} is not a JSON object any more. Nothing was loaded; correct it") from error
    row = {}
    for field in schema:
        try:
            row[field.name] = _value(found.get(field.name), field.type)
        except (pa.ArrowException, ValueError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{where}: {field.name} is not written as the source object's type, {field.type}. "
                "Nothing was loaded; correct it"
            ) from error
    return row


def _named(record: str) -> dict[str, Any]:
    """The values of a JSON object by the columns that its keys name as a header. Raises ValueError or TypeError."""
    pairs: list[tuple[str, Any]] = []

    def object_of(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs[:] = found  # the object around all others comes last
        return dict(found)

    if not isinstance(json.loads(record, parse_int=str, parse_float=str, object_pairs_hook=object_of), dict):
        raise TypeError(record)
    columns = name_columns([key for key, _ in pairs])
    return {column.name: value for column, (_, value) in zip(columns, pairs, strict=True)}


def _value(found: Any, wanted: pa.DataType) -> Any:
    """What `extract.rows_as_json` wrote, numbers as their digits, back as what Arrow takes for this type."""
    if found is None:
        return None
    if pa.types.is_struct(wanted):
        return {field.name: _value(found.get(field.name), field.type) for field in wanted}
    if pa.types.is_map(wanted):
        return [(_value(key, wanted.key_type), _value(item, wanted.item_type)) for key, item in found]
    if pa.types.is_list(wanted):
        return [_value(item, wanted.value_type) for item in found]
    if pa.types.is_binary(wanted):
        return bytes.fromhex(found.removeprefix("\\x"))
    text = found if isinstance(found, str) else json.dumps(found)
    return pa.scalar(text, pa.string()).cast(wanted).as_py()


def _original(load: Mapping[str, Any], work: Path) -> Path:
    uri = str(load["uri"])
    local = None if load["bucket"] else Path(uri.removeprefix("file://"))
    version = load["version"] if load["bucket"] and load["version"] != load["etag"] else None
    fetched = fetch(SourceObject(uri, local, load["bucket"], load["key"], version), work)
    if fetched.sha256 != load["sha256"]:
        raise SourceError(f"{uri} holds other bytes than load {load['load_id']} read: load it as it is now. {_HOW}")
    return fetched.path


def _rows(file: Path, uri: str, dataset: Dataset, work: Path, lines: set[int]) -> pa.Table:
    """The raw rows on these lines, columns of the path included."""
    extraction = open_source(file, uri, dataset, PartArea(work))
    wanted, tables = pa.array(sorted(lines), pa.int64()), [extraction.schema.empty_table()]
    for part in extraction.parts():
        table = pq.read_table(part.path).select(extraction.schema.names).cast(extraction.schema)
        tables.append(table.filter(pc.is_in(table.column(LINE), wanted)))
        part.path.unlink()
    return pa.concat_tables(tables)
