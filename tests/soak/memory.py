"""Whether the memory of a process is flat over many files."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

FLAT = 1.05  # the last third of the files to the middle one: a leak of 0.1 MB a file is more, over 600 files


def thirds(memory: Sequence[float]) -> tuple[float, float]:
    """The medians of the middle and of the last third. In the first, memory may still rise to what the largest files
    need."""
    third = max(1, len(memory) // 3)
    return median(memory[-2 * third : -third] or memory), median(memory[-third:])


def grows(memory: Sequence[float]) -> bool:
    """Whether memory, taken after each file, still rises when a high-water mark has long been reached."""
    middle, last = thirds(memory)
    return last > middle * FLAT
