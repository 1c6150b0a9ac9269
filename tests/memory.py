"""How much memory a process used."""

from __future__ import annotations

from pathlib import Path


def peak_kb() -> int:
    """The most memory this program had in use, in KiB.

    Not getrusage's ru_maxrss: a program that pytest started is told the size of pytest there, if that is larger.
    """
    return _status_kb("VmHWM", None)


def resident_kb(pid: int | None = None) -> int:
    """The resident memory of a process, or of this one, in KiB."""
    return _status_kb("VmRSS", pid)


def _status_kb(field: str, pid: int | None) -> int:
    lines = Path(f"/proc/{pid or 'self'}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))
