"""The command line as a user types it: a process of its own, with its own output, errors and exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Done:
    """A finished command. `out` and `err` as text; `raw` is stdout as bytes."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def receipts(self) -> list[dict[str, Any]]:
        """The receipts of `--json`, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The JSON lines of stderr."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    @property
    def remarks(self) -> list[str]:
        """The other lines of stderr."""
        return [line for line in self.err.splitlines() if not line.startswith("{")]


Landfall = Callable[..., Done]


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without what would tell Landfall where the database is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANDFALL_", "PG", "AWS_"))}
    return {**kept, "PYTHONPATH": str(ROOT), **extra}


def start(*arguments: object, cwd: Path = ROOT, **extra: str) -> subprocess.Popen[bytes]:
    """`landfall <arguments>`, running; `extra` are environment variables."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        cwd=cwd,
        env=environment(**extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(*arguments: object, cwd: Path = ROOT, timeout: float = 150, **extra: str) -> Done:
    """`landfall <arguments>`, to its end."""
    process = start(*arguments, cwd=cwd, **extra)
    out, err = process.communicate(timeout=timeout)
    return Done(process.returncode, out, err.decode())
