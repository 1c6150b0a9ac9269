"""Signals while the driver waits for the server: Python would look at them only when the server has answered."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator

from pipeline.load.connect import cancel_running


@contextlib.contextmanager
def cancelling(*signals: signal.Signals) -> Iterator[None]:
    """Meanwhile each of `signals` makes the server cancel at once what it runs for this process.

    The driver's call then returns, and Python goes on to the signal's own handler, which has to be set by the caller.
    To be used in the main thread.
    """
    awaiting, waking = socket.socketpair()
    waking.setblocking(False)
    before = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(awaiting, frozenset(signals)), name="landfall-cancel", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        waking.close()
        watcher.join()
        awaiting.close()


def _watch(awaiting: socket.socket, signals: frozenset[int]) -> None:
    """Each signal arrives as a byte of its number; the end of the stream ends the thread."""
    while numbers := awaiting.recv(16):
        if signals.intersection(numbers):
            cancel_running()
