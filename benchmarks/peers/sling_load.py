"""sling: FILE URL SCHEMA. It copies in bulk by default. It makes the table, with the types it is given."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from columns import named
from sling_linux_amd64 import SLING_BIN

REPLICATION = """source: file://
target: "{url}?sslmode=disable"
streams:
  "{source}":
    object: {schema}.lineitem
    mode: full-refresh
    columns: {{{columns}}}
"""
QUIET = {"SLING_DISABLE_TELEMETRY": "TRUE", "SLING_LOADED_AT_COLUMN": "false"}


def main(path: str, url: str, schema: str) -> int:
    """Run sling; its exit status. It knows no char(1): those columns are left to it."""
    kinds = {column: kind for column, kind in named({}).items() if kind not in ("char(1)", "text")}
    columns = ", ".join(f'{column}: "{kind.replace("numeric", "decimal")}"' for column, kind in kinds.items())
    text = REPLICATION.format(url=url, source=Path(path).resolve().as_uri(), schema=schema, columns=columns)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as replication:
        replication.write(text)
        replication.flush()
        return subprocess.run(
            [SLING_BIN, "run", "-r", replication.name], check=False, env=os.environ | QUIET
        ).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
