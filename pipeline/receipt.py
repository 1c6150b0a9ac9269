"""What is reported of a load: one receipt, as JSON for programs and as a few lines for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.errors import LandfallError
from pipeline.visible import visible, visible_name

COUNTS = ("read", "inserted", "updated", "unchanged", "deleted", "duplicate", "filtered", "rejected")


@dataclass(frozen=True)
class Receipt:
    """The counts and facts of one load. `rows` has the keys of `COUNTS`; `seconds` is wall time.

    `read = inserted + updated + unchanged + duplicate + filtered + rejected`; `deleted` stands beside it.
    `restricted`: the columns whose values nobody shows.
    """

    load_id: str | None
    status: str
    dataset: str | None
    target: str | None
    source: str
    version: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    engine: str | None = None
    mode: str | None = None
    contract: str | None = None
    contract_sha256: str | None = None
    restricted: tuple[str, ...] = ()
    started_at: str | None = None
    seconds: float = 0.0
    rows: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rejects_by_rule: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[Mapping[str, Any], ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ddl: tuple[str, ...] = ()
    dialect: Mapping[str, object] = field(default_factory=dict)
    previous_load: str | None = None
    error: Mapping[str, str] | None = None
    exit_code: int = 0

    def as_json(self) -> str:
        """The receipt on one line, without the exit code."""
        facts = asdict(self)
        del facts["exit_code"]
        return json.dumps(facts, ensure_ascii=False, default=str)


def error_facts(error: LandfallError) -> dict[str, str]:
    """The `error` of a receipt: `{kind, message}`."""
    return {"kind": error.kind, "message": str(error)}


def lines(receipt: Receipt) -> list[str]:
    """The receipt as a person reads it on a terminal."""
    source = visible_name(receipt.source)
    head = f"{_MARK.get(receipt.status, '?')} {receipt.status:<14} {source}"
    if receipt.target:
        head += f" -> {receipt.target}"
    found = [head]
    if receipt.status == "already_loaded":
        found.append(f"  nothing to do: the same content was loaded before, by load {receipt.previous_load}")
    elif receipt.status == "stale":
        found.append(
            f"  nothing to do: a newer version of this object was loaded before, by load {receipt.previous_load}"
        )
    elif receipt.load_id:
        found.append("  " + _balance(receipt.rows))
    if receipt.rejects_by_rule:
        by_rule = ", ".join(f"{rule} {count:,}" for rule, count in sorted(receipt.rejects_by_rule.items()))
        found.append(f"  rejects by rule: {by_rule}   (landfall rejects {receipt.load_id})")
    found.extend(_notes(receipt))
    if receipt.load_id:
        found.append(f"  load {receipt.load_id}, {receipt.seconds:.2f} s, engine {receipt.engine}")
    return found


def shown_error(receipt: Receipt) -> str:
    """The message of its error as a terminal may show it; empty without an error."""
    message = receipt.error["message"] if receipt.error else ""
    return visible(message.replace(receipt.source, visible_name(receipt.source)))


_MARK = {"loaded": "✔", "undone": "↩", "already_loaded": "=", "stale": "=", "refused": "✘", "failed": "✘"}


def _balance(rows: Mapping[str, int]) -> str:
    parts = " + ".join(f"{rows[name]:,} {name}" for name in COUNTS[1:] if name != "deleted" and rows.get(name))
    text = f"{rows.get('read', 0):,} read = {parts or '0'}"
    return text + (f"   ({rows['deleted']:,} deleted)" if rows.get("deleted") else "")


def _notes(receipt: Receipt) -> list[str]:
    notes = [f"  columns {what}: {visible_name(', '.join(names))}" for what, names in receipt.columns.items() if names]
    for rule in receipt.rules:
        if not rule["passed"]:
            notes.append(f"  {rule['severity']}: rule {rule['name']}: {rule['value']} where {rule['expected']}")
    if receipt.error:
        notes.append(f"  {shown_error(receipt)}")
    return notes
