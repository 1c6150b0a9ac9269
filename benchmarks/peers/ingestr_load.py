"""ingestr: FILE URL SCHEMA."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from columns import named


def main(path: str, url: str, schema: str) -> None:
    """Become ingestr, which makes the table."""
    columns = named({"integer": "int", "numeric(12,2)": "decimal(12,2)", "char(1)": "string", "text": "text"})
    program = str(Path(sys.executable).parent / "ingestr")
    words = ["ingest", "--yes", "--full-refresh", "--progress", "log", "--source-table", "lineitem"]
    words += ["--source-uri", f"csv://{Path(path).resolve()}", "--dest-uri", url + "?sslmode=disable"]
    words += ["--dest-table", f"{schema}.lineitem"]
    words += ["--columns", ",".join(f"{column}:{kind}" for column, kind in columns.items())]
    os.environ["DISABLE_TELEMETRY"] = "true"
    os.execv(program, [program, *words])


if __name__ == "__main__":
    main(*sys.argv[1:4])
