"""The command `landfall`, or `python -m pipeline`: the command line as a process of its own."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

from pipeline.cli import main

# Objects made between two searches for garbage in cycles. Python's 700 make imports a tenth slower.
_GARBAGE = 100_000


def run() -> NoReturn:
    """Run the command and exit with its code. Python is not left to take the engine's modules apart, for 0.3 s."""
    gc.set_threshold(_GARBAGE)
    try:
        main(prog_name="landfall")
    except SystemExit as end:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):  # there is none, or nobody reads it any more
                stream.flush()
        os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
    raise AssertionError("a command ends by sys.exit")


if __name__ == "__main__":
    run()
