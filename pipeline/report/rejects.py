"""The part of a report that tells what was rejected and why, for the one who sent it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from pipeline.load.reject_groups import Example, RejectGroup
from pipeline.report.markup import Html, section, tag

# What each rule asks (the words of docs/contract.md), for readers who have not seen the contract.
ASKED = {
    "encoding": "The record holds bytes that are no text in the file's encoding.",
    "structure": "The record is not laid out as the format wants: field count, quotes or syntax.",
    "type": "A value could not be read as its column's type.",
    "required": "A value is missing where there must be one.",
    "enum": "A value is none of those that are allowed.",
    "pattern": "A value is not written in the form that is asked.",
    "range": "A value is too small or too large.",
    "length": "A value is too short or too long.",
    "row_rule": "A condition on the whole row does not hold.",
    "duplicate_key": "Another row has the same key.",
    "not_storable": "A value holds what a database cannot store.",
    "unique": "A value that must be unique is there more than once.",
}


def rejected(groups: Sequence[RejectGroup], sources: Mapping[str, str]) -> Html:
    """The groups, the largest first, with examples. `sources`: each load's URI by its id; named if several."""
    if not groups:
        return section("Rejected rows", tag("p", "None."))
    total = sum(group.count for group in groups)
    note = (
        f"{total:,} {_rows(total)}, by rule and column. Each is kept as it was sent; none of them is in the table. "
        "Line numbers count from the top of the file, its first line being 1."
    )
    if any(each.raw_text is None for group in groups for each in group.examples):
        note += " Lines as sent are not shown where a column is restricted; landfall rejects LOAD_ID shows them."
    many = len({group.dataset for group in groups}) > 1
    return section("Rejected rows", *(_group(group, sources, many) for group in groups), note=note)


def _group(group: RejectGroup, sources: Mapping[str, str], many: bool) -> Html:
    replayed = group.count - group.open
    later = f", {replayed:,} of them loaded since" if replayed else ""
    head = tag(
        "h3", tag("span", group.rule, class_="pill bad"), group.column or "the whole record",
        tag("span", group.dataset, class_="soft") if many else None,
        tag("span", f"{group.count:,} {_rows(group.count)}{later}", class_="times"),
    )  # fmt: skip
    examples = (_example(each, sources if len(sources) > 1 else {}) for each in group.examples)
    asked = tag("p", ASKED.get(group.rule))
    return tag("div", head, asked, tag("ul", *examples, class_="examples"), class_="group")


def _example(example: Example, sources: Mapping[str, str]) -> Html:
    name = PurePosixPath(sources.get(str(example.load_id), "")).name
    where = tag("strong", f"Line {example.line:,}", f" of {name}" if name else None)
    message = example.message or "The value is not shown: its column is restricted."
    raw = tag("pre", example.raw_text) if example.raw_text is not None else None
    return tag("li", where, ": ", message, raw)


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"
