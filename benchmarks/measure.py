"""What a command costs: wall and CPU seconds of client and server, peak memory of all its processes together."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PERIOD = 0.1
TIMEOUT = 900.0
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
FAREWELL = 10.0


@dataclass(frozen=True)
class Cost:
    """Seconds, but `memory`: the greatest sum of resident set sizes, in bytes, of all client processes at one moment.

    It is sampled every 100 ms. A page that two processes share counts in both: the figure is an upper bound.
    """

    wall: float
    client_cpu: float
    server_cpu: float
    memory: int


class CommandError(Exception):
    """A measured command ended in failure, or did not end in time; the message holds the end of its output."""


def measured(
    command: Sequence[str], environment: dict[str, str], server: int, timeout: float = TIMEOUT, cwd: Path | None = None
) -> Cost:
    """Run `command` to its end; `server` is the postmaster's process id. Raises CommandError.

    Processes it leaves behind (a JVM outlives the Python that started it) are waited for, and their CPU counted, after
    the clock has stopped.
    """
    adopt_orphans()
    server_before, usage_before, started = tree_cpu(server), os.times(), time.monotonic()
    with TemporaryFile() as output:
        process = subprocess.Popen(command, env=environment, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        watch = _Watch(process.pid)
        late = _wait(process, watch, timeout)
        wall = time.monotonic() - started
        watch.stop()
        _farewell(watch)
        if process.returncode or late:
            output.seek(0)
            reason = f"more than {timeout:.0f} s" if late else f"exit {process.returncode}"
            raise CommandError(f"{reason}: {_plain(output.read())}")
    usage = os.times()
    client = (usage.children_user + usage.children_system) - (usage_before.children_user + usage_before.children_system)
    return Cost(wall, client, tree_cpu(server) - server_before, watch.peak)


def _plain(output: bytes) -> str:
    """The end of what a command printed, without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", output.decode(errors="replace")).strip()[-1500:]


def _wait(process: subprocess.Popen[bytes], watch: _Watch, timeout: float) -> bool:
    """Wait for the command; whether it had to be killed. By a timer: a wait with a timeout would poll."""
    started = time.monotonic()
    timer = threading.Timer(timeout, watch.kill)
    timer.start()
    process.wait()
    timer.cancel()
    return time.monotonic() - started >= timeout


def adopt_orphans() -> None:
    """Make this process the parent of what its children leave behind, so that their CPU seconds reach it."""
    ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)


def _farewell(watch: _Watch) -> None:
    """Collect what the command left behind; kill what is still there after ten seconds.

    A zombie may have threads that still run, as those of a JVM: it is waited for, too.
    """
    deadline = time.monotonic() + FAREWELL
    while watch.living() and time.monotonic() < deadline + FAREWELL:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if time.monotonic() > deadline:
            watch.kill()
        time.sleep(0.02)


def middle(costs: Sequence[Cost]) -> Cost:
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
    for pid in _all():
        fields = _stat(pid)
        if fields:
            parents.setdefault(int(fields[1]), []).append(pid)
    found, waiting = [], [root]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _all() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208, ten times a second


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command's name (proc(5)): state, ppid, ...; None without it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / TICKS if fields else 0.0


class _Watch:
    """Samples the memory of a process and its descendants until stopped.

    Only processes that are new since the last sample are asked for their parent: watching costs next to nothing.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._family = {pid}
        self._others = set(_all()) - self._family
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def living(self) -> list[int]:
        """Process ids of the family that have not ended, or were not collected yet."""
        self._admit()
        return [pid for pid in self._family if _stat(pid)]

    def kill(self) -> None:
        """End the whole family."""
        for pid in self.living():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Take no more samples."""
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(PERIOD):
            self._admit()
            self.peak = max(self.peak, sum(map(_resident, list(self._family))))

    def _admit(self) -> None:
        now = set(_all())
        self._others &= now
        for pid in sorted(now - self._others - self._family):
            fields = _stat(pid)
            ours = fields is not None and int(fields[1]) in {*self._family, os.getpid()}
            (self._family if ours else self._others).add(pid)
        self._family &= now


def _resident(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[21]) * PAGE if fields else 0
