"""dlt: FILE URL SCHEMA SETTINGS, where SETTINGS is default, csv or parquet.

default: the CSV reader of its filesystem source, rows of Python, INSERT statements.
csv, parquet: Arrow tables that go by COPY, or by ADBC, as its page on PostgreSQL advises for speed; several files,
as many workers as processors and no compression, as its page on performance advises.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from columns import COLUMNS

FAST = {
    "DATA_WRITER__FILE_MAX_ITEMS": "1000000",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "NORMALIZE__WORKERS": str(os.cpu_count()),
    "LOAD__WORKERS": str(os.cpu_count()),
}
HINTS: dict[str, dict[str, Any]] = {
    "bigint": {"data_type": "bigint"},
    "integer": {"data_type": "bigint", "precision": 32},
    "numeric(12,2)": {"data_type": "decimal", "precision": 12, "scale": 2},
    "char(1)": {"data_type": "text", "precision": 1},
    "date": {"data_type": "date"},
    "text": {"data_type": "text"},
}


def tables(path: Path) -> Iterator[Any]:
    """The file as Arrow tables of about 150,000 rows."""
    import pyarrow as pa
    import pyarrow.csv as pc

    types = {"bigint": pa.int64(), "integer": pa.int32(), "numeric(12,2)": pa.decimal128(12, 2), "date": pa.date32()}
    wanted = {column: types.get(kind, pa.string()) for column, kind in COLUMNS.items()}
    reader = pc.open_csv(
        path, pc.ReadOptions(block_size=20 << 20), convert_options=pc.ConvertOptions(column_types=wanted)
    )
    for batch in reader:
        yield pa.Table.from_batches([batch])


def rows(path: Path) -> Any:
    """The file by dlt's own reader."""
    from dlt.sources.filesystem import filesystem, read_csv

    return filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name) | read_csv()


def main(path: Path, url: str, schema: str, settings: str) -> None:
    """Load it."""
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", **({} if settings == "default" else FAST)})
    import dlt

    hints = {column: {"name": column, **HINTS[kind]} for column, kind in COLUMNS.items()}
    source = rows(path) if settings == "default" else dlt.resource(tables(path), name="lineitem")
    source.apply_hints(columns=hints)
    with tempfile.TemporaryDirectory() as directory:
        target = dlt.destinations.postgres(url)
        pipeline = dlt.pipeline("bench", pipelines_dir=directory, destination=target, dataset_name=schema)
        form = None if settings == "default" else settings
        pipeline.run(source, table_name="lineitem", loader_file_format=form).raise_on_failed_jobs()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:5])
