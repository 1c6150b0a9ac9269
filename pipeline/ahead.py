"""Work ahead: one thread prepares the next item of an iterator while the caller uses the last one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item], depth: int = 1) -> Iterator[Item]:
    """The same items in the same order, up to `depth` of them prepared in advance.

    What the thread raises is raised here. When the caller stops early, the thread ends at its next item.
    """
    ready: queue.Queue[tuple[Item | None, BaseException | None, bool]] = queue.Queue(depth)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in items:
                if not _offer(ready, (item, None, False), stopped):
                    return
            _offer(ready, (None, None, True), stopped)
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            _offer(ready, (None, error, True), stopped)

    thread = threading.Thread(target=work, name="landfall-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error, last = ready.get()
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


def _offer(
    ready: queue.Queue[tuple[Item | None, BaseException | None, bool]],
    entry: tuple[Item | None, BaseException | None, bool],
    stopped: threading.Event,
) -> bool:
    while not stopped.is_set():
        try:
            ready.put(entry, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False
