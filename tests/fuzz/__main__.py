"""`python -m tests.fuzz TARGET [SECONDS]`: coverage-guided fuzzing with atheris, for a bounded time.

Inputs that led somewhere new are kept in build/fuzz/TARGET, from which the next run goes on; one that breaks a promise
is written to build/fuzz/ and ends the run with its traceback.
"""

from __future__ import annotations

import hashlib
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pipeline"]):
    import pipeline.contract
    import pipeline.extract

    for room in (pipeline.contract, pipeline.extract):  # some are imported at their first use, too late to be measured
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            import_module(module.name)
    from tests.fuzz.targets import TARGETS, seeds

HOME = Path("build/fuzz")


def main(target: str, seconds: int = 180) -> None:
    """Fuzz one target for so many seconds; an input may take 20 s and 3 GB."""
    corpus = HOME / target
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    limits = [
        f"-max_total_time={seconds}",
        "-timeout=20",
        "-rss_limit_mb=3000",
        "-max_len=4096",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], str(corpus), f"-artifact_prefix={HOME}/", *limits], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
