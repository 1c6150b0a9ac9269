"""What a load imports before the ledger has said that there is something to do: a small file is quickly decided."""

from __future__ import annotations

import logging
import subprocess
import sys

LATE = {"boto3", "pandas", "pyspark", "sqlglot"}


def test_the_sql_parser_is_silent_whoever_imports_it() -> None:
    """It warns of what it passes through unread; a contract's mistakes are told with their place."""
    script = "import logging, pipeline.contract.lint; print(logging.getLogger('sqlglot').getEffectiveLevel())"
    level = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert int(level) == logging.ERROR


def test_what_takes_long_to_import_is_imported_where_it_is_needed() -> None:
    script = "import sys, pipeline.cli, pipeline.loading; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert "pipeline.job" in modules
    assert not LATE & set(modules)
