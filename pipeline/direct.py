"""Values of a contract without SQL: there is nothing in them for an engine to compute, so its worker reads the part.

An engine that hands rows to Python converts them first, Spark's JVM one by one and twice. It still divides the work:
`mapInArrow` turns the one row that stands for a part into what `transform.values_of` would have yielded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract.dataset import Dataset

Batches = Iterable[pa.RecordBatch]


def without_sql(dataset: Dataset) -> bool:
    """Whether no expression of the contract has to see the values before they are cast."""
    if dataset.load.where is not None or dataset.load.explode is not None:
        return False
    return all(column.expression is None for column in dataset.columns)


def has_sql(dataset: Dataset) -> bool:
    """Whether an engine computes anything for the contract."""
    return bool(dataset.row_rules) or not without_sql(dataset)


def values_in(path: Path, dataset: Dataset) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """For `mapInArrow`: the values in the part at `path`, an Arrow file, in the shape of `transform.values_of`."""

    def read(rows: Batches) -> Iterator[pa.RecordBatch]:
        for _ in rows:
            pass  # it stands for the part
        with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
            for number in range(reader.num_record_batches):
                yield _values(reader.get_batch(number), dataset)

    return read


def _values(batch: pa.RecordBatch, dataset: Dataset) -> pa.RecordBatch:
    missing = pa.array(dataset.read.missing_values, pa.string())
    there = set(batch.schema.names)
    columns = [
        _present(batch.column(column.source), missing)
        if column.source in there
        else pa.nulls(batch.num_rows, pa.string())
        for column in dataset.columns
    ]
    names = [f"v{index}" for index in range(len(columns))]
    keep = pa.repeat(pa.scalar(True), batch.num_rows)
    return pa.RecordBatch.from_arrays([*columns, batch.column("_line"), keep], names=[*names, "_line", "_keep"])


def _present(array: pa.Array, missing: pa.Array) -> pa.Array:
    """NULL for the text values that the contract calls missing; other arrays as they are."""
    if not len(missing) or not pa.types.is_string(array.type):
        return array
    gone = pc.is_in(array, missing)
    return pc.if_else(gone, None, array) if pc.any(gone).as_py() else array
