"""How much memory a process used."""

from __future__ import annotations

from pathlib import Path


def peak_kb() -> int:
    """The most memory this program had in use, in KiB.

    Not getrusage's ru_maxrss: a program that pytest started is told the size of pytest there, if that is larger.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
