"""A preview as JSON for programs and as tables for people."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.preview import Preview
from pipeline.preview.profile import ColumnProfile
from pipeline.visible import visible, visible_name

if TYPE_CHECKING:
    from rich.table import Table

RESTRICTED = "(restricted)"
"""What stands for the value of a restricted column."""
_NARROWEST = 100
_MOST_COLUMNS = 7
_TRANSPOSED_ROWS = 4
_LONGEST = 40


def as_json(found: Preview) -> str:
    """The preview as one JSON document. Values without a JSON type (dates, decimals, bytes) are text."""
    dataset = found.dataset
    facts: dict[str, object] = {
        "source": found.source,
        "dataset": dataset.id,
        "target": f"{dataset.schema}.{dataset.table}",
        "contract": None if found.scaffolded else dataset.path,
        "records": found.records,
        "complete": found.complete,
        "accepted": found.accepted,
        "filtered": found.filtered,
        "rejected": found.rejected,
        "rejects_by_rule": found.rejects_by_rule,
        "warned": found.warned,
        "columns_ignored": list(found.ignored),
        "columns_filled": list(found.filled),
        "columns": [_profile_json(column) for column in found.columns],
        "rows": list(_rows(found)),
        "rejects": [vars(reject) for reject in found.rejects],
    }
    return json.dumps(_finite(facts), ensure_ascii=False, default=_text)


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity: they become text."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _profile_json(column: ColumnProfile) -> dict[str, object]:
    top = [{"value": value, "count": count} for value, count in column.top]
    return {**vars(column), "top": top}


def _rows(found: Preview) -> Iterator[dict[str, object]]:
    """The first rows, a restricted column's values covered."""
    hidden = [column.name for column in found.dataset.columns if column.restricted]
    for row in found.rows.to_pylist():
        yield {**row, **{name: RESTRICTED for name in hidden if row[name] is not None}}


def show(found: Preview) -> None:
    """Print the preview on stdout."""
    from rich.console import Console

    width = shutil.get_terminal_size((140, 40)).columns
    console = Console(width=max(width, _NARROWEST), highlight=False, markup=False)
    for line in _summary(found):
        console.print(visible_name(line))
    console.print(_profile_table(found))
    if found.rows.num_rows:
        console.print(_rows_table(found))
    for reject in found.rejects:
        console.print(visible(f"line {reject.line}: {reject.rule}: {reject.message}"))
        if reject.raw is not None:
            console.print(f"    {visible(reject.raw)}", overflow="ellipsis", no_wrap=True)


def _summary(found: Preview) -> Iterator[str]:
    dataset = found.dataset
    described = "no contract: as `landfall new` describes it" if found.scaffolded else dataset.path
    yield f"{found.source} -> {dataset.schema}.{dataset.table}   ({described})"
    scope = "the whole file" if found.complete else "the beginning of the file"
    parts = [(found.accepted, "would load"), (found.filtered, "filtered"), (found.rejected, "rejected")]
    counts = " + ".join(f"{count:,} {what}" for count, what in parts if count or what == "would load")
    yield f"{found.records:,} records read, {scope}: {counts}"
    if found.rejects_by_rule:
        yield "rejects by rule: " + ", ".join(f"{rule} {n:,}" for rule, n in sorted(found.rejects_by_rule.items()))
    for rule, count in found.warned.items():
        yield f"warning: {count:,} rows break the rule {rule}"
    for what, names in (("ignored", found.ignored), ("filled", found.filled)):
        if names:
            yield f"columns {what}: {', '.join(names)}"


def _profile_table(found: Preview) -> Table:
    from rich.table import Table

    table = Table(title=f"columns of the {found.accepted:,} rows", title_justify="left", box=None, pad_edge=False)
    for name in ("column", "type"):
        table.add_column(name, overflow="fold")
    for name in ("values", "missing", "distinct"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("min", "max", "most frequent"):
        table.add_column(name, overflow="ellipsis", no_wrap=name != "most frequent")
    for column in found.columns:
        table.add_row(*_profile_cells(column))
    return table


def _profile_cells(column: ColumnProfile) -> Iterator[str]:
    yield column.name
    yield column.type
    yield f"{column.count:,}"
    yield f"{column.missing:,}"
    yield "" if column.distinct is None else f"{column.distinct:,}"
    if column.restricted:
        yield from (RESTRICTED, "", "")
        return
    yield _cell(column.minimum)
    yield _cell(column.maximum)
    yield ", ".join(f"{_cell(value)} ({count:,})" for value, count in column.top[:3])


def _rows_table(found: Preview) -> Table:
    """A line a row, or with many columns a line a column."""
    from rich.table import Table

    rows = list(_rows(found))
    names = ["_line", *(column.name for column in found.dataset.columns)]
    table = Table(title="first rows", title_justify="left", box=None, pad_edge=False)
    if len(names) <= _MOST_COLUMNS:
        for name in names:
            table.add_column(name.removeprefix("_"), overflow="fold")
        for row in rows:
            table.add_row(*(_cell(row[name]) for name in names))
        return table
    table.add_column("column")
    for row in rows[:_TRANSPOSED_ROWS]:
        table.add_column(f"line {row['_line']}", overflow="fold")
    for name in names[1:]:
        table.add_row(name, *(_cell(row[name]) for row in rows[:_TRANSPOSED_ROWS]))
    return table


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in _text(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return str(value).replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
