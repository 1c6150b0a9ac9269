"""The rows of one part, cast and checked as a load would, brought here instead of into staging."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cast import arrow_type
from pipeline.contract.dataset import Dataset
from pipeline.contract.metadata import FileFacts
from pipeline.extract import RawPart
from pipeline.failure import by_sql
from pipeline.partition import all_reasons, flagged, from_engine
from pipeline.run import Run
from pipeline.session import answering
from pipeline.transform import values_of
from pipeline.typed import typed_batches
from pipeline.uncomputable import Uncomputable

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE, _REASONS = "_line", "_reasons"


@dataclass(frozen=True)
class Checked:
    """`accepted`: the contract's columns and `_line`. `rejected`: `_line` and `_reasons` (JSON). Both in line order."""

    accepted: pa.Table
    rejected: pa.Table
    filtered: int
    warned: dict[str, int]

    @classmethod
    def empty(cls, dataset: Dataset) -> Checked:
        """Of a file without rows."""
        rejected = pa.table({_LINE: pa.array([], pa.int64()), _REASONS: pa.array([], pa.string())})
        return cls(_schema(dataset).empty_table(), rejected, 0, {})

    def by_rule(self) -> Counter[str]:
        """How many rows were rejected under each rule; a row counts under its first reason."""
        return Counter(json.loads(reasons)[0]["rule"] for reasons in self.rejected.column(_REASONS).to_pylist())


def checked(part: RawPart, schema: pa.Schema, dataset: Dataset, file: FileFacts, this: Run) -> Checked:
    """The rows of a part, which has this schema. Raises what the engine raises, if no row is to blame."""
    try:
        return _computed(part, schema, dataset, file, this)
    except Exception as error:
        if not by_sql(error, dataset):
            raise
        found = Uncomputable(this.engine, part, schema, dataset, file, []).divided()
        if found is None:
            raise
    rest = _computed(found.rest, schema, dataset, file, this) if found.rest else Checked.empty(dataset)
    stopped = pa.table({_LINE: pa.array(found.lines, pa.int64()), _REASONS: pa.array(found.reasons, pa.string())})
    return replace(rest, rejected=_sorted([rest.rejected, stopped]), filtered=rest.filtered + found.filtered)


def _computed(part: RawPart, schema: pa.Schema, dataset: Dataset, file: FileFacts, this: Run) -> Checked:
    with answering(this.engine):
        values = values_of(this.engine.read.format(part.form).load(str(part.path)), schema, dataset, file)
        asked = flagged(values, dataset) if dataset.row_rules else values
        found = asked.toArrow().to_batches()
    read = from_engine if dataset.row_rules else typed_batches
    return _divided(read(found, dataset), dataset)


def _divided(batches: Iterable[pa.RecordBatch], dataset: Dataset) -> Checked:
    schema = _schema(dataset)
    accepted: list[pa.Table] = []
    rejected: list[pa.Table] = []
    filtered, warned = 0, Counter[str]()
    for batch in batches:
        kept = batch.filter(batch.column("_keep"))
        filtered += batch.num_rows - kept.num_rows
        reasons = all_reasons(kept, dataset, warned)
        valid = pc.is_null(reasons)
        accepted.append(pa.Table.from_batches([kept.filter(valid).select(schema.names)]))
        lines = kept.column(_LINE).filter(pc.invert(valid))
        rejected.append(pa.table({_LINE: lines, _REASONS: reasons.drop_null()}))
    nothing = Checked.empty(dataset)
    return Checked(_sorted([nothing.accepted, *accepted]), _sorted([nothing.rejected, *rejected]), filtered, warned)


def _sorted(tables: list[pa.Table]) -> pa.Table:
    """Engines may hand partitions over in another order than the file's."""
    table = pa.concat_tables(tables, promote_options="permissive")
    return table.take(pc.sort_indices(table.column(_LINE)))


def _schema(dataset: Dataset) -> pa.Schema:
    return pa.schema([*((column.name, arrow_type(column.type)) for column in dataset.columns), (_LINE, pa.int64())])
