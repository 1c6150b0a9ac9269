"""`landfall preview`: the first rows of a source object as they would be loaded, and the first rejects. No database.

The rows take the way of a load (extract, engine, casts, rules) up to staging; only the first part of the object does.
What needs the table or the whole file (keys that repeat, `unique`, dataset rules) is not looked at.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa

from pipeline.contract.dataset import Dataset
from pipeline.contract.lint import load
from pipeline.contract.match import match
from pipeline.contract.metadata import FileFacts
from pipeline.errors import UsageError
from pipeline.extract import Extraction, PartArea, RawReject, open_source
from pipeline.header import check_header
from pipeline.preview.first_rows import Checked, checked
from pipeline.preview.profile import ColumnProfile, profile
from pipeline.preview.rejects import Reject, typed_rejects
from pipeline.run import Run
from pipeline.scaffold import Wanted, scaffold
from pipeline.source import Fetched, fetch, named

PART_BYTES = 16 << 20
"""Bytes of input (unpacked) that a preview looks at, about; enough for a profile, read in a second or two."""


@dataclass(frozen=True)
class Preview:
    """What a load would make of the beginning of a source object; `complete` if that is all of it.

    `records` = the records read; of the rows that they are (or became, by explode), `accepted`, `filtered` and
    `rejected` by rule. `rows`: the first accepted ones. `warned`: accepted rows that break a warning, by rule name.
    """

    source: str
    dataset: Dataset
    scaffolded: bool
    records: int
    complete: bool
    accepted: int
    filtered: int
    rejected: int
    rejects_by_rule: dict[str, int]
    rows: pa.Table
    rejects: tuple[Reject, ...]
    columns: tuple[ColumnProfile, ...]
    warned: dict[str, int] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()


def preview(argument: str, this: Run, rows: int, part_bytes: int = PART_BYTES) -> Preview:
    """Look at the one source object that `argument` names; show at most `rows` rows and as many rejects.

    Without contracts the object is described as `landfall new` would. Raises the errors of a load up to staging.
    """
    sources = list(islice(named((argument,)), 2))
    if len(sources) != 1:
        raise UsageError(f"{argument}: more than one file; preview looks at one")
    with this.work_area() as work:
        only = match(this.datasets, sources[0].uri, only=this.only_contract) if this.settings.contracts else None
        fetched = fetch(sources[0], Path(work))
        dataset = only or _described(fetched, Path(work), this)
        return _preview(fetched, dataset, this, Path(work), (rows, part_bytes), scaffolded=only is None)


def _described(fetched: Fetched, work: Path, this: Run) -> Dataset:
    uri = fetched.source.uri
    found = scaffold(fetched.path, uri, Wanted(), work, limit=PART_BYTES)
    return load(found.text, f"{found.id}.odcs.yaml", this.settings.environment)


def _preview(
    fetched: Fetched, dataset: Dataset, this: Run, work: Path, limits: tuple[int, int], *, scaffolded: bool
) -> Preview:
    rows, part_bytes = limits
    uri = fetched.source.uri
    extraction = open_source(fetched.path, uri, dataset, PartArea(work, part_bytes))
    header = check_header(dataset, extraction.columns, uri)
    dataset = header.dataset
    parts = extraction.parts()
    part = next(parts, None)
    facts = FileFacts(fetched.source.name, uri, fetched.bytes)
    found = checked(part, extraction.schema, dataset, facts, this) if part else Checked.empty(dataset)
    records, structural = extraction.records, list(extraction.rejects())
    return Preview(
        source=uri,
        dataset=dataset,
        scaffolded=scaffolded,
        records=records,
        complete=next(parts, None) is None,
        accepted=found.accepted.num_rows,
        filtered=found.filtered,
        rejected=len(structural) + found.rejected.num_rows,
        rejects_by_rule=dict(Counter([reject.rule for reject in structural]) + found.by_rule()),
        rows=found.accepted.slice(0, rows),
        rejects=_first_rejects(structural, found, extraction, dataset, rows),
        columns=tuple(profile(column, found.accepted.column(column.name)) for column in dataset.columns),
        warned=found.warned,
        ignored=header.ignored,
        filled=header.filled,
    )


def _first_rejects(
    structural: list[RawReject], found: Checked, extraction: Extraction, dataset: Dataset, rows: int
) -> tuple[Reject, ...]:
    """The first rejects of both kinds by line. A sender's line is not shown where one of its columns is restricted."""
    typed = typed_rejects(found.rejected.slice(0, rows))
    lines = sorted({reject.line for reject in typed})
    raw = dict(extraction.raw_records(iter(lines)))
    hidden = any(column.restricted for column in dataset.columns)
    encoding = dataset.read.encoding
    read = [Reject(r.line, r.column, r.rule, r.message, _text(r.raw, encoding, hidden=hidden)) for r in structural]
    known = [r.with_raw(_text(raw.get(r.line), encoding, hidden=hidden)) for r in typed]
    return tuple(sorted([*read[:rows], *known], key=lambda reject: reject.line)[:rows])


def _text(raw: bytes | None, encoding: str, *, hidden: bool) -> str | None:
    return None if raw is None or hidden else raw.decode(encoding, "backslashreplace")


__all__ = ["PART_BYTES", "Preview", "preview"]
