"""Build the JVM's archive of loaded classes (AppCDS) and prove that it is used: python archive_classes.py ARCHIVE.

Runs in the image itself, because an archive is valid for one JDK build, one class path and one processor architecture.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

LEAST_CLASSES = 5_000
PATIENCE = 180.0


def main(archive: Path) -> None:
    """Write `archive`, then start again with it. Raises SystemExit when it is not used."""
    start(f"-XX:ArchiveClassesAtExit={archive}")
    wait_for(archive)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "classes")
        start(f"{os.environ['SPARK_SUBMIT_OPTS']} -Xshare:on -Xlog:class+load:file={log}")
        mapped = log.read_text().count("shared objects file (top)")
    if mapped < LEAST_CLASSES:
        sys.exit(f"{archive}: only {mapped} classes came from the archive, expected {LEAST_CLASSES} at least")
    print(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB, {mapped} classes")


def start(java_options: str) -> None:
    """Run this file without arguments, in a process of its own, with Spark's JVM so started."""
    subprocess.run([sys.executable, __file__], env={**os.environ, "SPARK_SUBMIT_OPTS": java_options}, check=True)  # noqa: S603


def wait_for(archive: Path) -> None:
    """The JVM writes the archive when it ends, which is after PySpark has ended."""
    deadline, size = time.monotonic() + PATIENCE, -1
    while time.monotonic() < deadline:
        found = archive.stat().st_size if archive.exists() else -1
        if found > 0 and found == size:
            return
        size = found
        time.sleep(2)
    sys.exit(f"{archive}: not written within {PATIENCE:.0f} s")


def load() -> None:
    """What a load makes the engine do: text columns from Parquet, expressions, strict casts in Arrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyspark.sql import functions as f

    from pipeline.session import engine_session

    def whole(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches

    with tempfile.TemporaryDirectory() as scratch, engine_session("spark", 2) as session:
        part = Path(scratch, "part.parquet")
        columns = {name: [f" {n}.50 €" for n in range(200)] for name in ("order_no", "amount", "day", "body")}
        pq.write_table(pa.table({**columns, "_line": range(200)}), part, compression="lz4")
        raw = session.read.parquet(str(part)).where("order_no is not null")
        values = raw.select(
            f.expr("lower(trim(order_no))").alias("order_no"),
            f.expr("try_cast(replace(regexp_replace(amount, '[^0-9,-]', ''), ',', '.') as decimal(12,2))").alias(
                "amount"
            ),
            f.expr("coalesce(try_to_date(day, 'dd/MM/yyyy'), try_to_date(day, 'yyyy-MM-dd'))").alias("day"),
            f.expr("from_json(body, 'a STRING, b ARRAY<STRUCT<c: STRING>>')").alias("body"),
            f.expr("array(sha2(amount, 256), day)").alias("pair"),
            f.expr("_metadata.file_name").alias("source_file"),
            f.col("_line"),
        )
        exploded = values.withColumn("half", f.explode("pair")).coalesce(1)
        exploded.mapInArrow(whole, exploded.schema).collect()


if __name__ == "__main__":
    main(Path(sys.argv[1])) if len(sys.argv) > 1 else load()
