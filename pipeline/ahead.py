"""Work ahead and side by side: threads that take items from one iterator, in order and without a pile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterator[Item], depth: int = 1) -> Generator[Item, None, None]:
    """The same items in the same order, up to `depth` of them prepared in advance.

    What the thread raises is raised here. When the caller closes this early, the thread ends at its next item.
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


def in_parallel(work: Callable[[Item], Result], items: Iterator[Item], threads: int) -> Iterator[Result]:
    """`work` of every item, `threads` at a time, each result as soon as it is there.

    What `work` or `items` raises is raised here, once the work under way has ended.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="landfall-part") as pool:
        running: set[Future[Result]] = {pool.submit(work, item) for item in islice(items, threads)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            running |= {pool.submit(work, item) for item in islice(items, len(done))}
