"""The editor's JSON Schema of a contract, generated from the model.

`python -m pipeline.contract.jsonschema` writes it to `landfall.schema.json` beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.contract.model import Contract

FILE = Path(__file__).with_name("landfall.schema.json")


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) as the file holds it."""
    schema = _tidy(Contract.model_json_schema(by_alias=True))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Landfall data contract (ODCS v3.2)"}
    return json.dumps({**schema, **head}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _tidy(node: Any) -> Any:
    """Without titles, which repeat the keys, and without a kind twice in a `oneOf`, which then fits nothing."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if "oneOf" in tidy:
        tidy["oneOf"] = [kind for index, kind in enumerate(tidy["oneOf"]) if kind not in tidy["oneOf"][:index]]
    return tidy


def main() -> None:
    """Write the file."""
    FILE.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
