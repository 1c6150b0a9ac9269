"""A plan as people and programs read it: for a terminal, as JSON, as Markdown for a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from pipeline.contract.dataset import Dataset
from pipeline.load.rehearsal import Cell, Planned
from pipeline.visible import visible_name

_WIDTH = 60  # characters of a value
_TO_DO = {"inserted": "insert", "updated": "update", "deleted": "delete", "unchanged": "leave"}
_LEFT_OUT = ("rejected", "duplicate", "filtered")


def written(form: str, uri: str, dataset: Dataset, plan: Planned | None, earlier: tuple[str, str] | None) -> str:
    """The plan in the form `text`, `json` or `markdown`; without `plan`, the `earlier` load that makes it needless."""
    target = f"{dataset.schema}.{dataset.table}"
    if form == "json":
        return json.dumps(_facts(uri, dataset.id, target, plan, earlier), ensure_ascii=False, default=str)
    lines = _markdown if form == "markdown" else _text
    return "\n".join(lines(uri, target, plan, earlier))


def _facts(
    uri: str, dataset: str, target: str, plan: Planned | None, earlier: tuple[str, str] | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {"source": uri, "dataset": dataset, "target": target}
    if plan is None:
        status, load = earlier or ("", "")
        return {**facts, "status": status, "earlier_load": load, "changes": False}
    status = "refused" if plan.error else "planned"
    error = {"kind": plan.error.kind, "message": str(plan.error)} if plan.error else None
    return {
        **facts, "status": status, "changes": plan.changes, "rows": dict(plan.rows), "ddl": plan.ddl,
        "rejects_by_rule": dict(plan.rejects_by_rule), "changed_cells": dict(plan.changed),
        "samples": [asdict(cell) for cell in plan.samples], "rules": [asdict(rule) for rule in plan.rules],
        "error": error,
    }  # fmt: skip


def _text(uri: str, target: str, plan: Planned | None, earlier: tuple[str, str] | None) -> Iterator[str]:
    yield f"plan of {visible_name(uri)} -> {target}: {_verdict(plan, earlier)}"
    if plan is None:
        return
    yield "  rows: " + ", ".join(f"{count:,} {what}" for what, count in _counts(plan).items())
    yield from (f"  rejects: {count:,} {rule}" for rule, count in plan.rejects_by_rule.items())
    yield from (f"  {statement}" for statement in plan.ddl)
    for column, count in plan.changed.items():
        yield f"  {column}: {count:,} cells"
        yield from (f"    {_key(cell)}: {_change(cell)}" for cell in plan.samples if cell.column == column)
    yield from (f"  {rule.severity}: rule {rule.name}: {rule.value}" for rule in plan.rules if not rule.passed)


def _markdown(uri: str, target: str, plan: Planned | None, earlier: tuple[str, str] | None) -> Iterator[str]:
    yield from (f"### Plan: `{target}`", "", f"Source: `{visible_name(uri)}`", "", f"**{_verdict(plan, earlier)}**")
    if plan is None:
        return
    yield from ("", "| rows | |", "|---|---:|")
    yield from (f"| {what} | {count:,} |" for what, count in _counts(plan).items())
    yield from (f"| rejected: {rule} | {count:,} |" for rule, count in plan.rejects_by_rule.items())
    if plan.ddl:
        yield from ("", "```sql", *(f"{statement};" for statement in plan.ddl), "```")
    if plan.samples:
        yield from ("", "| column | cells | row | change |", "|---|---:|---|---|")
        for cell in plan.samples:
            shown = [cell.column, f"{plan.changed[cell.column]:,}", _key(cell), _change(cell)]
            yield "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in shown) + " |"


def _verdict(plan: Planned | None, earlier: tuple[str, str] | None) -> str:
    if plan is None:
        status, load = earlier or ("", "")
        return f"nothing to do: {status.replace('_', ' ')}, see load {load}"
    if plan.error:
        return f"would be refused: {plan.error}"
    return "changes" if plan.changes else "no change"


def _counts(plan: Planned) -> dict[str, int]:
    """Always what happens to the table; what does not come so far only if there is some."""
    found = {f"to {verb}": plan.rows[name] for name, verb in _TO_DO.items()}
    return found | {name: plan.rows[name] for name in _LEFT_OUT if plan.rows[name]}


def _key(cell: Cell) -> str:
    return f"line {cell.line}" if cell.key is None else f"{_named(cell.key)} (line {cell.line})"


def _named(key: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name}={'(restricted)' if value is None else value}" for name, value in key.items())


def _change(cell: Cell) -> str:
    return "(restricted)" if cell.hidden else f"{_value(cell.old)} -> {_value(cell.new)}"


def _value(value: str | None) -> str:
    if value is None:
        return "NULL"
    return repr(value if len(value) <= _WIDTH else value[:_WIDTH] + "…")
