"""What a run tells while it works: a display on a terminal, else one JSON line per stage, always on stderr."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pipeline.visible import visible_name

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import TaskID

_MEGABYTE = 1_000_000


class Progress:
    """Silent: what `--quiet` shows, and the base of the two that speak."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def stage(self, name: str, subject: str) -> None:
        """A stage of a load begins; `subject` is what it works on (a uri, a dataset, a table)."""

    def rows(self, rows: int, size: int) -> None:
        """So many more rows went through the engine; they were `size` bytes of input."""

    def metrics(self, line: str) -> None:
        """A load is over; `line` is its figures in CloudWatch's embedded metric format."""


class JsonLines(Progress):
    """One line per stage: `{time, stage, subject, seconds, rows}`, seconds and rows since the load began."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._rows = 0

    def stage(self, name: str, subject: str) -> None:
        if name == "fetch":
            self._started, self._rows = time.monotonic(), 0
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "stage": name,
            "subject": subject,
            "seconds": round(time.monotonic() - self._started, 3),
            "rows": self._rows,
        }
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stderr.flush()

    def rows(self, rows: int, size: int) -> None:
        self._rows += rows

    def metrics(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class Terminal(Progress):
    """A progress bar (rich) with the stage, the rows and the speed."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Display

        self._display: Display = Display(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),  # a name may hold square brackets
            BarColumn(bar_width=24),
            TextColumn("{task.fields[rows]:,} rows  {task.fields[speed]:.0f} MB/s"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._started, self._rows, self._size = time.monotonic(), 0, 0

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def stage(self, name: str, subject: str) -> None:
        if name == "fetch" or self._task is None:
            if self._task is not None:
                self._display.remove_task(self._task)
            self._task = self._display.add_task("", total=None, rows=0, speed=0.0)
            self._started, self._rows, self._size = time.monotonic(), 0, 0
        self._display.update(self._task, description=f"{name} {visible_name(subject)}")

    def rows(self, rows: int, size: int) -> None:
        self._rows += rows
        self._size += size
        if self._task is not None:
            speed = self._size / _MEGABYTE / max(time.monotonic() - self._started, 1e-3)
            self._display.update(self._task, rows=self._rows, speed=speed)


def chosen(quiet: bool) -> Progress:
    """What fits: nothing when quiet, a display where stderr is a terminal, JSON lines elsewhere."""
    if quiet:
        return Progress()
    return Terminal() if sys.stderr.isatty() else JsonLines()
