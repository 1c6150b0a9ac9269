"""The report of one load: its verdict, its rejects, its columns, its place among other loads, its receipt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.load.profile import Profile
from pipeline.load.reject_groups import RejectGroup
from pipeline.receipt import COUNTS, Receipt
from pipeline.report.charts import parts
from pipeline.report.columns import columns
from pipeline.report.markup import Html, page, section, table, tag
from pipeline.report.over_time import Load, name, one_by_one, pill
from pipeline.report.rejects import rejected

_SAID = {
    "loaded": "The file was loaded.",
    "already_loaded": "There was nothing to do: the same content had been loaded before.",
    "stale": "There was nothing to do: a newer version of this file had been loaded before.",
    "refused": "The file was refused; nothing of it is in the table.",
    "failed": "The load failed; nothing of it is in the table.",
    "undone": "The file was loaded, and the load was taken back later.",
    "running": "The load is running.",
}
_RULES = (("Rule", "once"), ("Severity", ""), ("Result", ""), ("Found", "number"), ("Expected", "cut"))


def one(
    receipt: Receipt, groups: Sequence[RejectGroup], profile: Profile | None, loads: Sequence[Load], now: datetime
) -> str:
    """The page."""
    file = name(receipt.source)
    head = tag(
        "header", tag("p", "Landfall: report of one load", class_="over"), tag("h1", file),
        tag("p", receipt.source, f" → {receipt.target}" if receipt.target else None, class_="path"),
    )  # fmt: skip
    load_id = str(receipt.load_id)
    return page(
        f"Load of {file}: {receipt.status}", head, _verdict(receipt), rejected(groups, {load_id: receipt.source}),
        columns(profile, receipt.target), _rules(receipt), one_by_one(loads, load_id), _receipt(receipt), written(now),
    )  # fmt: skip


def written(now: datetime) -> Html:
    """The foot of every report."""
    return tag("footer", f"Written by landfall report at {now:%Y-%m-%d %H:%M:%S} UTC. This page needs no network.")


def _verdict(receipt: Receipt) -> Html:
    said = tag("p", pill(receipt.status), " ", _SAID.get(receipt.status), class_="verdict")
    error = tag("p", receipt.error["message"]) if receipt.error else None
    counts = [(kind, kind, receipt.rows[kind]) for kind in COUNTS[1:] if kind != "deleted" and receipt.rows.get(kind)]
    read, deleted = receipt.rows.get("read", 0), receipt.rows.get("deleted", 0)
    balance = None
    if counts:
        sum_ = " + ".join(f"{count:,} {kind}" for kind, _, count in counts)
        gone = f" Beside these, {deleted:,} rows of the table were deleted." if deleted else ""
        counted = tag("p", f"{read:,} rows read = {sum_}.{gone}")
        balance = counted if receipt.error else [counted, parts("What became of the rows", counts)]
    return section("Result", said, error, balance)


def _rules(receipt: Receipt) -> Html:
    """The dataset rules and what they found."""
    if not receipt.rules:
        return Html("")
    rows = (
        [rule["name"], rule["severity"], _result(rule), str(rule["value"]), str(rule["expected"])]
        for rule in receipt.rules
    )
    return section("Rules on the whole file", table("Rules on the whole file", _RULES, rows))


def _result(rule: Mapping[str, Any]) -> Html:
    kind = "good" if rule["passed"] else "bad" if rule["severity"] == "error" else "warn"
    return tag("span", "kept" if rule["passed"] else "broken", class_=f"pill {kind}")


def _receipt(receipt: Receipt) -> Html:
    shown = json.dumps(json.loads(receipt.as_json()), indent=2, ensure_ascii=False)
    run = ";\n".join(receipt.ddl)
    ddl = tag("details", tag("summary", "What changed the table's definition"), tag("pre", run)) if run else None
    whole = tag("details", tag("summary", "The receipt as JSON"), tag("pre", shown))
    return section("Receipt", tag("dl", *_facts(receipt), class_="facts"), ddl, whole)


def _facts(receipt: Receipt) -> Iterator[Html]:
    facts = {
        "Load": receipt.load_id,
        "Dataset": receipt.dataset,
        "Contract": receipt.contract,
        "Mode": receipt.mode,
        "Engine": receipt.engine,
        "Started": receipt.started_at,
        "Duration": f"{receipt.seconds:,.3f} s",
        "Size": None if receipt.bytes is None else f"{receipt.bytes:,} bytes",
        "SHA-256": receipt.sha256,
        "Version": receipt.version if receipt.version != receipt.sha256 else None,
        "Earlier load": receipt.previous_load,
        **{f"Columns {what}": ", ".join(names) for what, names in receipt.columns.items()},
    }
    for what, fact in facts.items():
        if fact:
            yield tag("dt", what)
            yield tag("dd", fact)
