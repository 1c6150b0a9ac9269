"""Whether the memory of a process is flat over many files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

LEAK = 10.0  # MB in 100 files


def resident(pid: int) -> float:
    """The resident memory of a process, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def thirds(memory: Sequence[float]) -> tuple[float, float]:
    """The medians of the middle and of the last third. The first does not count: there memory may still rise to what
    the largest files need."""
    third = max(1, len(memory) // 3)
    return median(memory[-2 * third : -third] or memory), median(memory[-third:])


def growth(memory: Sequence[float]) -> float:
    """MB in 100 files, from the middle of the middle third to the middle of the last: a leak goes on, a high-water mark
    does not."""
    middle, last = thirds(memory)
    return (last - middle) / max(1, len(memory) // 3) * 100
