"""One part of a load through the engine into staging; rows that the engine cannot compute become rejects there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from pipeline.contract.dataset import Dataset
from pipeline.contract.metadata import FileFacts
from pipeline.extract.parts import RawPart
from pipeline.failure import by_sql
from pipeline.load import straight
from pipeline.load.copy import StagingWriter
from pipeline.load.staging import StagingTarget
from pipeline.partition import rejects_of, staged_part
from pipeline.session import answering
from pipeline.uncomputable import Divided, Uncomputable

_NO_ROWS = pa.RecordBatch.from_arrays([], names=[])


def through_engine(
    engine: SparkSession,
    part: RawPart,
    schema: pa.Schema,
    dataset: Dataset,
    file: FileFacts,
    target: StagingTarget,
    stopping: list[int],
) -> list[dict[str, Any]]:
    """The confirmations of a part, in the shape of `partition.CONFIRMATION`. `stopping`: `known` of `Uncomputable`.

    What went straight into the target cannot be taken back by itself: then this raises what the engine raised.
    """

    def confirmed(part: RawPart) -> list[dict[str, Any]]:
        with answering(engine):
            rows: list[dict[str, Any]] = staged_part(engine, part, schema, dataset, file, target).toArrow().to_pylist()
        return rows

    try:
        return confirmed(part)
    except Exception as error:
        if not by_sql(error, dataset) or target.relay or straight.of(target.load_id):
            raise
        found = Uncomputable(engine, part, schema, dataset, file, stopping).divided()
        if found is None:
            raise
    rows = [_rejected(found, target)]
    if found.rest:
        rows += confirmed(found.rest)
        found.rest.path.unlink()
    return rows


def _rejected(found: Divided, target: StagingTarget) -> dict[str, Any]:
    writer = StagingWriter(target)
    lines, reasons = pa.array(found.lines, pa.int64()), pa.array(found.reasons, pa.string())
    writer.write(_NO_ROWS, rejects_of(lines, reasons), found.filtered)
    return {**asdict(writer.close()), "warned": "{}"}
