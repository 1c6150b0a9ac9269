"""What a test has counted, kept for docs/guarantees.md: `python -m tests.guarantees` renders it."""

from __future__ import annotations

import json
import re
from pathlib import Path

FIGURES = Path(__file__).parent.parent / "build" / "figures"


def record(area: str, case: str, **figures: int | float | str) -> None:
    """Keep the figures of one case (a row of the area's table, a column for each figure) as the latest of that case."""
    path = FIGURES / _file_name(area) / f"{_file_name(case)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"area": area, "case": case, "figures": figures}) + "\n", encoding="utf-8")


def recorded() -> dict[str, dict[str, dict[str, int | float | str]]]:
    """Everything recorded on this machine: area -> case -> figures."""
    found: dict[str, dict[str, dict[str, int | float | str]]] = {}
    for path in sorted(FIGURES.glob("*/*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(kept["area"], {})[kept["case"]] = kept["figures"]
    return found


def _file_name(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
