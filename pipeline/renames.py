"""A column is gone and another has come: do the values say that it is the same one?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pipeline.contract.dataset import Dataset
from pipeline.errors import LandfallError
from pipeline.extract import PartArea, open_source
from pipeline.header import MissingColumnsError
from pipeline.load.connect import Connection
from pipeline.load.overlap import overlap
from pipeline.source import Fetched

SAMPLE_BYTES = 1 << 20  # of the file that are read for its values
MOST_VALUES = 1_000
LIKELY = 0.5  # share of a new column's values that the missing column has in the table: more is no accident


def with_values(
    refusal: MissingColumnsError, fetched: Fetched, dataset: Dataset, conn: Connection, work: Path
) -> MissingColumnsError:
    """The same refusal, which also names the new columns whose values the table has in a missing one."""
    found: list[str] = []
    with suppress(LandfallError):  # what cannot be compared takes nothing from the refusal
        values = _values(refusal.new, fetched, dataset, work)
        targets = {column.source: column.name for column in dataset.columns if column.source in refusal.missing}
        for missing, column in targets.items():
            for new, sent in values.items():
                known = overlap(conn, dataset.schema, dataset.table, column, sent) if sent else 0
                if known >= LIKELY * max(1, len(sent)):
                    found.append(f"{new} looks like {missing}: the table has {known} of its {len(sent)} first values")
    return MissingColumnsError(". ".join([str(refusal), *found]), refusal.missing, refusal.new)


def _values(new: tuple[str, ...], fetched: Fetched, dataset: Dataset, work: Path) -> dict[str, list[str]]:
    """Distinct values of the new columns at the beginning of the file, as text."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    carrying = replace(dataset.load, evolution=replace(dataset.load.evolution, new_columns="add"))
    extraction = open_source(
        fetched.path, fetched.source.uri, replace(dataset, load=carrying), PartArea(work, SAMPLE_BYTES)
    )
    part = next(iter(extraction.parts()), None)
    if part is None:
        return {}
    found = {}
    columns = pq.read_table(part.path)
    for name in set(new) & set(columns.column_names):
        with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):  # a nested column has no one text
            texts = pc.unique(columns.column(name).slice(0, MOST_VALUES).cast(pa.string())).drop_null()
            found[name] = [text for text in texts.to_pylist() if text]
    return found
