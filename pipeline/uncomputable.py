"""Rows for which an engine cannot compute what SQL there is in a contract: found one by one, so that each costs itself.

Which functions stop at a value and which answer NULL differs from engine to engine, and none says at which row it
stopped. So the part is halved until what is left of it stops no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from pipeline.contract.dataset import Dataset
from pipeline.contract.metadata import FileFacts
from pipeline.errors import RefusedError
from pipeline.extract.parts import RawPart, write_part
from pipeline.failure import by_engine
from pipeline.partition import flagged, values_in_part
from pipeline.session import answering
from pipeline.transform import values_of
from pipeline.typed import no_value

# Of one load. To find a row takes some twenty questions to the engine, and more rows than this are no exceptions.
MOST = 100

_NOTHING = from_arrow_schema(pa.schema([("nothing", pa.int32())]))

Reason = dict[str, str | None]


@dataclass(frozen=True)
class Divided:
    """A part in two. `rest`: a part of the rows that can be computed, None without any. `lines` and `reasons` (JSON
    lists of `{column, rule, message}`) of the others, and how many of them `where` drops."""

    rest: RawPart | None
    lines: tuple[int, ...]
    reasons: tuple[str, ...]
    filtered: int


class Uncomputable:
    """What stops the engine in one part, which has this schema and is of this file. `known`: the lines at which it
    stopped in other parts of the load; those of this part are added."""

    def __init__(
        self,
        engine: SparkSession,
        part: RawPart,
        schema: pa.Schema,
        dataset: Dataset,
        file: FileFacts,
        known: list[int],
    ) -> None:
        self._engine = engine
        self._part = part
        self._schema = schema
        self._dataset = dataset
        self._bare = replace(dataset, columns=(), row_rules=())
        self._file = file
        self._known = known
        self._numbers = count()

    def divided(self) -> Divided | None:
        """The part in two; None if it is not the contract's SQL that stops the engine, or not a row.

        Raises RefusedError if there are more than `MOST` such rows in the load.
        """
        rows = _read(self._part)
        if self._stops(rows.slice(0, 0), self._dataset) or not self._stops(rows, self._dataset):
            return None
        numbers: list[int] = []
        lines: list[int] = []
        reasons: list[str] = []
        for number in self._stopping(rows):
            numbers.append(number)
            row = rows.slice(number, 1)
            found = self._reasons(row)
            if found is None:
                continue
            if not found:
                return None
            lines.append(row.column("_line")[0].as_py())
            reasons.append(json.dumps(found, ensure_ascii=False))
            self._count(lines[-1], found[0])
        rest = rows.filter(pc.invert(pc.is_in(pa.array(range(rows.num_rows)), pa.array(numbers))))
        kept = replace(self._written(rest), size=self._part.size) if rest.num_rows else None
        return Divided(kept, tuple(lines), tuple(reasons), len(numbers) - len(lines))

    def _count(self, line: int, reason: Reason) -> None:
        self._known.append(line)
        if len(self._known) > MOST:
            first = ", ".join(map(str, sorted(self._known)[:5]))
            raise RefusedError(
                f"the engine stops at more than {MOST} rows (lines {first}...): {reason['message']}. Nothing was "
                "published; write the SQL so that it yields NULL for such values, with try_cast, case when or the like"
            )

    def _stopping(self, rows: pa.Table, first: int = 0) -> Iterator[int]:
        """Numbers, from `first`, of the rows at which the engine stops; it stops at one of these at least."""
        if rows.num_rows == 1:
            yield first
            return
        half = rows.num_rows // 2
        upper, lower = rows.slice(0, half), rows.slice(half)
        at_upper = self._stops(upper, self._dataset)
        if at_upper:
            yield from self._stopping(upper, first)
        if not at_upper or self._stops(lower, self._dataset):
            yield from self._stopping(lower, first + half)

    def _reasons(self, row: pa.Table) -> list[Reason] | None:
        """What of the contract's SQL stops at this row; None if `where` drops it, when nothing else counts."""
        load = self._dataset.load
        for name, alone in (("where", replace(load, explode=None)), ("explode", load)):
            text = getattr(load, name)
            if text is not None and self._stops(row, replace(self._bare, load=alone)):
                return [_reason(None, "row_rule", f"{name}: {text} cannot be computed for this row")]
        if not self._keeps(row):
            return None
        columns = [column for column in self._dataset.columns if column.expression]
        found = [
            _reason(column.name, "type", no_value(column))
            for column in columns
            if self._stops(row, replace(self._bare, columns=(column,)))
        ]
        if found or self._stops(row, replace(self._dataset, row_rules=()), typed=True):
            return found
        return [
            _reason(None, "row_rule", f"{rule.name}: {rule.condition} cannot be computed for this row")
            for rule in self._dataset.row_rules
            if self._stops(row, replace(self._dataset, row_rules=(rule,)))
        ]

    def _keeps(self, row: pa.Table) -> bool:
        if self._dataset.load.where is None:
            return True
        bare = replace(self._bare, load=replace(self._bare.load, explode=None))
        with self._in_file(row) as part:
            raw = self._engine.read.format(part.form).load(str(part.path))
            values = values_of(raw, self._schema, bare, self._file).toArrow()
        return bool(values.column("_keep")[0].as_py())

    def _stops(self, rows: pa.Table, dataset: Dataset, *, typed: bool = False) -> bool:
        """Whether the engine fails at these rows. `typed`: also cast and checked, as they are where row rules are."""
        try:
            with self._in_file(rows) as part, answering(self._engine):
                values, read = values_in_part(self._engine, part, self._schema, dataset, self._file)
                asked = flagged(values, dataset, read) if typed or dataset.row_rules else values
                asked.mapInArrow(_nothing, _NOTHING).toArrow()
        except Exception as error:
            if not by_engine(error):
                raise
            return True
        return False

    @contextmanager
    def _in_file(self, rows: pa.Table) -> Iterator[RawPart]:
        part = self._written(rows)
        try:
            yield part
        finally:
            part.path.unlink()

    def _written(self, rows: pa.Table) -> RawPart:
        path = self._part.path.with_stem(f"{self._part.path.stem}-{next(self._numbers)}")
        write_part(path, rows)
        return RawPart(path, rows.num_rows)


def _reason(column: str | None, rule: str, message: str) -> Reason:
    return {"column": column, "rule": rule, "message": message}


def _read(part: RawPart) -> pa.Table:
    if part.form == "parquet":
        return pq.read_table(part.path)
    with pa.memory_map(str(part.path)) as file:
        return pa.ipc.open_file(file).read_all()


def _nothing(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for _ in batches:
        pass
    yield from ()
