"""A contract scaffolded from bytes, as text, as plain YAML and compiled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.contract.dataset import Dataset
from pipeline.contract.lint import load
from pipeline.scaffold import Wanted, scaffold
from pipeline.scaffold.sample import SAMPLE_BYTES


@dataclass(frozen=True)
class Scaffolded:
    """What `landfall new` writes. `plain`: as another tool's YAML reader takes it. `dataset`: as a load takes it."""

    text: str
    plain: dict[str, Any]
    dataset: Dataset

    @property
    def source(self) -> dict[str, Any]:
        """The source server."""
        return self.plain["servers"][0]  # type: ignore[no-any-return]

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The properties by name, without their name."""
        found = self.plain["schema"][0]["properties"]
        return {item["name"]: {key: value for key, value in item.items() if key != "name"} for item in found}

    def comment_of(self, name: str) -> str:
        """The comment above a property, on one line."""
        lines = self.text.splitlines()
        end = next(i for i, line in enumerate(lines) if line.lstrip().startswith(f"- {{name: {name}"))
        start = end
        while lines[start - 1].lstrip().startswith("#"):
            start -= 1
        return " ".join(line.strip().lstrip("# ") for line in lines[start:end])


def scaffolded(
    directory: Path, content: bytes | str, name: str = "sample.csv", uri: str | None = None, limit: int = SAMPLE_BYTES
) -> Scaffolded:
    """The contract for a file of this content and name; `uri`: where it is said to be."""
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    work = directory / "work"
    work.mkdir(exist_ok=True)
    text = scaffold(path, uri or f"file://{path}", Wanted(), work, limit).text
    return Scaffolded(text, yaml.safe_load(text), load(text, "scaffolded.odcs.yaml", {}))


def column(*values: str) -> str:
    """A CSV of a column `v` beside a column of text, so that there is a delimiter; values are quoted where needed."""
    quoted = ('"' + value.replace('"', '""') + '"' if set(value) & set(',"\n') else value for value in values)
    return "v,w\n" + "".join(f"{value},word\n" for value in quoted)
