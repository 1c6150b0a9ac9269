"""Where the time of each file goes, from its upload to its committed rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rehearse.stack import Stack

COLUMNS = ("uploaded", "task launched", "container runs", "load begins", "committed", "result", "object")


def timeline(stack: Stack, uploads: dict[str, dt.datetime]) -> str:
    """One line per upload (key -> when its PUT returned, UTC); seconds since that moment, `-` for what never came."""
    tasks, loads = stack.tasks_by_key(), stack.loads_by_key()
    lines = [
        line(key, at, tasks.get(key, []), loads.get(key, []))
        for key, at in sorted(uploads.items(), key=lambda item: item[1])
    ]
    first = min(uploads.values())
    heads = "  ".join(f"{name:>14}" for name in COLUMNS[:-1])
    body = [f"{(at - first).total_seconds():>14.1f}  {text}" for at, text in lines]
    return "\n".join([f"{heads}  {COLUMNS[-1]}", *body])


def line(
    key: str, uploaded: dt.datetime, tasks: list[dict[str, Any]], loads: list[dict[str, Any]]
) -> tuple[dt.datetime, str]:
    """The first task, and the load that decided: the last one that is no repetition."""
    task: dict[str, Any] = tasks[0] if tasks else {}
    deciding = [load for load in loads if load["status"] != "already_loaded"] or loads
    load: dict[str, Any] = deciding[-1] if deciding else {}
    moments = [
        task.get("createdAt"),
        task.get("startedAt"),
        moment(load.get("started_at")),
        moment(load.get("finished_at")),
    ]
    seconds = [f"{(at - uploaded).total_seconds():.1f}" if at else "-" for at in moments]
    return uploaded, "  ".join(f"{text:>14}" for text in [*seconds, load.get("status", "-")]) + f"  {key}"


def moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
