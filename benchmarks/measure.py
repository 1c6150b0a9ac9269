"""What a command costs: wall and CPU seconds of client and server, peak memory of all its processes together."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cost:
    """Seconds, but `memory`: the greatest sum of resident set sizes (bytes) seen at one moment, sampled every 50 ms."""

    wall: float
    client_cpu: float
    server_cpu: float
    memory: int


def measured(command: list[str], environment: dict[str, str], server: int, cwd: Path | None = None) -> Cost:
    """Run `command` to its end; `server` is the postmaster's process id. Raises CalledProcessError with its output."""
    server_before = tree_cpu(server)
    usage_before = os.times()
    started = time.monotonic()
    with subprocess.Popen(
        command, env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watch = _Watch(process.pid)
        output, _ = process.communicate()
        memory = watch.stop()
    wall = time.monotonic() - started
    usage = os.times()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command[:6], output[-2000:])
    client = (usage.children_user + usage.children_system) - (usage_before.children_user + usage_before.children_system)
    return Cost(wall, client, tree_cpu(server) - server_before, memory)


def middle(costs: list[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        median(cost.wall for cost in costs),
        median(cost.client_cpu for cost in costs),
        median(cost.server_cpu for cost in costs),
        int(median(cost.memory for cost in costs)),
    )


def tree_cpu(root: int) -> float:
    """CPU seconds of a process, its living descendants and its reaped children."""
    return sum(_cpu(pid) for pid in [root, *descendants(root)])


def descendants(root: int) -> list[int]:
    """Process ids below `root`."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command's name (proc(5)): state, ppid, ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / TICKS if fields else 0.0


class _Watch:
    """Samples the memory of a process and its descendants until stopped."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._done.wait(0.05):
            total = 0
            for pid in [self._pid, *descendants(self._pid)]:
                fields = _stat(pid)
                total += int(fields[21]) * PAGE if fields else 0
            self._peak = max(self._peak, total)

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return self._peak
